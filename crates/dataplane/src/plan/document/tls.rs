//! TLS on both sides. PEM travels as text, already read.

use serde::Deserialize;

/// How a listener speaks TLS. PEM as text, already read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The first is the answer to a client without SNI, or with a name that none covers.
    pub certificates: Vec<Certificate>,
    /// Present: client certificates are required and verified against it.
    pub client: Option<ClientVerification>,
    pub min_version: TlsVersion,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientVerification {
    pub ca_pem: String,
    pub crl_pem: Option<String>,
    /// A peer's SPIFFE id must be of this trust domain.
    pub trust_domain: String,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Leaf first.
    pub chain_pem: String,
    pub key_pem: String,
}

impl std::fmt::Debug for Certificate {
    // The key never reaches a log, whatever prints the plan.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

/// How an upstream is spoken to over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    pub ca_pem: String,
    pub crl_pem: Option<String>,
    pub verify: VerifyServer,
    /// Sent as SNI; none: the endpoint's own DNS name, or nothing for an address.
    pub sni: Option<String>,
    /// Present: shown to the upstream when it asks (mode `mutual`).
    pub certificate: Option<Certificate>,
    pub min_version: TlsVersion,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyServer {
    /// The certificate must carry this DNS name.
    Name(String),
    /// The certificate must carry exactly this SPIFFE id.
    Identity(String),
}
