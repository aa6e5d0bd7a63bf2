//! Filters that wait while nobody else does: what bounds them, and what they are asked.

use std::task::Poll;

use dataplane::chain::Phases;
use serde_json::json;

use crate::cast::{Answer, Cast, Moment};
use crate::play::{PlanJson, Play, eventually};

/// A filter that never goes on in `phase`.
fn stuck(phase: Phases, edit: impl FnOnce(&mut PlanJson)) -> Play {
    Cast::default().with("a", phase, |_, _, _, _| Poll::Pending).play_edited(&["a"], edit)
}

#[test]
fn a_filter_that_never_resumes_before_an_attempt_is_ended_by_the_routes_time_out() {
    let play = stuck(Phases::ATTEMPT, |plan| plan.first_route()["timeout_ms"] = json!(50));
    play.client().asks("/").hears_flag(504, "TIMEOUT");
}

#[test]
fn a_filter_that_never_resumes_after_a_failure_is_ended_by_the_routes_time_out() {
    let mut play = stuck(Phases::FAILURE, |plan| plan.first_route()["timeout_ms"] = json!(300));
    play.endpoint_dies();
    play.client().asks("/").hears_flag(504, "TIMEOUT");
}

#[test]
fn a_filter_that_lets_no_body_pass_is_itself_at_fault() {
    for phase in [Phases::REQUEST_BODY, Phases::REQUEST_BODY | Phases::REQUEST] {
        let cast = Cast::default().with("a", phase, |_, _, moment, _| match moment {
            Moment::RequestBody(..) => Poll::Pending,
            _ => Poll::Ready(Answer::Hold),
        });
        let play = cast.play_edited(&["a"], |plan| plan.limits()["stall_timeout_ms"] = json!(50));
        let mut client = play.client();
        client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").hears_flag(503, "FILTER");
    }
}

#[test]
fn a_body_that_stalls_while_a_filter_holds_the_head_is_a_408() {
    let cast =
        Cast::default().with("a", Phases::REQUEST | Phases::REQUEST_BODY, |_, _, _, _| Poll::Ready(Answer::Hold));
    let play = cast.play_edited(&["a"], |plan| {
        plan.limits()["stall_timeout_ms"] = json!(50);
        plan.first_route()["timeout_ms"] = json!(0);
    });
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc").hears_flag(408, "BODY_TIMEOUT");
    play.endpoint_was_not_asked();
}

#[test]
fn an_exchange_whose_time_is_up_is_not_tried_again() {
    let cast = Cast::default().with("retry", Phases::FAILURE | Phases::ATTEMPT, |_, _, moment, _| {
        Poll::Ready(if matches!(moment, Moment::Failure(_)) { Answer::Retry } else { Answer::Continue })
    });
    let play = cast.play_edited(&["retry"], |plan| plan.first_route()["timeout_ms"] = json!(50));
    play.client().asks("/").hears_flag(504, "TIMEOUT");
    cast.diary.says(&["retry attempt 1", "retry failure TIMEOUT"]);
}

#[test]
fn a_filter_that_answers_within_a_body_cuts_the_attempt() {
    let cast = Cast::default().with("a", Phases::REQUEST_BODY, |_, _, moment, _| {
        let bad = matches!(moment, Moment::RequestBody(body, _) if body.starts_with(b"bad"));
        Poll::Ready(if bad { Answer::Respond(403) } else { Answer::Continue })
    });
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 7\r\n\r\ngood");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("4\r\ngood\r\n");
    client.says("bad");
    client.hears_response(403, "mine");
    assert_eq!(endpoint.hears_the_rest(), "", "a body that was cut is not ended");
    client.asks("/next");
    play.endpoint().hears_head();
}

#[test]
fn a_filter_that_panics_ends_its_connection_and_no_other() {
    let cast = Cast::default().with("a", Phases::REQUEST, |_, step, _, _| {
        assert!(step.exchange.request.path != "/panic", "as it should");
        Poll::Ready(Answer::Continue)
    });
    let play = cast.play_edited(&["a"], |plan| plan.service()["max_requests"] = json!(1));
    let (mut client, mut endpoint) = play.acquainted();
    for _ in 0..3 {
        play.client().asks("/panic").hears_the_rest();
    }
    client.asks("/well");
    endpoint.hears_head();
    endpoint.answers(200, "well");
    client.hears_response(200, "well");
    eventually("only this connection is left", || play.metric("flatproxy_connections_active", &[]) < 1.5);
}

#[test]
fn a_filter_sees_nothing_of_the_exchange_before() {
    let cast = Cast::default().with("a", Phases::FAILURE, |_, step, _, _| {
        let attempt = &step.exchange.attempt.head;
        assert_eq!((attempt.path.as_str(), attempt.fields.iter().count()), ("", 0), "no attempt was prepared yet");
        assert_eq!(step.exchange.reply.status, 0, "no reply was received yet");
        Poll::Ready(Answer::Respond(200))
    });
    let mut play = cast.play(&["a"]);
    let (_client, endpoint) = play.acquainted();
    play.endpoint_dies();
    endpoint.closes();
    let mut other = play.client();
    other.says("POST /second HTTP/1.1\r\nhost: test\r\n\r\n").hears_response(200, "mine");
    cast.diary.says(&["a failure CONNECT"]);
}

#[test]
fn filters_are_not_asked_what_to_do_about_a_client_that_fails() {
    let cast = Cast::default().with("retry", Phases::FAILURE, |_, _, _, _| Poll::Ready(Answer::Retry));
    let play = cast.play(&["retry"]);
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nnonsense");
    client.hears_flag(400, "BAD_REQUEST");
    cast.diary.says(&[]);
}
