//! Clusters as data threads use them, with the time given where it matters.

mod ejection;
mod limits;
mod picking;
mod reload;
mod speed;
mod threads;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::*;
use crate::plan::document::{self, Balance, Upstream};

/// A service named `orders` without checks or ejection; `hosts` as `host:port` or `host:port*weight`.
pub(super) fn upstream(balance: Balance, hosts: &[&str]) -> Upstream {
    Upstream {
        name: "orders".into(),
        endpoints: hosts.iter().map(|host| endpoint(host)).collect(),
        balance,
        tls: None,
        connect_timeout_ms: 1000,
        idle_timeout_ms: 1000,
        max_connections: 1024,
        max_pending: 1024,
        max_requests: 1024,
        health_check: None,
        ejection: None,
    }
}

fn endpoint(text: &str) -> document::Endpoint {
    let (place, weight) = text.split_once('*').unwrap_or((text, "1"));
    let (host, port) = place.rsplit_once(':').expect("host:port");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let number = "a test's ports and weights are numbers";
    document::Endpoint { host: host.into(), port: port.parse().expect(number), weight: weight.parse().expect(number) }
}

/// `10.0.0.1:80`, `10.0.0.2:80` and so on.
pub(super) fn hosts(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("10.0.0.{n}:80")).collect()
}

pub(super) fn cluster_of(balance: Balance, count: usize) -> Arc<Cluster> {
    let hosts = hosts(count);
    build(&upstream(balance, &hosts.iter().map(String::as_str).collect::<Vec<_>>()))
}

pub(super) fn build(doc: &Upstream) -> Arc<Cluster> {
    Cluster::build(doc, None).expect("a sound document builds")
}

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("a test's addresses are addresses")
}

/// Listens to a cluster's transitions.
pub(super) fn news(cluster: &Cluster) -> mpsc::Receiver<Transition> {
    let (sender, receiver) = mpsc::channel(64);
    cluster.service.listen(sender);
    receiver
}

/// Picks `times` times and counts by the last number of the address.
pub(super) fn picks(cluster: &Cluster, picker: &mut Picker, times: usize) -> Vec<usize> {
    let mut counts = vec![0; cluster.statuses().len()];
    for _ in 0..times {
        let endpoint = cluster.pick(picker, None, &[]).expect("a cluster with usable endpoints picks one");
        let statuses = cluster.statuses();
        let position = statuses.iter().position(|status| status.address == endpoint.address);
        counts[position.expect("what is picked belongs to the cluster")] += 1;
    }
    counts
}
