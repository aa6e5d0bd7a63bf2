//! What would make a service unusable and that the plan's types do not rule out.

use crate::plan::PlanError;
use crate::plan::document::{Endpoint, HealthCheck, Probe, Upstream};

pub(super) fn check(doc: &Upstream) -> Result<(), PlanError> {
    need(!doc.endpoints.is_empty(), "it has no endpoints")?;
    let ejection = doc.ejection.as_ref().map_or(Ok(()), |ejection| {
        need(ejection.failures > 0, "ejection needs at least 1 failure")?;
        need(ejection.base_ms > 0 && ejection.base_ms <= ejection.max_ms, "ejection needs 0 < base <= max")?;
        need(ejection.panic_percent <= 100, "the panic threshold is a percentage")
    });
    let endpoints = doc.endpoints.iter().try_for_each(endpoint);
    let health = doc.health_check.as_ref().map_or(Ok(()), health_check);
    endpoints.and(health).and(ejection)
}

fn endpoint(doc: &Endpoint) -> Result<(), PlanError> {
    let place = format!("endpoint {}", doc.host);
    let whole = need(doc.weight > 0, "its weight must be at least 1")
        .and(need(doc.port > 0, "its port must not be 0"))
        .and(need(!doc.host.is_empty(), "its host is empty"));
    whole.map_err(|error| error.at(&place))
}

fn health_check(doc: &HealthCheck) -> Result<(), PlanError> {
    need(doc.interval_ms > 0 && doc.timeout_ms > 0, "a health check needs an interval and a time-out")?;
    need(doc.healthy > 0 && doc.unhealthy > 0, "a health check needs thresholds of at least 1")?;
    let Probe::Http(http) = &doc.probe else { return Ok(()) };
    need(http.status_min <= http.status_max, "a health check needs status_min <= status_max")?;
    // Written into a request line and a field: nothing that could end either.
    let text = [Some(&http.path), http.host.as_ref()].into_iter().flatten();
    need(
        text.into_iter().all(|text| text.bytes().all(|byte| byte.is_ascii_graphic())),
        "a health check's path and host are plain text",
    )?;
    need(http.path.starts_with('/'), "a health check's path begins with /")
}

fn need(holds: bool, what: &str) -> Result<(), PlanError> {
    if holds { Ok(()) } else { Err(PlanError::new(what)) }
}
