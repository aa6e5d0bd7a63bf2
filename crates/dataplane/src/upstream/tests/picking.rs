//! The four algorithms through the cluster's face.

use proptest::prelude::*;

use super::*;
use crate::plan::document::HashKey;

const ALL: [fn() -> Balance; 4] =
    [|| Balance::RoundRobin, || Balance::LeastRequest, || Balance::Random, || Balance::RingHash(HashKey::Path)];

#[test]
fn round_robin_visits_each_in_turn() {
    let cluster = cluster_of(Balance::RoundRobin, 3);
    let mut picker = Picker::new();
    let order: Vec<_> = (0..6).filter_map(|_| cluster.pick(&mut picker, None, &[])).map(|e| e.address).collect();
    assert_eq!(order[..3], order[3..], "the second round must be like the first");
    assert_eq!(picks(&cluster, &mut picker, 300), [100, 100, 100], "each endpoint must get every third request");
}

#[test]
fn a_further_try_takes_no_turn_from_the_next_request() {
    let cluster = cluster_of(Balance::RoundRobin, 2);
    let mut picker = Picker::new();
    let mut first_tries = || {
        let first = cluster.pick(&mut picker, None, &[]).expect("one of two").address;
        let second = cluster.pick(&mut picker, None, &[first]).expect("the other one").address;
        assert_ne!(first, second, "another endpoint is tried first");
        first
    };
    assert_ne!(first_tries(), first_tries(), "the next request begins with the other endpoint");
}

#[test]
fn round_robin_follows_weights_exactly() {
    let cluster = build(&upstream(Balance::RoundRobin, &["10.0.0.1:80*3", "10.0.0.2:80", "10.0.0.3:80*2"]));
    let counts = picks(&cluster, &mut Picker::new(), 600);
    assert_eq!(counts, [300, 100, 200], "weights 3, 1, 2 must share 600 requests so");
}

#[test]
fn random_and_idle_least_request_follow_weights_about() {
    for balance in [Balance::Random, Balance::LeastRequest] {
        let cluster = build(&upstream(balance.clone(), &["10.0.0.1:80*3", "10.0.0.2:80"]));
        let heavy = picks(&cluster, &mut Picker::new(), 4000)[0];
        assert!((2800..3200).contains(&heavy), "{balance:?}: weight 3 of 4 must get about 3000 of 4000, not {heavy}");
    }
}

#[test]
fn least_request_avoids_the_loaded_of_two() {
    let cluster = cluster_of(Balance::LeastRequest, 2);
    let mut picker = Picker::new();
    let busy = cluster.pick(&mut picker, None, &[]).expect("one of two");
    let _active = busy.begin();
    for _ in 0..100 {
        let idle = cluster.pick(&mut picker, None, &[]).expect("one of two");
        assert_ne!(idle.address, busy.address, "with two endpoints the idle one is always the less loaded");
    }
}

#[test]
fn least_request_balances_load_by_weight() {
    let cluster = build(&upstream(Balance::LeastRequest, &["10.0.0.1:80*3", "10.0.0.2:80", "10.0.0.3:80"]));
    let mut picker = Picker::new();
    let held: Vec<_> =
        (0..500).filter_map(|_| cluster.pick(&mut picker, None, &[])).map(|endpoint| endpoint.begin()).collect();
    let active: Vec<_> = cluster.statuses().iter().map(|status| status.active).collect();
    assert_eq!(active.iter().sum::<u32>() as usize, held.len(), "each request under way counts once");
    assert!((280..320).contains(&active[0]), "weight 3 of 5 must hold about 300 of 500, not {active:?}");
}

#[test]
fn a_key_stays_with_its_endpoint() {
    let cluster = cluster_of(Balance::RingHash(HashKey::Path), 10);
    let (mut one, mut other) = (Picker::new(), Picker::new());
    for key in 0..1000_u32 {
        let key = Some(hash(&key.to_le_bytes()));
        let (a, b) = (cluster.pick(&mut one, key, &[]), cluster.pick(&mut other, key, &[]));
        assert_eq!(a.map(|e| e.address), b.map(|e| e.address), "all data threads must agree on a key's endpoint");
    }
    assert_eq!(cluster.hash_key(), Some(&HashKey::Path), "the ring says what its keys are");
}

#[test]
fn a_request_without_a_key_goes_anywhere_on_the_ring() {
    let counts = picks(&cluster_of(Balance::RingHash(HashKey::Peer), 4), &mut Picker::new(), 400);
    assert!(counts.iter().all(|&count| count > 0), "keyless requests must reach all endpoints: {counts:?}");
}

#[test]
fn a_name_without_addresses_picks_nothing() {
    for balance in ALL {
        let cluster = build(&upstream(balance(), &["orders.example:80"]));
        assert!(cluster.pick(&mut Picker::new(), Some(7), &[]).is_none(), "{:?} has nobody to pick", balance());
    }
}

proptest! {
    #[test]
    fn a_tried_endpoint_is_not_picked_while_another_is_there(
        which in 0_usize..4, count in 2_usize..8, tried in prop::collection::vec(1_usize..8, 0..8), key: u64,
    ) {
        let cluster = cluster_of(ALL[which](), count);
        let tried: Vec<_> = tried.iter().map(|n| address(&format!("10.0.0.{n}:80"))).collect();
        let all_tried = cluster.statuses().iter().all(|status| tried.contains(&status.address));
        let picked = cluster.pick(&mut Picker::new(), Some(key), &tried).expect("a usable endpoint").address;
        prop_assert_eq!(tried.contains(&picked), all_tried, "{} of {} after {:?}", picked, count, tried);
    }
}

#[test]
fn a_plan_that_cannot_work_is_refused_in_a_sentence() {
    let mut doc = upstream(Balance::RoundRobin, &["10.0.0.1:80*0"]);
    let refused = |doc: &Upstream| Cluster::build(doc, None).expect_err("an unsound document is refused").to_string();
    assert_eq!(refused(&doc), "endpoint 10.0.0.1: its weight must be at least 1");
    doc.endpoints.clear();
    assert_eq!(refused(&doc), "it has no endpoints");
}
