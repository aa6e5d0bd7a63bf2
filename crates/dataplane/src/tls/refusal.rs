//! Why a handshake was refused: one word for metrics, one sentence for the log.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// The reason in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A certificate was asked for and none came.
    NoCertificate,
    /// No known authority stands behind the certificate.
    UnknownCa,
    /// The certificate is its own authority.
    SelfSigned,
    /// A certificate of the chain is past its end.
    Expired,
    /// A certificate of the chain is before its beginning.
    NotYetValid,
    /// The certificate is not meant for this: key usage, extended key usage, CA or not CA.
    WrongUsage,
    /// The SPIFFE id is of another trust domain.
    WrongDomain,
    /// No SPIFFE id, or none that is well formed.
    NoIdentity,
    /// More than one URI name: which one counts is anyone's guess.
    TwoIdentities,
    /// On a revocation list.
    Revoked,
    /// Revocation lists are in use, and none that is current covers the certificate.
    RevocationUnknown,
    /// A signature, of the chain or of the handshake, does not fit.
    BadSignature,
    /// A message or certificate that cannot be read, or breaks the protocol.
    Malformed,
    /// The peer does not speak TLS at all.
    NotTls,
    /// No protocol version in common.
    Version,
    /// The certificate is for another name, or breaks its authority's name constraints.
    Name,
    /// The peer went away.
    Closed,
    /// The handshake took too long.
    Timeout,
    /// Anything else; the detail says what.
    Other,
}

/// A refused handshake, or a connection that broke the protocol later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError {
    /// The reason in one word.
    pub refusal: Refusal,
    /// What exactly was found, for the log.
    pub detail: String,
}

// === impl Refusal ===

impl Refusal {
    /// Every reason, in the order of their declaration: a metric has one counter for each.
    pub const ALL: [Self; 19] = [
        Self::NoCertificate,
        Self::UnknownCa,
        Self::SelfSigned,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongUsage,
        Self::WrongDomain,
        Self::NoIdentity,
        Self::TwoIdentities,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::BadSignature,
        Self::Malformed,
        Self::NotTls,
        Self::Version,
        Self::Name,
        Self::Closed,
        Self::Timeout,
        Self::Other,
    ];

    /// The value of a metric's `reason` label.
    pub fn label(self) -> &'static str {
        self.words().0
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NoCertificate => ("no_certificate", "the peer showed no certificate"),
            Self::UnknownCa => ("unknown_ca", "no known authority issued the peer's certificate"),
            Self::SelfSigned => ("self_signed", "the peer's certificate is self-signed"),
            Self::Expired => ("expired", "the peer's certificate has expired"),
            Self::NotYetValid => ("not_yet_valid", "the peer's certificate is not valid yet"),
            Self::WrongUsage => ("wrong_usage", "the peer's certificate is not meant for this use"),
            Self::WrongDomain => ("wrong_domain", "the peer belongs to another trust domain"),
            Self::NoIdentity => ("no_identity", "the peer's certificate carries no SPIFFE id"),
            Self::TwoIdentities => ("two_identities", "the peer's certificate carries more than one URI"),
            Self::Revoked => ("revoked", "the peer's certificate is revoked"),
            Self::RevocationUnknown => ("revocation_unknown", "no current revocation list covers the certificate"),
            Self::BadSignature => ("bad_signature", "a signature does not fit"),
            Self::Malformed => ("malformed", "the peer sent what TLS does not allow"),
            Self::NotTls => ("not_tls", "the peer does not speak TLS"),
            Self::Version => ("version", "no TLS version in common"),
            Self::Name => ("name", "the peer's certificate is for another name"),
            Self::Closed => ("closed", "the peer went away in the handshake"),
            Self::Timeout => ("timeout", "the handshake took too long"),
            Self::Other => ("other", "the handshake failed"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

// === impl TlsError ===

impl TlsError {
    pub(crate) fn new(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self { refusal, detail: detail.into() }
    }

    /// For a verifier: the error that makes rustls send the alert that fits. Our own reason, which says more,
    /// goes by way of [`super::verdict`].
    pub(super) fn alert(&self) -> Error {
        Error::InvalidCertificate(match self.refusal {
            Refusal::UnknownCa | Refusal::SelfSigned => CertificateError::UnknownIssuer,
            Refusal::Expired | Refusal::NotYetValid => CertificateError::Expired,
            Refusal::Revoked => CertificateError::Revoked,
            Refusal::RevocationUnknown => CertificateError::UnknownRevocationStatus,
            Refusal::BadSignature => CertificateError::BadSignature,
            Refusal::WrongUsage => CertificateError::InvalidPurpose,
            Refusal::Malformed | Refusal::NoIdentity | Refusal::TwoIdentities => CertificateError::BadEncoding,
            Refusal::Name => CertificateError::NotValidForName,
            _ => CertificateError::ApplicationVerificationFailure,
        })
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() { self.refusal.fmt(f) } else { write!(f, "{}: {}", self.refusal, self.detail) }
    }
}

impl std::error::Error for TlsError {}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        Self::new(refusal_of(&error), error.to_string())
    }
}

fn refusal_of(error: &Error) -> Refusal {
    match error {
        Error::NoCertificatesPresented => Refusal::NoCertificate,
        // The chain's errors come from our verifiers with their own reason; this is the handshake's own signature.
        Error::InvalidCertificate(_) => Refusal::BadSignature,
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        )
        | Error::AlertReceived(AlertDescription::ProtocolVersion) => Refusal::Version,
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::DecryptError
        | Error::PeerSentOversizedRecord => Refusal::Malformed,
        _ => Refusal::Other,
    }
}
