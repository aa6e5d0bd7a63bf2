//! The same conversation, however its bytes are split: what is heard at the other end does not change.

use crate::play::{Play, Talker, a_moment};

const REQUESTS: &str = "GET /1 HTTP/1.1\r\nhost: test\r\n\r\n\
    POST /2 HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nbody\
    PUT /3 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n4;x\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n";

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\nx-took: 1\r\n\r\n";

/// What a chunked body says, up to its trailer.
fn hears_chunks(talker: &mut Talker, trailer: &str) -> String {
    let end = format!("0\r\n{trailer}\r\n\r\n");
    let mut body = String::new();
    while !body.ends_with(&end) {
        body.push_str(&talker.hears_some());
    }
    // Every other line is the size of the next chunk.
    body.trim_end_matches(&end).split("\r\n").skip(1).step_by(2).collect()
}

/// Says it in two parts.
fn says_split(talker: &mut Talker, text: &str, at: usize) {
    talker.says(&text[..at]);
    a_moment(1);
    talker.says(&text[at..]);
}

#[test]
fn requests_are_forwarded_alike_however_they_are_split() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    for at in 1..REQUESTS.len() {
        says_split(&mut client, REQUESTS, at);
        assert!(endpoint.hears_head().starts_with("GET /1 "), "split at {at}");
        endpoint.answers(200, "1");
        assert!(endpoint.hears_head().starts_with("POST /2 "), "split at {at}");
        endpoint.hears("body").answers(200, "2");
        assert!(endpoint.hears_head().starts_with("PUT /3 "), "split at {at}");
        assert_eq!(hears_chunks(&mut endpoint, "x-sum: 1"), "body", "split at {at}");
        endpoint.answers(200, "3");
        for body in ["1", "2", "3"] {
            client.hears_response(200, body);
        }
    }
}

#[test]
fn replies_are_delivered_alike_however_they_are_split() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
    for at in 1..hints.len() {
        client.asks("/");
        endpoint.hears_head();
        says_split(&mut endpoint, hints, at);
        client.hears_status(103);
        client.hears_response(200, "one");
    }
    for at in 1..CHUNKED.len() {
        client.asks("/");
        endpoint.hears_head();
        says_split(&mut endpoint, CHUNKED, at);
        client.hears_status(200);
        assert_eq!(hears_chunks(&mut client, "x-took: 1"), "three", "split at {at}");
    }
}
