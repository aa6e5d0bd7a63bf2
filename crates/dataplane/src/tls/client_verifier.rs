//! What a listener in mode `mutual` asks of a client's certificate.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use smallvec::SmallVec;

use super::chain::{Trust, Usage};
use super::peer::{self, PeerCertificate};
use super::recent::Recent;
use super::refusal::{Refusal, TlsError};
use super::spiffe::{SpiffeError, check_trust_domain};
use super::verdict;
use crate::plan::PlanError;
use crate::plan::document::ClientVerification;

/// A chain of ours, then one SPIFFE id of our trust domain.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    trust: Trust,
    hints: Vec<DistinguishedName>,
    trust_domain: Box<str>,
    recent: Recent,
}

// === impl ClientVerifier ===

impl ClientVerifier {
    pub(super) fn build(document: &ClientVerification) -> Result<Self, PlanError> {
        let trust = Trust::from_pem(&document.ca_pem, document.crl_pem.as_deref())?;
        check_trust_domain(&document.trust_domain).map_err(|error: SpiffeError| {
            PlanError::new(format!("trust domain {:?}: {error}", document.trust_domain))
        })?;
        let hints = trust.roots.subjects();
        Ok(Self { trust, hints, trust_domain: document.trust_domain.as_str().into(), recent: Recent::default() })
    }

    /// A resumed session brings the chain of the handshake that it continues. Authorities and revocation lists
    /// are the same as then (other ones change the ticket keys); time is not.
    pub(super) fn resumed(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Arc<PeerCertificate>, TlsError> {
        if let Some(peer) = self.recent.find(chain, now) {
            return Ok(peer);
        }
        peer::check_not_expired(chain, now)?;
        let leaf = chain.first().ok_or_else(|| TlsError::new(Refusal::NoCertificate, "the session has none"))?;
        self.identify(leaf)
    }

    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Arc<PeerCertificate>, TlsError> {
        let chain: SmallVec<[CertificateDer<'_>; 4]> =
            std::iter::once(leaf).chain(intermediates).map(|der| CertificateDer::from(&**der)).collect();
        if let Some(peer) = self.recent.find(&chain, now) {
            return Ok(peer);
        }
        self.trust.verify(leaf, intermediates, now, Usage::Client)?;
        let peer = self.identify(leaf)?;
        self.recent.keep(&chain, now, &peer);
        Ok(peer)
    }

    fn identify(&self, leaf: &CertificateDer<'_>) -> Result<Arc<PeerCertificate>, TlsError> {
        let peer = PeerCertificate::from_verified(leaf)?;
        if peer.identity.trust_domain() != &*self.trust_domain {
            let detail = format!("{} is not of {}", peer.identity, self.trust_domain);
            return Err(TlsError::new(Refusal::WrongDomain, detail));
        }
        Ok(peer)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verdict = self.verify(leaf, intermediates, now);
        let answer = verdict.as_ref().map(|_| ClientCertVerified::assertion()).map_err(TlsError::alert);
        verdict::leave(verdict.map(Some));
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
