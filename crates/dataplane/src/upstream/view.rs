//! Who may be picked right now: a snapshot of the members' health, made anew when any of it changes.
//!
//! Picking looks at no endpoint's state; that was done once, when the view was made.

use std::net::SocketAddr;
use std::sync::Arc;

use super::balance::{Picker, Slots};
use super::clock::Millis;
use super::endpoint::{Endpoint, EndpointState};
use super::members::{Member, Members};
use super::service::Cursor;
use crate::plan::document::{Balance, Upstream};

#[derive(Debug)]
pub(super) struct View {
    pub(super) members: Arc<Members>,
    /// Of the service, when the view was made.
    version: u64,
    /// When the first of the ejected comes back; the largest number when none is ejected.
    until: Millis,
    /// The usable; in a panic all.
    candidates: Vec<Member>,
    slots: Slots,
    /// By position in `members`, for the ring.
    eligible: Vec<bool>,
    pub(super) panicking: bool,
}

/// Who asks, and what it has tried already.
pub(super) struct Wish<'a> {
    pub(super) picker: &'a mut Picker,
    pub(super) cursor: &'a Cursor,
    pub(super) key: Option<u64>,
    pub(super) avoid: &'a [SocketAddr],
}

// === impl Wish ===

impl Wish<'_> {
    /// Whose turn it is. A further try takes none away: where each first one fails at the same endpoint, the next
    /// exchange would begin there again.
    fn turn(&self) -> usize {
        if self.avoid.is_empty() { self.cursor.advance() } else { self.cursor.position() }
    }
}

// === impl View ===

impl View {
    pub(super) fn new(members: Arc<Members>, doc: &Upstream, version: u64, now: Millis) -> Self {
        let mut eligible: Vec<bool> =
            members.list.iter().map(|member| state(doc, &member.endpoint, now) == EndpointState::Healthy).collect();
        let usable = eligible.iter().filter(|&&usable| usable).count();
        let threshold = doc.ejection.as_ref().map_or(0, |ejection| usize::from(ejection.panic_percent));
        let panicking = usable * 100 < threshold * eligible.len();
        if panicking {
            eligible.fill(true);
        }
        let chosen = members.list.iter().zip(&eligible).filter(|&(_, &eligible)| eligible);
        let candidates: Vec<Member> = chosen.map(|(member, _)| member.clone()).collect();
        let slots = Slots::new(&candidates.iter().map(|member| member.weight).collect::<Vec<_>>());
        let until = next_return(&members, now);
        Self { members, version, until, candidates, slots, eligible, panicking }
    }

    /// Whether it still tells the truth. Asks the clock only while an endpoint is ejected.
    pub(super) fn holds(&self, version: u64, now: impl FnOnce() -> Millis) -> bool {
        self.version == version && (self.until == Millis::MAX || now() < self.until)
    }

    pub(super) fn pick(&self, balance: &Balance, wish: &mut Wish<'_>) -> Option<&Arc<Endpoint>> {
        let picked = match (balance, wish.key, &self.members.ring) {
            (Balance::RingHash(_), Some(key), Some(ring)) => return self.owner(ring.walk(key), wish.avoid),
            _ if self.candidates.is_empty() => return None,
            (Balance::RoundRobin, _, _) => self.slots.position(wish.turn() % self.slots.len()),
            (Balance::LeastRequest, _, _) => self.less_loaded(wish.picker),
            // A request without the ring's key belongs nowhere in particular.
            (Balance::Random | Balance::RingHash(_), _, _) => self.at_random(wish.picker),
        };
        let (before, after) = self.candidates.split_at(picked);
        let mut untried = after.iter().chain(before).filter(|member| !wish.avoid.contains(&member.endpoint.address));
        Some(&untried.next().unwrap_or(&self.candidates[picked]).endpoint)
    }

    fn at_random(&self, picker: &mut Picker) -> usize {
        self.slots.position(picker.random.below(self.slots.len()))
    }

    /// The power of two choices. Both are drawn by weight and compared by load per weight: idle, the first
    /// decides, so that weights hold there too.
    fn less_loaded(&self, picker: &mut Picker) -> usize {
        let first = self.at_random(picker);
        let second = self.another(picker, first);
        let load = |position: usize, other: usize| {
            u64::from(self.candidates[position].endpoint.active()) * u64::from(self.candidates[other].weight)
        };
        if load(second, first) < load(first, second) { second } else { first }
    }

    fn another(&self, picker: &mut Picker, first: usize) -> usize {
        let count = self.candidates.len();
        if let Slots::Equal(_) = self.slots {
            let second = first + 1 + picker.random.below(count - 1);
            return if second < count { second } else { second - count };
        }
        let drawn = self.at_random(picker);
        // Drawn twice, as the heavy are: its neighbour, so that there always is a choice.
        if drawn == first { (first + 1) % count } else { drawn }
    }

    /// The first eligible clockwise that was not tried, else the first eligible.
    fn owner(&self, walk: impl Iterator<Item = usize>, avoid: &[SocketAddr]) -> Option<&Arc<Endpoint>> {
        let mut tried = None;
        for position in walk.filter(|&position| self.eligible[position]) {
            let endpoint = &self.members.list[position].endpoint;
            if !avoid.contains(&endpoint.address) {
                return Some(endpoint);
            }
            tried = tried.or(Some(endpoint));
        }
        tried
    }
}

/// How an endpoint stands by the rules of this document: what it no longer asks for is not held against it.
pub(super) fn state(doc: &Upstream, endpoint: &Endpoint, now: Millis) -> EndpointState {
    if doc.health_check.is_some() && endpoint.is_unhealthy() {
        EndpointState::Unhealthy
    } else if doc.ejection.is_some() && endpoint.ejected_until(now) != 0 {
        EndpointState::Ejected
    } else {
        EndpointState::Healthy
    }
}

fn next_return(members: &Members, now: Millis) -> Millis {
    let ends = members.list.iter().map(|member| member.endpoint.ejected_until(now));
    ends.filter(|&until| until != 0).min().unwrap_or(Millis::MAX)
}
