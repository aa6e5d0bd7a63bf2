//! The table of answers: each row is provoked by a test, and the client is told status and flag.

use std::net::{SocketAddr, TcpStream};
use std::task::Poll;

use dataplane::chain::Phases;
use dataplane::respond::Flag;
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::cast::{Answer, Cast};
use crate::play::{FILLER, PlanJson, Play, Talker, eventually};

/// Each row but `None`, and `Internal`, which nobody knows how to provoke.
const PROVOKED: [(Flag, fn()); Flag::COUNT - 2] = [
    (Flag::BadRequest, a_bad_request),
    (Flag::HeadTooLarge, a_head_too_large),
    (Flag::UriTooLong, a_uri_too_long),
    (Flag::BodyTooLarge, a_body_too_large),
    (Flag::HeadTimeout, a_slow_head),
    (Flag::BodyTimeout, a_slow_body),
    (Flag::Expectation, an_unknown_expectation),
    (Flag::Version, an_unknown_version),
    (Flag::Unsupported, an_upgrade),
    (Flag::NoRoute, no_route),
    (Flag::Loop, a_loop),
    (Flag::Deny, a_filter_that_denies),
    (Flag::Filter, a_filter_that_fails),
    (Flag::Overload, an_overload),
    (Flag::NoEndpoint, no_endpoint),
    (Flag::Connect, a_refused_connection),
    (Flag::ConnectTimeout, a_connection_that_nobody_accepts),
    (Flag::UpstreamTls, an_endpoint_without_tls),
    (Flag::UpstreamReset, an_endpoint_that_closes),
    (Flag::UpstreamProtocol, an_endpoint_that_does_not_speak_http),
    (Flag::Timeout, a_route_that_takes_too_long),
    (Flag::AttemptTimeout, a_try_that_takes_too_long),
    (Flag::UpstreamStall, an_endpoint_that_stalls),
    (Flag::ClientGone, a_client_that_goes_away),
];

#[test]
fn every_row_of_the_table_is_provoked_and_counted() {
    for (flag, provoke) in PROVOKED {
        assert!(Flag::all().any(|row| row == flag), "{flag:?} is no row of the table");
        let _: fn() = provoke;
    }
    let provoked = |row: &Flag| PROVOKED.iter().any(|(flag, _)| flag == row);
    let missing: Vec<_> =
        Flag::all().filter(|row| !matches!(row, Flag::None | Flag::Internal) && !provoked(row)).collect();
    assert!(missing.is_empty(), "no test provokes {missing:?}");
}

/// The client hears what the table says of that flag, and the metrics count it.
#[track_caller]
fn told(play: &Play, client: &mut Talker, flag: Flag) {
    let head = client.hears_flag(flag.status(), flag.label());
    let closes = crate::play::field(&head, "connection") == Some("close");
    assert_eq!(closes, flag.closes(), "whether the connection ends:\n{head}");
    counted(play, flag);
}

fn counted(play: &Play, flag: Flag) {
    let label = format!("flag=\"{}\"", flag.label());
    eventually("the flag is counted", || play.metric("flatproxy_flagged_requests_total", &[&label]) > 0.5);
}

/// One request is enough.
fn asked(flag: Flag, request: &str, edit: impl FnOnce(&mut PlanJson)) {
    let play = Play::edited(edit);
    told(&play, play.client().says(request), flag);
    play.endpoint_was_not_asked();
}

const GET: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

#[test]
fn a_bad_request() {
    asked(Flag::BadRequest, "GET / HTTP/1.1\r\n\r\n", |_| {});
}

#[test]
fn a_head_too_large() {
    asked(Flag::HeadTooLarge, &format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101)), |_| {});
}

#[test]
fn a_uri_too_long() {
    asked(Flag::UriTooLong, &format!("GET /{}", "x".repeat(65536)), |_| {});
}

#[test]
fn a_body_too_large() {
    let request = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n";
    asked(Flag::BodyTooLarge, request, |plan| plan.limits()["body_bytes"] = json!(1));
}

#[test]
fn a_slow_head() {
    asked(Flag::HeadTimeout, "GET /", |plan| plan.limits()["head_timeout_ms"] = json!(50));
}

#[test]
fn a_slow_body() {
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = json!(50));
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n1");
    told(&play, &mut client, Flag::BodyTimeout);
}

#[test]
fn an_unknown_expectation() {
    asked(Flag::Expectation, "GET / HTTP/1.1\r\nhost: test\r\nexpect: miracles\r\n\r\n", |_| {});
}

#[test]
fn an_unknown_version() {
    asked(Flag::Version, "GET / HTTP/1.2\r\nhost: test\r\n\r\n", |_| {});
}

#[test]
fn an_upgrade() {
    let request = "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    asked(Flag::Unsupported, request, |_| {});
}

