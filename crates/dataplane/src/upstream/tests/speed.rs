//! What a pick costs: `cargo test --profile quick -p dataplane pick_costs -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use super::*;
use crate::plan::document::HashKey;

const ROUNDS: u32 = 2_000_000;

#[test]
#[ignore = "a measurement, not a check"]
fn pick_costs() {
    for balance in [Balance::RoundRobin, Balance::LeastRequest, Balance::Random, Balance::RingHash(HashKey::Path)] {
        let cluster = cluster_of(balance.clone(), 10);
        let mut picker = Picker::new();
        let start = Instant::now();
        for round in 0..ROUNDS {
            let key = Some(u64::from(round).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            black_box(cluster.pick(&mut picker, black_box(key), &[]));
        }
        println!("{balance:?}: {} ns a pick", start.elapsed().as_nanos() / u128::from(ROUNDS));
    }
}
