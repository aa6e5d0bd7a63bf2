//! Listeners: addresses, limits, what is believed of a client.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::{Route, ServerTls};

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
