//! What becomes of an upstream and its endpoints: into the log, and into the metrics.

use std::fmt::Display;

use super::log::{self, Level};
use super::metrics::Registry;
use crate::upstream::{Change, Transition};

/// Writes a transition down. For the one thread beside the data threads that counts.
pub fn record(registry: &Registry, transition: &Transition) {
    registry.upstream(&transition.upstream).of(registry.background()).changed(transition.change);
    let (level, message) = told(transition.change);
    let mut fields: Vec<(&str, &dyn Display)> = vec![("upstream", &transition.upstream)];
    if !transition.host.is_empty() {
        fields.push(("host", &transition.host));
    }
    if let Some(address) = &transition.address {
        fields.push(("endpoint", address));
    }
    fields.push(("why", &transition.why));
    log::event(level, "upstream", message, &fields);
}

fn told(change: Change) -> (Level, &'static str) {
    match change {
        Change::Healthy => (Level::Info, "endpoint is healthy again"),
        Change::Unhealthy => (Level::Warn, "endpoint fails its health checks"),
        Change::Ejected => (Level::Warn, "endpoint ejected"),
        Change::Returned => (Level::Info, "endpoint is back from ejection"),
        Change::Added => (Level::Info, "endpoint added"),
        Change::Removed => (Level::Info, "endpoint removed"),
        Change::Resolved => (Level::Info, "name resolves again"),
        Change::ResolutionFailed => (Level::Warn, "name does not resolve; its last addresses stay in use"),
        Change::Panic => (Level::Error, "too few endpoints are usable: all are used"),
        Change::PanicOver => (Level::Info, "enough endpoints are usable again"),
    }
}
