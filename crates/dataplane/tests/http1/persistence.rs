//! Connections that carry one exchange after the other, on both sides.

use crate::play::{Play, Service, a_moment, field};

#[test]
fn both_connections_carry_one_exchange_after_the_other() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    for path in ["/second", "/third"] {
        client.asks(path);
        assert!(endpoint.hears_head().starts_with(&format!("GET {path} HTTP/1.1\r\n")), "on the same connection");
        endpoint.answers(200, path);
        let head = client.hears_response(200, path);
        assert_eq!(field(&head, "connection"), None, "the connection lives on:\n{head}");
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order_and_forwarded_one_at_a_time() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/1").asks("/2").asks("/3");
    let mut endpoint = play.endpoint();
    for path in ["/1", "/2", "/3"] {
        assert!(endpoint.hears_head().starts_with(&format!("GET {path} ")), "requests stay in order");
        endpoint.hears_nothing();
        endpoint.answers(200, path);
        client.hears_response(200, path);
    }
    play.endpoint_was_not_asked();
}

#[test]
fn requests_sent_ahead_are_answered_in_order_whoever_answers() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET /1 HTTP/1.1\r\nhost: test\r\n\r\nGET /2 HTTP/1.1\r\nhost: test\r\nupgrade: x\r\n");
    client.says("connection: upgrade\r\n\r\nGET /3 HTTP/1.1\r\nhost: test\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "1");
    client.hears_response(200, "1");
    client.hears_flag(501, "UNSUPPORTED");
    client.hears_the_end();
}

#[test]
fn the_body_of_a_request_sent_ahead_is_not_taken_for_a_request() {
    let play = Play::new();
    let mut client = play.client();
    let inner = "GET /inner HTTP/1.1\r\nhost: test\r\n\r\n";
    client.says(format!("POST /outer HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{inner}", inner.len()));
    client.asks("/next");
    let mut endpoint = play.endpoint();
    assert!(endpoint.hears_head().starts_with("POST /outer "));
    endpoint.hears(inner).hears_nothing().answers(200, "outer");
    client.hears_response(200, "outer");
    assert!(endpoint.hears_head().starts_with("GET /next "), "the body's text is not a request");
    endpoint.answers(200, "next");
    client.hears_response(200, "next");
}

#[test]
fn a_client_that_says_close_is_answered_and_closed() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET /1 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").asks("/never");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!(field(&head, "connection"), None, "what the client says of its connection is not about ours:\n{head}");
    endpoint.answers(200, "1");
    let head = client.hears_response(200, "1");
    assert_eq!(field(&head, "connection"), Some("close"));
    client.hears_the_end();
    endpoint.hears_nothing();
}

#[test]
fn an_endpoint_that_says_close_is_not_asked_again_and_the_client_does_not_notice() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/1");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n1");
    let head = client.hears_response(200, "1");
    assert_eq!(field(&head, "connection"), None, "the client's connection lives on:\n{head}");
    endpoint.hears_the_end();
    client.asks("/2");
    play.endpoint().hears_head();
}

#[test]
fn an_endpoint_of_http_10_is_asked_again_only_if_it_says_so() {
    for (connection, kept) in [("", false), ("connection: keep-alive\r\n", true)] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/1");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(format!("HTTP/1.0 200 OK\r\n{connection}content-length: 1\r\n\r\n1"));
        client.hears_response(200, "1");
        if kept {
            client.asks("/2");
            endpoint.hears_head();
        } else {
            endpoint.hears_the_end();
        }
    }
}

#[test]
fn two_clients_share_an_endpoints_connection_one_after_the_other() {
    let play = Play::new();
    let (_first, mut endpoint) = play.acquainted();
    let mut second = play.client();
    second.asks("/second");
    assert!(endpoint.hears_head().starts_with("GET /second "), "the unused connection is used again");
    endpoint.answers(200, "second");
    second.hears_response(200, "second");
}

#[test]
fn two_requests_at_once_never_share_a_connection() {
    let play = Play::new();
    let (mut one, mut other) = (play.client(), play.client());
    one.asks("/one");
    let mut first = play.endpoint();
    first.hears_head();
    other.asks("/other");
    let mut second = play.endpoint();
    assert!(second.hears_head().starts_with("GET /other "));
    second.answers(200, "other");
    other.hears_response(200, "other");
    first.answers(200, "one");
    one.hears_response(200, "one");
}

#[test]
fn a_refused_request_with_a_small_body_leaves_the_connection_usable() {
    let play = Play::edited(|plan| plan.first_route()["match"]["path"] = serde_json::json!({"prefix": "/v1"}));
    let mut client = play.client();
    let body = "GET /v1/a HTTP/1.1\r\nhost: test\r\n\r\n";
    client.says(format!("POST /no HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    client.hears_flag(404, "NO_ROUTE");
    client.asks("/v1/b");
    let mut endpoint = play.endpoint();
    assert!(endpoint.hears_head().starts_with("GET /v1/b "), "the body of the refused request is no request");
}

#[test]
fn a_refused_request_with_a_large_body_ends_the_connection() {
    let play = Play::edited(|plan| plan.first_route()["match"]["path"] = serde_json::json!({"prefix": "/v1"}));
    let mut client = play.client();
    client.says("POST /no HTTP/1.1\r\nhost: test\r\ncontent-length: 10000000\r\n\r\n");
    let head = client.hears_flag(404, "NO_ROUTE");
    assert_eq!(field(&head, "connection"), Some("close"), "nobody reads ten megabytes for nothing:\n{head}");
    client.hears_the_end();
}

#[test]
fn a_client_that_never_reads_is_not_served_ahead() {
    const SENT: usize = 10_000;
    let service = Service::answering("x".repeat(256 * 1024));
    let play = Play::edited(|plan| plan.service()["endpoints"][0]["port"] = service.address.port().into());
    let mut client = play.client();
    let request = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    client.says_until_nobody_reads(request.as_bytes(), SENT * request.len());
    let (mut before, mut now) = (0, service.asked());
    while now == 0 || now != before {
        a_moment(200);
        (before, now) = (now, service.asked());
    }
    assert!(service.asked() <= 100, "{} requests were served to a client that reads nothing", service.asked());
}
