//! TLS towards one upstream: built whole from the plan, shared by all data threads, never changed.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;

use super::certificate::certified_key;
use super::handshake::Side;
use super::provider::{protocols, provider, versions};
use super::refusal::{Refusal, TlsError};
use super::server_verifier::ServerVerifier;
use super::stream::TlsStream;
use crate::plan::PlanError;
use crate::plan::document::ClientTls;

/// How many sessions of upstreams are kept for resumption.
const SESSIONS: usize = 256;

/// Makes the client side of TLS connections.
pub struct Connector {
    document: ClientTls,
    config: Arc<ClientConfig>,
    verifier: Arc<ServerVerifier>,
    /// Sent whatever the endpoint is called.
    sni: Option<ServerName<'static>>,
}

// === impl Connector ===

impl Connector {
    /// Reads authorities, certificate and key, and checks that they fit.
    ///
    /// `previous` is this upstream's connector in the plan before: its sessions are resumed when nothing changed.
    pub fn build(document: &ClientTls, previous: Option<&Self>) -> Result<Self, PlanError> {
        let sni = document.sni.as_ref().map(|name| dns_name(name)).transpose()?;
        if let Some(previous) = previous.filter(|previous| previous.document == *document) {
            let (config, verifier) = (Arc::clone(&previous.config), Arc::clone(&previous.verifier));
            return Ok(Self { document: document.clone(), config, verifier, sni });
        }
        let verifier = Arc::new(ServerVerifier::build(document)?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions(document.min_version))
            .map_err(|error| PlanError::new(format!("TLS: {error}")))?
            .dangerous() // our verifier checks the chain and more; see server_verifier.rs
            .with_custom_certificate_verifier(Arc::<ServerVerifier>::clone(&verifier));
        let mut config = match &document.certificate {
            Some(certificate) => {
                let key = certified_key(certificate).map_err(|error| error.at("our certificate"))?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols();
        // For traffic.rs, which seals and opens records with the keys of the handshake.
        config.enable_secret_extraction = true;
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Self { document: document.clone(), config: Arc::new(config), verifier, sni })
    }

    /// Begins a handshake on a connection to an endpoint; `host` is the endpoint's DNS name or address.
    pub fn connect(&self, tcp: TcpStream, host: &str) -> Result<TlsStream, TlsError> {
        Ok(TlsStream::new(tcp, self.side(host)?))
    }

    pub(super) fn side(&self, host: &str) -> Result<Side, TlsError> {
        let name = match &self.sni {
            Some(sni) => sni.clone(),
            None => endpoint_name(host)?,
        };
        let connection = UnbufferedClientConnection::new(Arc::clone(&self.config), name)?;
        Ok(Side::Client(connection, Arc::clone(&self.verifier)))
    }
}

/// No SNI is sent for an address (RFC 6066 section 3); rustls sees to that.
fn endpoint_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(ServerName::IpAddress(address.into()));
    }
    ServerName::try_from(host.to_owned())
        .map_err(|_| TlsError::new(Refusal::Other, format!("{host:?} is neither a DNS name nor an address")))
}

fn dns_name(name: &str) -> Result<ServerName<'static>, PlanError> {
    match ServerName::try_from(name.to_owned()) {
        Ok(name @ ServerName::DnsName(_)) => Ok(name),
        _ => Err(PlanError::new(format!("sni {name:?}: no DNS name"))),
    }
}
