//! Which bytes may stand where in a message (RFC 9110 section 5.6.2, RFC 9112 section 2).

/// A token: method, field name, connection option, transfer coding.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// A field value that can be written on a line of its own: no control byte but the tab. Bytes above
/// 0x7f are opaque and allowed.
pub fn is_field_value(bytes: &[u8]) -> bool {
    !bytes.iter().any(|&byte| (byte < b' ' && byte != b'\t') || byte == DELETE)
}

/// A byte of a token.
#[inline]
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// A control byte that has no place in a head at all; line ends and tabs are for the caller to judge.
/// Written without an early exit, so that the compiler checks sixteen bytes at a time.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |found, &byte| found | u8::from(is_control(byte))) != 0
}

/// As `has_control`, for one byte.
#[inline]
pub(super) fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t' && byte != b'\r' && byte != b'\n') || byte == DELETE
}

/// Without the spaces and tabs around it.
#[inline]
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

const DELETE: u8 = 0x7f;

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_delimiter_and_no_space() {
        assert!(is_token(b"x-Request_id.1"), "a usual name is a token");
        for byte in b" \t\r\n\0\"(),/:;<=>?@[\\]{}\x7f\x80\xff" {
            assert!(!is_token(&[b'x', *byte]), "byte {byte:#x} must not be part of a token");
        }
        assert!(!is_token(b""), "an empty name is no token");
    }

    #[test]
    fn a_field_value_has_no_control_byte_but_the_tab() {
        assert!(is_field_value(b"") && is_field_value(b"a\tb \xc3\xa9\xff"), "opaque bytes and tabs are values");
        for byte in (0..b' ').chain([DELETE]).filter(|byte| *byte != b'\t') {
            assert!(!is_field_value(&[b'x', byte, b'y']), "byte {byte:#x} must not be part of a value");
        }
    }
}
