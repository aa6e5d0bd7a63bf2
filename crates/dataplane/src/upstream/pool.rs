//! Connections to one service, kept for reuse by one data thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use super::{ConnectionPermit, Endpoint};
use crate::engine::eagerness::Usual;
use crate::message::h1::Wire;
use crate::plan::Target;
use crate::telemetry::metrics::UpstreamConnection;

/// Unused connections kept per endpoint and data thread; more would only be closed unused.
const KEPT: usize = 256;

/// A connection to an endpoint, in the hands of one exchange.
pub struct Connection {
    /// The messages on it.
    pub wire: Wire,
    /// Whose it is.
    pub endpoint: Arc<Endpoint>,
    /// It has carried an exchange before: the endpoint may have closed it in the meantime.
    pub reused: bool,
    #[expect(dead_code, reason = "counts the connection for as long as it is open")]
    pub(super) held: (ConnectionPermit, UpstreamConnection),
}

/// The unused connections to one service.
pub struct Pool {
    target: Arc<Target>,
    /// How soon the service answers.
    pub usual: Usual,
    idle: RefCell<HashMap<SocketAddr, Vec<Idle>, ahash::RandomState>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

// === impl Pool ===

impl Pool {
    /// An empty pool.
    pub fn new(target: Arc<Target>) -> Self {
        Self { target, usual: Usual::default(), idle: RefCell::default() }
    }

    /// Whose connections these are.
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The connection to that endpoint that was used last, if one is still good.
    pub fn take(&self, endpoint: SocketAddr) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let kept = idle.get_mut(&endpoint)?;
        let cx = &mut Context::from_waker(Waker::noop());
        while let Some(mut idle) = kept.pop() {
            if idle.connection.wire.is_quiet(cx) {
                idle.connection.reused = true;
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection whose exchange is complete on both sides.
    pub fn put(&self, connection: Connection) {
        let address = connection.endpoint.address;
        if !self.target.cluster.contains(address) {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let kept = idle.entry(address).or_default();
        if kept.len() < KEPT {
            kept.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Gives up the connection that has waited longest, whatever its endpoint: another one is needed more.
    pub fn evict(&self) -> bool {
        let mut idle = self.idle.borrow_mut();
        let oldest = idle.values_mut().filter(|kept| !kept.is_empty()).min_by_key(|kept| kept[0].since);
        oldest.map(|kept| kept.remove(0)).is_some()
    }

    /// Closes what has waited too long, was closed by its endpoint, or leads to one that is gone.
    pub fn sweep(&self, now: Instant) {
        let limit = self.target.idle_timeout;
        let cx = &mut Context::from_waker(Waker::noop());
        self.idle.borrow_mut().retain(|address, kept| {
            if !self.target.cluster.contains(*address) {
                return false;
            }
            kept.retain_mut(|idle| {
                (limit.is_zero() || now.duration_since(idle.since) < limit) && idle.connection.wire.is_quiet(cx)
            });
            !kept.is_empty()
        });
    }
}
