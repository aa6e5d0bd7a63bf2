//! A named service as data threads see it: limits, picking, and what became of an attempt.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::balance::Picker;
use super::clock::{self, Millis};
use super::dns::Name;
use super::endpoint::{Endpoint, EndpointStatus, Outcome};
use super::limit::{
    CONNECTIONS, ConnectionPermit, Overload, PENDING, PendingPermit, Permit, REQUESTS, RETRIES, RequestPermit,
    RetryPermit,
};
use super::members::{Members, Source};
use super::service::Service;
use super::transition::Change;
use super::view::{self, View, Wish};
use crate::plan::PlanError;
use crate::plan::document::{Balance, HashKey, Upstream};

/// A named service, shared by all data threads.
#[derive(Debug)]
pub struct Cluster {
    doc: Upstream,
    pub(super) service: Arc<Service>,
    view: ArcSwap<View>,
    /// Held while the view is replaced; picking never waits for it.
    sources: Mutex<Vec<Source>>,
    generation: AtomicU64,
    /// Told whenever names have been asked for; the number of those that have not been yet.
    pub(super) unsettled: watch::Sender<usize>,
}

/// What is in use of the limits, over all data threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests under way.
    pub requests: u32,
    /// Requests that wait for a connection.
    pub pending: u32,
    /// Open connections.
    pub connections: u32,
    /// Requests under way that are tried again.
    pub retries: u32,
}

// === impl Cluster: building ===

impl Cluster {
    /// Builds a service. What `previous` knows (health, ejections, counts, resolved names) is kept; it is
    /// not changed, so that a plan that is refused later leaves no trace.
    pub fn build(doc: &Upstream, previous: Option<&Arc<Cluster>>) -> Result<Arc<Cluster>, PlanError> {
        super::checks::check(doc)?;
        let known = previous.map(|previous| previous.lock_sources().clone()).unwrap_or_default();
        let sources: Vec<Source> = doc.endpoints.iter().map(|endpoint| Source::new(endpoint, &known)).collect();
        let before = previous.map(|previous| previous.view.load().members.clone());
        let members = Arc::new(Members::new(&sources, before.as_deref(), is_ring(doc)));
        let service = previous.map_or_else(|| Service::new(&doc.name), |previous| previous.service.clone());
        let generation = match (previous, before) {
            (Some(previous), Some(before)) if same(&before, &members) => previous.generation(),
            _ => service.next_generation(),
        };
        Ok(Arc::new(Self {
            doc: doc.clone(),
            view: ArcSwap::from_pointee(View::new(members, doc, service.version(), clock::now())),
            service,
            unsettled: watch::Sender::new(unsettled(&sources)),
            sources: Mutex::new(sources),
            generation: AtomicU64::new(generation),
        }))
    }

    /// Its name in the plan.
    pub fn name(&self) -> &str {
        &self.doc.name
    }

    /// What it was built from.
    pub fn doc(&self) -> &Upstream {
        &self.doc
    }

    /// What a key for [`Cluster::pick`] is made from; none: keys are not asked for.
    pub fn hash_key(&self) -> Option<&HashKey> {
        if let Balance::RingHash(key) = &self.doc.balance { Some(key) } else { None }
    }
}

// === impl Cluster: limits ===

impl Cluster {
    /// Admits one request (`max_requests`).
    pub fn admit(&self) -> Result<RequestPermit, Overload> {
        Permit::take(&self.service, self.doc.max_requests)
    }

    /// Lets one request wait for a connection (`max_pending`).
    pub fn pending(&self) -> Result<PendingPermit, Overload> {
        Permit::take(&self.service, self.doc.max_pending)
    }

    /// Allows one connection (`max_connections`); the permit lives as long as the connection.
    pub fn connection(&self) -> Result<ConnectionPermit, Overload> {
        Permit::take(&self.service, self.doc.max_connections)
    }

    /// Counts a request that is tried again. How many may be is for filters to say.
    pub fn retry(&self) -> Option<RetryPermit> {
        Permit::take(&self.service, u32::MAX).ok()
    }

    /// What is in use.
    pub fn usage(&self) -> Usage {
        let [requests, pending, connections, retries] =
            [REQUESTS, PENDING, CONNECTIONS, RETRIES].map(|kind| self.service.usage[kind].get());
        Usage { requests, pending, connections, retries }
    }
}

// === impl Cluster: picking ===

impl Cluster {
    /// Who is asked next. Endpoints in `avoid` are picked only when no other is usable. None: there is no
    /// endpoint, or none is usable and the panic threshold says not to try.
    pub fn pick(&self, picker: &mut Picker, key: Option<u64>, avoid: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        self.pick_at(clock::now, picker, key, avoid)
    }

    pub(super) fn pick_at(
        &self,
        now: impl Fn() -> Millis,
        picker: &mut Picker,
        key: Option<u64>,
        avoid: &[SocketAddr],
    ) -> Option<Arc<Endpoint>> {
        let mut view = self.view.load();
        if !view.holds(self.service.version(), &now) {
            self.renew_view(now());
            view = self.view.load();
        }
        let cursor = &self.service.cursors[picker.lane];
        view.pick(&self.doc.balance, &mut Wish { picker, cursor, key, avoid }).cloned()
    }

