//! Header changes that a route makes without any filter: remove, set, add, in this order.

use crate::http::characters::{is_field_value, is_token};
use crate::http::{Fields, Known};
use crate::plan::{PlanError, document};

/// The compiled edits of one direction of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    remove: Box<[Box<str>]>,
    set: Box<[Line]>,
    add: Box<[Line]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    known: Known,
    name: Box<str>,
    value: Box<str>,
}

// === impl HeaderEdits ===

impl HeaderEdits {
    /// Refuses what would break a message: illegal names and values, and names that the core owns.
    pub fn build(edits: &document::HeaderEdits) -> Result<HeaderEdits, PlanError> {
        edits.remove.iter().try_for_each(|name| check_name(name))?;
        let remove = edits.remove.iter().map(|name| name.as_str().into()).collect();
        Ok(HeaderEdits { remove, set: lines(&edits.set)?, add: lines(&edits.add)? })
    }

    /// `apply` changes nothing.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Removes, then sets, then adds.
    pub fn apply(&self, fields: &mut Fields) {
        for name in &self.remove {
            fields.remove(name.as_bytes());
        }
        for line in &self.set {
            fields.remove(line.name.as_bytes());
            line.push_to(fields);
        }
        for line in &self.add {
            line.push_to(fields);
        }
    }
}

// === impl Line ===

impl Line {
    fn push_to(&self, fields: &mut Fields) {
        fields.push_known(self.known, self.name.as_bytes(), self.value.as_bytes());
    }
}

fn lines(pairs: &[(String, String)]) -> Result<Box<[Line]>, PlanError> {
    pairs.iter().map(|(name, value)| line(name, value)).collect()
}

fn line(name: &str, value: &str) -> Result<Line, PlanError> {
    check_name(name)?;
    // RFC 9110 section 5.5. A control byte could end the line and start another.
    if !is_field_value(value.as_bytes()) {
        return Err(PlanError::new(format!("header {name}: its value has control characters")));
    }
    let value = value.trim_matches([' ', '\t']);
    Ok(Line { known: Known::of(name.as_bytes()), name: name.into(), value: value.into() })
}

fn check_name(name: &str) -> Result<(), PlanError> {
    let refuse = |why: &str| Err(PlanError::new(format!("header `{}` {why}", name.escape_debug())));
    if !is_token(name.as_bytes()) {
        return refuse("is not a header name");
    }
    match Known::of(name.as_bytes()) {
        Known::ContentLength | Known::Expect => refuse("belongs to the core: it frames the message"),
        Known::Host => refuse("is changed by rewrite.host"),
        known if known.is_hop_by_hop() => refuse("belongs to one connection and is never forwarded"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(remove: &[&str], set: &[(&str, &str)], add: &[(&str, &str)]) -> Result<HeaderEdits, PlanError> {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let remove = remove.iter().map(|name| (*name).into()).collect();
        HeaderEdits::build(&document::HeaderEdits { remove, set: pairs(set), add: pairs(add) })
    }

    fn text(fields: &Fields) -> Vec<String> {
        let line = |(_, name, value): (Known, &[u8], &[u8])| {
            format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        fields.iter().map(line).collect()
    }

    #[test]
    fn edits_are_applied_in_order_remove_set_add() {
        let mut fields = Fields::default();
        for (name, value) in [("X-Old", "1"), ("x-env", "dev"), ("X-Env", "test"), ("accept", "*/*")] {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        let edits = edits(&["x-old"], &[("x-env", "prod")], &[("x-env", "eu"), ("x-old", "2")]).expect("legal");
        edits.apply(&mut fields);
        assert_eq!(
            text(&fields),
            ["accept: */*", "x-env: prod", "x-env: eu", "x-old: 2"],
            "removed in any case, every line replaced by the set one, then added"
        );
    }

    #[test]
    fn a_name_the_core_acts_on_is_still_recognised() {
        let mut fields = Fields::default();
        edits(&[], &[("Via", "edge")], &[]).expect("legal").apply(&mut fields);
        assert_eq!(fields.get_known(Known::Via), Some(b"edge".as_slice()), "found by what it is");
    }

    #[test]
    fn no_edits_are_empty() {
        assert!(edits(&[], &[], &[]).expect("legal").is_empty(), "nothing to do");
        assert!(!edits(&["a"], &[], &[]).expect("legal").is_empty(), "something to remove");
    }

    #[test]
    fn names_that_frame_or_address_a_message_are_refused() {
        for name in [
            "Content-Length",
            "content_length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
            "host",
            "expect",
            "proxy-connection",
            "",
            "a b",
            "a:",
            ":path",
            "x\r\ny",
            "é",
        ] {
            assert!(edits(&[name], &[], &[]).is_err(), "removing `{name:?}` is refused");
            assert!(edits(&[], &[(name, "1")], &[]).is_err(), "setting `{name:?}` is refused");
            assert!(edits(&[], &[], &[(name, "1")]).is_err(), "adding `{name:?}` is refused");
        }
    }

    #[test]
    fn values_that_could_start_another_line_are_refused() {
        for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x7fb"] {
            assert!(edits(&[], &[("x", value)], &[]).is_err(), "`{value:?}` is refused");
        }
        assert!(edits(&[], &[("x", "a\tb é")], &[]).is_ok(), "tabs and other letters are legal");
    }
}
