//! Who has which cells: by name, so that they outlive the plan that first named them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::listener::{self, ListenerCells};
use super::process;
use super::route::{self, RouteCells, RouteTotals};
use super::text::Exposition;
use super::upstream::{self, UpstreamCells, UpstreamTotals};
use crate::plan::document::PlanDocument;

/// The name of what counts exchanges that no route matched; no route of a plan has it. Its label is `-`.
pub const NO_ROUTE: &str = "";

/// How long a name that is gone from the plan is still shown: time for a last scrape, for exchanges
/// that began on the old plan, and for a plan that is taken back.
const KEPT: Duration = Duration::from_secs(600);

/// How many such names are kept at most, per kind.
const KEPT_NAMES: usize = 2_000;

/// Every metric of the process, by name and data thread.
#[derive(Debug)]
pub struct Registry {
    workers: usize,
    routes: Table<RouteKey, RouteCells>,
    upstreams: Table<Arc<str>, UpstreamCells>,
    listeners: Table<Arc<str>, ListenerCells>,
}

/// A route's name is its own only within its listener.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteKey {
    pub(super) listener: Arc<str>,
    pub(super) route: Arc<str>,
}

// A lock, but none of the hot path: it is held while names are looked up or listed, never while
// someone counts or while text is written.
#[derive(Debug)]
struct Table<K, C>(Mutex<BTreeMap<K, Entry<C>>>);

#[derive(Debug)]
struct Entry<C> {
    cells: Arc<[Arc<C>]>,
    gone: Option<Instant>,
}

// === impl Registry ===

impl Registry {
    /// For so many data threads.
    pub fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self { workers, routes: Table::new(), upstreams: Table::new(), listeners: Table::new() })
    }

    /// The worker number of the one thread beside the data threads that counts: the health checks'.
    pub fn background(&self) -> usize {
        self.workers
    }

    /// The cells of a route; only the data thread of that number may write them.
    pub fn route(&self, worker: usize, listener: &str, name: &str) -> Arc<RouteCells> {
        self.routes.cells(self.workers, worker, RouteKey { listener: listener.into(), route: name.into() })
    }

    /// The cells of an upstream; only the data thread of that number may write them.
    pub fn upstream(&self, worker: usize, name: &str) -> Arc<UpstreamCells> {
        self.upstreams.cells(self.workers, worker, name.into())
    }

    /// The cells of a listener; only the data thread of that number may write them.
    pub fn listener(&self, worker: usize, name: &str) -> Arc<ListenerCells> {
        self.listeners.cells(self.workers, worker, name.into())
    }

    /// Marks every name that this plan does not have; those marked for long are dropped.
    pub fn retain(&self, plan: &PlanDocument) {
        self.retain_at(plan, Instant::now());
    }

    pub(super) fn retain_at(&self, plan: &PlanDocument, now: Instant) {
        let listeners: HashSet<&str> = plan.listeners.iter().map(|listener| listener.name.as_str()).collect();
        let upstreams: HashSet<&str> = plan.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        let named = plan
            .listeners
            .iter()
            .flat_map(|listener| listener.routes.iter().map(|route| (listener.name.as_str(), route.name.as_str())));
        let unmatched = listeners.iter().map(|listener| (*listener, NO_ROUTE));
        let routes: HashSet<(&str, &str)> = named.chain(unmatched).collect();
        self.listeners.retain(now, |name| listeners.contains(&**name));
        self.upstreams.retain(now, |name| upstreams.contains(&**name));
        self.routes.retain(now, |key| routes.contains(&(&*key.listener, &*key.route)));
    }

    /// Writes all of it in the Prometheus text format.
    pub fn render(&self, out: &mut String) {
        let mut text = Exposition::new(out);
        process::render(&mut text);
        listener::render(&mut text, &self.listeners.rows());
        let routes = self.routes.rows().into_iter();
        let routes: Vec<_> = routes
            .filter_map(|(key, cells)| Some((key, RouteTotals::of(cells.iter().map(|cells| &**cells))?)))
            .collect();
        route::render(&mut text, &routes);
        let upstreams = self.upstreams.rows().into_iter();
        let upstreams: Vec<_> = upstreams.map(|(name, cells)| (name, UpstreamTotals::of(&cells))).collect();
        upstream::render(&mut text, &upstreams);
    }
}

// === impl Table ===

impl<K: Ord + Clone, C: Default> Table<K, C> {
    fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Entry<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cells(&self, workers: usize, worker: usize, key: K) -> Arc<C> {
        let mut table = self.lock();
        let entry = table
            .entry(key)
            .or_insert_with(|| Entry { cells: (0..=workers).map(|_| Arc::new(C::default())).collect(), gone: None });
        entry.gone = None;
        Arc::clone(&entry.cells[worker])
    }

    fn rows(&self) -> Vec<(K, Arc<[Arc<C>]>)> {
        self.lock().iter().map(|(key, entry)| (key.clone(), Arc::clone(&entry.cells))).collect()
    }

    fn retain(&self, now: Instant, live: impl Fn(&K) -> bool) {
        let mut table = self.lock();
        let mut kept = 0;
        table.retain(|key, entry| {
            if live(key) {
                entry.gone = None;
                return true;
            }
            let since = *entry.gone.get_or_insert(now);
            kept += 1;
            kept <= KEPT_NAMES && now.saturating_duration_since(since) < KEPT
        });
    }
}
