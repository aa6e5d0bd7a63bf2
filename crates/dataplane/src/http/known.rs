//! Field names that the core itself acts on, recognised once, when a field is added.
//!
//! Names compare without case, and with `_` read as `-`: many application servers fold both into one
//! (the naming of CGI, RFC 3875 section 4.1.18), so a rule for `x-user` that overlooked `x_user` could
//! be walked around.

/// A recognised name.
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

/// A set of recognised names.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct KnownSet(u64);

// === impl Known ===

impl Known {
    /// Recognises a name in any form. The length leaves at most three names to compare.
    pub fn of(name: &[u8]) -> Known {
        match name.len() {
            2 if is(name, b"te") => Known::Te,
            3 if is(name, b"via") => Known::Via,
            4 if is(name, b"host") => Known::Host,
            4 if is(name, b"date") => Known::Date,
            6 if is(name, b"expect") => Known::Expect,
            7 if is(name, b"upgrade") => Known::Upgrade,
            7 if is(name, b"trailer") => Known::Trailer,
            10 if is(name, b"connection") => Known::Connection,
            10 if is(name, b"user-agent") => Known::UserAgent,
            10 if is(name, b"keep-alive") => Known::KeepAlive,
            11 if is(name, b"retry-after") => Known::RetryAfter,
            12 if is(name, b"x-request-id") => Known::XRequestId,
            14 if is(name, b"content-length") => Known::ContentLength,
            15 if is(name, b"x-forwarded-for") => Known::XForwardedFor,
            16 if is(name, b"x-forwarded-host") => Known::XForwardedHost,
            16 if is(name, b"proxy-connection") => Known::ProxyConnection,
            17 if is(name, b"transfer-encoding") => Known::TransferEncoding,
            17 if is(name, b"x-forwarded-proto") => Known::XForwardedProto,
            18 if is(name, b"proxy-authenticate") => Known::ProxyAuthenticate,
            19 if is(name, b"proxy-authorization") => Known::ProxyAuthorization,
            23 if is(name, b"x-forwarded-client-cert") => Known::XForwardedClientCert,
            _ => Known::Other,
        }
    }

    /// Fields that belong to one connection and are never forwarded (RFC 9110 section 7.6.1).
    pub fn is_hop_by_hop(self) -> bool {
        KnownSet::HOP_BY_HOP.contains(self)
    }
}

// === impl KnownSet ===

impl KnownSet {
    /// Fields that belong to one connection (RFC 9110 section 7.6.1).
    pub const HOP_BY_HOP: KnownSet = KnownSet::of(&[
        Known::Connection,
        Known::KeepAlive,
        Known::ProxyAuthenticate,
        Known::ProxyAuthorization,
        Known::ProxyConnection,
        Known::Te,
        Known::Trailer,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);

    /// Fields that say where a body ends.
    pub const FRAMING: KnownSet = KnownSet::of(&[Known::ContentLength, Known::TransferEncoding]);

    /// The set of these names.
    pub const fn of(members: &[Known]) -> KnownSet {
        let mut bits = 0;
        let mut at = 0;
        while at < members.len() {
            bits |= 1 << members[at] as u64;
            at += 1;
        }
        KnownSet(bits)
    }

    /// The name is in the set.
    #[inline]
    pub fn contains(self, known: Known) -> bool {
        self.0 & (1 << known as u64) != 0
    }

    /// Both sets have a name in common.
    #[inline]
    pub fn meets(self, other: KnownSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds a name.
    #[inline]
    pub fn insert(&mut self, known: Known) {
        self.0 |= 1 << known as u64;
    }

    /// Takes a name out.
    #[inline]
    pub fn remove(&mut self, known: Known) {
        self.0 &= !(1 << known as u64);
    }
}

/// Both are the same field name: without case, `_` as `-`.
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| folded(*a) == folded(*b))
}

/// As `same_name`, for a name in its folded form. With the length known and without an early exit the
/// compiler compares many bytes at once.
#[inline]
fn is<const LENGTH: usize>(name: &[u8], known: &[u8; LENGTH]) -> bool {
    let Ok(name) = <&[u8; LENGTH]>::try_from(name) else { return false };
    folded(name[0]) == known[0]
        && name.iter().zip(known).fold(0, |difference, (a, b)| difference | (folded(*a) ^ b)) == 0
}

#[inline]
fn folded(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, Known); 21] = [
        ("connection", Known::Connection),
        ("content-length", Known::ContentLength),
        ("date", Known::Date),
        ("expect", Known::Expect),
        ("host", Known::Host),
        ("keep-alive", Known::KeepAlive),
        ("proxy-authenticate", Known::ProxyAuthenticate),
        ("proxy-authorization", Known::ProxyAuthorization),
        ("proxy-connection", Known::ProxyConnection),
        ("retry-after", Known::RetryAfter),
        ("te", Known::Te),
        ("trailer", Known::Trailer),
        ("transfer-encoding", Known::TransferEncoding),
        ("upgrade", Known::Upgrade),
        ("user-agent", Known::UserAgent),
        ("via", Known::Via),
        ("x-forwarded-client-cert", Known::XForwardedClientCert),
        ("x-forwarded-for", Known::XForwardedFor),
        ("x-forwarded-host", Known::XForwardedHost),
        ("x-forwarded-proto", Known::XForwardedProto),
        ("x-request-id", Known::XRequestId),
    ];

    #[test]
    fn every_known_name_is_recognised_in_any_form() {
        for (name, known) in ALL {
            for form in [name.to_owned(), name.to_uppercase(), name.replace('-', "_")] {
                assert_eq!(Known::of(form.as_bytes()), known, "{form} must be recognised");
            }
            let near = name.replace(char::is_alphabetic, "q");
            assert_eq!(Known::of(near.as_bytes()), Known::Other, "{near} only has the length of {name}");
        }
    }

    #[test]
    fn a_set_knows_its_members() {
        let mut set = KnownSet::of(&[Known::Te]);
        assert!(set.contains(Known::Te) && !set.contains(Known::Via), "only te was put in");
        assert!(set.meets(KnownSet::HOP_BY_HOP) && !set.meets(KnownSet::FRAMING), "te is hop-by-hop, not framing");
        set.remove(Known::Te);
        set.insert(Known::ContentLength);
        assert!(set.meets(KnownSet::FRAMING) && !set.contains(Known::Te), "te was taken out, the length put in");
    }
}
