//! Every known way to write a head that two parsers read differently: refused, or read in the one way
//! in which it is then written.

use super::request::tests::PATHS;
use super::*;
use crate::http::{Framing, RequestHead};

fn parse(head: &[u8]) -> Result<RequestHead, HeadError> {
    let mut out = RequestHead::default();
    parse_request(head, &HeadLimits::default(), &PATHS, &mut out).map(|()| out)
}

/// A request with these bytes between its host and its empty line.
fn with(lines: &str) -> Result<RequestHead, HeadError> {
    parse(format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").as_bytes())
}

#[track_caller]
fn refused(result: Result<RequestHead, HeadError>, error: HeadError, sent: &str) {
    assert_eq!(result.expect_err(sent), error, "{sent:?}");
}

#[test]
fn a_content_length_is_digits_and_said_once() {
    for value in [
        "+5",
        "-5",
        "0x5",
        "5,5",
        "5, 6",
        "",
        "5 5",
        "5;",
        "5.0",
        "1e3",
        "five",
        "18446744073709551616",
        "99999999999999999999999",
        "\u{663}",
    ] {
        refused(with(&format!("Content-Length: {value}")), HeadError::ContentLength, value);
    }
    for lines in ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\ncontent-length: 5"] {
        refused(with(lines), HeadError::LengthRepeated, lines);
    }
    let largest = with("Content-Length: 18446744073709551615").expect("2^64 - 1 is a length");
    assert_eq!(largest.framing, Framing::Length(u64::MAX));
}

#[test]
fn a_content_length_never_stands_beside_a_transfer_coding() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: CHUNKED\r\nX: y\r\nContent-Length: 0",
    ] {
        refused(with(lines), HeadError::LengthWithCoding, lines);
    }
}

#[test]
fn a_transfer_coding_is_chunked_and_said_once() {
    for value in [
        "",
        "xchunked",
        "chunkedx",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "chunked, identity",
        "identity",
        "gzip",
        "chunked;q=1",
        "\"chunked\"",
        "'chunked'",
        "chu nked",
        "chunked chunked",
        "gzip chunked",
        "chunked\u{a0}",
    ] {
        refused(with(&format!("Transfer-Encoding: {value}")), HeadError::TransferEncoding, value);
    }
    for value in ["gzip, chunked", "identity, chunked", "cow , chunked"] {
        refused(with(&format!("Transfer-Encoding: {value}")), HeadError::UnknownCoding, value);
        assert_eq!(HeadError::UnknownCoding.status(), 501);
    }
    for lines in [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ] {
        refused(with(lines), HeadError::TransferEncoding, lines);
    }
}

#[test]
fn a_transfer_coding_in_disguise_is_refused() {
    for (line, error) in [
        ("Transfer-Encoding : chunked", HeadError::FieldName),
        ("Transfer-Encoding\t: chunked", HeadError::FieldName),
        (" Transfer-Encoding: chunked", HeadError::Folded),
        ("X: y\r\n Transfer-Encoding: chunked", HeadError::Folded),
        ("Transfer-Encoding:\r\n chunked", HeadError::TransferEncoding),
        ("Transfer-Encoding: chunked\r\n , identity", HeadError::Folded),
        ("Transfer-Encoding: \x0bchunked", HeadError::Control),
        ("Transfer-Encoding: chunked\x0c", HeadError::Control),
        ("Transfer-Encoding: chunked\0", HeadError::Control),
        ("Transfer-Encoding: chunked\x7f", HeadError::Control),
        ("Transfer-Encoding\0: chunked", HeadError::Control),
        ("\x01Transfer-Encoding: chunked", HeadError::Control),
        ("X: y\nTransfer-Encoding: chunked", HeadError::LineEnd),
        ("X: y\rTransfer-Encoding: chunked", HeadError::LineEnd),
        ("Transfer_Encoding: chunked", HeadError::FramingAlias),
        ("transfer_encoding: chunked", HeadError::FramingAlias),
        ("Content_Length: 5", HeadError::FramingAlias),
        ("\"Transfer-Encoding\": chunked", HeadError::FieldName),
        ("Transfer-Encoding", HeadError::FieldName),
        (": chunked", HeadError::FieldName),
        ("Transf\u{e9}r-Encoding: chunked", HeadError::FieldName),
    ] {
        refused(with(line), error, line);
    }
}

#[test]
fn legal_spellings_of_chunked_are_written_in_the_usual_one() {
    for line in ["Transfer-Encoding: chunked", "TRANSFER-encoding:Chunked", "Transfer-Encoding:\t chunked \t"] {
        let head = with(line).unwrap_or_else(|error| panic!("{line:?} is legal, but: {error}"));
        let mut out = Vec::new();
        write_request(&head, &mut out);
        let text = String::from_utf8_lossy(&out).into_owned();
        assert_eq!(text, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "{line:?}");
    }
}

