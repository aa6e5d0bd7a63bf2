//! Finds the end of a head while its bytes come in; linear, however they are split.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::error::HeadError;
use crate::http::characters::is_control;

/// What one head may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the first of the start line to the end of the empty line.
    pub bytes: usize,
    /// Field lines.
    pub fields: usize,
}

/// Remembers how far a head has been looked at.
#[derive(Debug, Default, Clone)]
pub struct HeadScanner {
    seen: usize,
}

static HEAD_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// Empty lines before a request line that are passed over (RFC 9112 section 2.2 asks for at least one).
const EMPTY_LINES: usize = 2;

// === impl HeadLimits ===

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024, fields: 100 }
    }
}

// === impl HeadScanner ===

impl HeadScanner {
    /// Looks for the end of the head that begins `buffer`. `Some(n)`: the head is `buffer[..n]`, with its
    /// empty line. `None`: call again with the same bytes and more. Bytes that no head can hold are an error
    /// as soon as they are there, so that nobody waits for the rest.
    pub fn scan(&mut self, buffer: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
        let window = &buffer[..buffer.len().min(limits.bytes)];
        let start = empty_lines(window)?;
        let from = self.seen.saturating_sub(3).max(start);
        if let Some(at) = HEAD_END.find(&window[from..]) {
            return Ok(Some(from + at + 4));
        }
        refuse_foreign_bytes(window, self.seen.saturating_sub(1))?;
        self.seen = window.len();
        if window.len() < limits.bytes {
            return Ok(None);
        }
        let has_line = memchr::memchr(b'\n', &window[start..]).is_some();
        Err(if has_line { HeadError::TooLarge } else { HeadError::UriTooLong })
    }

    /// Makes ready for the next head.
    pub fn reset(&mut self) {
        self.seen = 0;
    }
}

/// The length of the empty lines that begin the buffer.
pub(super) fn empty_lines(buffer: &[u8]) -> Result<usize, HeadError> {
    let mut at = 0;
    while buffer[at..].starts_with(b"\r\n") {
        at += 2;
        if at > 2 * EMPTY_LINES {
            return Err(HeadError::RequestLine);
        }
    }
    Ok(at)
}

fn refuse_foreign_bytes(window: &[u8], from: usize) -> Result<(), HeadError> {
    for (at, &byte) in window.iter().enumerate().skip(from) {
        let bare = match byte {
            b'\n' => at == 0 || window[at - 1] != b'\r',
            b'\r' => window.get(at + 1).is_some_and(|next| *next != b'\n'),
            _ => false,
        };
        if bare {
            return Err(HeadError::LineEnd);
        }
        if is_control(byte) {
            return Err(HeadError::Control);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 64, fields: 10 };

    fn scan(buffer: &[u8]) -> Result<Option<usize>, HeadError> {
        HeadScanner::default().scan(buffer, &LIMITS)
    }

    #[test]
    fn the_end_is_found_however_the_bytes_are_split() {
        let head = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let stream = [&head[..], b"GET /next"].concat();
        for step in 1..head.len() {
            let mut scanner = HeadScanner::default();
            let mut have = 0;
            let found = loop {
                have = (have + step).min(stream.len());
                if let Some(found) = scanner.scan(&stream[..have], &LIMITS).expect("a legal head") {
                    break found;
                }
            };
            assert_eq!(found, head.len(), "in steps of {step} bytes");
        }
    }

    #[test]
    fn foreign_bytes_are_refused_before_the_head_is_complete() {
        for (bytes, error) in [
            (&b"GET / HTTP/1.1\nHost"[..], HeadError::LineEnd),
            (b"\nGET", HeadError::LineEnd),
            (b"GET / HTTP/1.1\rHost", HeadError::LineEnd),
            (b"GET / HTTP/1.1\r\r", HeadError::LineEnd),
            (b"GET /\0", HeadError::Control),
            (b"\x16\x03\x01\x02\0", HeadError::Control),
            (b"GET /\x7f", HeadError::Control),
        ] {
            assert_eq!(scan(bytes), Err(error), "{:?}", bytes.escape_ascii().to_string());
        }
        assert_eq!(scan(b"GET / HTTP/1.1\r"), Ok(None), "the line feed may still come");
    }

    #[test]
    fn a_bare_line_feed_after_a_pause_is_refused() {
        let mut scanner = HeadScanner::default();
        assert_eq!(scanner.scan(b"GET / HTTP/1.1\r", &LIMITS), Ok(None));
        assert_eq!(scanner.scan(b"GET / HTTP/1.1\rX", &LIMITS), Err(HeadError::LineEnd));
    }

    #[test]
    fn only_a_few_empty_lines_may_come_first() {
        assert_eq!(scan(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some(22)), "two are passed over");
        assert_eq!(scan(b"\r\n\r\n\r\n"), Err(HeadError::RequestLine), "three are not");
        assert_eq!(scan(b"\r\n"), Ok(None), "the request may still come");
    }

    #[test]
    fn a_head_over_its_limit_is_refused_even_when_it_never_ends() {
        let long_line = [b'x'; 64];
        assert_eq!(scan(&long_line), Err(HeadError::UriTooLong), "no line end within the limit");
        assert_eq!(scan(&[&long_line[..], b"\r\n\r\n"].concat()), Err(HeadError::UriTooLong), "nor just after it");
        let many_lines = b"a: b\r\n".repeat(11);
        assert_eq!(scan(&many_lines), Err(HeadError::TooLarge), "lines, but no end within the limit");
        let exact = [&[b'x'; 60][..], b"\r\n\r\n"].concat();
        assert_eq!(scan(&exact), Ok(Some(64)), "a head of just the limit is fine");
    }
}
