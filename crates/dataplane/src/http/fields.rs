//! Header and trailer fields: order kept, repeated names kept, values as bytes.
//!
//! One text store and one index, both reused from message to message, so that a request on a
//! kept-alive connection allocates nothing. Names that the core itself acts on are recognised once,
//! when the field is added, and are found afterwards by comparing one byte.

use smallvec::SmallVec;

/// Field names that the core acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // each is its own name
pub enum Known {
    Other,
    Connection,
    ContentLength,
    Date,
    Expect,
    Host,
    KeepAlive,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    RetryAfter,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Via,
    XForwardedClientCert,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
    XRequestId,
}

/// The fields of one message.
#[derive(Debug, Default, Clone)]
pub struct Fields {
    text: Vec<u8>,
    index: SmallVec<[Field; 24]>,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: Span,
    value: Span,
    known: Known,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

// === impl Known ===

impl Known {
    /// Recognises a name in any case.
    pub fn of(name: &[u8]) -> Known {
        const NAMES: [(&[u8], Known); 21] = [
            (b"connection", Known::Connection),
            (b"content-length", Known::ContentLength),
            (b"date", Known::Date),
            (b"expect", Known::Expect),
            (b"host", Known::Host),
            (b"keep-alive", Known::KeepAlive),
            (b"proxy-authenticate", Known::ProxyAuthenticate),
            (b"proxy-authorization", Known::ProxyAuthorization),
            (b"proxy-connection", Known::ProxyConnection),
            (b"retry-after", Known::RetryAfter),
            (b"te", Known::Te),
            (b"trailer", Known::Trailer),
            (b"transfer-encoding", Known::TransferEncoding),
            (b"upgrade", Known::Upgrade),
            (b"user-agent", Known::UserAgent),
            (b"via", Known::Via),
            (b"x-forwarded-client-cert", Known::XForwardedClientCert),
            (b"x-forwarded-for", Known::XForwardedFor),
            (b"x-forwarded-host", Known::XForwardedHost),
            (b"x-forwarded-proto", Known::XForwardedProto),
            (b"x-request-id", Known::XRequestId),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(Known::Other, |(_, known)| *known)
    }

    /// Fields that belong to one connection and are never forwarded (RFC 9110 section 7.6.1).
    pub fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Known::Connection
                | Known::KeepAlive
                | Known::ProxyAuthenticate
                | Known::ProxyAuthorization
                | Known::ProxyConnection
                | Known::Te
                | Known::Trailer
                | Known::TransferEncoding
                | Known::Upgrade
        )
    }
}

// === impl Fields ===

impl Fields {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.index.clear();
    }

    /// Number of field lines.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// No field at all.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Adds a field line at the end. The caller has checked that both parts are legal.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_known(Known::of(name), name, value);
    }

    /// As `push`, for a name that is already recognised.
    pub fn push_known(&mut self, known: Known, name: &[u8], value: &[u8]) {
        let name = self.store(name);
        let value = self.store(value);
        self.index.push(Field { name, value, known });
    }

    /// Removes every line of that name, then adds one.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes every line of that name; says how many there were.
    pub fn remove(&mut self, name: &[u8]) -> usize {
        let before = self.index.len();
        let text = &self.text;
        self.index.retain(|field| !field.name.of(text).eq_ignore_ascii_case(name));
        before - self.index.len()
    }

    /// Removes every line of a recognised name.
    pub fn remove_known(&mut self, known: Known) {
        self.index.retain(|field| field.known != known);
    }

    /// Keeps the lines for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(Known, &[u8], &[u8]) -> bool) {
        let text = &self.text;
        self.index.retain(|field| keep(field.known, field.name.of(text), field.value.of(text)));
    }

    /// The first value of a name, in any case.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(_, field, _)| field.eq_ignore_ascii_case(name)).map(|(_, _, value)| value)
    }

    /// Every value of a name, in order.
    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(_, field, _)| field.eq_ignore_ascii_case(name)).map(|(_, _, value)| value)
    }

    /// The first value of a recognised name.
    pub fn get_known(&self, known: Known) -> Option<&[u8]> {
        self.get_all_known(known).next()
    }

    /// Every value of a recognised name, in order.
    pub fn get_all_known(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(field, _, _)| *field == known).map(|(_, _, value)| value)
    }

    /// Every line, in order: recognised name, name, value.
    pub fn iter(&self) -> impl Iterator<Item = (Known, &[u8], &[u8])> {
        self.index.iter().map(|field| (field.known, field.name.of(&self.text), field.value.of(&self.text)))
    }

    fn store(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Span { start, end: self.text.len() as u32 }
    }
}

// === impl Span ===

impl Span {
    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..self.end as usize]
    }
}
