//! Endpoints that say too much, too early, or nonsense: nothing of it reaches another client.

use crate::play::{Play, Talker, eventually, field};

/// The client's next request is answered by another connection, and correctly.
fn next_is_answered_afresh(play: &Play, client: &mut Talker) {
    client.asks("/next");
    let mut fresh = play.endpoint();
    assert!(fresh.hears_head().starts_with("GET /next "), "on a fresh connection");
    fresh.answers(200, "right");
    client.hears_response(200, "right");
}

#[test]
fn a_second_response_reaches_nobody() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    let right = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    endpoint.says(format!("{right}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"));
    client.hears_response(200, "ok");
    next_is_answered_afresh(&play, &mut play.client());
    client.hears_nothing();
    assert_eq!(endpoint.hears_the_rest(), "", "the connection that said too much is closed");
}

#[test]
fn bytes_after_a_response_reach_nobody() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n");
    client.hears_status(200);
    client.hears("2\r\nok\r\n0\r\n\r\n");
    next_is_answered_afresh(&play, &mut client);
}

#[test]
fn what_an_endpoint_says_unasked_reaches_nobody() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    assert_eq!(endpoint.hears_the_rest(), "", "the connection is closed before anybody uses it");
    next_is_answered_afresh(&play, &mut client);
}

#[test]
fn an_endpoint_that_closes_while_unused_is_let_go() {
    let play = Play::new();
    let (_client, mut endpoint) = play.acquainted();
    endpoint.ends();
    endpoint.hears_the_end();
}

#[test]
fn replies_that_two_parsers_could_read_differently_are_refused() {
    for reply in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\nset-cookie: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\nx: a\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "<html>\r\n\r\n",
        "220 mail.test ESMTP\r\n\r\n",
        "\x15\x03\x03\0\x02\x02\x46",
    ] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(reply);
        let head = client.hears_flag(502, "UPSTREAM_PROTOCOL");
        assert_eq!(field(&head, "connection"), None, "the client is not at fault, after {reply:?}:\n{head}");
        assert_eq!(endpoint.hears_the_rest(), "", "after {reply:?}");
    }
}

#[test]
fn malformed_chunks_of_an_endpoint_cut_the_response() {
    for chunk in ["g\r\n", "3\r\nabcd\r\n", "0x3\r\nabc\r\n", "0\r\nbad name: x\r\n\r\n"] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n");
        client.hears_status(200);
        client.hears("2\r\nok\r\n");
        endpoint.says(chunk);
        let rest = client.hears_the_rest();
        assert!(!rest.ends_with("0\r\n\r\n"), "the client took this for a whole body: {rest:?}");
        eventually("the endpoint is counted as the one at fault", || {
            play.metric("flatproxy_flagged_requests_total", &["UPSTREAM_PROTOCOL"]) > 0.5
        });
    }
}

#[test]
fn a_head_of_an_endpoint_that_is_too_large_is_refused() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says_until_nobody_reads(format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(70_000)).as_bytes(), 70_000);
    client.hears_flag(502, "UPSTREAM_PROTOCOL");
}

#[test]
fn what_an_endpoint_says_before_it_is_asked_ends_with_its_connection() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\n");
    let mut endpoint = play.endpoint();
    // Before it could have read the request.
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly");
    client.hears_response(200, "early");
    endpoint.hears_head();
    endpoint.hears_the_end();
}
