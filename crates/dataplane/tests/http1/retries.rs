//! Requests that meet a connection that is already dead, and endpoints that cannot be reached.

use crate::play::{PlanJson, Play, Service, Talker, a_moment, accepted, bind, field};
use std::net::{SocketAddr, TcpListener};

#[test]
fn a_get_that_meets_a_closed_connection_is_sent_once_more_on_a_fresh_one() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/again");
    endpoint.hears_head();
    endpoint.closes();
    let mut fresh = play.endpoint();
    assert!(fresh.hears_head().starts_with("GET /again "), "the request is sent again");
    fresh.answers(200, "again");
    client.hears_response(200, "again");
}

#[test]
fn a_get_is_not_sent_a_third_time() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/again");
    endpoint.hears_head();
    endpoint.resets();
    let mut fresh = play.endpoint();
    fresh.hears_head();
    fresh.resets();
    client.hears_flag(502, "UPSTREAM_RESET");
    play.endpoint_was_not_asked();
}

#[test]
fn a_put_is_sent_again_with_its_body() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.says("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    endpoint.hears_head();
    endpoint.hears("abc");
    endpoint.closes();
    let mut fresh = play.endpoint();
    let head = fresh.hears_head();
    assert_eq!(field(&head, "content-length"), Some("3"), "{head}");
    fresh.hears("abc").answers(200, "ok");
    client.hears_response(200, "ok");
}

#[test]
fn a_put_that_is_still_under_way_is_sent_again_from_its_beginning() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.says("PUT / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n");
    endpoint.closes();
    let mut fresh = play.endpoint();
    fresh.hears_head();
    fresh.hears("3\r\nabc\r\n");
    client.says("2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n");
    fresh.hears("2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n").answers(200, "ok");
    client.hears_response(200, "ok");
}

#[test]
fn a_put_with_a_body_that_is_too_large_to_keep_is_not_sent_again() {
    let play = Play::edited(|plan| plan.limits()["held_body_bytes"] = 2.into());
    let (mut client, mut endpoint) = play.acquainted();
    client.says("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    endpoint.hears_head();
    endpoint.hears("abc");
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
    play.endpoint_was_not_asked();
}

#[test]
fn a_post_is_never_sent_twice() {
    for body in ["content-length: 3\r\n\r\nabc", "content-length: 0\r\n\r\n", "\r\n"] {
        let play = Play::new();
        let (mut client, mut endpoint) = play.acquainted();
        client.says(format!("POST /pay HTTP/1.1\r\nhost: test\r\n{body}"));
        endpoint.hears_head();
        endpoint.closes();
        client.hears_flag(502, "UPSTREAM_RESET");
        play.endpoint_was_not_asked();
    }
}

#[test]
fn a_get_on_a_fresh_connection_is_not_sent_twice() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
    play.endpoint_was_not_asked();
}

#[test]
fn a_request_whose_reply_has_begun_is_not_sent_twice() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/again");
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200");
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
    play.endpoint_was_not_asked();
}

#[test]
fn a_connection_that_was_closed_while_unused_is_not_used_again() {
    let play = Play::new();
    let (mut client, endpoint) = play.acquainted();
    endpoint.closes();
    client.says("POST /pay HTTP/1.1\r\nhost: test\r\n\r\n");
    let mut fresh = play.endpoint();
    assert!(fresh.hears_head().starts_with("POST /pay "), "a POST does not meet the closed connection");
    fresh.answers(200, "paid");
    client.hears_response(200, "paid");
}

/// A plan whose service has these endpoints.
fn endpoints(plan: &mut PlanJson, addresses: &[SocketAddr]) {
    plan.service()["endpoints"] = addresses.iter().map(|address| PlanJson::endpoint(*address)).collect();
}

#[test]
fn another_endpoint_is_tried_when_one_cannot_be_reached() {
    let live = Service::answering("live");
    let dead = [bind().local_addr().unwrap(), bind().local_addr().unwrap()];
    let play = Play::edited(|plan| endpoints(plan, &[dead[0], dead[1], live.address]));
    let mut client = play.client();
    for _ in 0..6 {
        client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
        client.hears_response(200, "live");
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_not_tried_twice_for_one_request() {
    let mut play = Play::new();
    play.endpoint_dies();
    play.client().asks("/").hears_flag(502, "CONNECT");
    let tries = play.metric("flatproxy_upstream_connect_failures_total", &[]);
    assert!((tries - 1.0).abs() < 0.1, "the only endpoint was tried {tries} times");
}

/// Two endpoints: the one that is asked first, and the other one's socket.
fn asked_of(mut sockets: [TcpListener; 2]) -> (Talker, TcpListener, TcpListener) {
    loop {
        for _ in 0..2 {
            sockets.rotate_left(1);
            sockets[0].set_nonblocking(true).unwrap();
            if let Ok((stream, _)) = sockets[0].accept() {
                stream.set_nonblocking(false).unwrap();
                let [asked, other] = sockets;
                return (Talker::new("endpoint", stream), asked, other);
            }
        }
        a_moment(1);
    }
}

#[test]
fn a_second_endpoint_is_not_asked_what_the_first_may_have_acted_upon() {
    let sockets = [bind(), bind()];
    let addresses = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    let play = Play::edited(|plan| endpoints(plan, &addresses));
    let mut client = play.client();
    client.asks("/");
    let (mut endpoint, asked, other) = asked_of(sockets);
    endpoint.hears_head();
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
    for socket in [asked, other] {
        socket.set_nonblocking(true).unwrap();
        assert!(socket.accept().is_err(), "nobody must be asked a second time");
    }
}

#[test]
fn the_retry_of_a_stale_connection_stays_with_the_endpoint_of_its_key() {
    let sockets = [bind(), bind()];
    let addresses = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    let play = Play::edited(|plan| {
        endpoints(plan, &addresses);
        plan.service()["balance"] = serde_json::json!({"ring_hash": "path"});
    });
    let mut client = play.client();
    client.asks("/a");
    let (mut endpoint, asked, _other) = asked_of(sockets);
    endpoint.hears_head();
    endpoint.answers(200, "a");
    client.hears_response(200, "a");
    client.asks("/a");
    endpoint.hears_head();
    endpoint.closes();
    let mut fresh = accepted(&asked);
    assert!(fresh.hears_head().starts_with("GET /a "), "its key leads to the same endpoint, on a fresh connection");
}

#[test]
fn the_retry_of_a_stale_connection_without_a_key_goes_to_another_endpoint() {
    let sockets = [bind(), bind()];
    let addresses = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    let play = Play::edited(|plan| endpoints(plan, &addresses));
    let mut client = play.client();
    client.asks("/1");
    let (mut first, _asked, other) = asked_of(sockets);
    first.hears_head();
    first.answers(200, "1");
    client.hears_response(200, "1");
    client.asks("/2");
    let mut second = accepted(&other);
    second.hears_head();
    second.answers(200, "2");
    client.hears_response(200, "2");
    client.asks("/a");
    first.hears_head();
    first.closes();
    let mut fresh = accepted(&other);
    assert!(fresh.hears_head().starts_with("GET /a "), "the endpoint that was stale may be dying");
    fresh.answers(200, "a");
    client.hears_response(200, "a");
}
