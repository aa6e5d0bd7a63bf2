//! Who the peer is, read from its leaf certificate once the chain is verified.
//!
//! The rules are those of the X509-SVID standard (sections 2 to 5): exactly one URI name, a SPIFFE id with a path;
//! not a CA; for digital signatures, never for signing certificates.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use super::refusal::{Refusal, TlsError};
use super::spiffe::SpiffeId;

/// The verified leaf certificate of a peer that has an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Its SPIFFE id.
    pub identity: SpiffeId,
    /// SHA-256 of the certificate, 64 lower case hexadecimal digits.
    pub fingerprint: Box<str>,
    /// The subject's distinguished name, as `CN=orders, O=Demo`; may be empty.
    pub subject: Box<str>,
    /// Lower case hexadecimal digits, two a byte.
    pub serial: Box<str>,
    /// When it ends, in seconds since 1970.
    pub not_after: u64,
}

// === impl PeerCertificate ===

impl PeerCertificate {
    /// Reads an identity from a leaf whose chain is already verified.
    pub(super) fn from_verified(leaf: &CertificateDer<'_>) -> Result<Arc<Self>, TlsError> {
        let certificate = parse(leaf)?;
        check_usage(&certificate)?;
        Ok(Arc::new(Self {
            identity: identity_of(&certificate)?,
            fingerprint: fingerprint(leaf).into(),
            subject: certificate.subject().to_string().into(),
            serial: hex(certificate.raw_serial()).into(),
            not_after: not_after(&certificate),
        }))
    }
}

/// Refuses a chain of which a certificate has run out: a resumed session is not verified again by rustls.
pub(super) fn check_not_expired(chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), TlsError> {
    let end = earliest_end(chain)?;
    if now.as_secs() > end {
        let detail = format!("the session's certificate ended {} s ago", now.as_secs() - end);
        return Err(TlsError::new(Refusal::Expired, detail));
    }
    Ok(())
}

/// The last second at which all certificates of a chain are still good.
pub(super) fn earliest_end(chain: &[CertificateDer<'_>]) -> Result<u64, TlsError> {
    let mut earliest = u64::MAX;
    for der in chain {
        earliest = earliest.min(not_after(&parse(der)?));
    }
    Ok(earliest)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, TlsError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(malformed("bytes after its end")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

fn malformed(what: &str) -> TlsError {
    TlsError::new(Refusal::Malformed, format!("the certificate cannot be read: {what}"))
}

/// The one URI name of a leaf, and that no name of it holds a NUL: `good.example\0.evil.example` is one name to
/// a C string and another to everyone else.
fn identity_of(certificate: &X509Certificate<'_>) -> Result<SpiffeId, TlsError> {
    let names = certificate.subject_alternative_name().map_err(|error| malformed(&error.to_string()))?;
    let mut uri = None;
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        if let GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) = name
            && text.contains('\0')
        {
            return Err(TlsError::new(Refusal::Malformed, "a name holds a NUL"));
        }
        match name {
            GeneralName::URI(_) if uri.is_some() => return Err(TlsError::new(Refusal::TwoIdentities, "")),
            GeneralName::URI(text) => uri = Some(*text),
            GeneralName::Invalid(..) => return Err(malformed("an alternative name")),
            _ => {}
        }
    }
    let text = uri.ok_or_else(|| TlsError::new(Refusal::NoIdentity, "no URI name"))?;
    let no_identity = |why: &str| TlsError::new(Refusal::NoIdentity, format!("{text:?} is no SPIFFE id: {why}"));
    let id = SpiffeId::parse(text).map_err(|error| no_identity(&error.to_string()))?;
    if id.path().is_empty() {
        return Err(no_identity("a leaf's id needs a path"));
    }
    Ok(id)
}

fn check_usage(certificate: &X509Certificate<'_>) -> Result<(), TlsError> {
    let wrong = |what: &str| Err(TlsError::new(Refusal::WrongUsage, what));
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) if constraints.ca => return wrong("a CA is no peer"),
            ParsedExtension::KeyUsage(usage) if usage.key_cert_sign() || usage.crl_sign() => {
                return wrong("its key may sign certificates");
            }
            ParsedExtension::KeyUsage(usage) if !usage.digital_signature() => {
                return wrong("its key may not make signatures");
            }
            _ => {}
        }
    }
    Ok(())
}

fn not_after(certificate: &X509Certificate<'_>) -> u64 {
    u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0)
}

fn fingerprint(leaf: &CertificateDer<'_>) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, leaf).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}
