//! What all tasks on one data thread share. Never leaves its thread: cells instead of locks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::eagerness::Waiting;
use crate::chain::{Exchange, Peer};
use crate::io::{Reserve, buffer};
use crate::message::output;
use crate::plan::{Listener, Plan, Target};
use crate::respond::{Failure, Flag, Source};
use crate::telemetry::log::{self, Level};
use crate::telemetry::{Ended, LineWriter};
use crate::upstream::pool::Pool;
use crate::upstream::{Cluster, Endpoint, Picker};

/// Exchanges kept for reuse.
const KEPT: usize = 128;

/// One data thread's belongings.
pub struct Worker {
    index: usize,
    /// By the target's address in memory: a pool keeps its target alive, so no two share one.
    pools: RefCell<HashMap<usize, Rc<Pool>, ahash::RandomState>>,
    picker: RefCell<Picker>,
    lines: RefCell<LineWriter>,
    exchanges: RefCell<Reserve<Box<Exchange>>>,
    random: Cell<u64>,
    /// Replies that this thread waits for.
    pub waiting: Waiting,
}

// === impl Worker ===

impl Worker {
    /// The belongings of data thread `index`.
    pub fn new(index: usize, lines: LineWriter) -> Self {
        Self {
            index,
            pools: RefCell::default(),
            picker: RefCell::new(Picker::new()),
            lines: RefCell::new(lines),
            exchanges: RefCell::new(Reserve::new(KEPT)),
            random: Cell::new(seed()),
            waiting: Waiting::default(),
        }
    }

    /// Which data thread this is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// An exchange of that peer, with memory that was used before if there is some.
    pub fn exchange(&self, peer: &Arc<Peer>) -> Box<Exchange> {
        let kept = self.exchanges.borrow_mut().take();
        let mut exchange = kept.unwrap_or_else(|| Box::new(Exchange::new(Arc::clone(peer))));
        exchange.restart(peer);
        exchange
    }

    /// Gives an exchange's memory back.
    pub fn recycle(&self, exchange: Box<Exchange>) {
        self.exchanges.borrow_mut().give(exchange);
    }

    /// The connections to a service.
    pub fn pool(&self, target: &Arc<Target>) -> Rc<Pool> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools.entry(Arc::as_ptr(target) as usize).or_insert_with(|| Rc::new(Pool::new(Arc::clone(target))));
        Rc::clone(pool)
    }

    /// An endpoint for an attempt.
    pub fn pick(&self, cluster: &Cluster, key: Option<u64>, avoid: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        cluster.pick(&mut self.picker.borrow_mut(), key, avoid)
    }

    /// Writes an exchange down.
    pub fn log(&self, ended: &Ended<'_>) {
        self.lines.borrow_mut().write(ended);
    }

    /// Hands what was written down to the writer.
    pub fn flush_log(&self) {
        self.lines.borrow_mut().flush();
    }

    /// Tells the operator of a failure; sampled. A client that went away is not worth a line.
    pub fn note_failure(&self, listener: &Listener, failure: &Failure) {
        let (level, message) = match failure.source() {
            _ if failure.flag == Flag::ClientGone => return,
            Source::Client => {
                listener.cells.of(self.index).bad_request(failure.flag.label());
                (Level::Info, "request refused")
            }
            _ => (Level::Warn, "exchange failed"),
        };
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("listener", &listener.name), ("flag", &failure.flag.label()), ("detail", &failure.detail)];
        log::event(level, "exchange", message, &fields);
    }

    /// A number nobody can rely on: weights and the like (splitmix64).
    pub fn random(&self) -> u64 {
        let next = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A new request id: 128 bits as hexadecimal digits.
    pub fn make_id(&self) -> [u8; 32] {
        let bits = (u128::from(self.random()) << 64) | u128::from(self.random());
        std::array::from_fn(|at| b"0123456789abcdef"[(bits >> (4 * at)) as usize & 15])
    }

    /// Forgets the connections to services that are gone from the plan.
    pub fn keep_pools_of(&self, plan: &Plan) {
        let live: Vec<usize> = plan.targets.iter().map(|target| Arc::as_ptr(target) as usize).collect();
        self.pools.borrow_mut().retain(|key, _| live.contains(key));
    }

    /// Closes unused connections that have waited too long or are dead, and lets unused memory go.
    pub fn sweep(&self, now: Instant) {
        self.exchanges.borrow_mut().shrink();
        buffer::shrink_reserves();
        output::shrink_reserve();
        for pool in self.pools.borrow().values() {
            pool.sweep(now);
        }
    }
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
