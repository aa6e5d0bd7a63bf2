//! Query parameters: parts between `&`, name and value around the first `=`.
//!
//! Both are compared decoded: `%XX` is a byte, `+` is a space, a `%` without two digits is itself
//! (URL standard, application/x-www-form-urlencoded). Nothing is decoded into memory unless a regex asks.

use smallvec::SmallVec;

use super::conditions::Value;

/// The values, still encoded, of every parameter of that name; `?a` is an empty value.
pub fn values<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let parts = query.as_bytes().split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts.map(name_and_value).filter(move |(raw, _)| decoded(raw).eq(name.bytes())).map(|(_, value)| value)
}

/// The rule holds for the value once it is decoded.
pub fn value_holds(value: &Value, raw: &[u8]) -> bool {
    match value {
        Value::Exact(expected) => decoded(raw).eq(expected.bytes()),
        Value::Prefix(prefix) => decoded(raw).take(prefix.len()).eq(prefix.bytes()),
        Value::Pattern(pattern) if memchr::memchr2(b'%', b'+', raw).is_none() => pattern.matches(raw),
        Value::Pattern(pattern) => pattern.matches(&decoded(raw).collect::<SmallVec<[u8; 256]>>()),
    }
}

fn name_and_value(part: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', part) {
        Some(equals) => (&part[..equals], &part[equals + 1..]),
        None => (part, b""),
    }
}

/// The bytes that `raw` stands for.
fn decoded(mut raw: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (&first, rest) = raw.split_first()?;
        let (byte, rest) = match (first, rest) {
            (b'+', _) => (b' ', rest),
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (first, rest),
            },
            _ => (first, rest),
        };
        raw = rest;
        Some(byte)
    })
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<'a>(query: &'a str, name: &'a str) -> Vec<&'a [u8]> {
        values(query, name).collect()
    }

    #[test]
    fn names_are_compared_decoded() {
        assert_eq!(all("a=1&b=2&a=3", "a"), [b"1", b"3"], "every value, in order");
        assert_eq!(all("%61=1", "a"), [b"1"], "an encoded name is the same name");
        assert_eq!(all("a+b=1", "a b"), [b"1"], "`+` is a space");
        assert_eq!(all("A=1&aa=2", "a"), Vec::<&[u8]>::new(), "case matters, and so does the rest of the name");
    }

    #[test]
    fn a_parameter_without_a_value_is_empty() {
        assert_eq!(all("a", "a"), [b""], "no `=`");
        assert_eq!(all("&&a=&", "a"), [b""], "parts that are empty are nothing");
        assert_eq!(all("a=b=c", "a"), [b"b=c"], "the first `=` divides");
    }

    #[test]
    fn values_are_compared_decoded() {
        let exact = Value::Exact("a b/é".into());
        assert!(value_holds(&exact, b"a+b%2f%C3%A9"), "`+`, `%2f` and UTF-8 are decoded");
        assert!(!value_holds(&exact, b"a+b%2f%C3"), "half a character is not the character");
        assert!(value_holds(&Value::Prefix("a b".into()), b"a%20bc"), "a prefix is decoded too");
        assert!(!value_holds(&Value::Prefix("a b".into()), b"a"), "shorter than the prefix");
    }

    #[test]
    fn a_broken_escape_is_itself() {
        for raw in ["%", "%4", "%zz", "%%"] {
            assert!(value_holds(&Value::Exact(raw.into()), raw.as_bytes()), "`{raw}` stands for itself");
        }
    }

    #[test]
    fn a_regex_sees_the_decoded_value() {
        let pattern = super::super::pattern::Pattern::build("[a-z ]+").expect("the pattern is legal");
        let value = Value::Pattern(pattern);
        assert!(value_holds(&value, b"a+b%63"), "decoded, it is letters and a space");
        assert!(value_holds(&value, b"abc"), "nothing to decode");
        assert!(!value_holds(&value, b"a%31"), "decoded, it has a digit");
    }
}
