//! JSON, written by hand into a byte buffer: pure ASCII, one line.
//!
//! Everything beyond printable ASCII is escaped, so that a client can't draw on the terminal of
//! whoever reads the log, and bytes that are not UTF-8 become U+FFFD.

/// The longest text that is written whole, in bytes; longer ones end in `...`. It bounds a line.
pub(super) const LONGEST_TEXT: usize = 4096;

/// A key with what stands around it, joined at compile time.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":").as_bytes()
    };
}
pub(super) use key;

/// Writes a quoted string.
pub(super) fn text(out: &mut Vec<u8>, value: &[u8]) {
    let shown = &value[..value.len().min(LONGEST_TEXT)];
    out.push(b'"');
    if is_plain(shown) {
        out.extend_from_slice(shown);
    } else {
        escape(out, shown);
    }
    if shown.len() < value.len() {
        out.extend_from_slice(b"...");
    }
    out.push(b'"');
}

/// Writes a quoted string, or `null`.
pub(super) fn optional_text(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => text(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes a number.
pub(super) fn number(out: &mut Vec<u8>, value: u64) {
    match value {
        0..10 => out.push(b'0' + value as u8),
        _ => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
    }
}

// Without an early exit the compiler looks at many bytes at once.
fn is_plain(value: &[u8]) -> bool {
    let special = |byte: u8| u8::from(matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f..));
    value.iter().fold(0, |found, byte| found | special(*byte)) == 0
}

#[cold]
fn escape(out: &mut Vec<u8>, value: &[u8]) {
    for chunk in value.utf8_chunks() {
        chunk.valid().chars().for_each(|character| escape_character(out, character));
        if !chunk.invalid().is_empty() {
            escape_unit(out, 0xfffd);
        }
    }
}

fn escape_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        ' '..='~' => out.push(character as u8),
        // Characters above U+FFFF are two escapes: a surrogate pair (RFC 8259 section 7).
        _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escape_unit(out, *unit)),
    }
}

fn escape_unit(out: &mut Vec<u8>, unit: u16) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    out.extend([12, 8, 4, 0].map(|shift| DIGITS[usize::from(unit >> shift & 0xf)]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: &[u8]) -> String {
        let mut out = Vec::new();
        text(&mut out, value);
        String::from_utf8(out).expect("the writer's output must be ASCII")
    }

    #[test]
    fn control_characters_quotes_and_terminal_sequences_are_escaped() {
        assert_eq!(written(b"a\"b\\c\n\x1b[31m\x7f"), r#""a\"b\\c\n\u001b[31m\u007f""#);
        assert_eq!(written("\u{9b}é😀".as_bytes()), r#""\u009b\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn bytes_that_are_not_utf8_become_the_replacement_character() {
        assert_eq!(written(b"a\xffb\xc3"), r#""a\ufffdb\ufffd""#);
    }

    #[test]
    fn a_text_beyond_the_limit_is_cut_and_says_so() {
        let long = written(&vec![b'x'; LONGEST_TEXT + 1]);
        assert_eq!(long.len(), LONGEST_TEXT + 5, "the cut text, two quotes and three dots");
        assert!(long.ends_with("x...\""), "a cut text must end in dots");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_string_that_a_json_parser_reads_back(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let line = written(&value);
            prop_assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "not printable ASCII: {line}");
            let read: String = serde_json::from_str(&line).expect("a JSON parser must read what we write");
            prop_assert_eq!(read, String::from_utf8_lossy(&value));
        }
    }
}
