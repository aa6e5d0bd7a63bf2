//! A new plan while the old one serves: running exchanges finish on the old, new ones use the new.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use dataplane::engine::Sockets;
use serde_json::json;

use crate::play::{PlanJson, Play, Service, Talker, bind, field};

#[test]
fn a_running_exchange_finishes_on_its_plan_and_the_next_one_uses_the_new() {
    let mut play = Play::edited(|plan| {
        plan.first_route()["response_headers"]["set"] = json!([["x-plan", "old"]]);
    });
    let new = Service::answering("new");
    let mut client = play.client();
    client.asks("/running");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    play.plan.first_route()["response_headers"]["set"] = json!([["x-plan", "new"]]);
    play.plan.service()["endpoints"] = json!([PlanJson::endpoint(new.address)]);
    play.reload();
    endpoint.answers(200, "old");
    assert_eq!(field(&client.hears_response(200, "old"), "x-plan"), Some("old"));
    endpoint.hears_the_end();
    client.asks("/next");
    let head = client.hears_response(200, "new");
    assert_eq!((field(&head, "x-plan"), field(&head, "connection")), (Some("new"), None), "{head}");
}

#[test]
fn a_body_under_way_survives_a_reload() {
    let mut play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("abc");
    play.plan.first_route()["name"] = json!("renamed");
    play.plan.service()["endpoints"][0]["port"] = json!(1);
    play.reload();
    client.says("def");
    endpoint.hears("def").says("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nuvw");
    client.hears_status(200);
    client.hears("uvw");
    play.reload();
    endpoint.says("xyz");
    client.hears("xyz");
}

#[test]
fn connections_to_an_unchanged_upstream_are_kept() {
    let mut play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    play.plan.first_route()["name"] = json!("renamed");
    play.reload();
    client.asks("/next");
    assert!(endpoint.hears_head().starts_with("GET /next "), "on the connection from before");
}

#[test]
fn connections_to_an_upstream_that_is_gone_are_closed() {
    let mut play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    play.plan.0["upstreams"] = json!([]);
    play.plan.first_route()["action"] = json!({"respond": {"status": 200, "headers": [], "body": []}});
    play.reload();
    endpoint.hears_the_end();
    client.asks("/").hears_response(200, "");
}

#[test]
fn new_limits_hold_from_the_next_request_on() {
    let mut play = Play::new();
    let (mut client, _endpoint) = play.acquainted();
    play.plan.limits()["headers"] = json!(1);
    play.reload();
    client.says("GET / HTTP/1.1\r\nhost: test\r\nx: y\r\n\r\n").hears_flag(431, "HEAD_TOO_LARGE");
}

#[test]
fn a_plan_that_is_refused_changes_nothing() {
    let mut play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    for spoil in [
        (|plan: &mut PlanJson| plan.first_route()["action"]["forward"]["upstreams"][0]["upstream"] = json!("nobody"))
            as fn(&mut PlanJson),
        |plan| plan.first_route()["match"]["path"] = json!({"regex": "("}),
        |plan| plan.first_route()["unknown"] = json!(1),
        |plan| {
            plan.first_route()["filters"] =
                json!([{"name": "nobody", "options": [], "fail_open": false, "timeout_ms": 0}]);
        },
        |plan| plan.listener()["address"] = json!("127.0.0.1:1"),
    ] {
        let mut bad = PlanJson(play.plan.0.clone());
        spoil(&mut bad);
        assert!(play.engine.apply(&bad.bytes(), Sockets::new()).is_err(), "{}", bad.0);
        client.asks("/still");
        endpoint.hears_head();
        endpoint.answers(200, "here");
        client.hears_response(200, "here");
    }
    assert!(play.engine.apply(b"nonsense", Sockets::new()).is_err());
    play.plan.first_route()["name"] = json!("renamed");
    play.reload();
    client.asks("/after");
    endpoint.hears_head();
}

#[test]
fn no_request_fails_because_of_reloads() {
    let services = [Service::answering("service"), Service::answering("service")];
    let mut play = Play::new();
    play.plan.service()["endpoints"] = json!([PlanJson::endpoint(services[0].address)]);
    play.reload();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (over, listener) = (&over, play.listener);
            scope.spawn(move || {
                let mut client = client_of(listener);
                while !over.load(Ordering::Relaxed) {
                    client.asks("/").hears_response(200, "service");
                }
            });
        }
        for round in 0..50 {
            play.plan.first_route()["name"] = json!(format!("route-{round}"));
            play.plan.service()["endpoints"] = json!([PlanJson::endpoint(services[round % 2].address)]);
            play.plan.service()["max_connections"] = json!(100 + round);
            if round % 5 == 4 {
                assert!(play.engine.apply(b"nonsense", Sockets::new()).is_err());
            }
            play.reload();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(services.iter().all(|service| service.asked() > 0), "both plans served");
}

/// Adds a listener to the plan and applies it.
fn add_listener(play: &mut Play) -> SocketAddr {
    let socket = bind();
    let address = socket.local_addr().unwrap();
    let mut second = play.plan.listener().clone();
    (second["name"], second["address"]) = (json!("second"), json!(address.to_string()));
    play.plan.0["listeners"].as_array_mut().unwrap().push(second);
    let sockets = Sockets::from([(address, vec![OwnedFd::from(socket)])]);
    play.engine.apply(&play.plan.bytes(), sockets).unwrap();
    address
}

/// Takes the second listener out of the plan again.
fn remove_listener(play: &mut Play) {
    play.plan.0["listeners"].as_array_mut().unwrap().pop();
    play.reload();
}

fn client_of(address: SocketAddr) -> Talker {
    Talker::new("client", std::net::TcpStream::connect(address).unwrap())
}

#[test]
fn a_listener_that_is_added_serves() {
    let mut play = Play::new();
    let address = add_listener(&mut play);
    let mut client = client_of(address);
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "second");
    client.hears_response(200, "second");
}

#[test]
fn a_listener_that_is_removed_ends_its_unused_connections_and_no_others() {
    let mut play = Play::new();
    let (mut other, mut endpoint) = play.acquainted();
    let address = add_listener(&mut play);
    let mut unused = client_of(address);
    unused.asks("/");
    endpoint.hears_head();
    endpoint.answers(200, "second");
    unused.hears_response(200, "second");
    remove_listener(&mut play);
    unused.hears_the_end();
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens there any more");
    other.asks("/");
    endpoint.hears_head();
}

#[test]
fn a_listener_that_is_removed_finishes_its_running_exchanges() {
    let mut play = Play::new();
    let address = add_listener(&mut play);
    let mut running = client_of(address);
    running.asks("/running").asks("/never");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    remove_listener(&mut play);
    endpoint.answers(200, "done");
    let head = running.hears_response(200, "done");
    assert_eq!(field(&head, "connection"), Some("close"), "{head}");
    running.hears_the_end();
    endpoint.hears_nothing();
}

#[test]
fn a_request_that_was_sent_before_its_listener_went_is_served() {
    let mut play = Play::new();
    for _ in 0..20 {
        let address = add_listener(&mut play);
        let mut client = client_of(address);
        client.says("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\nvia: 1.1 a");
        client.says(", 1.1 a".repeat(15)).says("\r\n\r\n");
        remove_listener(&mut play);
        client.hears_flag(508, "LOOP");
        client.hears_the_end();
    }
}