#[test]
fn no_route() {
    asked(Flag::NoRoute, GET, |plan| plan.first_route()["match"]["hosts"] = json!(["other"]));
}

#[test]
fn a_loop() {
    let via = "via: 1.1 a\r\n".repeat(16);
    asked(Flag::Loop, &format!("GET / HTTP/1.1\r\nhost: test\r\n{via}\r\n"), |_| {});
}

fn filtered(flag: Flag, answer: fn() -> Answer) {
    let cast = Cast::default().with("a", Phases::REQUEST, move |_, _, _, _| Poll::Ready(answer()));
    let play = cast.play(&["a"]);
    told(&play, play.client().says(GET), flag);
}

#[test]
fn a_filter_that_denies() {
    filtered(Flag::Deny, || Answer::Respond(403));
}

#[test]
fn a_filter_that_fails() {
    filtered(Flag::Filter, || Answer::Fail);
}

#[test]
fn an_overload() {
    let play = Play::edited(|plan| plan.service()["max_requests"] = json!(1));
    let (mut client, mut endpoint) = play.acquainted();
    client.says(GET);
    endpoint.hears_head();
    told(&play, play.client().says(GET), Flag::Overload);
}

#[test]
fn no_endpoint() {
    // A name that nobody resolves.
    asked(Flag::NoEndpoint, GET, |plan| {
        plan.service()["endpoints"] = json!([{"host": "nobody.invalid", "port": 80, "weight": 1}]);
        plan.0["dns"]["servers"] = json!(["127.0.0.1:1"]);
    });
}

#[test]
fn a_refused_connection() {
    let mut play = Play::new();
    play.endpoint_dies();
    told(&play, play.client().says(GET), Flag::Connect);
}

/// A listening socket whose queue of waiting connections is full: who connects gets no answer at all.
pub struct FullBacklog {
    pub address: SocketAddr,
    _sockets: (Socket, Vec<TcpStream>),
}

pub fn full_backlog() -> FullBacklog {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listening.listen(0).unwrap();
    let address = listening.local_addr().unwrap().as_socket().unwrap();
    let waiting = TcpStream::connect(address).unwrap();
    FullBacklog { address, _sockets: (listening, vec![waiting]) }
}

#[test]
fn a_connection_that_nobody_accepts() {
    let full = full_backlog();
    let play = Play::edited(|plan| {
        plan.service()["endpoints"] = json!([PlanJson::endpoint(full.address)]);
        plan.service()["connect_timeout_ms"] = json!(50);
    });
    told(&play, play.client().says(GET), Flag::ConnectTimeout);
}

#[test]
fn an_endpoint_without_tls() {
    let key = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
    let play = Play::edited(|plan| {
        plan.service()["tls"] = json!({
            "ca_pem": key.cert.pem(), "crl_pem": null, "verify": {"name": "test"}, "sni": null,
            "certificate": null, "min_version": "1.2",
        });
    });
    let mut client = play.client();
    client.says(GET);
    play.endpoint().says("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    told(&play, &mut client, Flag::UpstreamTls);
}

/// The endpoint is asked and says this.
fn answered(flag: Flag, reply: &str) {
    let play = Play::new();
    let mut client = play.client();
    client.says(GET);
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says(reply).ends();
    told(&play, &mut client, flag);
}

#[test]
fn an_endpoint_that_closes() {
    answered(Flag::UpstreamReset, "");
}

#[test]
fn an_endpoint_that_does_not_speak_http() {
    answered(Flag::UpstreamProtocol, "220 mail.test ESMTP\r\n\r\n");
}

#[test]
fn a_route_that_takes_too_long() {
    let play = Play::edited(|plan| plan.first_route()["timeout_ms"] = json!(50));
    told(&play, play.client().says(GET), Flag::Timeout);
}

#[test]
fn a_try_that_takes_too_long() {
    let play = Cast::default().watching("a", Phases::FAILURE).trying(&[], 50).play(&["a"]);
    told(&play, play.client().says(GET), Flag::AttemptTimeout);
}

#[test]
fn an_endpoint_that_stalls() {
    const MUCH: usize = 64 * 1024 * 1024;
    let play = Play::edited(|plan| plan.limits()["stall_timeout_ms"] = json!(100));
    let mut client = play.client();
    client.says(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {MUCH}\r\n\r\n"));
    std::thread::scope(|scope| {
        let mut mouth = client.another_mouth();
        scope.spawn(move || mouth.says_until_nobody_reads(&FILLER, MUCH));
        told(&play, &mut client, Flag::UpstreamStall);
    });
}

#[test]
fn a_client_that_goes_away() {
    let play = Play::new();
    let mut client = play.client();
    client.says(GET);
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    client.resets();
    counted(&play, Flag::ClientGone);
}
