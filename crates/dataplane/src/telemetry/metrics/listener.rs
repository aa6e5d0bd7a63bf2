//! What is counted per listener.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cells::{Counter, Gauge, Reasons};
use super::registry::Cells;
use super::text::{Exposition, Kind};

/// The cells of one listener on one data thread.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct ListenerCells {
    accepted: Counter,
    active: Gauge,
    /// Connections closed at once because the listener had as many as it may.
    pub refused: Counter,
    handshakes: Counter,
    resumptions: Counter,
    handshakes_refused: Reasons,
    bad_requests: Reasons,
}

/// A client's connection while it is open; counted as active until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(Arc<ListenerCells>);

// === impl ListenerCells ===

impl ListenerCells {
    /// Counts a connection as accepted, and as active until the answer is dropped.
    pub fn opened(self: &Arc<Self>) -> OpenConnection {
        self.accepted.increment();
        self.active.up();
        OpenConnection(Arc::clone(self))
    }

    /// Counts a TLS handshake that is done: from scratch, or by resuming a session.
    pub fn handshake(&self, resumed: bool) {
        if resumed { self.resumptions.increment() } else { self.handshakes.increment() }
    }

    /// Counts a TLS handshake that failed or was refused.
    pub fn handshake_refused(&self, reason: &'static str) {
        self.handshakes_refused.increment(reason);
    }

    /// Counts a request that could not be read.
    pub fn bad_request(&self, reason: &'static str) {
        self.bad_requests.increment(reason);
    }
}

// === impl OpenConnection ===

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.active.down();
    }
}

pub(super) type Row = (Arc<str>, Cells<Arc<ListenerCells>>);

pub(super) fn render(text: &mut Exposition<'_>, rows: &[Row]) {
    let name = "flatproxy_connections_total";
    text.family(name, Kind::Counter, "Client connections accepted.");
    sums(text, name, rows, |cells| cells.accepted.get());
    let name = "flatproxy_connections_active";
    text.family(name, Kind::Gauge, "Client connections open now.");
    sums(text, name, rows, |cells| cells.active.get());
    let name = "flatproxy_connections_refused_total";
    text.family(name, Kind::Counter, "Client connections closed at once because the listener was full.");
    sums(text, name, rows, |cells| cells.refused.get());
    render_handshakes(text, rows);
    let name = "flatproxy_tls_handshakes_refused_total";
    text.family(name, Kind::Counter, "TLS handshakes with clients refused, by reason.");
    reasons(text, name, rows, |cells| &cells.handshakes_refused);
    let name = "flatproxy_bad_requests_total";
    text.family(name, Kind::Counter, "Requests that could not be read, by reason.");
    reasons(text, name, rows, |cells| &cells.bad_requests);
}

fn render_handshakes(text: &mut Exposition<'_>, rows: &[Row]) {
    let name = "flatproxy_tls_handshakes_total";
    text.family(name, Kind::Counter, "TLS handshakes with clients completed.");
    for (listener, cells) in rows {
        let (full, resumed) = (sum(cells, |cells| cells.handshakes.get()), sum(cells, |cells| cells.resumptions.get()));
        text.sample(name, &[("listener", listener), ("kind", "full")], full);
        text.sample(name, &[("listener", listener), ("kind", "resumed")], resumed);
    }
}

fn sums(text: &mut Exposition<'_>, name: &str, rows: &[Row], value: fn(&ListenerCells) -> u64) {
    for (listener, cells) in rows {
        text.sample(name, &[("listener", listener)], sum(cells, value));
    }
}

fn sum(cells: &Cells<Arc<ListenerCells>>, value: fn(&ListenerCells) -> u64) -> u64 {
    cells.iter().map(|cells| value(cells)).sum()
}

fn reasons(text: &mut Exposition<'_>, name: &str, rows: &[Row], value: fn(&ListenerCells) -> &Reasons) {
    for (listener, cells) in rows {
        let mut totals = BTreeMap::new();
        for cells in cells.iter() {
            value(cells).add_to(&mut totals);
        }
        for (reason, total) in totals {
            text.sample(name, &[("listener", listener), ("reason", reason)], total);
        }
    }
}
