//! More than we, or an upstream, may take at once: refused at once, with the flag, and served again later.

use serde_json::json;

use crate::play::{PlanJson, Play, Service, eventually, field};

#[test]
fn more_requests_than_an_upstream_takes_at_once_are_refused() {
    let play = Play::edited(|plan| plan.service()["max_requests"] = json!(1));
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/");
    endpoint.hears_head();
    let mut second = play.client();
    let head = second.asks("/").hears_flag(503, "OVERLOAD");
    assert_eq!(field(&head, "connection"), None, "the client may try again:\n{head}");
    endpoint.answers(200, "done");
    client.hears_response(200, "done");
    eventually("the place is given back", || play.metric("flatproxy_upstream_overloads_total", &["requests"]) > 0.5);
    second.asks("/again");
    endpoint.hears_head();
}

#[test]
fn more_connections_than_an_upstream_takes_are_not_made() {
    let play = Play::edited(|plan| plan.service()["max_connections"] = json!(1));
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/");
    endpoint.hears_head();
    let mut second = play.client();
    second.asks("/").hears_flag(503, "OVERLOAD");
    play.endpoint_was_not_asked();
    endpoint.answers(200, "done");
    client.hears_response(200, "done");
    second.asks("/again");
    assert!(endpoint.hears_head().starts_with("GET /again "), "the only connection is free again");
}

#[test]
fn an_unused_connection_makes_room_for_one_that_is_needed() {
    let services = [Service::answering("same"), Service::answering("same")];
    let play = Play::edited(|plan| {
        plan.service()["endpoints"] = services.iter().map(|service| PlanJson::endpoint(service.address)).collect();
        plan.service()["max_connections"] = json!(1);
    });
    let mut client = play.client();
    for _ in 0..4 {
        client.asks("/").hears_response(200, "same");
    }
    assert_eq!(services.each_ref().map(Service::asked), [2, 2], "in turn, over one connection at a time");
}

#[test]
fn more_requests_than_may_wait_for_a_connection_are_refused() {
    let full = super::flags::full_backlog();
    let play = Play::edited(|plan| {
        plan.service()["endpoints"] = json!([PlanJson::endpoint(full.address)]);
        plan.service()["max_pending"] = json!(1);
    });
    let (mut waits, mut refused) = (play.client(), play.client());
    waits.asks("/");
    eventually("the first request waits for its connection", || play.engine.status().contains("\"active\":1"));
    refused.asks("/").hears_flag(503, "OVERLOAD");
    assert!(play.metric("flatproxy_upstream_overloads_total", &["pending"]) > 0.5);
    waits.hears_nothing();
}

#[test]
fn more_connections_than_a_listener_takes_are_closed_without_a_word() {
    let play = Play::edited(|plan| plan.limits()["connections"] = json!(2));
    let ((first, _endpoint), _second) = (play.acquainted(), play.client());
    eventually("both are counted", || play.metric("flatproxy_connections_active", &[]) > 1.5);
    let mut third = play.client();
    assert_eq!(third.hears_the_rest(), "");
    eventually("the refusal is counted", || play.metric("flatproxy_connections_refused_total", &[]) > 0.5);
    first.closes();
    eventually("a place is free again", || {
        let mut client = play.client();
        client.says_if_possible("GET /again HTTP/1.1\r\nhost: test\r\nconnection: close\r\nvia: 1.1 a");
        client.says_if_possible(", 1.1 a".repeat(15) + "\r\n\r\n");
        client.hears_the_rest().starts_with("HTTP/1.1 508 ")
    });
}
