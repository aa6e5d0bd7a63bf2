//! A reload forgets nothing of the endpoints that stay.

use super::*;
use crate::plan::document::Ejection;

fn rebuilt(old: &Arc<Cluster>, hosts: &[&str]) -> Arc<Cluster> {
    let doc = Upstream { endpoints: hosts.iter().map(|host| endpoint(host)).collect(), ..old.doc().clone() };
    Cluster::build(&doc, Some(old)).expect("a sound document builds")
}

fn only(cluster: &Cluster, wanted: &str) -> Arc<Endpoint> {
    let others: Vec<_> = cluster.statuses().iter().map(|s| s.address).filter(|&a| a != address(wanted)).collect();
    cluster.pick(&mut Picker::new(), None, &others).expect("a usable endpoint")
}

#[test]
fn an_endpoint_that_stays_is_the_same_endpoint() {
    let old = build(&upstream(Balance::RoundRobin, &["10.0.0.1:80", "10.0.0.2:80"]));
    let kept = only(&old, "10.0.0.2:80");
    let _active = kept.begin();
    let new = rebuilt(&old, &["10.0.0.2:80*5", "10.0.0.3:80"]);
    assert!(Arc::ptr_eq(&kept, &only(&new, "10.0.0.2:80")), "its count and health must go on");
    let active: Vec<_> = new.statuses().iter().map(|status| (status.active, status.weight)).collect();
    assert_eq!(active, [(1, 5), (0, 1)], "the new weight holds, the old count stays");
    assert!(!new.contains(address("10.0.0.1:80")), "what the plan left out is out at once");
}

#[test]
fn an_ejection_survives_a_reload() {
    let mut doc = upstream(Balance::RoundRobin, &["10.0.0.1:80", "10.0.0.2:80"]);
    doc.ejection = Some(Ejection { failures: 1, base_ms: 60_000, max_ms: 60_000, panic_percent: 0 });
    let old = build(&doc);
    old.report(&only(&old, "10.0.0.1:80"), Outcome::Failure);
    let new = rebuilt(&old, &["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]);
    let states: Vec<_> = new.statuses().iter().map(|status| status.state).collect();
    assert_eq!(states, [EndpointState::Ejected, EndpointState::Healthy, EndpointState::Healthy]);
    assert_eq!(picks(&new, &mut Picker::new(), 30)[0], 0, "the ejected endpoint gets no request of the new plan");
}

#[test]
fn the_generation_changes_only_with_the_endpoints() {
    let old = build(&upstream(Balance::RoundRobin, &["10.0.0.1:80", "10.0.0.2:80"]));
    let same = rebuilt(&old, &["10.0.0.2:80", "10.0.0.1:80*3"]);
    assert_eq!(same.generation(), old.generation(), "the same addresses: pools keep their connections");
    let other = rebuilt(&same, &["10.0.0.1:80", "10.0.0.3:80"]);
    assert_ne!(other.generation(), old.generation(), "another address: pools must look");
}

#[test]
fn a_name_keeps_its_addresses_over_a_reload() {
    let old = build(&upstream(Balance::RoundRobin, &["orders.example:80"]));
    let before = old.generation();
    old.resolved(0, Some(vec![[10, 0, 0, 2].into(), [10, 0, 0, 1].into(), [10, 0, 0, 1].into()]));
    assert_ne!(old.generation(), before, "new addresses: pools must look");
    let new = rebuilt(&old, &["10.0.0.9:80", "orders.example:81"]);
    let addresses: Vec<_> = new.statuses().iter().map(|status| status.address.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.9:80", "10.0.0.1:81", "10.0.0.2:81"], "no request waits for a name known before");
}

#[test]
fn a_removed_address_leaves_the_set_at_once() {
    let cluster = build(&upstream(Balance::LeastRequest, &["orders.example:80"]));
    let mut news = news(&cluster);
    cluster.resolved(0, Some(vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]));
    let kept = only(&cluster, "10.0.0.2:80");
    cluster.resolved(0, Some(vec![[10, 0, 0, 2].into(), [10, 0, 0, 3].into()]));
    assert!(!cluster.contains(address("10.0.0.1:80")), "the name no longer resolves to it");
    assert!(Arc::ptr_eq(&kept, &only(&cluster, "10.0.0.2:80")), "the address that stays is the same endpoint");
    cluster.resolved(0, None);
    assert_eq!(cluster.statuses().len(), 2, "a failure keeps the last addresses");
    let changes: Vec<_> = std::iter::from_fn(|| news.try_recv().ok()).map(|t| (t.change, t.address)).collect();
    let [one, two, three] = [1, 2, 3].map(|n| Some(address(&format!("10.0.0.{n}:80"))));
    let told = [(Change::Added, one), (Change::Added, two), (Change::Removed, one), (Change::Added, three)];
    assert_eq!(changes, told, "each address that comes or goes is told once");
}

#[test]
fn two_entries_for_one_address_are_one_endpoint() {
    let cluster = build(&upstream(Balance::RoundRobin, &["10.0.0.1:80*2", "10.0.0.1:80", "10.0.0.2:80"]));
    let weights: Vec<_> = cluster.statuses().iter().map(|status| status.weight).collect();
    assert_eq!(weights, [2, 1], "the first entry of an address holds");
}
