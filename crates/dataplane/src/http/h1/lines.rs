//! Reads field lines: header section or trailer section.

use super::error::HeadError;
use crate::http::Fields;
use crate::http::characters::{is_token_byte, trim};
use crate::http::known::Known;

/// What becomes of a line that was read.
pub(super) enum Fate {
    /// It joins the fields.
    Kept,
    /// Another part of the head stands for it.
    Dropped,
}

/// Splits the first line off, without its line end. Both CR and LF are looked for, so that one without
/// the other is seen.
#[inline]
pub(super) fn split_line(text: &[u8]) -> Result<(&[u8], &[u8]), HeadError> {
    let end = memchr::memchr2(b'\r', b'\n', text).ok_or(HeadError::LineEnd)?;
    match &text[end..] {
        [b'\r', b'\n', rest @ ..] => Ok((&text[..end], rest)),
        _ => Err(HeadError::LineEnd),
    }
}

/// Reads the lines of `block`, which ends with an empty line, into `fields`; `judge` sees each
/// recognised one. The caller has looked for control bytes.
pub(super) fn read_lines<'block>(
    block: &'block [u8],
    limit: usize,
    fields: &mut Fields,
    mut judge: impl FnMut(Known, &'block [u8]) -> Result<Fate, HeadError>,
) -> Result<(), HeadError> {
    let base = fields.store_block(block);
    let mut rest = block;
    let mut count = 0;
    loop {
        let start = block.len() - rest.len();
        let (line, after) = split_line(rest)?;
        rest = after;
        if line.is_empty() {
            return if rest.is_empty() { Ok(()) } else { Err(HeadError::LineEnd) };
        }
        count += 1;
        if count > limit {
            return Err(HeadError::TooManyFields);
        }
        let name = field_name(line)?;
        let value = trim(&line[name.len() + 1..]);
        let known = Known::of(name);
        if known != Known::Other && matches!(judge_unaliased(known, name, value, &mut judge)?, Fate::Dropped) {
            continue;
        }
        // Does it stand in the store just as we would write it?
        if name.len() + 2 + value.len() == line.len() && line[name.len() + 1] == b' ' {
            fields.note(known, base + start, base + start + name.len(), base + start + line.len());
        } else {
            fields.push_known(known, name, value);
        }
    }
}

/// An underscore form of a framing field is framing to some servers and an ordinary field to others.
fn judge_unaliased<'block>(
    known: Known,
    name: &[u8],
    value: &'block [u8],
    judge: &mut impl FnMut(Known, &'block [u8]) -> Result<Fate, HeadError>,
) -> Result<Fate, HeadError> {
    let framing = matches!(known, Known::ContentLength | Known::TransferEncoding);
    if framing && name.contains(&b'_') {
        return Err(HeadError::FramingAlias);
    }
    judge(known, value)
}

#[inline]
fn field_name(line: &[u8]) -> Result<&[u8], HeadError> {
    match line.iter().position(|byte| !is_token_byte(*byte)) {
        Some(end) if end > 0 && line[end] == b':' => Ok(&line[..end]),
        Some(0) if line[0] == b' ' || line[0] == b'\t' => Err(HeadError::Folded),
        _ => Err(HeadError::FieldName),
    }
}
