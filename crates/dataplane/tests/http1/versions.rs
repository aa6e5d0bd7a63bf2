//! HTTP/1.0 clients and endpoints, interim responses, upgrades.

use crate::play::{Play, field};

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn an_http_10_client_is_answered_and_closed() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.0\r\nhost: test\r\n\r\n");
    let mut endpoint = play.endpoint();
    assert!(endpoint.hears_head().starts_with("GET / HTTP/1.1\r\n"), "towards the endpoint we speak our version");
    endpoint.says(ok("hi"));
    let head = client.hears_response(200, "hi");
    assert_eq!(field(&head, "connection"), Some("close"), "{head}");
    client.hears_the_end();
}

#[test]
fn an_http_10_client_that_asks_for_it_keeps_its_connection_and_is_told_so() {
    let play = Play::new();
    let mut client = play.client();
    let request = "GET / HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\n\r\n";
    client.says(request);
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says(ok("1"));
    let head = client.hears_response(200, "1");
    assert_eq!(field(&head, "connection"), Some("keep-alive"), "or it waits for the close:\n{head}");
    client.says(request);
    endpoint.hears_head();
    endpoint.says(ok("2"));
    client.hears_response(200, "2");
}

#[test]
fn an_http_10_client_that_asks_for_it_keeps_its_connection_after_an_answer_of_ours() {
    let play = Play::edited(|plan| plan.first_route()["match"]["path"] = serde_json::json!({"exact": "/"}));
    let mut client = play.client();
    for _ in 0..2 {
        client.says("GET /no HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\n\r\n");
        let head = client.hears_flag(404, "NO_ROUTE");
        assert_eq!(field(&head, "connection"), Some("keep-alive"), "{head}");
    }
}

#[test]
fn an_http_10_client_gets_a_chunked_reply_until_the_close() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nx-sum: 1\r\n\r\n");
    let head = client.hears_status(200);
    assert_eq!(field(&head, "transfer-encoding"), None, "HTTP/1.0 knows no chunks:\n{head}");
    assert_eq!(field(&head, "connection"), Some("close"), "{head}");
    client.hears("abcdef").hears_the_end();
}

#[test]
fn a_reply_until_the_close_reaches_an_http_11_client_in_chunks() {
    for version in ["1.0", "1.1"] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(format!("HTTP/{version} 200 OK\r\n\r\nabc"));
        let head = client.hears_status(200);
        assert_eq!(field(&head, "transfer-encoding"), Some("chunked"), "{head}");
        client.hears("3\r\nabc\r\n");
        endpoint.says("defg").ends();
        client.hears("4\r\ndefg\r\n0\r\n\r\n");
        client.asks("/again");
        play.endpoint().hears_head();
    }
}

#[test]
fn an_http_10_request_without_a_host_is_served() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.0\r\n\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    let address = endpoint.stream().local_addr().unwrap().to_string();
    assert_eq!(field(&head, "host"), Some(address.as_str()), "HTTP/1.1 demands the field:\n{head}");
    assert_eq!(field(&head, "x-forwarded-host"), None, "the client asked for none:\n{head}");
    endpoint.says(ok("hi"));
    client.hears_response(200, "hi");
}

#[test]
fn interim_responses_are_passed_on() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nconnection: x-secret\r\nx-secret: 1\r\n\r\n");
    let hints = client.hears_status(103);
    assert_eq!(field(&hints, "link"), Some("</a.css>"), "{hints}");
    assert_eq!((field(&hints, "x-secret"), field(&hints, "connection")), (None, None), "hop by hop:\n{hints}");
    endpoint.says("HTTP/1.1 102 Processing\r\n\r\n").says(ok("done"));
    client.hears_status(102);
    client.hears_response(200, "done");
}

#[test]
fn an_http_10_client_gets_no_interim_response() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.0\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 103 Early Hints\r\n\r\n").says(ok("done"));
    client.hears_response(200, "done");
}

#[test]
fn interim_responses_without_end_are_a_fault_of_the_endpoint() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000));
    client.hears_status(103);
    let mut head = client.hears_head();
    while head.starts_with("HTTP/1.1 103") {
        head = client.hears_head();
    }
    assert_eq!(field(&head, "x-flatproxy-flag"), Some("UPSTREAM_PROTOCOL"), "{head}");
}

#[test]
fn an_endpoint_that_switches_protocols_unasked_is_at_fault() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nsecret");
    client.hears_flag(502, "UPSTREAM_PROTOCOL");
    endpoint.hears_the_end();
}

#[test]
fn an_endpoint_that_goes_away_after_an_interim_response_is_a_502() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 103 Early Hints\r\n\r\n");
    client.hears_status(103);
    endpoint.closes();
    client.hears_flag(502, "UPSTREAM_RESET");
}

#[test]
fn an_upgrade_is_refused() {
    let play = Play::new();
    for offer in ["websocket", "h2c, websocket", "TLS/1.0"] {
        let mut client = play.client();
        client.says(format!("GET / HTTP/1.1\r\nhost: test\r\nupgrade: {offer}\r\nconnection: upgrade\r\n\r\nGET /"));
        client.hears_flag(501, "UNSUPPORTED");
        client.hears_the_end();
    }
    play.endpoint_was_not_asked();
}

#[test]
fn an_offer_of_http_2_is_ignored() {
    let play = Play::new();
    let mut client = play.client();
    client.says("GET / HTTP/1.1\r\nhost: test\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n");
    client.says("connection: Upgrade, HTTP2-Settings\r\n\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    for name in ["upgrade", "http2-settings", "connection"] {
        assert_eq!(field(&head, name), None, "the offer was ours to take, and is not passed on:\n{head}");
    }
    endpoint.says(ok("plain"));
    client.hears_response(200, "plain");
}

#[test]
fn connect_is_refused() {
    let play = Play::new();
    let mut client = play.client();
    client.says("CONNECT test:443 HTTP/1.1\r\nhost: test:443\r\n\r\n\x16\x03\x01");
    client.hears_flag(501, "UNSUPPORTED");
    client.hears_the_end();
    play.endpoint_was_not_asked();
}

#[test]
fn the_preface_of_http_2_is_another_version() {
    let play = Play::new();
    let mut client = play.client();
    client.says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.hears_flag(505, "VERSION");
    client.hears_the_end();
}
