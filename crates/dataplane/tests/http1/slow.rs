//! Slow and silent peers: each is waited for as long as its limit says, and slows down nobody else.

use serde_json::json;

use crate::flags::full_backlog;
use crate::play::{FILLER, PlanJson, Play, a_moment, eventually, field};

/// More than all buffers between two sockets hold.
const MUCH: usize = 64 * 1024 * 1024;

#[test]
fn a_client_that_does_not_read_stops_its_endpoint() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/large");
    endpoint.hears_head();
    endpoint.says(format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n"));
    let taken = endpoint.says_until_nobody_reads(&FILLER, MUCH);
    assert!(taken < MUCH / 2, "{taken} bytes were taken for a client that reads nothing");
    client.hears_status(200);
    std::thread::scope(|scope| {
        scope.spawn(|| endpoint.says_all(&FILLER, MUCH - taken));
        client.hears_bytes(MUCH);
    });
    client.asks("/next");
    endpoint.hears_head();
}

#[test]
fn an_endpoint_that_does_not_read_stops_its_client() {
    for method in ["POST", "PUT"] {
        let play = Play::new();
        let (mut client, mut endpoint) = play.acquainted();
        client.says(format!("{method} /large HTTP/1.1\r\nhost: test\r\ncontent-length: {MUCH}\r\n\r\n"));
        endpoint.hears_head();
        let taken = client.says_until_nobody_reads(&FILLER, MUCH);
        assert!(taken < MUCH / 2, "{taken} bytes were taken for an endpoint that reads nothing");
        std::thread::scope(|scope| {
            scope.spawn(|| client.says_all(&FILLER, MUCH - taken));
            endpoint.hears_bytes(MUCH);
        });
        endpoint.answers(200, "all");
        client.hears_response(200, "all");
    }
}

#[test]
fn a_slow_client_does_not_hold_up_another() {
    let play = Play::new();
    let (mut slow, mut busy) = play.acquainted();
    slow.asks("/large");
    busy.hears_head();
    busy.says(format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n"));
    busy.says_until_nobody_reads(&FILLER, MUCH);
    let mut quick = play.client();
    quick.asks("/quick");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "quick");
    quick.hears_response(200, "quick");
}

#[test]
fn a_head_that_does_not_arrive_in_time_is_a_408() {
    let play = Play::edited(|plan| plan.limits()["head_timeout_ms"] = 50.into());
    for begun in ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: test\r\nx: y\r\n", "\r\n"] {
        let mut client = play.client();
        client.says(begun);
        let head = client.hears_flag(408, "HEAD_TIMEOUT");
        assert_eq!(field(&head, "connection"), Some("close"), "{head}");
        client.hears_the_end();
    }
    play.endpoint_was_not_asked();
}

#[test]
fn a_head_that_trickles_in_does_not_get_more_time() {
    let play = Play::edited(|plan| plan.limits()["head_timeout_ms"] = 100.into());
    let mut client = play.client();
    for byte in b"GET /trickle HTTP/1.1\r\nhost: " {
        client.says_if_possible([*byte]);
        a_moment(5);
    }
    client.hears_flag(408, "HEAD_TIMEOUT");
}

#[test]
fn an_unused_connection_ends_without_a_word() {
    let play = Play::edited(|plan| plan.limits()["idle_timeout_ms"] = 50.into());
    play.client().hears_the_end();
    let (mut client, _endpoint) = play.acquainted();
    client.hears_the_end();
}

#[test]
fn an_unused_connection_is_not_taken_for_one_with_a_slow_head() {
    // A read that fills a buffer to its last byte leaves open whether there is more.
    let play = Play::edited(|plan| plan.limits()["head_timeout_ms"] = 50.into());
    for size in [16 * 1024, 32 * 1024] {
        let mut client = play.client();
        let begun = "GET / HTTP/1.1\r\nhost: test\r\nx: ";
        client.says(format!("{begun}{}\r\n\r\n", "y".repeat(size - begun.len() - 4)));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        client.hears_response(200, "ok");
        client.hears_nothing().hears_nothing().hears_nothing();
    }
}

