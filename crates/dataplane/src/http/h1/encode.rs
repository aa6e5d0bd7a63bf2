//! Writes messages as HTTP/1.1. How a body ends is said here and nowhere else: the line for it comes from
//! `framing`, and one that a filter may have put among the fields is left out.

use super::reason;
use crate::http::{Fields, Framing, Known, KnownSet, RequestHead, ResponseHead};

#[cfg(test)]
mod tests;

/// Follows the data of every chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// Lines of a request that are written from other parts of its head.
const REQUEST_LINES: KnownSet = KnownSet::of(&[Known::Host, Known::ContentLength, Known::TransferEncoding]);

/// Writes the head of a request; always as HTTP/1.1, the version of this hop.
pub fn write_request(head: &RequestHead, out: &mut Vec<u8>) {
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.path.as_bytes());
    if let Some(query) = &head.query {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(head.authority.as_bytes());
    out.extend_from_slice(b"\r\n");
    head.fields.write(REQUEST_LINES, out);
    match head.framing {
        Framing::None => {}
        Framing::Length(length) => write_length(length, out),
        // A request cannot last until the close; whoever relays such a body sends it in chunks.
        Framing::Chunked | Framing::UntilClose => write_chunked(out),
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the head of a response, as HTTP/1.1 (RFC 9110 section 2.5). `close`: this is the last one on its
/// connection. With `Framing::None` there is no line for the body but `declared_length`: an empty body in
/// answer to anything but `HEAD` is `Framing::Length(0)`.
pub fn write_response(head: &ResponseHead, close: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(head.status).as_bytes());
    out.push(b' ');
    if head.reason.is_empty() {
        out.extend_from_slice(reason::standard(head.status).as_bytes());
    } else {
        out.extend_from_slice(&head.reason);
    }
    out.extend_from_slice(b"\r\n");
    head.fields.write(KnownSet::FRAMING, out);
    match (head.framing, head.declared_length) {
        (Framing::Length(length), _) | (Framing::None, Some(length)) => write_length(length, out),
        (Framing::Chunked, _) => write_chunked(out),
        (Framing::None, None) | (Framing::UntilClose, _) => {}
    }
    if close {
        out.extend_from_slice(b"connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the line before `length` bytes of data; `CHUNK_END` goes after them. Not for 0: that would end
/// the body.
pub fn write_chunk_head(length: usize, out: &mut Vec<u8>) {
    debug_assert!(length > 0, "an empty chunk ends the body");
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (length >> (4 * place)) & 15;
        out.push(b"0123456789abcdef"[digit]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the end of a chunked body.
pub fn write_last_chunk(trailers: &Fields, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    trailers.write(REQUEST_LINES, out);
    out.extend_from_slice(b"\r\n");
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_chunked(out: &mut Vec<u8>) {
    out.extend_from_slice(b"transfer-encoding: chunked\r\n");
}
