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
    upstreams: Table<Arc<str>, Arc<UpstreamCells>>,
    listeners: Table<Arc<str>, Arc<ListenerCells>>,
}

/// One set of counters per data thread, and one for the health checks.
#[derive(Debug)]
pub struct Cells<C>(Arc<[C]>);

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
    cells: Cells<C>,
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

    /// The cells of a route.
    pub fn route(&self, listener: &str, name: &str) -> Cells<RouteCells> {
        self.routes.cells(self.workers, RouteKey { listener: listener.into(), route: name.into() })
    }

    /// The cells of an upstream.
    pub fn upstream(&self, name: &str) -> Cells<Arc<UpstreamCells>> {
        self.upstreams.cells(self.workers, name.into())
    }

    /// The cells of a listener.
    pub fn listener(&self, name: &str) -> Cells<Arc<ListenerCells>> {
        self.listeners.cells(self.workers, name.into())
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
        let routes: Vec<_> = routes.filter_map(|(key, cells)| Some((key, RouteTotals::of(cells.iter())?))).collect();
        route::render(&mut text, &routes);
        let upstreams = self.upstreams.rows().into_iter();
        let upstreams: Vec<_> = upstreams.map(|(name, cells)| (name, UpstreamTotals::of(cells.iter()))).collect();
        upstream::render(&mut text, &upstreams);
    }
}

// === impl Cells ===

impl<C> Clone for Cells<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Cells<C> {
    /// Those of one data thread; only that thread may write them.
    pub fn of(&self, worker: usize) -> &C {
        &self.0[worker]
    }

    /// Those of every thread.
    pub fn iter(&self) -> impl Iterator<Item = &C> {
        self.0.iter()
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

    fn cells(&self, workers: usize, key: K) -> Cells<C> {
        let mut table = self.lock();
        let entry = table
            .entry(key)
            .or_insert_with(|| Entry { cells: Cells((0..=workers).map(|_| C::default()).collect()), gone: None });
        entry.gone = None;
        entry.cells.clone()
    }

    fn rows(&self) -> Vec<(K, Cells<C>)> {
        self.lock().iter().map(|(key, entry)| (key.clone(), entry.cells.clone())).collect()
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
