//! The plan as it crosses the language border: one msgpack document, every field named.
//!
//! Python builds it whole (files already read, names already checked); nothing here opens a file or
//! asks a resolver. Durations are milliseconds, sizes are bytes, 0 means "no limit" where it says so.
//! `flatproxy/core/plan.py` writes exactly these structs: a field that only one side knows is an error.

#![allow(missing_docs)] // explained where the name does not say it all

mod listener;
mod route;
mod tls;
mod upstream;

use std::net::SocketAddr;

use serde::Deserialize;

pub use listener::*;
pub use route::*;
pub use tls::*;
pub use upstream::*;

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