    /// Says how an attempt at an endpoint ended; may eject it.
    pub fn report(&self, endpoint: &Endpoint, outcome: Outcome) {
        self.report_at(clock::now, endpoint, outcome);
    }

    pub(super) fn report_at(&self, now: impl Fn() -> Millis, endpoint: &Endpoint, outcome: Outcome) {
        let Some(rule) = &self.doc.ejection else { return };
        if outcome == Outcome::Success {
            return endpoint.succeeded();
        }
        let now = now();
        if let Some((until, times)) = endpoint.failed(rule, now) {
            self.service.changed();
            let why = format!("{} failures in a row, for {} ms, time {times}", rule.failures, until - now);
            self.service.tell(endpoint, Change::Ejected, why);
        }
    }

    /// A number that changes whenever an endpoint joins or leaves.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether an address belongs to the service.
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.view.load().members.contains(address)
    }

    /// Transitions that found no room where they are sent to.
    pub fn transitions_lost(&self) -> u64 {
        self.service.news_lost()
    }

    /// All endpoints and how they stand.
    pub fn statuses(&self) -> Vec<EndpointStatus> {
        let (view, now) = (self.view.load(), clock::now());
        let status = |member: &super::members::Member| EndpointStatus {
            address: member.endpoint.address,
            host: member.endpoint.host.clone(),
            weight: member.weight,
            state: view::state(&self.doc, &member.endpoint, now),
            active: member.endpoint.active(),
        };
        view.members.list.iter().map(status).collect()
    }
}

// === impl Cluster: change ===

impl Cluster {
    /// Returns when every name has been asked for once, whatever the answer. A start may wait for it shortly.
    pub async fn ready(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.unsettled.subscribe().wait_for(|&unsettled| unsettled == 0).await;
    }

    /// Makes the view anew, unless another thread is doing so: meanwhile the old one serves.
    fn renew_view(&self, now: Millis) {
        let _guard = match self.sources.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.replace_view(self.view.load().members.clone(), now);
    }

    /// The caller holds the lock of `sources`.
    fn replace_view(&self, members: Arc<Members>, now: Millis) {
        // Read before the states: what changes meanwhile makes this view out of date again.
        let version = self.service.version();
        for member in &members.list {
            if member.endpoint.comes_back(now) {
                self.service.tell(&member.endpoint, Change::Returned, "its ejection is over".into());
            }
        }
        let view = Arc::new(View::new(members, &self.doc, version, now));
        let panicking = view.panicking;
        let was_panicking = self.view.swap(view).panicking;
        if panicking != was_panicking {
            let (change, why) = if panicking {
                (Change::Panic, "too few endpoints are usable: all are used")
            } else {
                (Change::PanicOver, "enough endpoints are usable")
            };
            self.service.tell_of(&"".into(), None, change, why.into());
        }
    }

    /// The entries of the document that are DNS names.
    pub(super) fn names(&self) -> Vec<Name> {
        let sources = self.lock_sources();
        let names = sources.iter().enumerate().filter(|(_, source)| source.is_name());
        let name = |(position, source): (usize, &Source)| Name {
            position,
            host: source.host.clone(),
            addresses: source.addresses.clone(),
        };
        names.map(name).collect()
    }

    /// All endpoints, usable or not.
    pub(super) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.view.load().members.list.iter().map(|member| member.endpoint.clone()).collect()
    }

    /// Takes the addresses that a name now stands for; none when it could not be resolved.
    pub(super) fn resolved(&self, position: usize, addresses: Option<Vec<IpAddr>>) {
        let mut sources = self.lock_sources();
        let source = &mut sources[position];
        source.settled = true;
        if let Some(mut addresses) = addresses {
            addresses.sort_unstable();
            addresses.dedup();
            if source.addresses != addresses {
                source.addresses = addresses;
                self.replace_members(&sources);
            }
        }
        self.unsettled.send_replace(unsettled(&sources));
    }

    /// The caller holds the lock of `sources`.
    fn replace_members(&self, sources: &[Source]) {
        let before = self.view.load().members.clone();
        let members = Arc::new(Members::new(sources, Some(&before), is_ring(&self.doc)));
        self.replace_view(members.clone(), clock::now());
        if !same(&before, &members) {
            // After the view: who sees the new number finds the new endpoints.
            self.generation.store(self.service.next_generation(), Ordering::Release);
        }
        for endpoint in before.without(&members) {
            self.service.tell(endpoint, Change::Removed, "its name no longer resolves to it".into());
        }
        for endpoint in members.without(&before) {
            self.service.tell(endpoint, Change::Added, "its name resolves to it".into());
        }
    }

    fn lock_sources(&self) -> MutexGuard<'_, Vec<Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ring(doc: &Upstream) -> bool {
    matches!(doc.balance, Balance::RingHash(_))
}

fn same(before: &Members, after: &Members) -> bool {
    before.list.len() == after.list.len() && after.without(before).next().is_none()
}

fn unsettled(sources: &[Source]) -> usize {
    sources.iter().filter(|source| !source.settled).count()
}
