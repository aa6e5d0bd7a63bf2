//! Two tries at once: who answers first, and what becomes of the other.

use std::net::TcpListener;
use std::task::Poll;

use dataplane::chain::Phases;

use crate::cast::{Answer, Cast, Moment};
use crate::play::{Play, Talker, accepted, eventually};
use crate::tries::{two_endpoints, whichever};

const AFTER_MS: u64 = 40;

/// A filter that has slow endpoints accompanied, and tries nothing else again.
fn hedges() -> Cast {
    Cast::default()
        .with("again", Phases::FAILURE | Phases::ATTEMPT, |_, step, moment, _| {
            let slow = matches!(moment, Moment::Failure(failure) if failure.detail.starts_with("no reply within"));
            assert!(!slow || step.exchange.attempt.replayable, "a request without a body can be sent again");
            Poll::Ready(if slow { Answer::Retry } else { Answer::Continue })
        })
        .hedging(AFTER_MS)
}

/// Two endpoints that have both been asked, in this order.
fn both_asked(cast: &Cast, client: impl FnOnce(&Play) -> Talker) -> (Play, TcpListener, Talker, Talker, Talker) {
    let (play, other) = two_endpoints(cast);
    let client = client(&play);
    let (mut first, at_other) = whichever(&play, &other);
    first.hears_head();
    let mut second = if at_other { play.endpoint() } else { accepted(&other) };
    second.hears_head();
    (play, other, client, first, second)
}

fn asks(play: &Play) -> Talker {
    let mut client = play.client();
    client.asks("/");
    client
}

#[test]
fn a_slow_endpoint_gets_company_and_the_first_reply_wins() {
    let cast = hedges();
    let (play, _other, mut client, mut first, mut second) = both_asked(&cast, asks);
    second.answers(200, "quick");
    client.hears_response(200, "quick");
    assert_eq!(first.hears_the_rest(), "", "the slow one is cut off");
    cast.diary.says(&["again attempt 1", "again failure -", "again attempt 2"]);
    client.asks("/next");
    second.hears_head();
    second.answers(200, "next");
    client.hears_response(200, "next");
    assert!(play.metric("flatproxy_upstream_changes_total", &[]) < 0.5, "to be slow once is no fault");
}

#[test]
fn the_first_endpoint_may_still_be_the_first_to_answer() {
    let (_play, _other, mut client, mut first, mut second) = both_asked(&hedges(), asks);
    first.answers(200, "late but first");
    client.hears_response(200, "late but first");
    assert_eq!(second.hears_the_rest(), "");
    client.asks("/next");
    first.hears_head();
    first.answers(200, "kept");
    client.hears_response(200, "kept");
}

#[test]
fn one_that_fails_leaves_it_to_the_other() {
    let (_play, _other, mut client, first, mut second) = both_asked(&hedges(), asks);
    first.resets();
    second.answers(200, "alone");
    client.hears_response(200, "alone");
    let (_play, _other, mut client, mut first, second) = both_asked(&hedges(), asks);
    second.closes();
    first.answers(200, "alone");
    client.hears_response(200, "alone");
}

#[test]
fn when_both_fail_the_client_is_told() {
    let cast = hedges();
    let (_play, _other, mut client, first, second) = both_asked(&cast, asks);
    first.resets();
    second.resets();
    client.hears_flag(502, "UPSTREAM_RESET");
    let diary = ["again attempt 1", "again failure -", "again attempt 2", "again failure UPSTREAM_RESET"];
    cast.diary.says(&diary);
}

#[test]
fn a_client_that_leaves_ends_both() {
    let (play, _other, client, mut first, mut second) = both_asked(&hedges(), asks);
    client.resets();
    first.hears_the_rest();
    second.hears_the_rest();
    eventually("nothing is left", || play.metric("flatproxy_connections_active", &[]) < 0.5);
}

#[test]
fn interim_responses_of_either_are_not_passed_on_while_both_are_asked() {
    let (_play, _other, mut client, mut first, mut second) = both_asked(&hedges(), asks);
    first.says("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    second.says("HTTP/1.1 103 Early Hints\r\nlink: </b>\r\n\r\n").answers(200, "ok");
    client.hears_response(200, "ok");
}

#[test]
fn an_endpoint_without_end_to_its_interim_responses_loses() {
    let (_play, _other, mut client, mut first, mut second) = both_asked(&hedges(), asks);
    first.says_if_possible("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100));
    second.answers(200, "ok");
    client.hears_response(200, "ok");
    first.hears_the_rest();
}

#[test]
fn one_endpoint_alone_is_waited_for() {
    let cast = hedges();
    let play = cast.play(&["again"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    crate::play::a_moment(2 * AFTER_MS);
    endpoint.answers(200, "slow");
    client.hears_response(200, "slow");
    cast.diary.says(&["again attempt 1"]);
}

#[test]
fn a_filter_may_leave_it_alone() {
    let cast = Cast::default().watching("again", Phases::FAILURE).hedging(AFTER_MS);
    let (play, other) = two_endpoints(&cast);
    let mut client = asks(&play);
    let (mut endpoint, _) = whichever(&play, &other);
    endpoint.hears_head();
    cast.diary.says(&["again failure -"]);
    endpoint.answers(200, "slow");
    client.hears_response(200, "slow");
}

#[test]
fn a_request_with_a_body_is_never_made_twice_at_once() {
    let cast = hedges();
    let (play, other) = two_endpoints(&cast);
    let mut client = play.client();
    client.says("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    let (mut endpoint, _) = whichever(&play, &other);
    endpoint.hears_head();
    endpoint.hears("abc");
    crate::play::a_moment(2 * AFTER_MS);
    endpoint.answers(200, "ok");
    client.hears_response(200, "ok");
    cast.diary.says(&["again attempt 1"]);
}
