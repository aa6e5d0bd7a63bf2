//! Reads the head of a response.

use super::error::HeadError;
use super::framing::Signals;
use super::lines::{read_lines, split_line};
use super::reason;
use super::request::read_version;
use super::scan::HeadLimits;
use crate::http::characters::has_control;
use crate::http::{Framing, Method, ResponseHead};

#[cfg(test)]
mod tests;

/// Reads a complete head, as `HeadScanner` cut it, into `out`; all that was in `out` is overwritten and its
/// memory used again. The method of the request decides whether there is a body.
pub fn parse_response(
    head: &[u8],
    limits: &HeadLimits,
    request_method: &Method,
    out: &mut ResponseHead,
) -> Result<(), HeadError> {
    out.clear();
    if has_control(head) {
        return Err(HeadError::Control);
    }
    let (line, fields) = split_line(head)?;
    read_status_line(line, out)?;
    let mut signals = Signals::default();
    read_lines(fields, limits.fields, &mut out.fields, |known, value| signals.read_field(known, value))?;
    signals.check_framing(out.version)?;
    read_framing(&signals, request_method, out);
    out.keep_alive = signals.keep_alive(out.version) && out.framing != Framing::UntilClose;
    Ok(())
}

fn read_status_line(line: &[u8], out: &mut ResponseHead) -> Result<(), HeadError> {
    let (version, rest) = line.split_at_checked(8).ok_or(HeadError::StatusLine)?;
    out.version = read_version(version).ok_or_else(|| version_error(version))?;
    let [b' ', digits @ ..] = rest else { return Err(HeadError::StatusLine) };
    let (digits, reason) = digits.split_at_checked(3).ok_or(HeadError::StatusLine)?;
    out.status = read_status(digits).ok_or(HeadError::StatusLine)?;
    // The space before an empty phrase is missing in many servers' lines; nothing hangs on it.
    match reason {
        [] => Ok(()),
        [b' ', phrase @ ..] => {
            if phrase != reason::standard(out.status).as_bytes() {
                out.reason.extend_from_slice(phrase);
            }
            Ok(())
        }
        _ => Err(HeadError::StatusLine),
    }
}

fn version_error(version: &[u8]) -> HeadError {
    if version.starts_with(b"HTTP/") { HeadError::Version } else { HeadError::StatusLine }
}

fn read_status(digits: &[u8]) -> Option<u16> {
    let status = digits
        .iter()
        .try_fold(0, |status, byte| byte.is_ascii_digit().then(|| status * 10 + u16::from(byte - b'0')))?;
    (status >= 100).then_some(status)
}

/// RFC 9112 section 6.3. What may not have a body has none, whatever its fields say; the length that
/// they declare means something only in answer to `HEAD` and in a 304.
fn read_framing(signals: &Signals, request_method: &Method, out: &mut ResponseHead) {
    let head_only = *request_method == Method::Head;
    let tunnel = *request_method == Method::Connect && (200..300).contains(&out.status);
    let bodiless = matches!(out.status, 100..=199 | 204);
    if bodiless || tunnel {
        out.framing = Framing::None;
    } else if head_only || out.status == 304 {
        out.framing = Framing::None;
        out.declared_length = signals.length;
    } else {
        out.framing = match signals.length {
            _ if signals.chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        };
    }
}
