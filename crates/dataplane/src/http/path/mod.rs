//! Normalises a request path, so that the router, the filters and the upstream all read the same one.
//!
//! What comes out holds no dot segment, no needless percent-encoding (RFC 3986 section 6.2.2) and
//! upper-case hexadecimals; what two readers could take for different paths is refused. Normalising
//! twice is the same as once.

use crate::plan::document::{DotSegments, EncodedSlash, PathPolicy};

#[cfg(test)]
mod tests;

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// A byte that has no place in a path: a space, a control, `\`, `#`, anything above 0x7f.
    Character,
    /// `%` without two hexadecimal digits.
    Percent,
    /// `%00`.
    Nul,
    /// A longer UTF-8 form than the character needs: another reader may see a `/` or a `.`.
    Overlong,
    /// `%2f` or `%5c`, where the policy refuses them.
    EncodedSlash,
    /// `.` or `..` where the policy refuses them, or hidden as `..;x` or `..%2f`, which some servers resolve.
    DotSegment,
}

/// Writes the normal form of `raw`, a path without its query, to `out`.
pub fn normalise(raw: &[u8], policy: &PathPolicy, out: &mut String) -> Result<(), PathError> {
    out.clear();
    if raw.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    if let (true, Ok(text)) = (is_normal(raw), std::str::from_utf8(raw)) {
        out.push_str(text);
        return Ok(());
    }
    let mut bytes = std::mem::take(out).into_bytes();
    let result = decode(raw, policy.encoded_slash, &mut bytes).and_then(|()| resolve(&mut bytes, *policy));
    // What `decode` lets through is ASCII, so that this keeps the memory and cannot fail.
    *out = String::from_utf8(bytes).unwrap_or_default();
    result
}

/// A path that no policy changes: nearly every path. May say `false` of one that is normal, too.
fn is_normal(raw: &[u8]) -> bool {
    let mut after_slash = false;
    raw.iter().all(|&byte| {
        let plain = PLAIN[byte as usize] && !(after_slash && (byte == b'/' || byte == b'.'));
        after_slash = byte == b'/';
        plain
    })
}

/// Decodes what needs no encoding, refuses what may not be in a path.
fn decode(raw: &[u8], slashes: EncodedSlash, out: &mut Vec<u8>) -> Result<(), PathError> {
    let mut rest = raw;
    let mut lead = None; // an encoded byte just before this one
    while let [byte, after @ ..] = rest {
        if *byte == b'%' {
            let (value, after) = encoded_byte(after)?;
            refuse_overlong(lead, value)?;
            write_encoded(value, slashes, out)?;
            (lead, rest) = (Some(value), after);
        } else if PLAIN[*byte as usize] {
            out.push(*byte);
            (lead, rest) = (None, after);
        } else {
            return Err(PathError::Character);
        }
    }
    Ok(())
}

fn encoded_byte(after_percent: &[u8]) -> Result<(u8, &[u8]), PathError> {
    let [high, low, rest @ ..] = after_percent else { return Err(PathError::Percent) };
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(PathError::Percent);
    Ok(((digit(*high)? << 4 | digit(*low)?) as u8, rest))
}

/// The first byte of a form that is too long alone, or together with the byte after it (RFC 3629 section 3).
fn refuse_overlong(lead: Option<u8>, value: u8) -> Result<(), PathError> {
    let overlong = matches!(
        (lead, value),
        (_, 0xc0 | 0xc1)
            | (Some(0xe0), 0x80..=0x9f)
            | (Some(0xf0), 0x80..=0x8f)
            | (Some(0xf8), 0x80..=0x87)
            | (Some(0xfc), 0x80..=0x83)
    );
    if overlong { Err(PathError::Overlong) } else { Ok(()) }
}

fn write_encoded(value: u8, slashes: EncodedSlash, out: &mut Vec<u8>) -> Result<(), PathError> {
    match value {
        0 => return Err(PathError::Nul),
        b'/' | b'\\' if slashes == EncodedSlash::Reject => return Err(PathError::EncodedSlash),
        b'/' | b'\\' if slashes == EncodedSlash::Decode => out.push(b'/'),
        b'-' | b'.' | b'_' | b'~' => out.push(value),
        value if value.is_ascii_alphanumeric() => out.push(value),
        value => {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[b'%', DIGITS[usize::from(value >> 4)], DIGITS[usize::from(value & 15)]]);
        }
    }
    Ok(())
}

/// Merges slashes and resolves dot segments in place (RFC 3986 section 5.2.4): what is kept never
/// overtakes what is still to be read.
fn resolve(path: &mut Vec<u8>, policy: PathPolicy) -> Result<(), PathError> {
    let (mut read, mut kept) = (0, 0);
    while read < path.len() {
        // `read` is at a slash; the segment is what follows it.
        let end = memchr::memchr(b'/', &path[read + 1..]).map_or(path.len(), |at| read + 1 + at);
        let last = end == path.len();
        let segment = &path[read + 1..end];
        let dots = dots(segment)?;
        if dots > 0 && policy.dot_segments == DotSegments::Reject {
            return Err(PathError::DotSegment);
        }
        let merged = segment.is_empty() && policy.merge_slashes && !last;
        if dots == 2 {
            kept = memchr::memrchr(b'/', &path[..kept]).unwrap_or(0);
        }
        if dots > 0 && last {
            path[kept] = b'/';
            kept += 1;
        } else if dots == 0 && !merged {
            path.copy_within(read..end, kept);
            kept += end - read;
        }
        read = end;
    }
    path.truncate(kept);
    Ok(())
}

/// 1 for `.`, 2 for `..`, 0 for any other segment. Parameters and encoded slashes (they are here only
/// when the policy keeps them) must not hide either.
fn dots(segment: &[u8]) -> Result<usize, PathError> {
    let is_dots = |part: &[u8]| part == b"." || part == b"..";
    if is_dots(segment) {
        return Ok(segment.len());
    }
    let hidden = split_at_hidden_slashes(segment)
        .any(|part| is_dots(part.split(|byte| *byte == b';').next().unwrap_or_default()));
    if hidden { Err(PathError::DotSegment) } else { Ok(0) }
}

fn split_at_hidden_slashes(mut segment: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let slash = segment.windows(3).position(|three| three == b"%2F" || three == b"%5C");
        let part = slash.map_or(segment, |at| &segment[..at]);
        done = slash.is_none();
        segment = slash.map_or(segment, |at| &segment[at + 3..]);
        Some(part)
    })
}

/// Bytes that stand for themselves in a path: visible ASCII, but not those with a meaning of their own.
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'%' | b'\\' | b'#' | b'?');
        byte += 1;
    }
    table
};

// === impl PathError ===

impl std::fmt::Display for PathError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PathError::NotAbsolute => "path does not begin with a slash",
            PathError::Character => "byte in the path that has no place there",
            PathError::Percent => "percent sign in the path without two hexadecimal digits",
            PathError::Nul => "encoded NUL in the path",
            PathError::Overlong => "overlong UTF-8 in the path",
            PathError::EncodedSlash => "encoded slash in the path",
            PathError::DotSegment => "dot segment in the path",
        })
    }
}

impl std::error::Error for PathError {}
