//! What is counted per upstream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::cells::{Counter, Reasons};
use super::histogram::{Histogram, HistogramTotals};
use super::route::add_all;
use super::text::{Exposition, Kind};
use crate::upstream::{Change, Overload};

/// The limits of an upstream, as labels.
const OVERLOADS: [&str; 3] = ["connections", "pending", "requests"];

/// The cells of one upstream on one data thread.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct UpstreamCells {
    /// Attempts that found an idle connection.
    pub reused: Counter,
    opened: Counter,
    closed: Counter,
    changes: Reasons,
    attempts: [Counter; Outcome::ALL.len()],
    connect_failures: [Counter; ConnectFailure::ALL.len()],
    overloads: [Counter; OVERLOADS.len()],
    reply_time: Histogram,
}

/// A connection to an upstream while it is open; counted as closed when it is dropped.
#[derive(Debug)]
pub struct UpstreamConnection(Arc<UpstreamCells>);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A reply below 500.
    Success,
    /// A reply of 500 or more.
    ServerError,
    /// No connection could be made.
    ConnectFailed,
    /// The connection broke before the reply was whole.
    Reset,
    /// The reply was not HTTP.
    Protocol,
    /// The time was up.
    Timeout,
    /// The client went away, or a filter answered.
    Cancelled,
}

/// Why a connection could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Nobody listens there.
    Refused,
    /// No answer within the connect time-out.
    Timeout,
    /// The TLS handshake failed, or the endpoint is not who it should be.
    Tls,
    /// Anything else the system reports.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct UpstreamTotals {
    attempts: [u64; Outcome::ALL.len()],
    connect_failures: [u64; ConnectFailure::ALL.len()],
    overloads: [u64; OVERLOADS.len()],
    opened: u64,
    reused: u64,
    closed: u64,
    changes: BTreeMap<&'static str, u64>,
    reply_time: HistogramTotals,
}

// === impl UpstreamCells ===

impl UpstreamCells {
    /// Counts an attempt; `reply_head`: from its head written to the reply's head read, if one came.
    pub fn attempt(&self, outcome: Outcome, reply_head: Option<Duration>) {
        self.attempts[outcome as usize].increment();
        if let Some(duration) = reply_head {
            self.reply_time.record(duration);
        }
    }

    /// Counts a connection that could not be made.
    pub fn connect_failed(&self, reason: ConnectFailure) {
        self.connect_failures[reason as usize].increment();
    }

    /// Counts a request turned away because a limit was reached.
    pub fn overload(&self, limit: Overload) {
        let index = match limit {
            Overload::Connections => 0,
            Overload::Pending => 1,
            Overload::Requests => 2,
        };
        self.overloads[index].increment();
    }

    /// Counts a connection as opened, and as closed when the answer is dropped.
    pub fn opened(self: &Arc<Self>) -> UpstreamConnection {
        self.opened.increment();
        UpstreamConnection(Arc::clone(self))
    }

    /// Counts a change in the standing of the upstream or of one of its endpoints.
    pub fn changed(&self, change: Change) {
        self.changes.increment(change.as_str());
    }
}

// === impl UpstreamConnection ===

impl Drop for UpstreamConnection {
    fn drop(&mut self) {
        self.0.closed.increment();
    }
}

// === impl Outcome ===

impl Outcome {
    const ALL: [&'static str; 7] =
        ["success", "server_error", "connect_failed", "reset", "protocol", "timeout", "cancelled"];
}

// === impl ConnectFailure ===

impl ConnectFailure {
    const ALL: [&'static str; 4] = ["refused", "timeout", "tls", "other"];
}

// === impl UpstreamTotals ===

impl UpstreamTotals {
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a Arc<UpstreamCells>>) -> Self {
        let mut totals = Self::default();
        for cells in cells {
            totals.add(cells);
        }
        totals
    }

    fn add(&mut self, cells: &UpstreamCells) {
        add_all(&mut self.attempts, &cells.attempts);
        add_all(&mut self.connect_failures, &cells.connect_failures);
        add_all(&mut self.overloads, &cells.overloads);
        self.opened += cells.opened.get();
        self.reused += cells.reused.get();
        self.closed += cells.closed.get();
        cells.changes.add_to(&mut self.changes);
        self.reply_time.add(&cells.reply_time);
    }
}

pub(super) type Row = (Arc<str>, UpstreamTotals);

/// A family with one value per upstream: name, kind, help, its value.
type Plain = (&'static str, Kind, &'static str, fn(&UpstreamTotals) -> u64);

const PLAIN: [Plain; 4] = [
    ("flatproxy_upstream_connections_opened_total", Kind::Counter, "Connections opened to upstreams.", |t| t.opened),
    ("flatproxy_upstream_connections_reused_total", Kind::Counter, "Attempts on an idle connection.", |t| t.reused),
    ("flatproxy_upstream_connections_closed_total", Kind::Counter, "Connections to upstreams closed.", |t| t.closed),
    ("flatproxy_upstream_connections_active", Kind::Gauge, "Connections to upstreams open now.", |t| {
        t.opened.saturating_sub(t.closed)
    }),
];

/// A family with one label more: name, help, label, its values, their counts.
type Labelled = (&'static str, &'static str, &'static str, &'static [&'static str], fn(&UpstreamTotals) -> &[u64]);

const LABELLED: [Labelled; 3] = [
    ("flatproxy_upstream_attempts_total", "Attempts by how they ended.", "outcome", &Outcome::ALL, |t| &t.attempts),
    (
        "flatproxy_upstream_connect_failures_total",
        "Connections that could not be made, by reason.",
        "reason",
        &ConnectFailure::ALL,
        |t| &t.connect_failures,
    ),
    ("flatproxy_upstream_overloads_total", "Requests turned away by a limit.", "limit", &OVERLOADS, |t| &t.overloads),
];

pub(super) fn render(text: &mut Exposition<'_>, rows: &[Row]) {
    for (name, help, label, values, counts) in LABELLED {
        text.family(name, Kind::Counter, help);
        for (upstream, totals) in rows {
            for (value, count) in values.iter().zip(counts(totals)) {
                text.sample(name, &[("upstream", upstream), (label, value)], *count);
            }
        }
    }
    for (name, kind, help, value) in PLAIN {
        text.family(name, kind, help);
        for (upstream, totals) in rows {
            text.sample(name, &[("upstream", upstream)], value(totals));
        }
    }
    let name = "flatproxy_upstream_changes_total";
    text.family(name, Kind::Counter, "Changes in the standing of an upstream or of its endpoints.");
    for (upstream, totals) in rows {
        for (change, count) in &totals.changes {
            text.sample(name, &[("upstream", upstream), ("change", change)], *count);
        }
    }
    let name = "flatproxy_upstream_reply_seconds";
    text.family(name, Kind::Histogram, "From an attempt's head written to the reply's head read.");
    for (upstream, totals) in rows {
        text.histogram(name, &[("upstream", upstream)], &totals.reply_time);
    }
}
