//! Request targets and hosts (RFC 9112 section 3.2, RFC 3986 section 3.2).

use std::net::Ipv6Addr;

use super::error::HeadError;
use crate::http::path::normalise;
use crate::http::{Method, RequestHead};
use crate::plan::document::PathPolicy;

/// Puts authority and path of a request in their places and gives back its query, if there is one. In
/// absolute form the target's authority wins over `Host`, as RFC 9112 section 3.2.2 demands; the encoder
/// writes `Host` from it.
pub(super) fn read_target<'head>(
    target: &'head [u8],
    host: Option<&[u8]>,
    paths: PathPolicy,
    out: &mut RequestHead,
) -> Result<Option<&'head [u8]>, HeadError> {
    if let Some(host) = host {
        set_authority(host, out)?;
    }
    match target {
        [b'/', ..] if out.method != Method::Connect => read_path(target, paths, out),
        b"*" if out.method == Method::Options => {
            out.path.push('*');
            Ok(None)
        }
        _ if out.method == Method::Connect => read_authority_form(target, out).map(|()| None),
        _ => read_absolute_form(target, paths, out),
    }
}

/// The query is passed on as it is: visible ASCII, without a fragment. `memory` is used again.
pub(super) fn read_query(query: &[u8], memory: Option<String>) -> Result<String, HeadError> {
    let visible = query.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
    let text = std::str::from_utf8(query).ok().filter(|_| visible).ok_or(HeadError::Target)?;
    let mut query = memory.unwrap_or_default();
    query.clear();
    query.push_str(text);
    Ok(query)
}

fn read_authority_form(target: &[u8], out: &mut RequestHead) -> Result<(), HeadError> {
    let port = memchr::memrchr(b':', target).map(|colon| &target[colon + 1..]);
    if port.is_some_and(is_port) { set_authority(target, out) } else { Err(HeadError::Target) }
}

fn read_absolute_form<'head>(
    target: &'head [u8],
    paths: PathPolicy,
    out: &mut RequestHead,
) -> Result<Option<&'head [u8]>, HeadError> {
    let colon = memchr::memmem::find(target, b"://").ok_or(HeadError::Target)?;
    let (scheme, rest) = (&target[..colon], &target[colon + 3..]);
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(HeadError::Scheme);
    }
    let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    set_authority(&rest[..end], out)?;
    match &rest[end..] {
        // RFC 9112 section 3.2.4: this is how a proxy is asked for `*`.
        [] if out.method == Method::Options => out.path.push('*'),
        [] => out.path.push('/'),
        [b'?', query @ ..] => {
            out.path.push('/');
            return Ok(Some(query));
        }
        path => return read_path(path, paths, out),
    }
    Ok(None)
}

fn read_path<'head>(
    target: &'head [u8],
    paths: PathPolicy,
    out: &mut RequestHead,
) -> Result<Option<&'head [u8]>, HeadError> {
    let mark = memchr::memchr(b'?', target);
    normalise(&target[..mark.unwrap_or(target.len())], &paths, &mut out.path).map_err(HeadError::Path)?;
    Ok(mark.map(|mark| &target[mark + 1..]))
}

/// A name or an address, and maybe a port. No userinfo, no encoding: nothing that a second reader could
/// cut elsewhere.
fn set_authority(authority: &[u8], out: &mut RequestHead) -> Result<(), HeadError> {
    let colon = match authority {
        [b'[', ..] => memchr::memrchr(b']', authority).map(|bracket| bracket + 1).filter(|at| *at < authority.len()),
        _ => memchr::memchr(b':', authority),
    };
    let (name, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let port_fits = matches!(port, []) || matches!(port, [b':', digits @ ..] if is_port(digits));
    let text = std::str::from_utf8(authority).ok().filter(|_| port_fits && is_host(name)).ok_or(HeadError::Host)?;
    out.authority.clear();
    out.authority.push_str(text);
    Ok(())
}

fn is_host(name: &[u8]) -> bool {
    match name {
        [] => false,
        [b'[', address @ .., b']'] => {
            std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
        }
        name => name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')),
    }
}

fn is_port(digits: &[u8]) -> bool {
    let value = digits.iter().try_fold(0_u32, |value, byte| {
        byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    });
    digits.len() <= 5 && value.is_some_and(|port| (1..=65_535).contains(&port))
}
