//! Header and trailer fields: order kept, repeated names kept, values as bytes.
//!
//! One text store and one index, both reused from message to message, so that a request on a
//! kept-alive connection allocates nothing. The store holds every line just as it goes on the wire
//! (`name: value` and a line end): a received block is copied in whole, and neighbouring lines are
//! written out in one copy.

use super::known::{Known, KnownSet, same_name};

/// The fields of one message. Names compare as `known::same_name` does.
#[derive(Debug, Default)]
pub struct Fields {
    text: Vec<u8>,
    index: Vec<Field>,
    /// Names that may be in `index`; those that are not in the set are surely not.
    seen: KnownSet,
}

/// Places in `text`: `start..name_end` is the name, two bytes of separator, then the value up to `end`,
/// then the line end.
#[derive(Debug, Clone, Copy)]
struct Field {
    start: u32,
    name_end: u32,
    end: u32,
    known: Known,
}

/// Memory above this is given back after the message: one huge head must not stay with an idle connection.
const KEPT_TEXT: usize = 16 * 1024;

const SEPARATOR: &[u8] = b": ";
const LINE_END: &[u8] = b"\r\n";

// === impl Fields ===

impl Clone for Fields {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), index: self.index.clone(), seen: self.seen }
    }

    /// Reuses the memory: every attempt is a copy of its request.
    fn clone_from(&mut self, other: &Self) {
        self.text.clone_from(&other.text);
        self.index.clone_from(&other.index);
        self.seen = other.seen;
    }
}

impl Fields {
    /// Forgets everything, keeps the memory (up to 16 KiB).
    pub fn clear(&mut self) {
        self.text.clear();
        self.index.clear();
        self.seen = KnownSet::default();
        if self.text.capacity() > KEPT_TEXT {
            self.text.shrink_to(KEPT_TEXT);
        }
    }

    /// Number of field lines.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// No field at all.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Adds a field line at the end. The caller has checked that both parts are legal
    /// (`characters::is_token`, `characters::is_field_value`).
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_known(Known::of(name), name, value);
    }

    /// As `push`, for a name that is already recognised.
    pub fn push_known(&mut self, known: Known, name: &[u8], value: &[u8]) {
        let start = self.text.len();
        let name_end = start + name.len();
        let end = name_end + SEPARATOR.len() + value.len();
        self.text.reserve(end + LINE_END.len() - start);
        for part in [name, SEPARATOR, value, LINE_END] {
            self.text.extend_from_slice(part);
        }
        self.note(known, start, name_end, end);
    }

    /// Removes every line of that name, then adds one.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes every line of that name; says how many there were.
    pub fn remove(&mut self, name: &[u8]) -> usize {
        let before = self.index.len();
        match Known::of(name) {
            Known::Other => self.retain(|_, field, _| !same_name(field, name)),
            known => self.remove_known(known),
        }
        before - self.index.len()
    }

    /// Removes every line of a recognised name.
    pub fn remove_known(&mut self, known: Known) {
        if self.seen.contains(known) {
            self.index.retain(|field| field.known != known);
            self.seen.remove(known);
        }
    }

    /// Keeps the lines for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(Known, &[u8], &[u8]) -> bool) {
        let text = &self.text;
        self.index.retain(|field| keep(field.known, field.name(text), field.value(text)));
    }

    /// The first value of a name.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(_, field, _)| same_name(field, name)).map(|(_, _, value)| value)
    }

    /// Every value of a name, in order.
    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(_, field, _)| same_name(field, name)).map(|(_, _, value)| value)
    }

    /// The first value of a recognised name.
    pub fn get_known(&self, known: Known) -> Option<&[u8]> {
        if self.seen.contains(known) { self.get_all_known(known).next() } else { None }
    }

    /// Every value of a recognised name, in order.
    pub fn get_all_known(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        self.index.iter().filter(move |field| field.known == known).map(|field| field.value(&self.text))
    }

    /// A line of one of these names may be there; `false` is certain.
    #[inline]
    pub fn may_have(&self, names: KnownSet) -> bool {
        self.seen.meets(names)
    }

    /// Every line, in order: recognised name, name, value.
    pub fn iter(&self) -> impl Iterator<Item = (Known, &[u8], &[u8])> {
        self.index.iter().map(|field| (field.known, field.name(&self.text), field.value(&self.text)))
    }

    /// Appends the lines as they go on the wire, without those of the names in `except`.
    pub fn write(&self, except: KnownSet, out: &mut Vec<u8>) {
        let skips = self.may_have(except);
        let mut run = 0..0;
        for field in &self.index {
            if skips && except.contains(field.known) {
                continue;
            }
            if field.start as usize != run.end {
                out.extend_from_slice(&self.text[run]);
                run = field.start as usize..0;
            }
            run.end = field.end as usize + LINE_END.len();
        }
        out.extend_from_slice(&self.text[run]);
    }

    /// Copies a received block of field lines into the store, for `note`; returns where it begins.
    pub(super) fn store_block(&mut self, block: &[u8]) -> usize {
        let start = self.text.len();
        self.text.extend_from_slice(block);
        start
    }

    /// Adds a line that stands in the store as it should go on the wire.
    #[inline]
    pub(super) fn note(&mut self, known: Known, start: usize, name_end: usize, end: usize) {
        self.seen.insert(known);
        self.index.push(Field { start: start as u32, name_end: name_end as u32, end: end as u32, known });
    }
}

// === impl Field ===

impl Field {
    fn name(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..self.name_end as usize]
    }

    fn value(self, text: &[u8]) -> &[u8] {
        &text[self.name_end as usize + SEPARATOR.len()..self.end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fields: &Fields, except: KnownSet) -> String {
        let mut out = Vec::new();
        fields.write(except, &mut out);
        String::from_utf8(out).expect("the test's fields are text")
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_underscores() {
        let mut fields = Fields::default();
        fields.push(b"X-User", b"a");
        fields.push(b"x_user", b"b");
        let values: Vec<_> = fields.get_all(b"x-uSER").collect();
        assert_eq!(values, [b"a", b"b"], "both forms of the name hold a value of x-user");
        fields.set(b"x-user", b"c");
        assert_eq!(written(&fields, KnownSet::default()), "x-user: c\r\n", "set must replace every form");
    }

    #[test]
    fn removed_and_excepted_lines_are_not_written() {
        let mut fields = Fields::default();
        for (name, value) in [("A", "1"), ("Content-Length", "9"), ("B", "2"), ("C", ""), ("Via", "x"), ("D", "4")] {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        fields.remove_known(Known::Via);
        assert_eq!(written(&fields, KnownSet::FRAMING), "A: 1\r\nB: 2\r\nC: \r\nD: 4\r\n");
        assert_eq!(fields.get_known(Known::Via), None, "via was removed");
        assert_eq!(fields.get_known(Known::ContentLength), Some(&b"9"[..]), "the length was only left out of the text");
        assert_eq!(fields.remove(b"content-length"), 1, "one line had that name");
        assert!(!fields.may_have(KnownSet::FRAMING), "it is gone now");
    }

    #[test]
    fn a_huge_message_gives_its_memory_back() {
        let mut fields = Fields::default();
        fields.push(b"cookie", &vec![b'x'; 60_000]);
        fields.clear();
        assert!(fields.text.capacity() <= KEPT_TEXT, "an idle connection must not hold 60 kB of an old head");
    }
}