#[test]
fn an_endpoints_unused_connection_ends_after_its_own_limit() {
    let play = Play::edited(|plan| plan.service()["idle_timeout_ms"] = 50.into());
    let (_client, mut endpoint) = play.acquainted();
    endpoint.hears_the_end();
}

#[test]
fn a_body_that_stalls_is_a_408_and_the_endpoint_is_let_go() {
    for begun in
        ["content-length: 6\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nab", "content-length: 6\r\n\r\n"]
    {
        let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 50.into());
        let mut client = play.client();
        client.says(format!("POST / HTTP/1.1\r\nhost: test\r\n{begun}"));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        client.hears_flag(408, "BODY_TIMEOUT");
        client.hears_the_end();
        endpoint.hears_the_rest();
    }
}

#[test]
fn a_client_that_waits_for_leave_is_not_the_one_who_stalls() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 50.into());
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    client.hears_nothing().hears_nothing().hears_nothing();
    endpoint.says("HTTP/1.1 100 Continue\r\n\r\n");
    client.hears_status(100);
    client.hears_flag(408, "BODY_TIMEOUT");
}

#[test]
fn an_endpoint_that_does_not_take_the_body_is_a_504() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 100.into());
    let mut client = play.client();
    client.says(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {MUCH}\r\n\r\n"));
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    std::thread::scope(|scope| {
        let mut writer = client.another_mouth();
        scope.spawn(move || writer.says_until_nobody_reads(&FILLER, MUCH));
        client.hears_flag(504, "UPSTREAM_STALL");
    });
}

#[test]
fn an_endpoint_that_stalls_within_its_body_cuts_the_response() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 50.into());
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc");
    client.hears_status(200);
    client.hears("abc").hears_a_reset();
    endpoint.hears_the_end();
    eventually("the endpoint is counted as the one at fault", || {
        play.metric("flatproxy_flagged_requests_total", &["UPSTREAM_STALL"]) > 0.5
    });
}

#[test]
fn a_client_that_stops_reading_is_cut_and_is_itself_at_fault() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 100.into());
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/large");
    endpoint.hears_head();
    endpoint.says(format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n"));
    endpoint.says_until_nobody_reads(&FILLER, MUCH);
    eventually("the client is counted as gone", || {
        play.metric("flatproxy_flagged_requests_total", &["CLIENT_GONE"]) > 0.5
    });
    drop(client);
}

#[test]
fn a_reply_that_comes_slowly_but_steadily_is_no_stall() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = 300.into());
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
    client.hears_status(200);
    for byte in b"0123456789" {
        endpoint.says([*byte]);
        client.hears([*byte]);
        a_moment(50);
    }
}

#[test]
fn a_route_gives_up_after_its_time_out() {
    let play = Play::edited(|plan| plan.first_route()["timeout_ms"] = 50.into());
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    client.hears_flag(504, "TIMEOUT");
    endpoint.hears_the_end();
    client.asks("/next");
    play.endpoint().hears_head();
}

#[test]
fn a_route_gives_up_while_a_connection_is_made() {
    let full = full_backlog();
    let play = Play::edited(|plan| {
        plan.service()["endpoints"] = json!([PlanJson::endpoint(full.address)]);
        plan.first_route()["timeout_ms"] = json!(50);
    });
    play.client().asks("/").hears_flag(504, "TIMEOUT");
}

#[test]
fn a_route_gives_up_within_a_body_too() {
    let play = Play::edited(|plan| plan.first_route()["timeout_ms"] = 100.into());
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    client.hears_status(200);
    client.hears("1\r\na\r\n").hears_a_reset();
}

#[test]
fn a_route_without_a_time_out_waits() {
    let play = Play::edited(|plan| {
        plan.first_route()["timeout_ms"] = json!(0);
        plan.limits()["stall_timeout_ms"] = json!(50);
    });
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    client.hears_nothing().hears_nothing().hears_nothing();
    endpoint.answers(200, "at last");
    client.hears_response(200, "at last");
}
