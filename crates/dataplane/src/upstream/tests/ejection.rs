//! Passive ejection as traffic brings it about; `now` is a number the test chooses.

use super::*;
use crate::plan::document::{Ejection, HashKey};

const RULE: Ejection = Ejection { failures: 3, base_ms: 100, max_ms: 1000, panic_percent: 50 };

fn ejecting(balance: Balance, count: usize, panic_percent: u8) -> Arc<Cluster> {
    let mut doc = cluster_of(balance, count).doc().clone();
    doc.ejection = Some(Ejection { panic_percent, ..RULE });
    build(&doc)
}

fn fail(cluster: &Cluster, endpoint: &Endpoint, times: usize, now: u64) {
    for _ in 0..times {
        cluster.report_at(|| now, endpoint, Outcome::Failure);
    }
}

fn reachable(cluster: &Cluster, now: u64) -> Vec<SocketAddr> {
    let mut picker = Picker::new();
    let pick = |n: u32| cluster.pick_at(|| now, &mut picker, Some(hash(&n.to_le_bytes())), &[]);
    let mut found: Vec<_> = (0..400).filter_map(pick).map(|endpoint| endpoint.address).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn first(cluster: &Cluster) -> Arc<Endpoint> {
    cluster.pick_at(|| 1, &mut Picker::new(), Some(1), &[]).expect("all are usable at first")
}

#[test]
fn failures_in_a_row_eject_for_a_time() {
    for balance in [Balance::RoundRobin, Balance::LeastRequest, Balance::Random, Balance::RingHash(HashKey::Path)] {
        let cluster = ejecting(balance, 3, 50);
        let mut news = news(&cluster);
        let bad = first(&cluster);
        fail(&cluster, &bad, 2, 10);
        assert_eq!(reachable(&cluster, 10).len(), 3, "two failures of three do not eject");
        fail(&cluster, &bad, 1, 10);
        assert!(!reachable(&cluster, 109).contains(&bad.address), "an ejected endpoint gets no requests");
        assert_eq!(reachable(&cluster, 110).len(), 3, "it comes back when its time is over");
        let changes: Vec<_> = std::iter::from_fn(|| news.try_recv().ok()).map(|t| (t.address, t.change)).collect();
        assert_eq!(changes, [(Some(bad.address), Change::Ejected), (Some(bad.address), Change::Returned)]);
    }
}

#[test]
fn a_success_in_between_forgives() {
    let cluster = ejecting(Balance::RoundRobin, 3, 0);
    let shaky = first(&cluster);
    for _ in 0..10 {
        fail(&cluster, &shaky, 2, 10);
        cluster.report_at(|| 10, &shaky, Outcome::Success);
    }
    assert_eq!(reachable(&cluster, 10).len(), 3, "only failures in a row eject");
}

#[test]
fn a_panic_uses_all_rather_than_overload_the_few() {
    let cluster = ejecting(Balance::RoundRobin, 4, 50);
    let mut news = news(&cluster);
    let mut picker = Picker::new();
    let all: Vec<_> = (0..4).filter_map(|_| cluster.pick_at(|| 1, &mut picker, None, &[])).collect();
    for bad in &all[..2] {
        fail(&cluster, bad, 3, 10);
    }
    assert_eq!(reachable(&cluster, 10).len(), 2, "half usable is enough at a threshold of 50 %");
    fail(&cluster, &all[2], 3, 20);
    assert_eq!(reachable(&cluster, 20).len(), 4, "a quarter usable is a panic: all are used");
    assert_eq!(reachable(&cluster, 112).len(), 3, "two came back: the panic is over, the third is still out");
    let changes: Vec<_> = std::iter::from_fn(|| news.try_recv().ok()).map(|t| t.change).collect();
    assert!(changes.contains(&Change::Panic) && changes.contains(&Change::PanicOver), "both are told: {changes:?}");
}

#[test]
fn without_a_panic_threshold_nobody_is_picked_when_all_are_out() {
    let cluster = ejecting(Balance::Random, 1, 0);
    fail(&cluster, &first(&cluster), 3, 10);
    assert!(cluster.pick_at(|| 10, &mut Picker::new(), None, &[]).is_none(), "the only endpoint is ejected");
}

#[test]
fn health_is_ignored_in_a_panic_and_counts_otherwise() {
    let mut doc = ejecting(Balance::RoundRobin, 3, 50).doc().clone();
    doc.health_check = Some(document::HealthCheck {
        probe: document::Probe::Tcp,
        interval_ms: 1000,
        timeout_ms: 100,
        healthy: 1,
        unhealthy: 1,
    });
    let cluster = build(&doc);
    let sick = first(&cluster);
    assert!(sick.set_unhealthy(true), "it was healthy");
    cluster.service.changed();
    assert_eq!(reachable(&cluster, 10).len(), 2, "an unhealthy endpoint gets no requests");
    fail(&cluster, &first(&cluster), 3, 10);
    assert_eq!(reachable(&cluster, 10).len(), 3, "one of three usable is a panic");
    doc.health_check = None;
    doc.ejection = None;
    let without = Cluster::build(&doc, Some(&cluster)).expect("a sound document builds");
    assert_eq!(reachable(&without, 10).len(), 3, "what a plan does not ask for is not held against anyone");
}
