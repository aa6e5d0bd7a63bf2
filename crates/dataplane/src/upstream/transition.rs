//! What the operator wants to read in the log about an upstream, as values: whoever logs, logs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

/// Where transitions go. Nobody waits for room: what does not fit is counted
/// ([`Cluster::transitions_lost`](super::Cluster::transitions_lost)) and dropped.
pub type TransitionSender = mpsc::Sender<Transition>;

/// One change in the standing of an upstream, of one of its endpoints or of one of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The name of the upstream.
    pub upstream: Arc<str>,
    /// The host as the plan writes it; empty when the whole upstream is meant.
    pub host: Arc<str>,
    /// The endpoint; none when a name or the whole upstream is meant.
    pub address: Option<SocketAddr>,
    /// What happened.
    pub change: Change,
    /// Why, in a few words.
    pub why: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its health checks succeed again.
    Healthy,
    /// Its health checks fail.
    Unhealthy,
    /// Traffic failed too often in a row.
    Ejected,
    /// An ejection is over.
    Returned,
    /// A name resolved to a new address.
    Added,
    /// A name no longer resolves to this address.
    Removed,
    /// A name resolves again.
    Resolved,
    /// A name could not be resolved; its last addresses stay in use.
    ResolutionFailed,
    /// Too few endpoints are usable: all are used.
    Panic,
    /// Enough endpoints are usable again.
    PanicOver,
}

// === impl Change ===

impl Change {
    /// The word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Change::Healthy => "healthy",
            Change::Unhealthy => "unhealthy",
            Change::Ejected => "ejected",
            Change::Returned => "returned",
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Resolved => "resolved",
            Change::ResolutionFailed => "resolution_failed",
            Change::Panic => "panic",
            Change::PanicOver => "panic_over",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
