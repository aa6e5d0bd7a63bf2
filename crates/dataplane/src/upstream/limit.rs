//! How much one upstream is asked at once: a permit is counted while it lives.

use std::fmt;
use std::sync::Arc;

use super::service::Service;

/// A request under way.
pub type RequestPermit = Permit<REQUESTS>;
/// A request that waits for a connection to be made.
pub type PendingPermit = Permit<PENDING>;
/// An open connection, in use or idle.
pub type ConnectionPermit = Permit<CONNECTIONS>;

/// A request that is tried again.
pub type RetryPermit = Permit<RETRIES>;

pub(super) const REQUESTS: usize = 0;
pub(super) const PENDING: usize = 1;
pub(super) const CONNECTIONS: usize = 2;
pub(super) const RETRIES: usize = 3;

/// Gives its place back when it is dropped.
#[derive(Debug)]
#[must_use = "the place is given back when the permit is dropped"]
pub struct Permit<const KIND: usize> {
    service: Arc<Service>,
}

/// Which limit of an upstream is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// `max_requests`
    Requests,
    /// `max_pending`
    Pending,
    /// `max_connections`
    Connections,
}

// === impl Permit ===

impl<const KIND: usize> Permit<KIND> {
    pub(super) fn take(service: &Arc<Service>, most: u32) -> Result<Self, Overload> {
        if service.usage[KIND].take(most) { Ok(Self { service: service.clone() }) } else { Err(Overload::of(KIND)) }
    }
}

impl<const KIND: usize> Drop for Permit<KIND> {
    fn drop(&mut self) {
        self.service.usage[KIND].give_back();
    }
}

// === impl Overload ===

impl Overload {
    fn of(kind: usize) -> Self {
        match kind {
            REQUESTS => Overload::Requests,
            PENDING => Overload::Pending,
            _ => Overload::Connections,
        }
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Overload::Requests => "max_requests reached",
            Overload::Pending => "max_pending reached",
            Overload::Connections => "max_connections reached",
        })
    }
}

impl std::error::Error for Overload {}
