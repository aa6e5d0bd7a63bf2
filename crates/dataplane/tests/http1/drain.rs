//! Ending well: no new connections, running exchanges finish, unused connections close at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::play::{PATIENCE, PlanJson, Play, Service, eventually, field};

#[test]
fn a_drain_waits_for_the_last_exchange() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| play.engine.drain(PATIENCE));
        while !play.engine.status().contains("\"draining\":true") {
            std::thread::yield_now();
        }
        client.hears_nothing();
        assert!(!drain.is_finished(), "an exchange is running");
        endpoint.answers(200, "done");
        let head = client.hears_response(200, "done");
        assert_eq!(field(&head, "connection"), Some("close"), "{head}");
        client.hears_the_end();
        client.closes();
        assert!(drain.join().unwrap(), "everything ended before the deadline");
    });
}

#[test]
fn a_drain_gives_up_at_its_deadline() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    assert!(!play.engine.drain(Duration::from_millis(50)), "an exchange is still running");
    endpoint.answers(200, "late");
    client.hears_response(200, "late");
}

#[test]
fn a_drain_closes_unused_connections_at_once() {
    let play = Play::new();
    let (mut client, _endpoint) = play.acquainted();
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| play.engine.drain(PATIENCE));
        client.hears_the_end();
        client.closes();
        assert!(drain.join().unwrap(), "nothing was running");
    });
}

#[test]
fn a_drain_does_not_wait_for_clients_that_stay_connected() {
    let play = Play::new();
    let (mut client, _endpoint) = play.acquainted();
    let started = Instant::now();
    assert!(play.engine.drain(PATIENCE), "nothing was running");
    assert!(started.elapsed() < PATIENCE / 2, "an unused connection held the drain up for {:?}", started.elapsed());
    client.hears_the_end();
}

#[test]
fn a_drain_ends_a_request_of_which_only_a_part_has_come_when_its_time_is_up() {
    let play = Play::edited(|plan| plan.limits()["head_timeout_ms"] = 100.into());
    let mut client = play.client();
    client.says("GET / HTTP/1.1\r\nhost: te");
    client.hears_nothing();
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| play.engine.drain(PATIENCE));
        client.hears_flag(408, "HEAD_TIMEOUT");
        client.closes();
        assert!(drain.join().unwrap());
    });
}

#[test]
fn no_request_fails_because_of_a_drain() {
    let service = Service::answering("service");
    let play = Play::edited(|plan| plan.service()["endpoints"] = json!([PlanJson::endpoint(service.address)]));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| play.client())
            .map(|mut client| {
                scope.spawn(move || {
                    loop {
                        client.asks("/");
                        let head = client.hears_response(200, "service");
                        if field(&head, "connection") == Some("close") {
                            break client.hears_the_end();
                        }
                    }
                })
            })
            .collect();
        eventually("all are served", || service.asked() > 100);
        assert!(play.engine.drain(PATIENCE));
        assert!(clients.into_iter().all(|client| client.join().is_ok()), "every request was answered");
    });
}

#[test]
fn who_connects_after_a_drain_is_refused() {
    let play = Play::new();
    assert!(play.engine.drain(PATIENCE));
    assert!(std::net::TcpStream::connect(play.listener).is_err(), "nobody listens any more");
}

#[test]
fn an_engine_that_stops_ends_everything() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    play.engine.stop();
    client.hears_the_rest();
    endpoint.hears_the_rest();
}
