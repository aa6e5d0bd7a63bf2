//! Requests that two parsers could read differently: 400 and close, and nothing of them reaches an endpoint.

use crate::play::{Play, Talker, field};

/// Says each of these on a connection of its own, and expects it to be refused.
fn are_refused(play: &Play, status: u16, flag: &str, requests: &[&str]) {
    for request in requests {
        let mut client = play.client();
        client.says(request);
        let head = client.hears_flag(status, flag);
        assert_eq!(field(&head, "connection"), Some("close"), "after {request:?}, the answer was\n{head}");
        client.hears_the_end();
    }
    play.endpoint_was_not_asked();
}

/// As `are_refused`, for lines between a POST's host and its body.
fn lines_are_refused(lines: &[&str]) {
    let requests: Vec<String> = lines
        .iter()
        .map(|lines| format!("POST / HTTP/1.1\r\nhost: test\r\n{lines}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"))
        .collect();
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    are_refused(&Play::new(), 400, "BAD_REQUEST", &requests);
}

#[test]
fn two_answers_to_where_the_body_ends_are_refused() {
    lines_are_refused(&[
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 0\r\nx: y\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent_length: 6",
    ]);
}

#[test]
fn malformed_lengths_are_refused() {
    lines_are_refused(&[
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 5,5",
        "content-length: 5, 6",
        "content-length:",
        "content-length: 5 5",
        "content-length: 5.0",
        "content-length: 18446744073709551616",
        "content-length: 99999999999999999999999",
    ]);
}

#[test]
fn transfer_codings_in_disguise_are_refused() {
    lines_are_refused(&[
        "transfer-encoding: xchunked",
        "transfer-encoding: chunkedx",
        "transfer-encoding: identity",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding:",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        " transfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "transfer-encoding: \x0bchunked",
        "transfer-encoding: chunked\x0c",
        "transfer-encoding: chunked\0",
        "transfer_encoding: chunked",
        "\x01transfer-encoding: chunked",
    ]);
}

#[test]
fn codings_that_we_do_not_know_are_not_supported() {
    let request = "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    are_refused(&Play::new(), 501, "UNSUPPORTED", &[request]);
}

#[test]
fn malformed_lines_are_refused() {
    lines_are_refused(&[
        "a\0b: c",
        "a: b\0c",
        "a: b\x07c",
        "a: b\x7fc",
        ": empty",
        "a b: c",
        "a(b): c",
        "a : b",
        "no colon",
        "a: b\r\n folded",
        "a: b\r\n\tfolded",
        "a: b\nc: d",
        "a: b\rc: d",
        "a: b\r\r",
    ]);
}

#[test]
fn malformed_request_lines_are_refused() {
    let requests = [
        "GET / HTTP/1.1\nhost: test\r\n\r\n",
        "GET  / HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET / HTTP/1.1 \r\nhost: test\r\n\r\n",
        "GET /\tHTTP/1.1\r\nhost: test\r\n\r\n",
        "GET / a HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /\r\nhost: test\r\n\r\n",
        "G@T / HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET / HTTP/11\r\nhost: test\r\n\r\n",
        "GET / http/1.1\r\nhost: test\r\n\r\n",
        "GET relative HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET * HTTP/1.1\r\nhost: test\r\n\r\n",
        "\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: test\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03",
    ];
    are_refused(&Play::new(), 400, "BAD_REQUEST", &requests);
}

#[test]
fn bad_hosts_are_refused() {
    let requests = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: user@a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a:port\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a:99999\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: [::1\r\n\r\n",
        "GET http://user@a/ HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n",
    ];
    are_refused(&Play::new(), 400, "BAD_REQUEST", &requests);
}

#[test]
fn a_transfer_coding_in_http_10_is_refused() {
    let request = "POST / HTTP/1.0\r\nhost: test\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n";
    are_refused(&Play::new(), 400, "BAD_REQUEST", &[request]);
}

#[test]
fn a_refused_request_is_refused_however_it_is_split() {
    let play = Play::new();
    let mut client = play.client();
    for byte in b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" {
        client.says([*byte]);
    }
    client.hears_flag(400, "BAD_REQUEST");
    client.hears_the_end();
    play.endpoint_was_not_asked();
}

#[test]
fn a_request_without_a_length_has_no_body() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST /1 HTTP/1.1\r\nhost: test\r\n\r\n").asks("/2");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!((field(&head, "content-length"), field(&head, "transfer-encoding")), (None, None), "{head}");
    endpoint.hears_nothing().answers(200, "1");
    client.hears_response(200, "1");
    assert!(endpoint.hears_head().starts_with("GET /2 "), "what follows is the next request");
}

/// Begins a chunked body and then says this.
fn chunks(play: &Play, chunks: &str) -> Talker {
    let mut client = play.client();
    client.says(format!("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"));
    client
}

#[test]
fn malformed_chunks_are_refused_and_the_endpoint_never_sees_the_body_end() {
    let play = Play::new();
    let seventeen_digits = format!("{:017x}\r\na\r\n", 1);
    let long_extension = format!("1;{}\r\na\r\n", "x".repeat(300));
    for bad in [
        "+1\r\na\r\n",
        "-1\r\na\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "\r\na\r\n",
        "g\r\na\r\n",
        "1\na\r\n",
        "1\ra\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1;a\nb\r\na\r\n",
        "1;a\0b\r\na\r\n",
        &seventeen_digits,
        &long_extension,
        "0\r\nbad name: x\r\n\r\n",
        "0\r\n folded: x\r\n\r\n",
        "0\r\na: b\n\r\n",
    ] {
        let mut client = chunks(&play, &format!("3\r\nabc\r\n{bad}0\r\n\r\n"));
        client.hears_flag(400, "BAD_REQUEST");
        client.hears_the_end();
        let forwarded = play.endpoint().hears_the_rest();
        assert!(!forwarded.contains("\r\n0\r\n"), "after {bad:?} the endpoint heard the end of a body:\n{forwarded}");
        assert!(!forwarded.ends_with("0\r\n\r\n"), "after {bad:?} the endpoint heard the end of a body:\n{forwarded}");
    }
}

#[test]
fn chunk_extensions_are_not_forwarded() {
    let play = Play::new();
    let mut client = chunks(&play, "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n0\r\n\r\n").answers(200, "ok");
    client.hears_response(200, "ok");
}
