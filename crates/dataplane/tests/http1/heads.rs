//! Responses that have no body, whatever their heads say.

use crate::play::{Play, field};

#[test]
fn a_reply_to_head_has_a_length_and_no_body() {
    let play = Play::new();
    let mut client = play.client();
    let request = "HEAD / HTTP/1.1\r\nhost: test\r\n\r\n";
    client.says(request);
    let mut endpoint = play.endpoint();
    assert!(endpoint.hears_head().starts_with("HEAD / "));
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    let head = client.hears_status(200);
    assert_eq!(field(&head, "content-length"), Some("1000"), "what a GET would have got:\n{head}");
    client.says(request);
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n");
    let head = client.hears_status(404);
    assert_eq!(field(&head, "content-length"), None, "{head}");
    client.asks("/next");
    assert!(endpoint.hears_head().starts_with("GET /next "), "both connections are in step");
}

#[test]
fn a_304_keeps_the_length_and_has_no_body() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\netag: \"1\"\r\n\r\n");
    let head = client.hears_status(304);
    assert_eq!((field(&head, "content-length"), field(&head, "etag")), (Some("1000"), Some("\"1\"")), "{head}");
    client.asks("/next");
    assert!(endpoint.hears_head().starts_with("GET /next "), "both connections are in step");
}

#[test]
fn a_204_has_neither_length_nor_body() {
    let play = Play::new();
    let mut client = play.client();
    client.says("DELETE / HTTP/1.1\r\nhost: test\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n");
    let head = client.hears_status(204);
    assert_eq!((field(&head, "content-length"), field(&head, "transfer-encoding")), (None, None), "{head}");
    client.asks("/next");
    assert!(endpoint.hears_head().starts_with("GET /next "), "both connections are in step");
}

#[test]
fn a_body_where_there_may_be_none_ends_the_endpoints_connection() {
    for (request, reply) in [
        ("HEAD / HTTP/1.1\r\nhost: test\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHTTP/"),
        ("GET / HTTP/1.1\r\nhost: test\r\n\r\n", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nHTTP/"),
        ("GET / HTTP/1.1\r\nhost: test\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\nHTTP/"),
    ] {
        let play = Play::new();
        let mut client = play.client();
        client.says(request);
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(reply);
        client.hears_head();
        client.asks("/next");
        let mut fresh = play.endpoint();
        fresh.hears_head();
        fresh.answers(200, "next");
        client.hears_response(200, "next");
    }
}

#[test]
fn an_empty_body_is_told_from_none() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!(field(&head, "content-length"), Some("0"), "{head}");
    endpoint.answers(200, "");
    let head = client.hears_response(200, "");
    assert_eq!(field(&head, "content-length"), Some("0"), "{head}");
}

#[test]
fn status_and_reason_arrive_as_they_were_sent() {
    for (line, expected) in [
        ("HTTP/1.1 200 Fine by me", "HTTP/1.1 200 Fine by me"),
        ("HTTP/1.1 299", "HTTP/1.1 299 "),
        ("HTTP/1.1 503 ", "HTTP/1.1 503 "),
        ("HTTP/1.0 418 I'm a teapot", "HTTP/1.1 418 I'm a teapot"),
    ] {
        let play = Play::new();
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.says(format!("{line}\r\ncontent-length: 0\r\n\r\n"));
        let head = client.hears_head();
        assert!(head.starts_with(expected), "{line:?} became\n{head}");
    }
}
