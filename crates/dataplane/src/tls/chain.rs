//! Certificate chains: who we trust, who is revoked, and the precise reason when a chain does not hold.
//!
//! A CRL file must cover the whole chain and be current, as with OpenSSL's `CRL_CHECK_ALL`: a list that says
//! nothing about a certificate, or stopped being renewed, is no proof that the certificate still holds.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
};

use super::provider::provider;
use super::refusal::{Refusal, TlsError};
use crate::plan::PlanError;

/// Authorities and their revocation lists.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    revoked: Vec<CertRevocationList<'static>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// What the leaf is to be good for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Usage {
    Client,
    Server,
}

// === impl Trust ===

impl Trust {
    pub(super) fn from_pem(ca_pem: &str, crl_pem: Option<&str>) -> Result<Self, PlanError> {
        Ok(Self {
            roots: Arc::new(roots(ca_pem)?),
            revoked: crl_pem.map_or(Ok(Vec::new()), revocation_lists)?,
            algorithms: provider().signature_verification_algorithms,
        })
    }

    /// Verifies a chain up to one of our authorities; returns the parsed leaf.
    pub(super) fn verify<'a>(
        &self,
        leaf: &'a CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: Usage,
    ) -> Result<EndEntityCert<'a>, TlsError> {
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| refused(&error))?;
        let usage = match usage {
            Usage::Client => KeyUsage::client_auth(),
            Usage::Server => KeyUsage::server_auth(),
        };
        let lists: Vec<_> = self.revoked.iter().collect();
        // An error here means "no lists": then nothing is checked.
        let revocation = RevocationOptionsBuilder::new(&lists)
            .ok()
            .map(|options| options.with_expiration_policy(ExpirationPolicy::Enforce).build());
        let algorithms = self.algorithms.all;
        certificate
            .verify_for_usage(algorithms, &self.roots.roots, intermediates, now, usage, revocation, None)
            .map(drop)
            .map_err(|error| match error {
                webpki::Error::UnknownIssuer if certificate.issuer() == certificate.subject() => {
                    TlsError::new(Refusal::SelfSigned, "")
                }
                error => refused(&error),
            })?;
        Ok(certificate)
    }

    pub(super) fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    pub(super) fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }
}

fn roots(pem: &str) -> Result<RootCertStore, PlanError> {
    let mut roots = RootCertStore::empty();
    for (index, der) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let bad = |error: String| PlanError::new(format!("CA certificate {}: cannot be read: {error}", index + 1));
        let der = der.map_err(|error| bad(error.to_string()))?;
        roots.add(der).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(PlanError::new("CA: no certificate in the PEM text"));
    }
    Ok(roots)
}

fn revocation_lists(pem: &str) -> Result<Vec<CertRevocationList<'static>>, PlanError> {
    let mut lists = Vec::new();
    for (index, der) in CertificateRevocationListDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let bad = |error: String| PlanError::new(format!("CRL {}: cannot be read: {error}", index + 1));
        let der = der.map_err(|error| bad(error.to_string()))?;
        lists.push(OwnedCertRevocationList::from_der(&der).map_err(|error| bad(error.to_string()))?.into());
    }
    if lists.is_empty() {
        return Err(PlanError::new("CRL: no revocation list in the PEM text"));
    }
    Ok(lists)
}

/// A verification error in our words.
pub(super) fn refused(error: &webpki::Error) -> TlsError {
    use webpki::Error as E;
    let refusal = match error {
        E::UnknownIssuer => Refusal::UnknownCa,
        E::CertExpired { .. } | E::InvalidCertValidity => Refusal::Expired,
        E::CertNotValidYet { .. } => Refusal::NotYetValid,
        E::CaUsedAsEndEntity
        | E::EndEntityUsedAsCa
        | E::RequiredEkuNotFoundContext(_)
        | E::EmptyEkuExtension
        | E::PathLenConstraintViolated => Refusal::WrongUsage,
        E::CertRevoked => Refusal::Revoked,
        E::UnknownRevocationStatus | E::CrlExpired { .. } | E::IssuerNotCrlSigner => Refusal::RevocationUnknown,
        E::InvalidSignatureForPublicKey
        | E::InvalidCrlSignatureForPublicKey
        | E::SignatureAlgorithmMismatch
        | E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Refusal::BadSignature,
        E::CertNotValidForName(_) | E::NameConstraintViolation => Refusal::Name,
        E::BadDer
        | E::BadDerTime
        | E::TrailingData(_)
        | E::ExtensionValueInvalid
        | E::MalformedExtensions
        | E::MalformedDnsIdentifier
        | E::MalformedNameConstraint
        | E::InvalidSerialNumber
        | E::UnsupportedCertVersion
        | E::UnsupportedCriticalExtension => Refusal::Malformed,
        _ => Refusal::Other,
    };
    TlsError::new(refusal, format!("{error:?}"))
}
