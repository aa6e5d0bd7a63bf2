//! What is counted per listener.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cells::{Counter, Gauge, Reasons};
use super::text::{Exposition, Kind};

/// The cells of one listener on one data thread.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct ListenerCells {
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections open now.
    pub active: Gauge,
    /// Connections closed at once because the listener had as many as it may.
    pub over_limit: Counter,
    /// TLS handshakes done from scratch.
    pub handshakes: Counter,
    /// TLS handshakes that resumed a session.
    pub resumptions: Counter,
    /// TLS handshakes refused, by reason.
    pub handshakes_refused: Reasons,
    /// Requests that could not be read, by reason.
    pub bad_requests: Reasons,
}

// === impl ListenerCells ===

impl ListenerCells {
    /// A handshake is done.
    pub fn handshake(&self, resumed: bool) {
        if resumed { self.resumptions.increment() } else { self.handshakes.increment() }
    }
}

pub(super) type Row = (Arc<str>, Arc<[Arc<ListenerCells>]>);

pub(super) fn render(text: &mut Exposition<'_>, rows: &[Row]) {
    let name = "flatproxy_connections_total";
    text.family(name, Kind::Counter, "Client connections accepted.");
    sums(text, name, rows, |cells| cells.accepted.get());
    let name = "flatproxy_connections_active";
    text.family(name, Kind::Gauge, "Client connections open now.");
    sums(text, name, rows, |cells| cells.active.get());
    let name = "flatproxy_connections_over_limit_total";
    text.family(name, Kind::Counter, "Client connections closed at once because the listener was full.");
    sums(text, name, rows, |cells| cells.over_limit.get());
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

fn sum(cells: &[Arc<ListenerCells>], value: fn(&ListenerCells) -> u64) -> u64 {
    cells.iter().map(|cells| value(cells)).sum()
}

fn reasons(text: &mut Exposition<'_>, name: &str, rows: &[Row], value: fn(&ListenerCells) -> &Reasons) {
    for (listener, cells) in rows {
        let mut totals = BTreeMap::<&str, u64>::new();
        for (reason, count) in cells.iter().flat_map(|cells| value(cells).iter()) {
            *totals.entry(reason).or_default() += count;
        }
        for (reason, total) in totals {
            text.sample(name, &[("listener", listener), ("reason", reason)], total);
        }
    }
}
