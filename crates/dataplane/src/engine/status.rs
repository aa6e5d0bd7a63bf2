//! What an operator may ask a running engine: its listeners, its endpoints, how they are.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::plan::{Listener, Plan, Target};
use crate::telemetry::metrics::{Exposition, Kind};
use crate::upstream::EndpointState;

/// Listeners and upstreams as JSON.
pub(super) fn describe(plan: Option<&Plan>, open: usize, draining: bool) -> String {
    let listeners: Vec<Value> =
        plan.map_or_else(Vec::new, |plan| plan.listeners.iter().map(|it| listener(it)).collect());
    let upstreams: Vec<Value> = plan.map_or_else(Vec::new, |plan| plan.targets.iter().map(|it| upstream(it)).collect());
    json!({"draining": draining, "tasks": open, "listeners": listeners, "upstreams": upstreams}).to_string()
}

fn listener(listener: &Listener) -> Value {
    json!({
        "name": *listener.name,
        "address": listener.address.to_string(),
        "connections": listener.open.load(Ordering::Relaxed),
        "tls": listener.acceptor.is_some(),
    })
}

fn upstream(target: &Target) -> Value {
    let endpoints: Vec<Value> = target
        .cluster
        .statuses()
        .iter()
        .map(|endpoint| {
            json!({"address": endpoint.address.to_string(), "state": state(endpoint.state), "active": endpoint.active})
        })
        .collect();
    json!({"name": *target.name, "endpoints": endpoints})
}

fn state(state: EndpointState) -> &'static str {
    match state {
        EndpointState::Healthy => "healthy",
        EndpointState::Unhealthy => "unhealthy",
        EndpointState::Ejected => "ejected",
    }
}

/// Endpoint gauges in Prometheus text.
pub(super) fn render_endpoints(plan: &Plan, out: &mut String) {
    const NAME: &str = "flatproxy_endpoint_usable";
    let mut text = Exposition::new(out);
    text.family(NAME, Kind::Gauge, "Whether an endpoint gets traffic.");
    for target in &plan.targets {
        for endpoint in target.cluster.statuses() {
            let address = endpoint.address.to_string();
            let usable = u64::from(endpoint.state == EndpointState::Healthy);
            text.sample(NAME, &[("upstream", &target.name), ("endpoint", &address)], usable);
        }
    }
}
