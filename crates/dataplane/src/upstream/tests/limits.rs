//! Limits hold exactly, over threads and over reloads.

use std::sync::Barrier;
use std::thread;

use super::*;

fn limited() -> Arc<Cluster> {
    let mut doc = upstream(Balance::RoundRobin, &["10.0.0.1:80"]);
    (doc.max_requests, doc.max_pending, doc.max_connections) = (2, 1, 3);
    build(&doc)
}

#[test]
fn each_limit_is_refused_by_its_name() {
    let cluster = limited();
    let requests = [cluster.admit(), cluster.admit()];
    assert!(requests.iter().all(Result::is_ok), "two requests are within max_requests");
    assert_eq!(cluster.admit().expect_err("the third request is too many"), Overload::Requests);
    let pending = cluster.pending();
    assert_eq!(cluster.pending().expect_err("the second one waiting is too many"), Overload::Pending);
    let connections = [cluster.connection(), cluster.connection(), cluster.connection()];
    assert_eq!(cluster.connection().expect_err("the fourth connection is too many"), Overload::Connections);
    assert_eq!(cluster.usage(), Usage { requests: 2, pending: 1, connections: 3, retries: 0 });
    drop((requests, pending, connections));
    assert_eq!(cluster.usage(), Usage::default(), "permits give their place back");
}

#[test]
fn a_reload_counts_what_the_old_plan_still_serves() {
    let old = limited();
    let _held = [old.admit(), old.admit()];
    let mut doc = old.doc().clone();
    doc.max_requests = 3;
    let new = Cluster::build(&doc, Some(&old)).expect("a sound document builds");
    let _third = new.admit().expect("the new limit leaves room for one");
    assert_eq!(new.admit().expect_err("old and new requests count together"), Overload::Requests);
}

#[test]
fn threads_never_exceed_a_limit_together() {
    let cluster = limited();
    let barrier = Barrier::new(4);
    let most = thread::scope(|scope| {
        let work = || {
            barrier.wait();
            let seen = (0..5000).filter_map(|_| cluster.admit().ok()).map(|_permit| cluster.usage().requests);
            seen.max().unwrap_or(0)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).max()
    });
    assert!(most <= Some(2), "four threads held {most:?} of two places");
    assert_eq!(cluster.usage().requests, 0, "all places are given back");
}
