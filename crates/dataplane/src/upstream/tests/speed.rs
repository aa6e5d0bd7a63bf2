//! What a pick costs: `cargo test --profile quick -p dataplane pick_costs -- --ignored --nocapture`.

use std::fs;
use std::hint::black_box;

use super::*;
use crate::plan::document::HashKey;

const ROUNDS: u32 = 2_000_000;

#[test]
#[ignore = "a measurement, not a check"]
#[expect(clippy::disallowed_macros, reason = "the figures are what it is for")]
fn pick_costs() {
    for balance in [Balance::RoundRobin, Balance::LeastRequest, Balance::Random, Balance::RingHash(HashKey::Path)] {
        let cluster = cluster_of(balance.clone(), 10);
        let mut picker = Picker::new();
        let start = cpu_time();
        for round in 0..ROUNDS {
            let key = Some(u64::from(round).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            black_box(cluster.pick(&mut picker, black_box(key), &[]));
        }
        println!("{balance:?}: {} ns a pick", (cpu_time() - start) / u64::from(ROUNDS));
    }
}

/// Nanoseconds this thread has run: other work on the machine does not count.
fn cpu_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts a thread's time");
    text.split(' ').next().and_then(|ran| ran.parse().ok()).expect("the first number is the time it ran")
}
