//! Data threads pick and report while names change under them.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::plan::document::Ejection;

const ROUNDS: usize = 20_000;

fn addresses(last: [u8; 3]) -> Vec<IpAddr> {
    last.map(|last| IpAddr::from([10, 0, 0, last])).into()
}

#[test]
fn picking_goes_on_while_endpoints_come_and_go() {
    let mut doc = upstream(Balance::LeastRequest, &["orders.example:80"]);
    doc.ejection = Some(Ejection { failures: 2, base_ms: 1, max_ms: 1, panic_percent: 50 });
    let cluster = build(&doc);
    cluster.resolved(0, Some(addresses([1, 2, 3])));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let data_thread = || {
            let mut picker = Picker::new();
            for round in 0..ROUNDS {
                let endpoint = cluster.pick(&mut picker, None, &[]).expect("the set is never empty");
                let _active = endpoint.begin();
                let failed = round % 3 > 0 && endpoint.address == address("10.0.0.2:80");
                cluster.report(&endpoint, if failed { Outcome::Failure } else { Outcome::Success });
            }
        };
        let threads = [scope.spawn(data_thread), scope.spawn(data_thread)];
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                cluster.resolved(0, Some(addresses([2, 3, 4])));
                cluster.resolved(0, Some(addresses([1, 2, 3])));
            }
        });
        let ended = threads.map(|thread| thread.join().is_ok());
        done.store(true, Ordering::Relaxed);
        assert_eq!(ended, [true, true], "no data thread may be left without an endpoint");
    });
    let statuses = cluster.statuses();
    let known: Vec<_> = statuses.iter().map(|status| status.address.to_string()).collect();
    assert_eq!(known, ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"], "the last answer holds");
    assert!(statuses.iter().all(|status| status.active == 0), "no request is counted for ever: {statuses:?}");
}
