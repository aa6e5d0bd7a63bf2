//! Bodies on their way, in both directions: lengths, chunks, trailers, expectations, early responses.

use crate::play::{Play, field};

#[test]
fn a_body_of_a_known_length_keeps_its_length_in_both_directions() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!((field(&head, "content-length"), field(&head, "transfer-encoding")), (Some("6"), None), "{head}");
    endpoint.hears("abc");
    client.says("def");
    endpoint.hears("def").says("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwx");
    client.hears_status(200);
    client.hears("wx");
    endpoint.says("yz");
    client.hears("yz");
    client.asks("/next");
    endpoint.hears_head();
}

#[test]
fn chunks_and_trailers_pass_in_both_directions() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!((field(&head, "content-length"), field(&head, "transfer-encoding")), (None, Some("chunked")), "{head}");
    assert_eq!(field(&head, "te"), Some("trailers"), "we pass trailers on:\n{head}");
    endpoint.hears("3\r\nabc\r\n");
    client.says("A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n");
    endpoint.hears("a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n");
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-took: 5\r\n\r\n");
    client.hears_status(200);
    client.hears("2\r\nok\r\n0\r\nx-took: 5\r\n\r\n");
}

#[test]
fn trailers_that_change_how_a_message_is_read_are_dropped() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n");
    client.says("content-length: 9\r\nhost: evil\r\nX_Forwarded_For: 1.2.3.4\r\nauthorization: x\r\n");
    client.says("x-forwarded-client-cert: URI=spiffe://a/b\r\nx-flatproxy-flag: DENY\r\nx-good: 1\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("1\r\na\r\n0\r\nx-good: 1\r\n\r\n");
}

#[test]
fn a_client_that_waits_for_leave_gets_it_from_the_endpoint() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!(field(&head, "expect"), Some("100-continue"), "the endpoint decides:\n{head}");
    client.hears_nothing();
    endpoint.says("HTTP/1.1 100 Continue\r\n\r\n");
    client.hears_status(100);
    client.says("hi");
    endpoint.hears("hi").answers(200, "ok");
    client.hears_response(200, "ok");
    client.asks("/next");
    endpoint.hears_head();
}

#[test]
fn a_client_that_is_refused_leave_is_told_that_its_connection_ends() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(403, "no");
    let head = client.hears_response(403, "no");
    // What comes next could be the body or another request: the client decides, and we could not tell.
    assert_eq!(field(&head, "connection"), Some("close"), "{head}");
    client.hears_the_end();
    endpoint.hears_the_end();
}

#[test]
fn a_response_before_the_body_is_complete_reaches_the_client_at_once() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 40\r\n\r\nGET /never ");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("GET /never ").answers(413, "too much");
    client.hears_response(413, "too much");
    endpoint.hears_the_end();
    client.says("HTTP/1.1\r\nhost: test\r\n\r\n12345").asks("/next");
    let mut fresh = play.endpoint();
    assert!(fresh.hears_head().starts_with("GET /next "), "the rest of the body is not a request");
    fresh.answers(200, "next");
    client.hears_response(200, "next");
}

#[test]
fn a_client_with_much_left_to_send_is_closed_after_an_early_response() {
    let play = Play::new();
    let mut client = play.client();
    let size = 100 * 1024 * 1024;
    client.says(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {size}\r\n\r\nbegun"));
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("begun").answers(413, "too much");
    client.hears_response(413, "too much");
    endpoint.hears_the_end();
    let sent = client.says_until_nobody_reads("GET /inner HTTP/1.1\r\nhost: test\r\n\r\n".as_bytes(), size - 5);
    assert!(sent < size - 5, "nobody reads a hundred megabytes that nobody wants");
    play.endpoint_was_not_asked();
}

#[test]
fn both_bodies_may_be_under_way_at_the_same_time() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("1\r\na\r\n").says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nA\r\n");
    client.hears_status(200);
    client.hears("1\r\nA\r\n").says("1\r\nb\r\n");
    endpoint.hears("1\r\nb\r\n").says("1\r\nB\r\n");
    client.hears("1\r\nB\r\n").says("0\r\n\r\n");
    endpoint.hears("0\r\n\r\n").says("0\r\n\r\n");
    client.hears("0\r\n\r\n").asks("/next");
    endpoint.hears_head();
}

#[test]
fn large_bodies_arrive_whole() {
    let body: String = ('a'..='z').cycle().take(3_000_000).collect();
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    let request = format!("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    std::thread::scope(|scope| {
        scope.spawn(|| client.says(&request).hears_response(200, &body));
        endpoint.hears_head();
        endpoint.hears(&body).answers(200, &body);
    });
}

#[test]
fn bytes_are_passed_on_one_by_one_as_they_come() {
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    for byte in "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".bytes() {
        client.says([byte]);
    }
    endpoint.hears_head();
    let mut heard = String::new();
    while !heard.ends_with("0\r\n\r\n") {
        heard.push_str(&endpoint.hears_some());
    }
    assert!(matches!(heard.as_str(), "2\r\nhi\r\n0\r\n\r\n" | "1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"), "{heard:?}");
    for byte in "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".bytes() {
        endpoint.says([byte]);
    }
    client.hears_response(200, "ok");
}
