//! What a named upstream keeps when its document changes: counts, cursors, and where its news go.
//!
//! The old plan's cluster and the new one share it, so a limit holds over both while exchanges finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use super::balance::Random;
use super::endpoint::Endpoint;
use super::transition::{Change, Transition, TransitionSender};

/// More data threads than this share a cursor, which costs evenness over short stretches, no more.
pub(super) const LANES: usize = 8;

#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: Arc<str>,
    /// By kind of permit.
    pub(super) usage: [Gauge; 4],
    /// Where round robin stands, per data thread.
    pub(super) cursors: [Cursor; LANES],
    /// Grows whenever an endpoint becomes usable or ceases to be.
    version: AtomicU64,
    generation: AtomicU64,
    news: ArcSwapOption<TransitionSender>,
    news_lost: AtomicU64,
}

/// A count on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Gauge(AtomicU32);

/// A position on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Cursor(AtomicUsize);

// === impl Service ===

impl Service {
    pub(super) fn new(name: &str) -> Arc<Self> {
        let mut random = Random::from_os();
        Arc::new(Self {
            name: name.into(),
            usage: Default::default(),
            // At random, so that the threads do not all begin with the first endpoint.
            cursors: std::array::from_fn(|_| Cursor(AtomicUsize::new(random.below(1 << 16)))),
            version: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            news: ArcSwapOption::empty(),
            news_lost: AtomicU64::new(0),
        })
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Makes every view out of date. Called after the change that it must see.
    pub(super) fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn listen(&self, news: TransitionSender) {
        self.news.store(Some(Arc::new(news)));
    }

    pub(super) fn news_lost(&self) -> u64 {
        self.news_lost.load(Ordering::Relaxed)
    }

    /// Reports on one endpoint.
    pub(super) fn tell(&self, endpoint: &Endpoint, change: Change, why: String) {
        self.tell_of(&endpoint.host, Some(endpoint.address), change, why);
    }

    /// Reports on a name, or on the whole upstream.
    pub(super) fn tell_of(&self, host: &Arc<str>, address: Option<SocketAddr>, change: Change, why: String) {
        if let Some(news) = &*self.news.load() {
            let transition = Transition { upstream: self.name.clone(), host: host.clone(), address, change, why };
            if news.try_send(transition).is_err() {
                self.news_lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

// === impl Gauge ===

impl Gauge {
    pub(super) fn take(&self, most: u32) -> bool {
        // Exact, not "add and look": a refused request must not make the next one be refused.
        let step = |used| (used < most).then_some(used + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, step).is_ok()
    }

    pub(super) fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Cursor ===

impl Cursor {
    pub(super) fn position(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The position, which moves on by one.
    pub(super) fn advance(&self) -> usize {
        // Load and store instead of an atomic add: a cursor has one thread, or loses a turn now and then.
        let at = self.position();
        self.0.store(at.wrapping_add(1), Ordering::Relaxed);
        at
    }
}
