//! What we ask of an upstream's certificate: a chain of ours, then exactly one name or one identity.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::chain::{self, Trust, Usage};
use super::peer::{self, PeerCertificate};
use super::refusal::{Refusal, TlsError};
use super::spiffe::SpiffeId;
use super::verdict;
use crate::plan::PlanError;
use crate::plan::document::{ClientTls, VerifyServer};

#[derive(Debug)]
pub(super) struct ServerVerifier {
    trust: Trust,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Name(ServerName<'static>),
    Identity(SpiffeId),
}

// === impl ServerVerifier ===

impl ServerVerifier {
    pub(super) fn build(document: &ClientTls) -> Result<Self, PlanError> {
        let trust = Trust::from_pem(&document.ca_pem, document.crl_pem.as_deref())?;
        let expected = match &document.verify {
            VerifyServer::Name(name) => Expected::Name(
                ServerName::try_from(name.clone())
                    .map_err(|_| PlanError::new(format!("name {name:?}: neither a DNS name nor an address")))?,
            ),
            VerifyServer::Identity(id) => Expected::Identity(
                SpiffeId::parse(id).map_err(|error| PlanError::new(format!("identity {id:?}: {error}")))?,
            ),
        };
        Ok(Self { trust, expected })
    }

    /// As for a client's session: the chain was verified by this very verifier, only time went on.
    pub(super) fn resumed(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Option<Arc<PeerCertificate>>, TlsError> {
        peer::check_not_expired(chain, now)?;
        match (&self.expected, chain.first()) {
            (_, None) => Err(TlsError::new(Refusal::NoCertificate, "the session has none")),
            (Expected::Name(_), _) => Ok(None),
            (Expected::Identity(id), Some(leaf)) => identify(id, leaf).map(Some),
        }
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Option<Arc<PeerCertificate>>, TlsError> {
        let certificate = self.trust.verify(leaf, intermediates, now, Usage::Server)?;
        match &self.expected {
            Expected::Identity(id) => identify(id, leaf).map(Some),
            Expected::Name(name) => {
                certificate.verify_is_valid_for_subject_name(name).map_err(|error| chain::refused(&error))?;
                Ok(None)
            }
        }
    }
}

fn identify(expected: &SpiffeId, leaf: &CertificateDer<'_>) -> Result<Arc<PeerCertificate>, TlsError> {
    let peer = PeerCertificate::from_verified(leaf)?;
    let detail = || format!("it is {}, not {expected}", peer.identity);
    if peer.identity.trust_domain() != expected.trust_domain() {
        return Err(TlsError::new(Refusal::WrongDomain, detail()));
    }
    if peer.identity != *expected {
        return Err(TlsError::new(Refusal::Name, detail()));
    }
    Ok(peer)
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        // What was asked for by SNI; what it must be is ours to know.
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verify(leaf, intermediates, now);
        let answer = verdict.as_ref().map(|_| ServerCertVerified::assertion()).map_err(TlsError::alert);
        verdict::leave(verdict);
        answer
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}
