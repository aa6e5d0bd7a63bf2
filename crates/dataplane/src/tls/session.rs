//! One TLS session without its socket: rustls, who the peer is, and why it was refused.

use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::{Connection, HandshakeKind};

use super::client_verifier::ClientVerifier;
use super::peer::PeerCertificate;
use super::refusal::TlsError;
use super::server_verifier::ServerVerifier;
use super::verdict;

/// What verifies the peer; a listener in mode `simple` has nothing to verify.
pub(super) enum Verifier {
    Client(Option<Arc<ClientVerifier>>),
    Server(Arc<ServerVerifier>),
}

pub(super) struct Session {
    pub(super) connection: Connection,
    verifier: Verifier,
    pub(super) peer: Option<Arc<PeerCertificate>>,
    pub(super) server_name: Option<Box<str>>,
}

// === impl Session ===

impl Session {
    pub(super) fn new(connection: Connection, verifier: Verifier) -> Self {
        Self { connection, verifier, peer: None, server_name: None }
    }

    pub(super) fn resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Lets rustls work on what was received.
    pub(super) fn process(&mut self) -> Result<(), TlsError> {
        let processed = self.connection.process_new_packets();
        let found = verdict::take();
        self.server_name = found.server_name.or_else(|| self.server_name.take());
        match (processed, found.verdict) {
            (Err(_), Some(Err(ours))) => Err(ours),
            (Err(error), _) => Err(error.into()),
            (Ok(_), verdict) => {
                if let Some(Ok(peer)) = verdict {
                    self.peer = peer;
                }
                Ok(())
            }
        }
    }

    /// To be called once, when the handshake is done: a resumed session brings its peer along, unverified.
    pub(super) fn settle(&mut self) -> Result<(), TlsError> {
        if !self.resumed() {
            return Ok(());
        }
        let chain = self.connection.peer_certificates().unwrap_or_default();
        let now = UnixTime::now();
        self.peer = match &self.verifier {
            Verifier::Client(None) => None,
            Verifier::Client(Some(verifier)) => Some(verifier.resumed(chain, now)?),
            Verifier::Server(verifier) => verifier.resumed(chain, now)?,
        };
        Ok(())
    }
}
