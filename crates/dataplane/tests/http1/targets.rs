//! The forms of a request target (RFC 9112 section 3.2) and the authority that counts.

use crate::play::{Play, field};

/// The request line and the host that the endpoint hears.
fn forwarded(request: &str) -> (String, String) {
    let play = Play::new();
    let mut client = play.client();
    client.says(request);
    let head = play.endpoint().hears_head();
    let line = head.lines().next().unwrap_or_default().to_owned();
    (line, field(&head, "host").unwrap_or("none").to_owned())
}

#[test]
fn the_host_is_forwarded_as_the_client_wrote_it() {
    let (line, host) = forwarded("GET /a?b=c HTTP/1.1\r\nHOST:  Shop.Test:8080 \r\n\r\n");
    assert_eq!((line.as_str(), host.as_str()), ("GET /a?b=c HTTP/1.1", "Shop.Test:8080"));
}

#[test]
fn the_authority_of_the_target_wins_over_the_host_field() {
    let (line, host) = forwarded("GET http://right.test/a?b HTTP/1.1\r\nhost: wrong.test\r\n\r\n");
    assert_eq!((line.as_str(), host.as_str()), ("GET /a?b HTTP/1.1", "right.test"));
}

#[test]
fn a_target_that_is_an_authority_only_has_the_root_as_its_path() {
    let (line, host) = forwarded("GET http://right.test HTTP/1.1\r\nhost: right.test\r\n\r\n");
    assert_eq!((line.as_str(), host.as_str()), ("GET / HTTP/1.1", "right.test"));
    let (line, _) = forwarded("GET http://right.test?q HTTP/1.1\r\nhost: right.test\r\n\r\n");
    assert_eq!(line, "GET /?q HTTP/1.1");
}

#[test]
fn options_may_ask_about_the_whole_server() {
    let (line, _) = forwarded("OPTIONS * HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(line, "OPTIONS * HTTP/1.1");
    let (line, _) = forwarded("OPTIONS http://test HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(line, "OPTIONS * HTTP/1.1", "how a proxy is asked for the same");
}

#[test]
fn methods_that_nobody_knows_are_passed_on() {
    let (line, _) = forwarded("BREW /pot HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(line, "BREW /pot HTTP/1.1");
}

#[test]
fn an_authority_in_the_target_decides_the_route() {
    let play = Play::edited(|plan| plan.first_route()["match"]["hosts"] = serde_json::json!(["right.test"]));
    let mut client = play.client();
    client.says("GET http://wrong.test/ HTTP/1.1\r\nhost: right.test\r\n\r\n").hears_flag(404, "NO_ROUTE");
    play.endpoint_was_not_asked();
    client.says("GET http://RIGHT.test:80/ HTTP/1.1\r\nhost: wrong.test\r\n\r\n");
    play.endpoint().hears_head();
}
