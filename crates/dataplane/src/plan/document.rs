//! The plan as it crosses the language border: one msgpack document, every field named.
//!
//! Python builds it whole (files already read, names already checked); nothing here opens a file or
//! asks a resolver. Durations are milliseconds, sizes are bytes, 0 means "no limit" where it says so.
//! `flatproxy/core/plan.py` writes exactly these structs: a field that only one side knows is an error.

#![allow(missing_docs)] // explained where the name does not say it all

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// The whole plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    pub listeners: Vec<Listener>,
    pub upstreams: Vec<Upstream>,
    pub access_log: AccessLog,
    pub dns: Dns,
}

/// Where access log lines go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLog {
    Off,
    Stdout,
    Stderr,
    /// Appended to; opened again whenever a plan is applied, so that log rotation works.
    File(String),
}

/// How endpoint names are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Empty: what the system is configured with.
    pub servers: Vec<SocketAddr>,
    /// The longest time a name is used before it is asked for again; a shorter TTL wins.
    pub refresh_ms: u64,
}

// === listen ===

/// One address that accepts connections.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub name: String,
    pub address: SocketAddr,
    pub tls: Option<ServerTls>,
    pub limits: Limits,
    pub paths: PathPolicy,
    pub forwarded: ForwardedPolicy,
    pub routes: Vec<Route>,
}

/// DESIGN section 10; the defaults are Python's (`flatproxy/config/models.py`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub head_bytes: u32,
    pub headers: u16,
    pub head_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub tls_handshake_timeout_ms: u64,
    /// The longest pause within a body, in either direction: a stalled reader or writer is cut.
    pub stall_timeout_ms: u64,
    /// How much of a request body may be kept for a replay or for a filter.
    pub held_body_bytes: u32,
    /// How much may wait for a slow reader before its writer is stopped.
    pub write_buffer_bytes: u32,
    /// The largest request body; 0: no limit.
    pub body_bytes: u64,
    /// Open connections of this listener, over all data threads.
    pub connections: u32,
}

/// How the path is normalised before anyone (router, filters, upstream) sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathPolicy {
    /// `.` and `..` segments, plain or percent-encoded.
    pub dot_segments: DotSegments,
    /// `%2f` and `%5c`: one segment for one reader, two for another.
    pub encoded_slash: EncodedSlash,
    /// `//` becomes `/`.
    pub merge_slashes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DotSegments {
    Resolve,
    Reject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodedSlash {
    Reject,
    Keep,
    Decode,
}

/// What we tell the upstream about the client, and whom we believe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardedPolicy {
    pub x_forwarded_for: XForwardedFor,
    /// Send `x-forwarded-proto` and `x-forwarded-host`.
    pub x_forwarded_proto: bool,
    /// Our pseudonym in `Via` (RFC 9110 section 7.6.3); none: no `Via` is written.
    pub via: Option<String>,
    pub request_id: RequestId,
    /// The header that carries the verified client identity; always dropped when a client sends it.
    pub client_cert_header: String,
    /// `address/prefix` networks whose forwarding headers and request ids are kept.
    pub trusted: Vec<Network>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XForwardedFor {
    /// From a trusted peer: add ours; from anyone else: only ours.
    Append,
    /// Only the address we saw.
    Replace,
    /// None at all.
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestId {
    /// Keep one from a trusted peer, make one otherwise.
    Keep,
    /// Always make one.
    Make,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub address: IpAddr,
    pub prefix: u8,
}

// === tls ===

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

// === route ===

/// A match, its filters, and what is done with the request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub name: String,
    #[serde(rename = "match")]
    pub matches: RouteMatch,
    /// Request order.
    pub filters: Vec<FilterUse>,
    pub action: Action,
    pub request_headers: HeaderEdits,
    pub response_headers: HeaderEdits,
    /// From the whole request head to the end of the response; 0: no limit.
    pub timeout_ms: u64,
}

/// All given parts must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteMatch {
    /// Lower case, no port. Empty: any host. `*.x` matches one or more labels before `.x`.
    pub hosts: Vec<String>,
    pub path: PathMatch,
    /// Empty: any method.
    pub methods: Vec<String>,
    pub headers: Vec<FieldMatch>,
    pub query: Vec<FieldMatch>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatch {
    #[default]
    Any,
    Exact(String),
    /// By segment: `/v1` matches `/v1` and `/v1/x`, never `/v10`.
    Prefix(String),
    /// The whole path must match.
    Regex(String),
}

/// One header or query parameter. Header names are lower case; a repeated header matches when any value does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMatch {
    pub name: String,
    pub value: ValueMatch,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueMatch {
    Exact(String),
    Prefix(String),
    Regex(String),
    /// `true`: there at all; `false`: absent.
    Present(bool),
}

/// One filter on one route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterUse {
    pub name: String,
    /// Opaque to the core: what the filter's host needs to build it.
    #[serde(with = "serde_bytes")]
    pub options: Vec<u8>,
    /// `false`: fails closed.
    pub fail_open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Forward(Forward),
    Redirect(Redirect),
    Respond(DirectResponse),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    pub upstreams: Vec<WeightedUpstream>,
    /// Replaces what the route's prefix matched (exact: the whole path).
    pub rewrite_prefix: Option<String>,
    pub rewrite_host: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedUpstream {
    pub upstream: String,
    pub weight: u32,
}

/// What is left out stays as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    pub status: u16,
    pub scheme: Option<String>,
    pub host: Option<String>,
    /// Replaces the whole path; the query is kept.
    pub path: Option<String>,
    /// Replaces what the route's prefix matched.
    pub prefix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Applied in this order: remove, set, add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderEdits {
    pub remove: Vec<String>,
    pub set: Vec<(String, String)>,
    pub add: Vec<(String, String)>,
}

// === upstream ===

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
