//! The trailer section of a chunked body (RFC 9112 section 7.1.2), gathered until it is complete.

use super::error::HeadError;
use super::lines::{Fate, read_lines};
use super::scan::HeadLimits;
use crate::http::Fields;
use crate::http::characters::has_control;
use crate::http::known::same_name;

/// Bytes of a trailer section that is not complete yet.
#[derive(Debug, Default)]
pub(super) struct TrailerSection {
    text: Vec<u8>,
}

/// Names that change how a message is read, or who may read it, and so have no place in a trailer
/// section (RFC 9110 section 6.5.1). Every name that the core acts on is one of them, too.
const FORBIDDEN: [&[u8]; 24] = [
    b"accept-encoding",
    b"age",
    b"authorization",
    b"cache-control",
    b"content-encoding",
    b"content-location",
    b"content-range",
    b"content-type",
    b"cookie",
    b"early-data",
    b"forwarded",
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"location",
    b"max-forwards",
    b"pragma",
    b"range",
    b"set-cookie",
    b"vary",
    b"warning",
    b"www-authenticate",
];

/// What only we may say of a message.
fn is_ours(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"x-flatproxy-";
    name.get(..PREFIX.len()).is_some_and(|start| same_name(start, PREFIX))
}

// === impl TrailerSection ===

impl TrailerSection {
    /// Takes one line, or what is there of it; says how many bytes it took and whether the section is
    /// complete. Then its fields, but the forbidden ones, are in `fields`.
    pub(super) fn take(&mut self, input: &[u8], fields: &mut Fields) -> Result<(usize, bool), HeadError> {
        let end = memchr::memchr(b'\n', input).map(|at| at + 1);
        let taken = end.unwrap_or(input.len());
        let limits = HeadLimits::default();
        if self.text.len() + taken > limits.bytes {
            return Err(HeadError::TooLarge);
        }
        self.text.extend_from_slice(&input[..taken]);
        if end.is_some() && !self.text.ends_with(b"\r\n") {
            return Err(HeadError::LineEnd);
        }
        let complete = end.is_some() && (self.text == b"\r\n" || self.text.ends_with(b"\r\n\r\n"));
        if complete {
            self.read(limits.fields, fields)?;
        }
        Ok((taken, complete))
    }

    fn read(&mut self, limit: usize, fields: &mut Fields) -> Result<(), HeadError> {
        if has_control(&self.text) {
            return Err(HeadError::Control);
        }
        read_lines(&self.text, limit, fields, |_, _| Ok(Fate::Dropped))?;
        fields.retain(|_, name, _| !FORBIDDEN.iter().any(|forbidden| same_name(forbidden, name)) && !is_ours(name));
        self.text = Vec::new();
        Ok(())
    }
}
