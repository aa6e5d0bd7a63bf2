//! Reads the head of a request.

use super::error::HeadError;
use super::framing::Signals;
use super::lines::{read_lines, split_line};
use super::scan::{HeadLimits, empty_lines};
use super::target::{read_query, read_target};
use crate::http::characters::{has_control, is_token};
use crate::http::{Framing, Known, Method, RequestHead, Version};
use crate::plan::document::PathPolicy;

#[cfg(test)]
pub(in crate::http::h1) mod tests;

/// Reads a complete head, as `HeadScanner` cut it, into `out`; all that was in `out` is overwritten and its
/// memory used again. After an error `out` holds an unspecified part of the message.
pub fn parse_request(
    head: &[u8],
    limits: &HeadLimits,
    paths: &PathPolicy,
    out: &mut RequestHead,
) -> Result<(), HeadError> {
    let query_memory = out.query.take();
    out.clear();
    if has_control(head) {
        return Err(HeadError::Control);
    }
    let (line, fields) = split_line(&head[empty_lines(head)?..])?;
    let (method, target, version) = request_line(line)?;
    out.method = method;
    out.version = version;
    let mut signals = Signals::default();
    read_lines(fields, limits.fields, &mut out.fields, |known, value| signals.read_request_field(known, value))?;
    if signals.host.is_none() && version == Version::Http11 {
        return Err(HeadError::HostMissing);
    }
    let query = read_target(target, signals.host, *paths, out)?;
    out.query = query.map(|query| read_query(query, query_memory)).transpose()?;
    read_signals(&signals, out)
}

fn request_line(line: &[u8]) -> Result<(Method, &[u8], Version), HeadError> {
    let (method, rest) = split_space(line).ok_or(HeadError::RequestLine)?;
    let (target, version) = split_space(rest).ok_or(HeadError::RequestLine)?;
    let version = read_version(version).ok_or_else(|| version_error(version))?;
    Ok((read_method(method)?, target, version))
}

fn split_space(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', line)?;
    Some((&line[..space], &line[space + 1..]))
}

fn read_method(token: &[u8]) -> Result<Method, HeadError> {
    match token {
        b"GET" => Ok(Method::Get),
        token if is_token(token) => Ok(std::str::from_utf8(token).map_or(Method::Get, Method::of)),
        _ => Err(HeadError::RequestLine),
    }
}

/// The two versions that we speak on this wire.
pub(super) fn read_version(version: &[u8]) -> Option<Version> {
    match version {
        b"HTTP/1.1" => Some(Version::Http11),
        b"HTTP/1.0" => Some(Version::Http10),
        _ => None,
    }
}

/// A version that we do not speak is told apart from what is no version at all.
fn version_error(version: &[u8]) -> HeadError {
    match version {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            HeadError::Version
        }
        _ => HeadError::RequestLine,
    }
}

/// Without a length and without chunks a request has no body; it is never read until the sender closes.
fn read_signals(signals: &Signals, out: &mut RequestHead) -> Result<(), HeadError> {
    signals.check_framing(out.version)?;
    out.framing = match signals.length {
        _ if signals.chunked => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => Framing::None,
    };
    out.keep_alive = signals.keep_alive(out.version);
    out.upgrade = signals.offers_upgrade(out.version);
    if signals.expects_other && out.version == Version::Http11 {
        return Err(HeadError::Expectation);
    }
    let has_body = !matches!(out.framing, Framing::None | Framing::Length(0));
    out.expects_continue = signals.expects_continue && has_body && out.version == Version::Http11;
    if !out.expects_continue {
        // HTTP/1.0 expects nothing (RFC 9110 section 10.1.1), and without a body there is nothing to wait
        // with: the next hop, which we speak to in HTTP/1.1, must not read it as an expectation.
        out.fields.remove_known(Known::Expect);
    }
    Ok(())
}
