//! Either side going away early: the other one sees it, and nobody takes a part for the whole.

use crate::play::{Play, eventually};

#[test]
fn a_client_that_closes_in_its_body_is_seen_as_cut_by_the_endpoint() {
    for framing in ["content-length: 6\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let play = Play::new();
        let mut client = play.client();
        client.says(format!("POST / HTTP/1.1\r\nhost: test\r\n{framing}"));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        client.closes();
        let rest = endpoint.hears_the_rest();
        assert!(
            rest.contains("abc") && !rest.contains("0\r\n\r\n"),
            "the endpoint took this for a whole body: {rest:?}"
        );
    }
}

#[test]
fn a_client_that_resets_while_it_waits_is_seen_by_the_endpoint() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    client.resets();
    endpoint.hears_the_end();
    eventually("the exchange is counted as one whose client went away", || {
        play.metric("flatproxy_flagged_requests_total", &["CLIENT_GONE"]) > 0.5
    });
}

#[test]
fn a_client_that_resets_within_the_response_stops_the_endpoint() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    client.hears_status(200);
    client.resets();
    let sent = endpoint.says_until_nobody_reads("10\r\n0123456789abcdef\r\n".as_bytes(), 64 * 1024 * 1024);
    assert!(sent < 64 * 1024 * 1024, "nobody reads on for a client that is gone");
}

#[test]
fn a_client_that_has_only_finished_writing_still_gets_its_answer() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/").ends();
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "late");
    client.hears_response(200, "late");
    client.hears_the_end();
}

#[test]
fn a_client_that_finishes_writing_after_its_body_still_gets_its_answer() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").ends();
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("abc").answers(200, "late");
    client.hears_response(200, "late");
    client.hears_the_end();
}

#[test]
fn a_client_that_ends_within_a_head_gets_nothing() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.1\r\nhost: te").ends();
    assert_eq!(client.hears_the_rest(), "");
    play.endpoint_was_not_asked();
}

#[test]
fn an_endpoint_that_closes_before_its_head_is_a_502() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(said);
        endpoint.closes();
        client.hears_flag(502, "UPSTREAM_RESET");
        client.asks("/next");
        play.endpoint().hears_head();
    }
}

#[test]
fn an_endpoint_that_closes_in_its_body_is_seen_as_cut_by_the_client() {
    for body in ["content-length: 6\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(format!("HTTP/1.1 200 OK\r\n{body}"));
        client.hears_status(200);
        client.hears(body.split_once("\r\n\r\n").unwrap().1);
        endpoint.closes();
        client.hears_a_reset();
    }
}

#[test]
fn an_endpoint_that_resets_within_a_body_until_the_close_is_seen_as_cut_by_the_client() {
    for version in ["1.0", "1.1"] {
        let play = Play::new();
        let mut client = play.client();
        client.says(format!("GET / HTTP/{version}\r\nhost: test\r\n\r\n"));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says("HTTP/1.1 200 OK\r\n\r\nabc");
        client.hears_status(200);
        client.hears(if version == "1.0" { "abc" } else { "3\r\nabc\r\n" });
        endpoint.resets();
        client.hears_a_reset();
    }
}

#[test]
fn an_endpoint_that_closes_within_the_request_body_is_a_502() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("abc");
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
}

#[test]
fn an_endpoint_that_answers_and_then_closes_within_the_request_body_is_heard() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("abc").says("HTTP/1.1 413 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
    endpoint.closes();
    client.hears_response(413, "no");
}

#[test]
fn a_connection_lost_in_one_exchange_does_not_harm_another() {
    let play = Play::new();
    let (mut lost, mut well) = (play.client(), play.client());
    lost.asks("/lost");
    let mut first = play.endpoint();
    first.hears_head();
    well.asks("/well");
    let mut second = play.endpoint();
    second.hears_head();
    first.resets();
    lost.hears_flag(502, "UPSTREAM_RESET");
    second.answers(200, "well");
    well.hears_response(200, "well");
}
