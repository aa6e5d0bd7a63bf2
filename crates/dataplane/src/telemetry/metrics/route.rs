//! What is counted per route.

use std::sync::OnceLock;

use super::cells::Counter;
use super::histogram::{Histogram, HistogramTotals};
use super::registry::{NO_ROUTE, RouteKey};
use super::text::{Exposition, Kind};
use crate::respond::Flag;
use crate::telemetry::Ended;

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The cells of one route on one data thread.
///
/// They take memory only from the first exchange on: with ten thousand routes most are never asked.
#[derive(Debug, Default)]
pub struct RouteCells {
    counts: OnceLock<Box<Counts>>,
}

// The order is that of the cache lines: an exchange that ends well and within 10 ms writes the first two, which the
// processor fetches as a pair; with thousands of routes each is a miss. The alignment also keeps the cells of two
// threads apart.
#[derive(Debug, Default)]
#[repr(C, align(128))]
struct Counts {
    requests: [Counter; CLASSES.len()],
    request_bytes: Counter,
    response_bytes: Counter,
    duration: Histogram,
    retries: Counter,
    flags: [Counter; Flag::COUNT],
}

#[derive(Debug, Default)]
pub(super) struct RouteTotals {
    requests: [u64; CLASSES.len()],
    flags: [u64; Flag::COUNT],
    request_bytes: u64,
    response_bytes: u64,
    retries: u64,
    duration: HistogramTotals,
}

// === impl RouteCells ===

impl RouteCells {
    /// Counts one exchange.
    pub fn record(&self, ended: &Ended<'_>) {
        let counts = self.counts.get_or_init(Box::default);
        let class = usize::from(ended.status / 100);
        counts.requests[if class < CLASSES.len() { class } else { 0 }].increment();
        counts.request_bytes.add(ended.request_bytes);
        counts.response_bytes.add(ended.response_bytes);
        counts.duration.record(ended.stages.total);
        if ended.attempts > 1 {
            counts.retries.add(u64::from(ended.attempts - 1));
        }
        if ended.flag != Flag::None {
            counts.flags[ended.flag.index()].increment();
        }
    }
}

// === impl RouteTotals ===

impl RouteTotals {
    /// The sum over data threads; none: the route was never asked.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a RouteCells>) -> Option<Self> {
        let mut used = cells.filter_map(|cells| cells.counts.get()).peekable();
        used.peek()?;
        let mut totals = Self::default();
        used.for_each(|counts| totals.add(counts));
        Some(totals)
    }

    fn add(&mut self, counts: &Counts) {
        add_all(&mut self.requests, &counts.requests);
        add_all(&mut self.flags, &counts.flags);
        self.request_bytes += counts.request_bytes.get();
        self.response_bytes += counts.response_bytes.get();
        self.retries += counts.retries.get();
        self.duration.add(&counts.duration);
    }
}

pub(super) fn add_all(totals: &mut [u64], cells: &[Counter]) {
    totals.iter_mut().zip(cells).for_each(|(total, cell)| *total += cell.get());
}

/// A plain counter family: name, help, which total.
type Family = (&'static str, &'static str, fn(&RouteTotals) -> u64);

const FAMILIES: [Family; 3] = [
    ("flatproxy_request_bytes_total", "Body bytes received from clients.", |totals| totals.request_bytes),
    ("flatproxy_response_bytes_total", "Body bytes sent to clients.", |totals| totals.response_bytes),
    ("flatproxy_retries_total", "Attempts beyond the first.", |totals| totals.retries),
];

pub(super) fn render(text: &mut Exposition<'_>, rows: &[(RouteKey, RouteTotals)]) {
    render_requests(text, rows);
    for (name, help, total) in FAMILIES {
        text.family(name, Kind::Counter, help);
        for (key, totals) in rows {
            text.sample(name, &labels(key), total(totals));
        }
    }
    let name = "flatproxy_request_duration_seconds";
    text.family(name, Kind::Histogram, "From the whole request head to the end of the response.");
    for (key, totals) in rows {
        text.histogram(name, &labels(key), &totals.duration);
    }
}

fn render_requests(text: &mut Exposition<'_>, rows: &[(RouteKey, RouteTotals)]) {
    let name = "flatproxy_requests_total";
    text.family(name, Kind::Counter, "Exchanges by class of the response's status; none: no response was sent.");
    for (key, totals) in rows {
        let [listener, route] = labels(key);
        for (class, count) in CLASSES.iter().zip(totals.requests).filter(|(_, count)| *count > 0) {
            text.sample(name, &[listener, route, ("status", class)], count);
        }
    }
    let name = "flatproxy_flagged_requests_total";
    text.family(name, Kind::Counter, "Exchanges that did not end well, by flag.");
    for (key, totals) in rows {
        let [listener, route] = labels(key);
        for flag in Flag::all().filter(|flag| *flag != Flag::None && totals.flags[flag.index()] > 0) {
            text.sample(name, &[listener, route, ("flag", flag.label())], totals.flags[flag.index()]);
        }
    }
}

fn labels(key: &RouteKey) -> [(&str, &str); 2] {
    let route: &str = if *key.route == *NO_ROUTE { "-" } else { &key.route };
    [("listener", &key.listener), ("route", route)]
}
