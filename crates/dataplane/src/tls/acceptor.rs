//! TLS of one listener: built whole from the plan, shared by all data threads, never changed.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ProducesTickets, UnbufferedServerConnection};
use tokio::net::TcpStream;

use super::certificate::certified_key;
use super::client_verifier::ClientVerifier;
use super::handshake::Side;
use super::names::Names;
use super::provider::{protocols, provider, versions};
use super::refusal::TlsError;
use super::stream::TlsStream;
use crate::plan::PlanError;
use crate::plan::document::ServerTls;

/// Makes the server side of TLS connections.
pub struct Acceptor {
    pub(super) document: ServerTls,
    config: Arc<ServerConfig>,
    verifier: Option<Arc<ClientVerifier>>,
}

// === impl Acceptor ===

impl Acceptor {
    /// Reads certificates and keys, and checks that they fit.
    ///
    /// `previous` is this listener's acceptor in the plan before. Its ticket keys live on, so that sessions resume
    /// across a reload, only when clients are verified as they were: a session that began without a client
    /// certificate, or under another CA or revocation list, must begin anew.
    pub fn build(document: &ServerTls, previous: Option<&Self>) -> Result<Self, PlanError> {
        if let Some(previous) = previous.filter(|previous| previous.document == *document) {
            let (config, verifier) = (Arc::clone(&previous.config), previous.verifier.clone());
            return Ok(Self { document: document.clone(), config, verifier });
        }
        let verifier = document.client.as_ref().map(ClientVerifier::build).transpose()?.map(Arc::new);
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions(document.min_version))
            .map_err(|error| PlanError::new(format!("TLS: {error}")))?;
        let builder = match &verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::<ClientVerifier>::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(names(document)?));
        config.alpn_protocols = protocols();
        // For traffic.rs, which seals and opens records with the keys of the handshake.
        config.enable_secret_extraction = true;
        config.ignore_client_order = true; // see provider.rs for ours
        config.ticketer = match previous.filter(|previous| previous.document.client == document.client) {
            Some(previous) => Arc::clone(&previous.config.ticketer),
            None => new_ticketer()?,
        };
        // Tickets carry the session; a store of our own would be a lock between the data threads.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // Every resumed connection brings a new ticket, so one is enough; each costs a pass of encryption and,
        // with a client certificate in it, 1 to 2 KiB.
        config.send_tls13_tickets = 1;
        Ok(Self { document: document.clone(), config: Arc::new(config), verifier })
    }

    /// Begins a handshake on an accepted connection. It goes on in [`TlsStream::poll_handshake`].
    pub fn accept(&self, tcp: TcpStream) -> Result<TlsStream, TlsError> {
        Ok(TlsStream::new(tcp, self.side()?))
    }

    pub(super) fn side(&self) -> Result<Side, TlsError> {
        let connection = UnbufferedServerConnection::new(Arc::clone(&self.config))?;
        Ok(Side::Server(connection, self.verifier.clone()))
    }
}

fn names(document: &ServerTls) -> Result<Names, PlanError> {
    let mut keys = Vec::with_capacity(document.certificates.len());
    for (index, certificate) in document.certificates.iter().enumerate() {
        let place = format!("certificate {}", index + 1);
        keys.push(certified_key(certificate).map_err(|error| error.at(&place))?);
    }
    match keys.split_first() {
        Some((first, others)) => Ok(Names::new(first, others)),
        None => Err(PlanError::new("TLS: at least one certificate is needed")),
    }
}

fn new_ticketer() -> Result<Arc<dyn ProducesTickets>, PlanError> {
    rustls::crypto::aws_lc_rs::Ticketer::new()
        .map_err(|error| PlanError::new(format!("TLS: cannot make ticket keys: {error}")))
}
