//! Upstreams: endpoints, balance, health.

use serde::Deserialize;

use super::ClientTls;

/// A named service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    pub name: String,
    pub endpoints: Vec<Endpoint>,
    pub balance: Balance,
    pub tls: Option<ClientTls>,
    pub connect_timeout_ms: u64,
    /// How long a connection may wait unused.
    pub idle_timeout_ms: u64,
    /// Over all data threads.
    pub max_connections: u32,
    /// Requests that wait for a connection to be made.
    pub max_pending: u32,
    /// Requests under way.
    pub max_requests: u32,
    pub health_check: Option<HealthCheck>,
    pub ejection: Option<Ejection>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// An IP address or a DNS name; of a name, every address is an endpoint.
    pub host: String,
    pub port: u16,
    pub weight: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    RoundRobin,
    /// The less loaded of two picked at random.
    LeastRequest,
    Random,
    RingHash(HashKey),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashKey {
    Header(String),
    Path,
    /// The client's address.
    Source,
    /// The client's SPIFFE id.
    Peer,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    pub probe: Probe,
    pub interval_ms: u64,
    pub timeout_ms: u64,
    /// Successes in a row that bring an endpoint back.
    pub healthy: u32,
    /// Failures in a row that take it out.
    pub unhealthy: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    Tcp,
    Http(HttpProbe),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    pub path: String,
    /// The `Host` sent; none: the endpoint's own.
    pub host: Option<String>,
    /// Inclusive.
    pub status_min: u16,
    pub status_max: u16,
}

/// Passive ejection: what traffic itself shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ejection {
    /// Failures in a row (connect, reset, time-out, 5xx) that eject an endpoint.
    pub failures: u32,
    /// The first ejection lasts this long, the n-th n times as long...
    pub base_ms: u64,
    /// ...but never longer than this.
    pub max_ms: u64,
    /// Below this share of usable endpoints, health is ignored and all are used (0..=100).
    pub panic_percent: u8,
}
