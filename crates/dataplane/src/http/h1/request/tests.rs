//! What a request means once it is read; what must be refused is in `attack_tests`.

use super::*;
use crate::http::path::PathError;
use crate::plan::document::{DotSegments, EncodedSlash};

pub(in crate::http::h1) const PATHS: PathPolicy =
    PathPolicy { dot_segments: DotSegments::Resolve, encoded_slash: EncodedSlash::Reject, merge_slashes: true };

fn parse(head: &str) -> Result<RequestHead, HeadError> {
    let mut out = RequestHead { query: Some("left".into()), path: "/before".into(), ..RequestHead::default() };
    parse_request(head.as_bytes(), &HeadLimits::default(), &PATHS, &mut out).map(|()| out)
}

#[track_caller]
fn read(head: &str) -> RequestHead {
    parse(head).unwrap_or_else(|error| panic!("{head:?} is a legal request, but: {error}"))
}

#[test]
fn a_request_is_read_into_its_parts() {
    let head = read(
        "POST /a/../b?x=1&y HTTP/1.1\r\nHost: Shop.example:81\r\nX-One:1\r\nContent-Length: 5\r\nx-two:  \t2 \r\n\r\n",
    );
    assert_eq!((head.method, head.version), (Method::Post, Version::Http11));
    assert_eq!((head.path.as_str(), head.query.as_deref()), ("/b", Some("x=1&y")));
    assert_eq!(head.authority, "Shop.example:81", "the authority as the client wrote it");
    assert_eq!(head.framing, Framing::Length(5));
    assert!(head.keep_alive && !head.expects_continue && !head.upgrade, "nothing of this was asked for");
    let fields: Vec<_> = head.fields.iter().map(|(_, name, value)| (name, value)).collect();
    assert_eq!(fields, [(&b"X-One"[..], &b"1"[..]), (b"x-two", b"2")], "host and length live elsewhere");
}

