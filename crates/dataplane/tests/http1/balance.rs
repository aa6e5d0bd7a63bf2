//! Which endpoint, of which upstream, is asked: weights, stickiness, load.

use std::collections::HashMap;

use serde_json::json;

use crate::play::{PlanJson, Play, Service, Talker};

/// One service with that many endpoints, which answer with their numbers.
fn many(count: usize, edit: impl FnOnce(&mut PlanJson)) -> (Play, Vec<Service>) {
    let services: Vec<Service> = (0..count).map(|number| Service::answering(number.to_string())).collect();
    let play = Play::edited(|plan| {
        plan.service()["endpoints"] = services.iter().map(|service| PlanJson::endpoint(service.address)).collect();
        edit(plan);
    });
    (play, services)
}

/// Which endpoint answers this request.
fn answers(client: &mut Talker, request: &str) -> String {
    client.says(request);
    client.hears_status(200);
    client.hears_some()
}

fn asks(path: &str, user: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nx-user: {user}\r\n\r\n")
}

#[test]
fn round_robin_asks_each_endpoint_in_turn() {
    let (play, services) = many(3, |_| {});
    let mut client = play.client();
    for _ in 0..30 {
        answers(&mut client, &asks("/", "a"));
    }
    assert!(services.iter().all(|service| service.asked() == 10), "each of the three gets a third");
}

#[test]
fn an_endpoint_of_twice_the_weight_is_asked_twice_as_often() {
    let (play, services) = many(2, |plan| plan.service()["endpoints"][1]["weight"] = json!(2));
    let mut client = play.client();
    for _ in 0..30 {
        answers(&mut client, &asks("/", "a"));
    }
    assert_eq!((services[0].asked(), services[1].asked()), (10, 20));
}

#[test]
fn a_key_always_leads_to_the_same_endpoint() {
    for (key, request) in [
        (json!({"header": "x-user"}), (|number: usize| asks("/", &number.to_string())) as fn(usize) -> String),
        (json!("path"), |number| asks(&format!("/{number}"), "a")),
    ] {
        let (play, services) = many(4, |plan| plan.service()["balance"] = json!({"ring_hash": key}));
        let mut seen = HashMap::new();
        for round in 0..3 {
            let mut client = play.client();
            for number in 0..40 {
                let answer = answers(&mut client, &request(number));
                let first = seen.entry(number).or_insert_with(|| answer.clone()).clone();
                assert_eq!(first, answer, "key {number} changed its endpoint in round {round}");
            }
        }
        assert!(services.iter().all(|service| service.asked() > 0), "forty keys spread over four endpoints");
    }
}

#[test]
fn a_client_always_reaches_the_same_endpoint() {
    let (play, services) = many(4, |plan| plan.service()["balance"] = json!({"ring_hash": "source"}));
    for number in 0..20 {
        answers(&mut play.client(), &asks("/", &number.to_string()));
    }
    assert_eq!(services.iter().filter(|service| service.asked() == 20).count(), 1, "all from one address");
}

#[test]
fn the_less_busy_endpoint_is_asked() {
    // Of two endpoints both are compared: the one that works on the first request gets no other.
    let free = Service::answering("free");
    let play = Play::edited(|plan| {
        plan.service()["balance"] = json!("least_request");
        plan.service()["endpoints"].as_array_mut().unwrap().push(PlanJson::endpoint(free.address));
    });
    let mut busy = play.client();
    let mut endpoint = loop {
        let asked = free.asked();
        busy.asks("/long");
        if let Some(mut endpoint) = play.endpoint_if(|| free.asked() == asked) {
            endpoint.hears_head();
            break endpoint;
        }
        busy.hears_response(200, "free");
    };
    let mut client = play.client();
    for _ in 0..20 {
        client.asks("/short").hears_response(200, "free");
    }
    endpoint.hears_nothing().answers(200, "long");
    busy.hears_response(200, "long");
}

#[test]
fn a_route_shares_its_requests_by_weight() {
    let (many_of, few_of) = (Service::answering("many"), Service::answering("few"));
    let play = Play::edited(|plan| {
        plan.0["upstreams"] =
            json!([PlanJson::upstream("many", many_of.address), PlanJson::upstream("few", few_of.address)]);
        plan.first_route()["action"]["forward"]["upstreams"] =
            json!([{"upstream": "many", "weight": 9}, {"upstream": "few", "weight": 1}]);
    });
    let mut client = play.client();
    for _ in 0..1000 {
        answers(&mut client, &asks("/", "a"));
    }
    // A hundred are expected; less than forty or more than two hundred happens once in many millions of runs.
    assert!((40..200).contains(&few_of.asked()), "{} of 1000 requests went where 1 in 10 belongs", few_of.asked());
    assert_eq!(many_of.asked() + few_of.asked(), 1000);
}

#[test]
fn an_endpoint_that_keeps_failing_is_left_out_for_a_while() {
    let live = Service::answering("live");
    let mut play = Play::edited(|plan| {
        plan.service()["endpoints"].as_array_mut().unwrap().push(PlanJson::endpoint(live.address));
        plan.service()["ejection"] = json!({"failures": 2, "base_ms": 60_000, "max_ms": 60_000, "panic_percent": 0});
    });
    play.endpoint_dies();
    let mut client = play.client();
    for _ in 0..20 {
        client.asks("/").hears_response(200, "live");
    }
    let failed = play.metric("flatproxy_upstream_connect_failures_total", &[]);
    assert!(failed < 2.5, "the dead endpoint was tried {failed} times");
    assert!(play.engine.status().contains("\"ejected\""), "{}", play.engine.status());
}
