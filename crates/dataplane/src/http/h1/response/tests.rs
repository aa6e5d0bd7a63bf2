//! What a response means once it is read.

use super::*;
use crate::http::Version;

fn parse_for(method: &Method, head: &str) -> Result<ResponseHead, HeadError> {
    let mut out = ResponseHead { reason: b"left".to_vec(), declared_length: Some(1), ..ResponseHead::default() };
    parse_response(head.as_bytes(), &HeadLimits::default(), method, &mut out).map(|()| out)
}

fn parse(head: &str) -> Result<ResponseHead, HeadError> {
    parse_for(&Method::Get, head)
}

#[test]
fn a_response_is_read_into_its_parts() {
    let head = parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServer: x\r\n\r\n").expect("a legal response");
    assert_eq!((head.status, head.version, head.framing), (200, Version::Http11, Framing::Length(3)));
    assert!(head.reason.is_empty() && head.keep_alive && head.declared_length.is_none(), "{head:?}");
    assert_eq!(head.fields.len(), 1, "the length lives in the framing");
}

#[test]
fn a_phrase_of_its_own_is_kept_and_a_missing_one_is_fine() {
    let reason = |line: &str| parse(&format!("{line}\r\n\r\n")).map(|head| head.reason);
    assert_eq!(reason("HTTP/1.1 200 Fine indeed"), Ok(b"Fine indeed".to_vec()));
    assert_eq!(reason("HTTP/1.1 404 Not Found"), Ok(vec![]), "the standard one need not be kept");
    assert_eq!(reason("HTTP/1.1 200 "), Ok(vec![]));
    assert_eq!(reason("HTTP/1.1 200"), Ok(vec![]));
}

#[test]
fn malformed_status_lines_are_refused() {
    for (line, error) in [
        ("HTTP/2.0 200 OK", HeadError::Version),
        ("HTTP/1.2 200 OK", HeadError::Version),
        ("http/1.1 200 OK", HeadError::StatusLine),
        ("HTTP/1.1  200 OK", HeadError::StatusLine),
        ("HTTP/1.1\t200 OK", HeadError::StatusLine),
        ("HTTP/1.1 99 OK", HeadError::StatusLine),
        ("HTTP/1.1 099 OK", HeadError::StatusLine),
        ("HTTP/1.1 +20 OK", HeadError::StatusLine),
        ("HTTP/1.1 2000 OK", HeadError::StatusLine),
        ("HTTP/1.1", HeadError::StatusLine),
        ("", HeadError::StatusLine),
        ("HTTP/1.1 200 O\0K", HeadError::Control),
        ("HTTP/1.1 200 O\rK", HeadError::LineEnd),
        ("HTTP/1.1 200 O\nK", HeadError::LineEnd),
    ] {
        assert_eq!(parse(&format!("{line}\r\n\r\n")).unwrap_err(), error, "{line:?}");
    }
}

#[test]
fn the_body_is_framed_by_status_method_and_fields() {
    let length = "Content-Length: 7\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (method, status, fields, framing, declared) in [
        ("GET", 200, length, Framing::Length(7), None),
        ("GET", 200, chunked, Framing::Chunked, None),
        ("GET", 200, "", Framing::UntilClose, None),
        ("HEAD", 200, length, Framing::None, Some(7)),
        ("HEAD", 200, chunked, Framing::None, None),
        ("HEAD", 200, "", Framing::None, None),
        ("GET", 304, length, Framing::None, Some(7)),
        ("GET", 204, length, Framing::None, None),
        ("GET", 204, chunked, Framing::None, None),
        ("HEAD", 204, length, Framing::None, None),
        ("GET", 100, length, Framing::None, None),
        ("GET", 101, "", Framing::None, None),
        ("CONNECT", 200, length, Framing::None, None),
        ("CONNECT", 403, length, Framing::Length(7), None),
    ] {
        let head = parse_for(&Method::of(method), &format!("HTTP/1.1 {status} x\r\n{fields}\r\n")).expect("legal");
        assert_eq!((head.framing, head.declared_length), (framing, declared), "{status} to {method} with {fields:?}");
    }
}

#[test]
fn two_answers_to_where_the_body_ends_are_an_error_whatever_the_status() {
    for status in [100, 200, 204, 304] {
        for (fields, error) in [
            ("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", HeadError::LengthWithCoding),
            ("Content-Length: 7\r\nContent-Length: 7\r\n", HeadError::LengthRepeated),
            ("Content-Length: 7, 7\r\n", HeadError::ContentLength),
            ("Transfer-Encoding: gzip, chunked\r\n", HeadError::UnknownCoding),
            ("Content_Length: 7\r\n", HeadError::FramingAlias),
        ] {
            let result = parse(&format!("HTTP/1.1 {status} x\r\n{fields}\r\n"));
            assert_eq!(result.unwrap_err(), error, "{status} with {fields:?}");
        }
    }
    let old = parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(old.unwrap_err(), HeadError::CodingInOldVersion);
}

#[test]
fn the_connection_lives_on_only_when_the_end_of_the_body_is_known() {
    for (head, keeps) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false),
    ] {
        assert_eq!(parse(head).expect("a legal response").keep_alive, keeps, "{head:?}");
    }
}
