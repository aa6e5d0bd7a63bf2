//! What of a head is forwarded, what is not, and what we say ourselves.

use serde_json::json;

use crate::play::{Play, field};

/// What the endpoint hears of a request with these lines.
fn forwarded(play: &Play, lines: &str) -> String {
    let mut client = play.client();
    client.says(format!("GET / HTTP/1.1\r\nhost: shop.test\r\n{lines}\r\nconnection: close\r\n\r\n"));
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    client.hears_response(200, "");
    head
}

/// The names of a head's fields, in order.
fn names(head: &str) -> Vec<&str> {
    head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect()
}

/// All values of a field.
fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let of = |line: &'a str| line.split_once(':').filter(|(field, _)| field.eq_ignore_ascii_case(name));
    head.lines().skip(1).filter_map(of).map(|(_, value)| value.trim()).collect()
}

#[test]
fn fields_that_belong_to_one_connection_are_not_forwarded() {
    let lines = "accept: a\r\nconnection: keep-alive, X-One\r\nx-one: 1\r\nkeep-alive: 5\r\nproxy-connection: x\r\n\
                 connection: x-two\r\nx_two: 2\r\nproxy-authorization: secret\r\nte: gzip\r\ntrailer: x-sum\r\n\
                 upgrade: later\r\nx-last: z";
    let head = forwarded(&Play::new(), lines);
    let ours = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via", "x-request-id"];
    assert_eq!(names(&head), [&["host", "accept", "x-last"], &ours[..]].concat(), "{head}");
}

#[test]
fn a_client_cannot_take_out_what_we_say_or_how_a_message_is_read() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: shop.test\r\nconnection: host, content-length, x-forwarded-for, via\r\n");
    client.says("connection: x-request-id, X-Forwarded-Host, transfer-encoding\r\ncontent-length: 3\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    for (name, value) in [("host", "shop.test"), ("content-length", "3"), ("x-forwarded-for", "127.0.0.1")] {
        assert_eq!(field(&head, name), Some(value), "{head}");
    }
    assert_eq!((field(&head, "via"), field(&head, "x-forwarded-host")), (Some("1.1 flatproxy"), Some("shop.test")));
    assert!(field(&head, "x-request-id").is_some(), "{head}");
    endpoint.hears("abc");
}

#[test]
fn more_connection_options_than_anybody_needs_are_refused() {
    let play = Play::new();
    let options = (0..33).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(", ");
    let mut client = play.client();
    client.says(format!("GET / HTTP/1.1\r\nhost: test\r\nconnection: {options}\r\n\r\n"));
    client.hears_flag(400, "BAD_REQUEST");
    play.endpoint_was_not_asked();
}

#[test]
fn values_beyond_ascii_arrive_as_they_were_sent() {
    let head = forwarded(&Play::new(), "x-name: \u{e9}\u{4e16}");
    assert_eq!(field(&head, "x-name"), Some("\u{e9}\u{4e16}"), "{head}");
}

#[test]
fn fields_that_belong_to_one_connection_do_not_reach_the_client() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\nx-first: a\r\nconnection: x-secret\r\nx-secret: 1\r\nkeep-alive: timeout=5\r\n");
    endpoint.says("proxy-authenticate: x\r\ntrailer: x-sum\r\nupgrade: h2c\r\nserver: s\r\ncontent-length: 0\r\n\r\n");
    let head = client.hears_response(200, "");
    assert_eq!(names(&head), ["x-first", "server", "content-length"], "{head}");
}

#[test]
fn repeated_fields_and_their_order_survive() {
    let head = forwarded(&Play::new(), "accept: a\r\ncookie: 1\r\nAccept: b\r\ncookie: 2\r\nx-empty:");
    assert_eq!(names(&head)[1..6], ["accept", "cookie", "Accept", "cookie", "x-empty"], "{head}");
    assert_eq!(values(&head, "cookie"), ["1", "2"]);
}

#[test]
fn what_a_client_says_of_itself_is_replaced_by_what_we_see() {
    let lines = "x-forwarded-for: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nx-forwarded-proto: https\r\n\
                 x-forwarded-host: evil\r\nx-forwarded-client-cert: URI=spiffe://a/b\r\nx-request-id: mine\r\n\
                 x-flatproxy-flag: NONE\r\nX-FlatProxy-Anything: x";
    let head = forwarded(&Play::new(), lines);
    assert_eq!(values(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["shop.test"]);
    assert_eq!(values(&head, "via"), ["1.1 flatproxy"]);
    let id = values(&head, "x-request-id");
    assert!(id.len() == 1 && id[0].len() == 32 && id[0] != "mine", "{head}");
    for forged in ["x-forwarded-client-cert", "x_forwarded_for", "x-flatproxy-flag", "x-flatproxy-anything"] {
        assert_eq!(field(&head, forged), None, "{head}");
    }
}

#[test]
fn what_a_trusted_client_says_is_kept() {
    let play = Play::edited(|plan| {
        plan.listener()["forwarded"]["trusted"] = json!([{"address": "127.0.0.0", "prefix": 8}]);
    });
    let lines = "x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: https\r\nx-request-id: theirs\r\nvia: 1.0 other\r\n\
                 x-forwarded-client-cert: URI=spiffe://a/b";
    let head = forwarded(&play, lines);
    assert_eq!(values(&head, "x-forwarded-for"), ["1.2.3.4", "127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "x-request-id"), ["theirs"]);
    assert_eq!(values(&head, "via"), ["1.0 other", "1.1 flatproxy"]);
    assert_eq!(field(&head, "x-forwarded-client-cert"), None, "an identity is never taken from a field:\n{head}");
}

#[test]
fn what_we_say_of_the_client_can_be_switched_off() {
    let play = Play::edited(|plan| {
        plan.listener()["forwarded"] = json!({
            "x_forwarded_for": "remove", "x_forwarded_proto": false, "via": null, "request_id": "off",
            "client_cert_header": "x-client", "trusted": [],
        });
    });
    let head = forwarded(&play, "x-client: forged\r\nx_client: forged\r\naccept: a");
    assert_eq!(names(&head), ["host", "accept"], "{head}");
}

#[test]
fn every_request_gets_an_id_of_its_own() {
    let play = Play::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let head = forwarded(&play, "accept: a");
        assert!(seen.insert(field(&head, "x-request-id").map(str::to_owned)), "twice the same id:\n{head}");
    }
}

#[test]
fn an_endpoint_cannot_speak_in_our_name() {
    let play = Play::new();
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\nX-FlatProxy-Flag: DENY\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(field(&client.hears_response(200, ""), "x-flatproxy-flag"), None);
}
