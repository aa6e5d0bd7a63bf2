//! What filters ask of every try: which replies count as failed, and how long one may take.

use std::cell::Cell;
use std::net::TcpListener;
use std::task::Poll;

use dataplane::chain::Phases;
use dataplane::upstream::Usage;
use serde_json::json;

use crate::cast::{Answer, Cast, Moment};
use crate::play::{PlanJson, Play, Talker, a_moment, accepted, bind, eventually};

const LOOKS: &str = "looks";

/// A filter that tries again whatever fails; 503 and 429 are failures to it.
fn retries(timeout_ms: u64) -> Cast {
    Cast::default()
        .with("again", Phases::FAILURE, |_, _, _, _| Poll::Ready(Answer::Retry))
        .trying(&[503, 429], timeout_ms)
}

/// An upstream of two endpoints, asked in turn.
pub fn two_endpoints(cast: &Cast) -> (Play, TcpListener) {
    let other = bind();
    let address = other.local_addr().unwrap();
    let play = cast.play_edited(&["again"], |plan| {
        let endpoints = plan.service()["endpoints"].as_array_mut().unwrap();
        endpoints.push(PlanJson::endpoint(address));
    });
    (play, other)
}

/// The connection that is made first, and whether it is one to `other`.
pub fn whichever(play: &Play, other: &TcpListener) -> (Talker, bool) {
    let comes = Cell::new(true);
    loop {
        let looks_once = || comes.replace(false);
        if let Some(endpoint) = play.endpoint_if(looks_once) {
            return (endpoint, false);
        }
        comes.set(true);
        other.set_nonblocking(true).unwrap();
        let came = other.accept();
        other.set_nonblocking(false).unwrap();
        if let Ok((stream, _)) = came {
            stream.set_nonblocking(false).unwrap();
            return (Talker::new("other endpoint", stream), true);
        }
    }
}

#[test]
fn a_reply_with_such_a_status_is_not_shown_to_the_client_while_another_try_does_better() {
    let cast = retries(0);
    let play = cast.play(&["again"]);
    let mut client = play.client();
    client.says("POST /pay HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    for status in [503, 429] {
        endpoint.hears_head();
        endpoint.hears("abc").answers(status, "not now");
    }
    endpoint.hears_head();
    endpoint.hears("abc").answers(201, "paid");
    client.hears_response(201, "paid");
    cast.diary.says(&["again failure -", "again failure -"]);
    assert!(play.metric("flatproxy_upstream_connections_total", &[]) < 1.5, "one connection should do for all tries");
}

#[test]
fn without_a_verdict_the_client_gets_that_reply_whole() {
    let cast = Cast::default().watching(LOOKS, Phases::FAILURE | Phases::RESPONSE).trying(&[503], 0);
    let play = cast.play(&[LOOKS]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(503, "closed today");
    let head = client.hears_response(503, "closed today");
    assert_eq!(crate::play::field(&head, "x-flatproxy-flag"), None, "it is the service's own answer");
    cast.diary.says(&["looks failure -", "looks response 503"]);
    client.asks("/again");
    endpoint.hears_head();
    endpoint.answers(200, "open");
    client.hears_response(200, "open");
}

#[test]
fn a_filter_may_answer_in_place_of_such_a_reply() {
    let cast =
        Cast::default().with("a", Phases::FAILURE, |_, _, _, _| Poll::Ready(Answer::Respond(200))).trying(&[503], 0);
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(503, "closed");
    client.hears_response(200, "mine");
}

#[test]
fn a_reply_whose_rest_is_still_to_come_costs_its_connection() {
    let play = retries(0).play(&["again"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 503 Busy\r\ncontent-length: 100000\r\n\r\nthe beginning");
    let mut fresh = play.endpoint();
    fresh.hears_head();
    fresh.answers(200, "ok");
    client.hears_response(200, "ok");
    endpoint.hears_the_rest();
}

#[test]
fn a_try_that_takes_too_long_is_made_elsewhere() {
    let cast = retries(500);
    let (play, other) = two_endpoints(&cast);
    let mut client = play.client();
    client.asks("/");
    let (mut first, at_other) = whichever(&play, &other);
    first.hears_head();
    cast.diary.says(&["again failure ATTEMPT_TIMEOUT"]);
    let mut second = if at_other { play.endpoint() } else { accepted(&other) };
    second.hears_head();
    second.answers(200, "here");
    client.hears_response(200, "here");
    first.hears_the_rest();
}

#[test]
fn the_time_of_a_try_ends_with_the_replys_head() {
    let play = retries(500).play(&["again"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlo");
    a_moment(700);
    endpoint.says("ng");
    client.hears_response(200, "long");
    client.asks("/next");
    endpoint.hears_head();
    endpoint.answers(200, "next");
    client.hears_response(200, "next");
}

#[test]
fn the_exchanges_own_time_is_above_that_of_its_tries() {
    let cast = retries(60);
    let play = cast.play_edited(&["again"], |plan| plan.first_route()["timeout_ms"] = json!(100));
    play.client().asks("/").hears_flag(504, "TIMEOUT");
    cast.diary.says(&["again failure ATTEMPT_TIMEOUT", "again failure TIMEOUT"]);
}

#[test]
fn a_filter_sees_how_busy_the_upstream_is() {
    let cast = Cast::default()
        .with("counts", Phases::FAILURE, |_, step, moment, _| {
            let Moment::Failure(_) = moment else { return Poll::Ready(Answer::Continue) };
            let Usage { requests, retries, .. } = step.exchange.attempt.usage;
            assert_eq!((requests, retries), (2, step.exchange.attempt.number - 1), "one waits, one is tried again");
            Poll::Ready(if step.exchange.attempt.number == 1 { Answer::Retry } else { Answer::Continue })
        })
        .trying(&[503], 0);
    let play = cast.play(&["counts"]);
    let (mut waiting, mut client) = (play.client(), play.client());
    waiting.asks("/waits");
    let mut busy = play.endpoint();
    busy.hears_head();
    client.asks("/fails");
    let mut endpoint = play.endpoint();
    for _ in 0..2 {
        endpoint.hears_head();
        endpoint.answers(503, "no");
    }
    client.hears_response(503, "no");
    busy.answers(200, "done");
    waiting.hears_response(200, "done");
    eventually("all is given back", || play.metric("flatproxy_connections_active", &[]) < 2.5);
}
