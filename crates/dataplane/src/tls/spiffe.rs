//! SPIFFE ids: `spiffe://trust.domain/path`, as the SPIFFE-ID standard (section 2) spells them.
//!
//! An id is compared byte by byte, so a spelling that a lenient reader would fold into another one
//! (upper case domain, `%2f`, `..`, an empty segment) is no id at all.

use std::fmt;

/// The longest id a peer may carry (SPIFFE-ID section 2.3).
const MAX_LENGTH: usize = 2048;
/// The longest trust domain (SPIFFE-ID section 2.1, from RFC 3986 section 3.2.2).
const MAX_TRUST_DOMAIN: usize = 255;
const SCHEME: &str = "spiffe://";

/// A valid SPIFFE id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    text: Box<str>,
    domain_end: u16,
}

/// Why a text is no SPIFFE id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpiffeError {
    /// More than 2048 bytes.
    TooLong,
    /// Does not begin with `spiffe://`.
    Scheme,
    /// The trust domain is empty, too long, or has a character other than `a-z 0-9 . - _`:
    /// so user information and ports are refused here too.
    TrustDomain,
    /// A path segment is empty, `.` or `..`, or has a character other than `a-z A-Z 0-9 . - _`:
    /// so queries, fragments and percent encoding are refused here too.
    Path,
}

// === impl SpiffeId ===

impl SpiffeId {
    /// Checks a text as it stands in a certificate or a configuration; nothing is normalised.
    pub fn parse(text: &str) -> Result<Self, SpiffeError> {
        if text.len() > MAX_LENGTH {
            return Err(SpiffeError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeError::Scheme)?;
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_trust_domain(domain)?;
        check_path(path)?;
        Ok(Self { text: text.into(), domain_end: (SCHEME.len() + domain.len()) as u16 })
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `demo.mesh` of `spiffe://demo.mesh/shop`.
    pub fn trust_domain(&self) -> &str {
        &self.text[SCHEME.len()..usize::from(self.domain_end)]
    }

    /// `/shop` of `spiffe://demo.mesh/shop`; empty for the id of the trust domain itself.
    pub fn path(&self) -> &str {
        &self.text[usize::from(self.domain_end)..]
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks a trust domain name alone, as a configuration has it.
pub fn check_trust_domain(domain: &str) -> Result<(), SpiffeError> {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if domain.is_empty() || domain.len() > MAX_TRUST_DOMAIN || !domain.bytes().all(allowed) {
        return Err(SpiffeError::TrustDomain);
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), SpiffeError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let Some(segments) = path.strip_prefix('/') else { return Ok(()) };
    for segment in segments.split('/') {
        if matches!(segment, "" | "." | "..") || !segment.bytes().all(allowed) {
            return Err(SpiffeError::Path);
        }
    }
    Ok(())
}

// === impl SpiffeError ===

impl fmt::Display for SpiffeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 2048 bytes",
            Self::Scheme => "it does not begin with spiffe://",
            Self::TrustDomain => "its trust domain is empty, too long, or not of a-z 0-9 . - _",
            Self::Path => "its path has an empty, dot or badly spelt segment",
        })
    }
}

impl std::error::Error for SpiffeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_id_has_a_trust_domain_and_a_path() {
        let id = SpiffeId::parse("spiffe://demo.mesh/shop/orders-1_A").expect("a well-formed id");
        assert_eq!(id.trust_domain(), "demo.mesh");
        assert_eq!(id.path(), "/shop/orders-1_A");
        assert_eq!(id.as_str(), "spiffe://demo.mesh/shop/orders-1_A");
        assert_eq!(SpiffeId::parse("spiffe://demo.mesh").expect("a trust domain's id").path(), "");
    }

    #[test]
    fn what_a_lenient_reader_would_accept_is_refused() {
        for (text, why) in [
            ("", SpiffeError::Scheme),
            ("demo.mesh/shop", SpiffeError::Scheme),
            ("SPIFFE://demo.mesh/shop", SpiffeError::Scheme),
            ("https://demo.mesh/shop", SpiffeError::Scheme),
            ("spiffe://", SpiffeError::TrustDomain),
            ("spiffe:///shop", SpiffeError::TrustDomain),
            ("spiffe://Demo.mesh/shop", SpiffeError::TrustDomain),
            ("spiffe://user@demo.mesh/shop", SpiffeError::TrustDomain),
            ("spiffe://demo.mesh:443/shop", SpiffeError::TrustDomain),
            ("spiffe://demo.mesh?x", SpiffeError::TrustDomain),
            ("spiffe://demo.mesh\0/shop", SpiffeError::TrustDomain),
            ("spiffe://demo.mesh/", SpiffeError::Path),
            ("spiffe://demo.mesh/shop/", SpiffeError::Path),
            ("spiffe://demo.mesh//shop", SpiffeError::Path),
            ("spiffe://demo.mesh/./shop", SpiffeError::Path),
            ("spiffe://demo.mesh/shop/..", SpiffeError::Path),
            ("spiffe://demo.mesh/%2e%2e", SpiffeError::Path),
            ("spiffe://demo.mesh/shop?x=1", SpiffeError::Path),
            ("spiffe://demo.mesh/shop#x", SpiffeError::Path),
            ("spiffe://demo.mesh/shöp", SpiffeError::Path),
            ("spiffe://demo.mesh/shop\0", SpiffeError::Path),
        ] {
            assert_eq!(SpiffeId::parse(text), Err(why), "{text:?} was accepted or refused for another reason");
        }
    }

    #[test]
    fn length_limits_hold_to_the_byte() {
        let id = |length: usize| format!("spiffe://d/{}", "a".repeat(length - "spiffe://d/".len()));
        assert!(SpiffeId::parse(&id(2048)).is_ok(), "2048 bytes are allowed");
        assert_eq!(SpiffeId::parse(&id(2049)), Err(SpiffeError::TooLong));
        assert!(SpiffeId::parse(&format!("spiffe://{}/a", "d".repeat(255))).is_ok(), "255 bytes of domain are allowed");
        assert_eq!(SpiffeId::parse(&format!("spiffe://{}/a", "d".repeat(256))), Err(SpiffeError::TrustDomain));
    }
}
