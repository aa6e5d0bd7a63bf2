//! What one message may be: each default limit, just reached and just exceeded.

use serde_json::json;

use crate::play::{Play, field};

const HEAD: usize = 64 * 1024;
const HEADERS: usize = 100;

/// A request whose head has exactly that many bytes.
fn head_of(size: usize) -> String {
    let begun = "GET / HTTP/1.1\r\nhost: test\r\nx: ";
    format!("{begun}{}\r\n\r\n", "y".repeat(size - begun.len() - 4))
}

/// A request with exactly that many header lines.
fn headers(count: usize) -> String {
    format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", "x: y\r\n".repeat(count - 1))
}

#[test]
fn a_head_may_be_as_large_as_the_limit_and_no_larger() {
    let play = Play::new();
    let mut client = play.client();
    client.says(head_of(HEAD));
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "ok");
    client.hears_response(200, "ok");
    client.says(head_of(HEAD + 1));
    let head = client.hears_flag(431, "HEAD_TOO_LARGE");
    assert_eq!(field(&head, "connection"), Some("close"), "{head}");
    client.hears_the_end();
    endpoint.hears_nothing();
}

#[test]
fn a_head_without_end_is_refused_as_soon_as_it_is_too_large() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.1\r\nhost: test\r\n").says("x: y\r\n".repeat(HEAD / 6));
    client.hears_flag(431, "HEAD_TOO_LARGE");
    client.hears_the_end();
}

#[test]
fn there_may_be_as_many_headers_as_the_limit_and_no_more() {
    let play = Play::new();
    let mut client = play.client();
    client.says(headers(HEADERS));
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "ok");
    client.hears_response(200, "ok");
    client.says(headers(HEADERS + 1)).hears_flag(431, "HEAD_TOO_LARGE");
    client.hears_the_end();
    endpoint.hears_nothing();
}

#[test]
fn a_request_line_that_fills_the_head_is_a_414() {
    let play = Play::new();
    let mut client = play.client();
    client.says(format!("GET /{} HTTP/1.1\r\nhost: test\r\n\r\n", "y".repeat(HEAD)));
    client.hears_flag(414, "URI_TOO_LONG");
    client.hears_the_end();
    play.endpoint_was_not_asked();
}

#[test]
fn limits_on_heads_are_the_listeners() {
    let play = Play::edited(|plan| {
        plan.limits()["head_bytes"] = json!(200);
        plan.limits()["headers"] = json!(3);
    });
    play.client().says(head_of(201)).hears_flag(431, "HEAD_TOO_LARGE");
    play.client().says(headers(4)).hears_flag(431, "HEAD_TOO_LARGE");
    play.endpoint_was_not_asked();
    play.client().says(headers(3));
    play.endpoint().hears_head();
}

#[test]
fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let play = Play::edited(|plan| plan.limits()["body_bytes"] = json!(8));
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n");
    client.hears_flag(413, "BODY_TOO_LARGE");
    client.hears_the_end();
    play.endpoint_was_not_asked();
}

#[test]
fn a_chunked_body_that_turns_out_too_large_is_cut() {
    for method in ["POST", "PUT"] {
        let play = Play::edited(|plan| plan.limits()["body_bytes"] = json!(8));
        let mut client = play.client();
        client.says(format!("{method} / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        client.says("8\r\n12345678\r\n");
        endpoint.hears("8\r\n12345678\r\n");
        client.says("1\r\n9\r\n0\r\n\r\n");
        client.hears_flag(413, "BODY_TOO_LARGE");
        client.hears_the_end();
        let rest = endpoint.hears_the_rest();
        assert!(!rest.ends_with("0\r\n\r\n"), "the endpoint took this for a whole body: {rest:?}");
    }
}

#[test]
fn a_body_of_just_the_limit_passes() {
    let play = Play::edited(|plan| plan.limits()["body_bytes"] = json!(8));
    for body in ["content-length: 8\r\n\r\n12345678", "transfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n"] {
        let mut client = play.client();
        client.says(format!("POST / HTTP/1.1\r\nhost: test\r\n{body}"));
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.hears(body.split_once("\r\n\r\n").unwrap().1);
        endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        client.hears_response(200, "");
    }
}

#[test]
fn bodies_have_no_limit_unless_the_operator_sets_one() {
    let play = Play::new();
    let mut client = play.client();
    client.says(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\nbegun", u64::MAX));
    let mut endpoint = play.endpoint();
    assert_eq!(field(&endpoint.hears_head(), "content-length"), Some("18446744073709551615"));
    endpoint.hears("begun");
}

#[test]
fn sixteen_proxies_are_a_loop() {
    let play = Play::new();
    let mut client = play.client();
    let via = |count: usize| vec!["1.1 flatproxy"; count].join(", ");
    client.says(format!("GET / HTTP/1.1\r\nhost: test\r\nvia: {}\r\nVia: 1.0 x\r\n\r\n", via(15)));
    client.hears_flag(508, "LOOP");
    play.endpoint_was_not_asked();
    client.says(format!("GET / HTTP/1.1\r\nhost: test\r\nvia: {}\r\n\r\n", via(15)));
    play.endpoint().hears_head();
}
