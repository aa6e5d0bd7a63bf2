//! What the data threads run on. Shared by all of them, never changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::document::{self, DirectResponse, PathMatch, PathPolicy};
use crate::chain::{Chain, IdentityMap};
use crate::exchange::Forwarded;
use crate::http::h1::HeadLimits;
use crate::http::{Fields, RequestHead};
use crate::message::h1 as wire;
use crate::route::{HeaderEdits, Rewrite, Router, Weighted};
use crate::telemetry::{AccessLog, Cells, ListenerCells, RouteCells, UpstreamCells};
use crate::tls::{Acceptor, Connector};
use crate::upstream::Cluster;

/// A whole plan.
pub struct Plan {
    /// Addresses that accept connections.
    pub listeners: Vec<Arc<Listener>>,
    /// Named services.
    pub targets: Vec<Arc<Target>>,
    /// How endpoint names are resolved.
    pub dns: document::Dns,
    /// Where exchanges are written down.
    pub access_log: Arc<AccessLog>,
}

/// One address that accepts connections.
pub struct Listener {
    /// Its name.
    pub name: Arc<str>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Present: it speaks TLS.
    pub acceptor: Option<Arc<Acceptor>>,
    /// Present: has a say in who clients are.
    pub identity_map: Option<Arc<dyn IdentityMap>>,
    /// Bounds, times as `Duration`s.
    pub limits: Limits,
    /// How paths are normalised.
    pub paths: PathPolicy,
    /// What upstreams are told about the client.
    pub forwarded: Forwarded,
    /// Which route takes a request.
    pub router: Router,
    /// By route index.
    pub routes: Vec<Arc<Route>>,
    /// Requests that no route took, or that never came to routing.
    pub unrouted: Cells<RouteCells>,
    /// By data thread.
    pub cells: Cells<Arc<ListenerCells>>,
    /// Open connections over all data threads; outlives the plan.
    pub open: Arc<AtomicU32>,
    pub(super) document: document::Listener,
}

/// DESIGN section 10; zero durations mean "no limit".
#[derive(Debug, Clone)]
#[allow(missing_docs)] // explained in the document
pub struct Limits {
    pub wire: wire::Limits,
    pub head_timeout: Duration,
    pub idle_timeout: Duration,
    pub handshake_timeout: Duration,
    pub stall_timeout: Duration,
    pub held_body: usize,
    pub body: u64,
    pub connections: u32,
}

/// A match, its filters, and what is done with the request.
// Kept small, and what is seldom there apart: with thousands of routes every cache line of it is a miss.
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// What is done with the request.
    pub action: Action,
    /// Its filters.
    pub chain: Chain,
    /// What the route changes in the messages, if anything.
    pub(super) changes: Option<Box<Changes>>,
    /// From the whole request head to the end of the response.
    pub timeout: Duration,
    /// By data thread.
    pub cells: Cells<RouteCells>,
}

/// What a route changes in the messages by itself, without a filter.
pub struct Changes {
    /// On the attempt.
    pub rewrite: Rewrite,
    /// On the attempt.
    pub request_edits: HeaderEdits,
    /// On the response.
    pub response_edits: HeaderEdits,
}

/// What is done with a request.
pub enum Action {
    /// Sent to this one.
    Forward(Arc<Target>),
    /// Sent to one of these.
    Split(Box<Split>),
    /// Sent elsewhere by the client itself.
    Redirect(Box<(document::Redirect, PathMatch)>),
    /// Answered at once.
    Respond(Box<DirectResponse>),
}

/// Services that share a route's requests by weight.
pub struct Split {
    /// Which of them is next.
    pub weights: Weighted,
    /// In the order of the weights.
    pub targets: Box<[Arc<Target>]>,
}

/// A named service as this plan uses it.
pub struct Target {
    /// Its name.
    pub name: Arc<str>,
    /// Its endpoints.
    pub cluster: Arc<Cluster>,
    /// Present: it is spoken to over TLS.
    pub connector: Option<Arc<Connector>>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a connection may wait unused.
    pub idle_timeout: Duration,
    /// By data thread.
    pub cells: Cells<Arc<UpstreamCells>>,
}

// === impl Route ===

impl Route {
    /// Changes path and authority of an attempt, if the route says so.
    pub fn rewrite(&self, head: &mut RequestHead) {
        if let Some(changes) = &self.changes {
            changes.rewrite.apply(head);
        }
    }

    /// Edits the fields of an attempt, if the route says so.
    pub fn edit_request(&self, fields: &mut Fields) {
        if let Some(changes) = &self.changes {
            changes.request_edits.apply(fields);
        }
    }

    /// Edits the fields of a response, if the route says so.
    pub fn edit_response(&self, fields: &mut Fields) {
        if let Some(changes) = &self.changes {
            changes.response_edits.apply(fields);
        }
    }
}

// === impl Plan ===

impl Plan {
    /// The listener at an address.
    pub fn listener_at(&self, address: SocketAddr) -> Option<&Arc<Listener>> {
        self.listeners.iter().find(|listener| listener.address == address)
    }

    /// A service by its name.
    pub fn target(&self, name: &str) -> Option<&Arc<Target>> {
        self.targets.iter().find(|target| &*target.name == name)
    }
}

// === impl Limits ===

impl From<&document::Limits> for Limits {
    fn from(limits: &document::Limits) -> Self {
        Self {
            wire: wire::Limits {
                head: HeadLimits { bytes: limits.head_bytes as usize, fields: usize::from(limits.headers) },
                buffer: limits.write_buffer_bytes as usize,
            },
            head_timeout: Duration::from_millis(limits.head_timeout_ms),
            idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
            handshake_timeout: Duration::from_millis(limits.tls_handshake_timeout_ms),
            stall_timeout: Duration::from_millis(limits.stall_timeout_ms),
            held_body: limits.held_body_bytes as usize,
            body: limits.body_bytes,
            connections: limits.connections,
        }
    }
}