#[test]
fn nothing_is_left_of_the_message_before() {
    let mut head = read(
        "POST /a?b HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    );
    parse_request(b"GET / HTTP/1.0\r\n\r\n", &HeadLimits::default(), &PATHS, &mut head).expect("a legal request");
    let fresh = read("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(format!("{:?}", (head.fields.len(), head.query)), format!("{:?}", (fresh.fields.len(), fresh.query)));
    assert_eq!((head.authority.as_str(), head.path.as_str(), head.framing), ("", "/", Framing::None));
    assert!(!head.keep_alive && !head.expects_continue && !head.upgrade, "a plain HTTP/1.0 request asks for nothing");
}

#[test]
fn every_form_of_target_is_read() {
    for (target, method, authority, path, query) in [
        ("/", "GET", "in.host", "/", None),
        ("/?", "GET", "in.host", "/", Some("")),
        ("//x//y", "GET", "in.host", "/x/y", None),
        ("*", "OPTIONS", "in.host", "*", None),
        ("http://other:8080/x?y", "GET", "other:8080", "/x", Some("y")),
        ("HTTPS://[::1]", "GET", "[::1]", "/", None),
        ("http://other?y", "GET", "other", "/", Some("y")),
        ("http://other", "OPTIONS", "other", "*", None),
        ("other:443", "CONNECT", "other:443", "", None),
    ] {
        let head = read(&format!("{method} {target} HTTP/1.1\r\nHost: in.host\r\n\r\n"));
        let parts = (head.authority.as_str(), head.path.as_str(), head.query.as_deref());
        assert_eq!(parts, (authority, path, query), "{method} {target}");
    }
}

#[test]
fn malformed_targets_are_refused() {
    for (line, error) in [
        ("GET * HTTP/1.1", HeadError::Target),
        ("GET x HTTP/1.1", HeadError::Target),
        ("GET ftp://a/ HTTP/1.1", HeadError::Scheme),
        ("GET http:///x HTTP/1.1", HeadError::Host),
        ("GET http://user@a/ HTTP/1.1", HeadError::Host),
        ("GET http://a\\b/ HTTP/1.1", HeadError::Host),
        ("GET http://a#b HTTP/1.1", HeadError::Path(PathError::NotAbsolute)),
        ("GET /a#b HTTP/1.1", HeadError::Path(PathError::Character)),
        ("GET /a?b#c HTTP/1.1", HeadError::Target),
        ("GET /?\u{e9} HTTP/1.1", HeadError::Target),
        ("GET /%2f HTTP/1.1", HeadError::Path(PathError::EncodedSlash)),
        ("CONNECT a HTTP/1.1", HeadError::Target),
        ("CONNECT / HTTP/1.1", HeadError::Target),
        ("CONNECT http://a:1/ HTTP/1.1", HeadError::Target),
        ("CONNECT a:0 HTTP/1.1", HeadError::Target),
    ] {
        assert_eq!(parse(&format!("{line}\r\nHost: a\r\n\r\n")).unwrap_err(), error, "{line}");
    }
}

#[test]
fn the_connection_lives_on_as_the_version_says() {
    for (version, connection, keeps) in [
        ("1.1", "", true),
        ("1.1", "Connection: foo, Close\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let head = read(&format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n"));
        assert_eq!(head.keep_alive, keeps, "HTTP/{version} with {connection:?}");
    }
}

#[test]
fn an_upgrade_is_offered_only_with_the_connection_option_and_in_http_11() {
    let offered =
        |version: &str, fields: &str| read(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n")).upgrade;
    assert!(offered("1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"), "both are there");
    assert!(!offered("1.1", "Upgrade: websocket\r\n"), "without the option it is not for us");
    assert!(!offered("1.1", "Connection: upgrade\r\n"), "an upgrade to nothing");
    assert!(!offered("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n"), "HTTP/1.0 has no upgrade");
}

#[test]
fn expectations_are_for_http_11_requests_with_a_body() {
    let post = |version: &str, fields: &str| parse(&format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
    let waits = |version: &str, fields: &str| post(version, fields).map(|head| head.expects_continue);
    assert_eq!(waits("1.1", "Content-Length: 3\r\nExpect: 100-Continue\r\n"), Ok(true));
    assert_eq!(waits("1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"), Ok(true));
    assert_eq!(
        waits("1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n"),
        Ok(false),
        "there is nothing to wait with"
    );
    assert_eq!(waits("1.0", "Content-Length: 3\r\nExpect: 100-continue\r\n"), Ok(false), "HTTP/1.0 cannot wait");
    assert_eq!(waits("1.0", "Expect: x\r\n"), Ok(false), "nor expect anything");
    for (version, fields) in [("1.1", "Expect: 100-continue\r\n"), ("1.0", "Content-Length: 3\r\nExpect: x\r\n")] {
        let left = post(version, fields).expect("a legal request").fields.len();
        assert_eq!(left, 0, "an expectation that is none must not go on: {fields:?} in HTTP/{version}");
    }
    for expect in ["x", "", "100-continue, x", "100-continue\r\nExpect: 100-continue"] {
        let error = post("1.1", &format!("Content-Length: 3\r\nExpect: {expect}\r\n")).unwrap_err();
        assert_eq!((error, error.status()), (HeadError::Expectation, 417), "Expect: {expect}");
    }
}

#[test]
fn field_lines_over_the_limit_are_refused() {
    let head = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(count - 1));
    assert_eq!(read(&head(100)).fields.len(), 99, "100 lines are allowed");
    let error = parse(&head(101)).unwrap_err();
    assert_eq!((error, error.status()), (HeadError::TooManyFields, 431));
}

#[test]
fn connection_options_are_bounded() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {}\r\n\r\n", "a,".repeat(33));
    assert_eq!(parse(&head).unwrap_err(), HeadError::ConnectionOptions);
}