#[test]
fn http_10_knows_no_transfer_coding() {
    let old = parse(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n");
    refused(old, HeadError::CodingInOldVersion, "chunked in HTTP/1.0");
}

#[test]
fn a_request_without_a_length_has_no_body() {
    let head = with("Connection: close").expect("a legal request");
    assert_eq!(head.framing, Framing::None, "it is never read until the client closes");
}

#[test]
fn no_control_byte_gets_through_anywhere() {
    for byte in (0..b' ').chain([0x7f]).filter(|byte| *byte != b'\t') {
        for template in [
            "G?T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /?x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX?: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y?z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a?\r\n\r\n",
        ] {
            let head: Vec<u8> = template.bytes().map(|b| if b == b'?' { byte } else { b }).collect();
            assert!(parse(&head).is_err(), "byte {byte:#x} in {template:?} must be refused");
        }
    }
    refused(with("X: y\tz\r\nA\tB: c"), HeadError::FieldName, "a tab in a name");
    let tab = with("X: y\tz").expect("a tab within a value is legal");
    assert_eq!(tab.fields.get(b"x"), Some(&b"y\tz"[..]));
}

#[test]
fn field_names_are_tokens() {
    for line in ["X Y: z", "X(: y", "X@: y", "X[]: y", "X/: y", "X\\: y", "{x}: y", "no colon", ":", "="] {
        refused(with(line), HeadError::FieldName, line);
    }
}

#[test]
fn bytes_above_ascii_pass_in_values_untouched() {
    let head = parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\xe9\r\n\r\n").expect("opaque bytes are legal");
    let mut out = Vec::new();
    write_request(&head, &mut out);
    assert_eq!(out, b"GET / HTTP/1.1\r\nhost: a\r\nX: \xff\xfe\xe9\r\n\r\n");
}

#[test]
fn a_request_has_one_host_that_is_a_name_or_an_address() {
    let host = |value: &str| parse(format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n").as_bytes());
    for value in [
        "",
        "a b",
        "a,b",
        "a/b",
        "user@a",
        "user:pass@a",
        "a:",
        "a:x",
        "a:-1",
        "a:+80",
        "a:0",
        "a:65536",
        "a:000080",
        "a:80:80",
        "a?b",
        "a#b",
        "a\\b",
        "a%2eb",
        "http://a",
        "[::1",
        "::1",
        "[::1]x",
        "[::1]:",
        "[::1%25eth0]",
        "[a]",
        "[]",
        "\u{e9}",
        "a;b",
        "<a>",
    ] {
        refused(host(value), HeadError::Host, value);
    }
    for value in ["a", "A.b-c_d.example.", "a:80", "10.0.0.1:65535", "[::1]", "[2001:db8::1]:8080"] {
        assert_eq!(host(value).expect(value).authority, value);
    }
    refused(parse(b"GET / HTTP/1.1\r\nX: y\r\n\r\n"), HeadError::HostMissing, "no host");
    refused(with("Host: a"), HeadError::HostRepeated, "the same host twice");
    refused(parse(b"GET http://b/ HTTP/1.1\r\n\r\n"), HeadError::HostMissing, "absolute form without a host");
    refused(parse(b"GET http://b/ HTTP/1.1\r\nHost: a, b\r\n\r\n"), HeadError::Host, "a bad host beside absolute form");
    assert_eq!(parse(b"GET / HTTP/1.0\r\n\r\n").expect("HTTP/1.0 needs no host").authority, "");
}

#[test]
fn the_authority_of_an_absolute_form_is_the_only_one_that_goes_on() {
    let head = parse(b"GET http://real/x HTTP/1.1\r\nHost: other\r\nX: y\r\n\r\n").expect("a legal request");
    let mut out = Vec::new();
    write_request(&head, &mut out);
    assert_eq!(out, b"GET /x HTTP/1.1\r\nhost: real\r\nX: y\r\n\r\n", "the other host must not reach the upstream");
}

#[test]
fn request_lines_have_three_parts_and_single_spaces() {
    for line in [
        "GET /",
        "GET",
        "",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.1 x",
        "GET / HTTP/11",
        "GET / HTTP/1.10",
        "GET / HTTPS/1.1",
        "G(T / HTTP/1.1",
        "GET /a b HTTP/1.1",
    ] {
        let error = parse(format!("{line}\r\nHost: a\r\n\r\n").as_bytes()).expect_err(line);
        assert_eq!((error, error.status()), (HeadError::RequestLine, 400), "{line:?}");
    }
    for version in ["0.9", "1.2", "2.0", "3.0", "9.9"] {
        let error = parse(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n").as_bytes()).expect_err(version);
        assert_eq!((error, error.status()), (HeadError::Version, 505), "HTTP/{version}");
    }
}

#[test]
fn what_follows_the_empty_line_is_not_read_as_part_of_the_head() {
    refused(parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nX: y\r\n\r\n"), HeadError::LineEnd, "bytes after the head");
    refused(parse(b"GET / HTTP/1.1\r\nHost: a\r\n"), HeadError::LineEnd, "no empty line");
}
