//! One address of a service, and how it fares. All state is atomic: every data thread writes to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::Millis;
use super::ejection::Ejections;
use crate::plan::document::Ejection;

/// One address of a service. It outlives reloads for as long as it belongs to the service.
#[derive(Debug)]
#[repr(align(64))] // a cache line of its own: neighbours in memory belong to other threads' requests
pub struct Endpoint {
    /// Where it is.
    pub address: SocketAddr,
    /// What the plan calls it: a DNS name, or the address itself.
    pub host: Arc<str>,
    active: AtomicU32,
    failures: AtomicU32,
    unhealthy: AtomicBool,
    /// 0: not ejected.
    ejected_until: AtomicU64,
    /// Locked only while it is being ejected.
    ejections: Mutex<Ejections>,
}

/// Counts as one request under way at an endpoint for as long as it lives.
#[derive(Debug)]
#[must_use = "the request counts while the guard lives"]
pub struct Active {
    endpoint: Arc<Endpoint>,
}

/// How an attempt ended, as far as the endpoint is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Success,
    /// Connect failed, reset, time-out, 5xx.
    Failure,
}

/// Whether an endpoint is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// Used.
    Healthy,
    /// Its health checks fail.
    Unhealthy,
    /// Traffic failed too often in a row.
    Ejected,
}

/// One line of the status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Where it is.
    pub address: SocketAddr,
    /// What the plan calls it.
    pub host: Arc<str>,
    /// Its share of the traffic, relative to its neighbours'.
    pub weight: u32,
    /// Whether it is used.
    pub state: EndpointState,
    /// Requests under way.
    pub active: u32,
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn new(address: SocketAddr, host: Arc<str>) -> Self {
        Self {
            address,
            host,
            active: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            unhealthy: AtomicBool::new(false),
            ejected_until: AtomicU64::new(0),
            ejections: Mutex::default(),
        }
    }

    /// Counts one request until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::Relaxed);
        Active { endpoint: self.clone() }
    }

    /// Requests under way, over all data threads.
    pub fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    pub(super) fn succeeded(&self) {
        // The line is written only when there is something to forget: it is shared by all threads.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a failure; says until when, and for the how many-th time, when it is ejected by it.
    pub(super) fn failed(&self, rule: &Ejection, now: Millis) -> Option<(Millis, u32)> {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 < rule.failures {
            return None;
        }
        let mut ejections = self.ejections.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, times) = ejections.eject(rule, now)?;
        self.failures.store(0, Ordering::Relaxed);
        self.ejected_until.store(until, Ordering::Release);
        Some((until, times))
    }

    /// Until when it is ejected; 0: it is not.
    pub(super) fn ejected_until(&self, now: Millis) -> Millis {
        let until = self.ejected_until.load(Ordering::Acquire);
        if until > now { until } else { 0 }
    }

    /// Ends an ejection whose time has come: true for exactly one of those who ask.
    pub(super) fn comes_back(&self, now: Millis) -> bool {
        let until = self.ejected_until.load(Ordering::Acquire);
        until != 0
            && until <= now
            && self.ejected_until.compare_exchange(until, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(super) fn is_unhealthy(&self) -> bool {
        self.unhealthy.load(Ordering::Acquire)
    }

    /// Records what health checks found; true when that is news.
    pub(super) fn set_unhealthy(&self, unhealthy: bool) -> bool {
        self.unhealthy.swap(unhealthy, Ordering::AcqRel) != unhealthy
    }
}

// === impl Active ===

impl Drop for Active {
    fn drop(&mut self) {
        self.endpoint.active.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl EndpointState ===

impl EndpointState {
    /// The word for the status page and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            EndpointState::Healthy => "healthy",
            EndpointState::Unhealthy => "unhealthy",
            EndpointState::Ejected => "ejected",
        }
    }
}
