//! What goes on the wire.

use super::*;
use crate::http::Method;

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("the test's messages are text")
}

fn request(framing: Framing) -> RequestHead {
    let mut head = RequestHead {
        method: Method::Post,
        authority: "a:81".into(),
        path: "/x".into(),
        query: Some("y".into()),
        framing,
        ..RequestHead::default()
    };
    head.fields.push(b"X-One", b"1");
    head
}

#[test]
fn a_request_has_its_host_first_and_its_framing_last() {
    for (framing, line) in [
        (Framing::None, ""),
        (Framing::Length(0), "content-length: 0\r\n"),
        (Framing::Length(7), "content-length: 7\r\n"),
        (Framing::Chunked, "transfer-encoding: chunked\r\n"),
    ] {
        let expected = format!("POST /x?y HTTP/1.1\r\nhost: a:81\r\nX-One: 1\r\n{line}\r\n");
        assert_eq!(text(|out| write_request(&request(framing), out)), expected);
    }
}

#[test]
fn fields_never_say_a_second_time_who_is_asked_or_where_the_body_ends() {
    let mut head = request(Framing::Length(7));
    for name in ["Host", "Content-Length", "content_length", "Transfer-Encoding", "TRANSFER_ENCODING"] {
        head.fields.push(name.as_bytes(), b"9");
    }
    let expected = "POST /x?y HTTP/1.1\r\nhost: a:81\r\nX-One: 1\r\ncontent-length: 7\r\n\r\n";
    assert_eq!(text(|out| write_request(&head, out)), expected);
    let response =
        ResponseHead { status: 200, framing: Framing::Chunked, fields: head.fields, ..ResponseHead::default() };
    let expected = "HTTP/1.1 200 OK\r\nX-One: 1\r\nHost: 9\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(text(|out| write_response(&response, false, out)), expected);
}

#[test]
fn a_response_says_how_it_ends() {
    let head =
        |status, framing, declared_length| ResponseHead { status, framing, declared_length, ..Default::default() };
    for (head, close, expected) in [
        (head(200, Framing::Length(5), None), false, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        (head(200, Framing::None, Some(5)), false, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        (head(204, Framing::None, None), false, "HTTP/1.1 204 No Content\r\n\r\n"),
        (head(200, Framing::UntilClose, None), true, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"),
        (head(999, Framing::Chunked, None), false, "HTTP/1.1 999 \r\ntransfer-encoding: chunked\r\n\r\n"),
    ] {
        assert_eq!(text(|out| write_response(&head, close, out)), expected);
    }
}

#[test]
fn a_reason_of_its_own_is_kept() {
    let head =
        ResponseHead { status: 200, reason: b"Fine".to_vec(), framing: Framing::Length(0), ..Default::default() };
    assert_eq!(text(|out| write_response(&head, false, out)), "HTTP/1.1 200 Fine\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn chunks_have_their_size_in_hexadecimals() {
    for (length, line) in
        [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (65_536, "10000\r\n"), (usize::MAX, "ffffffffffffffff\r\n")]
    {
        assert_eq!(text(|out| write_chunk_head(length, out)), line);
    }
}

#[test]
fn the_last_chunk_carries_the_trailers() {
    let mut trailers = Fields::default();
    trailers.push(b"x-sum", b"7");
    trailers.push(b"content-length", b"9");
    assert_eq!(text(|out| write_last_chunk(&trailers, out)), "0\r\nx-sum: 7\r\n\r\n");
    assert_eq!(text(|out| write_last_chunk(&Fields::default(), out)), "0\r\n\r\n");
}
