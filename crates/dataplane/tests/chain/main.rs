//! The filter contract, proved with filters written in Rust: every phase, pause and resume, local replies,
//! held bodies, retries, and what becomes of a filter that fails.

mod cast;
#[path = "../play/mod.rs"]
mod play;

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use cast::{Answer, Cast, Moment};
use dataplane::chain::Phases;
use play::field;

#[test]
fn every_phase_is_entered_once_in_order_and_the_response_phases_in_reverse() {
    let cast = Cast::default().watching("a", Phases::ALL).watching("b", Phases::ALL);
    let play = cast.play(&["a", "b"]);
    let mut client = play.client();
    client.says("POST /pay HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n0\r\n\r\n").answers(200, "ok");
    client.hears_head();
    client.hears("2\r\nok\r\n0\r\n\r\n").ends().hears_the_end();
    let expected = [
        "a connect",
        "b connect",
        "a request /pay",
        "b request /pay",
        "a attempt 1",
        "b attempt 1",
        "a request_body abc false",
        "b request_body abc false",
        "a request_body  true",
        "b request_body  true",
        "b response 200",
        "a response 200",
        "b response_body ok false",
        "a response_body ok false",
        "b response_body  true",
        "a response_body  true",
        "a done -",
        "b done -",
    ];
    cast.diary.says(&expected);
}

#[test]
fn connect_is_asked_once_a_connection() {
    let cast = Cast::default().watching("a", Phases::CONNECT | Phases::REQUEST);
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/1");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "1");
    client.hears_response(200, "1");
    client.asks("/2");
    endpoint.hears_head();
    endpoint.answers(200, "2");
    client.hears_response(200, "2");
    cast.diary.says(&["a connect", "a request /1", "a request /2"]);
}

#[test]
fn a_connection_that_a_filter_closes_gets_no_answer() {
    let cast = Cast::default().with("a", Phases::CONNECT, |_, _, _, _| Poll::Ready(Answer::Close));
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/").hears_the_end();
    play.endpoint_was_not_asked();
}

#[test]
fn a_filter_that_answers_a_request_keeps_it_from_the_upstream_and_from_later_filters() {
    let cast = Cast::default()
        .with("a", Phases::REQUEST | Phases::DONE, |_, _, moment, _| {
            Poll::Ready(if matches!(moment, Moment::Request) { Answer::Respond(403) } else { Answer::Continue })
        })
        .watching("b", Phases::ALL);
    let play = cast.play(&["a", "b"]);
    let mut client = play.client();
    client.asks("/");
    let head = client.hears_response(403, "mine");
    assert_eq!(field(&head, "x-flatproxy-flag"), Some("DENY"));
    assert_eq!(field(&head, "x-by"), Some("filter"));
    play.endpoint_was_not_asked();
    cast.diary.says(&["b connect", "a request /", "a done DENY", "b done DENY"]);
}

#[test]
fn a_filter_that_pauses_holds_its_exchange_and_nothing_else() {
    let parked: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
    let inside = Arc::clone(&parked);
    let cast = Cast::default().with("a", Phases::REQUEST, move |_, step, _, cx| {
        let mut parked = inside.lock().unwrap();
        if step.exchange.request.path != "/slow" || parked.0 {
            return Poll::Ready(Answer::Continue);
        }
        parked.1 = Some(cx.waker().clone());
        Poll::Pending
    });
    let play = cast.play(&["a"]);
    let (mut slow, mut quick) = (play.client(), play.client());
    slow.asks("/slow");
    quick.asks("/quick");
    let mut endpoint = play.endpoint();
    assert!(endpoint.hears_head().starts_with("GET /quick "), "the paused request must not go out");
    endpoint.answers(200, "quick");
    quick.hears_response(200, "quick");
    let waker = {
        let mut parked = parked.lock().unwrap();
        parked.0 = true;
        parked.1.take().expect("the slow request is parked: it was sent first")
    };
    waker.wake();
    assert!(endpoint.hears_head().starts_with("GET /slow "));
    endpoint.answers(200, "slow");
    slow.hears_response(200, "slow");
}

#[test]
fn a_filter_that_never_resumes_is_ended_by_the_routes_time_out() {
    let cast = Cast::default().with("a", Phases::REQUEST, |_, _, _, _| Poll::Pending);
    let play = cast.play_edited(&["a"], |plan| plan.first_route()["timeout_ms"] = 50.into());
    let mut client = play.client();
    client.asks("/").hears_flag(504, "TIMEOUT");
}

#[test]
fn a_held_head_leaves_only_when_the_body_was_seen_and_its_new_length_is_declared() {
    let cast = Cast::default().with("a", Phases::REQUEST | Phases::REQUEST_BODY, |_, _, moment, _| {
        Poll::Ready(match moment {
            Moment::RequestBody(body, true) => {
                body.extend_from_slice(b"!");
                Answer::Continue
            }
            _ => Answer::Hold,
        })
    });
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc").hears_nothing();
    play.endpoint_was_not_asked();
    client.says("def");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!(field(&head, "content-length"), Some("7"), "the body was seven bytes after the filter:\n{head}");
    endpoint.hears("abcdef!").answers(200, "ok");
    client.hears_response(200, "ok");
}

#[test]
fn a_client_that_waits_for_leave_gets_it_when_a_filter_wants_the_body_first() {
    let cast = Cast::default().with("a", Phases::REQUEST | Phases::REQUEST_BODY, |_, _, moment, _| {
        Poll::Ready(if matches!(moment, Moment::RequestBody(_, true)) { Answer::Continue } else { Answer::Hold })
    });
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.says("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n");
    assert!(client.hears_head().starts_with("HTTP/1.1 100 "));
    client.says("hi");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!(field(&head, "expect"), None, "the client was answered already:\n{head}");
    endpoint.hears("hi").answers(200, "");
    client.hears_response(200, "");
}

#[test]
fn a_filter_may_hold_no_more_than_the_limit() {
    let cast =
        Cast::default().with("a", Phases::REQUEST | Phases::REQUEST_BODY, |_, _, _, _| Poll::Ready(Answer::Hold));
    let play = cast.play_edited(&["a"], |plan| plan.limits()["held_body_bytes"] = 8.into());
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\n123456789");
    client.hears_flag(413, "BODY_TOO_LARGE");
    play.endpoint_was_not_asked();
}

#[test]
fn a_filter_edits_each_message_and_only_that_one() {
    let cast = Cast::default().with("a", Phases::ALL, |_, step, moment, _| {
        let exchange = step.exchange;
        match moment {
            Moment::Request => exchange.request.fields.set(b"x-request", b"1"),
            Moment::Attempt => exchange.attempt.head.fields.set(b"x-attempt", b"1"),
            Moment::Response => exchange.response.fields.set(b"x-response", b"1"),
            Moment::ResponseBody(body, _) => body.make_ascii_uppercase(),
            _ => {}
        }
        Poll::Ready(Answer::Continue)
    });
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    let sent = endpoint.hears_head();
    assert_eq!((field(&sent, "x-request"), field(&sent, "x-attempt")), (Some("1"), Some("1")), "{sent}");
    endpoint.answers(200, "loud");
    let got = client.hears_head();
    assert_eq!((field(&got, "x-response"), field(&got, "x-attempt")), (Some("1"), None), "{got}");
    client.hears("4\r\nLOUD\r\n0\r\n\r\n");
}

#[test]
fn a_filter_that_asks_for_it_gets_another_attempt_with_the_same_body() {
    let cast = Cast::default().with("retry", Phases::FAILURE | Phases::ATTEMPT, |_, _, moment, _| {
        Poll::Ready(if matches!(moment, Moment::Failure(_)) { Answer::Retry } else { Answer::Continue })
    });
    let play = cast.play(&["retry"]);
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    let mut first = play.endpoint();
    first.hears_head();
    first.hears("abc");
    first.resets();
    let mut second = play.endpoint();
    second.hears_head();
    second.hears("abc").answers(200, "ok");
    client.hears_response(200, "ok");
    cast.diary.says(&["retry attempt 1", "retry failure UPSTREAM_RESET", "retry attempt 2"]);
}

#[test]
fn a_body_that_could_not_be_kept_is_not_sent_again() {
    let cast = Cast::default().with("retry", Phases::FAILURE, |_, _, _, _| Poll::Ready(Answer::Retry));
    let play = cast.play_edited(&["retry"], |plan| plan.limits()["held_body_bytes"] = 2.into());
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc");
    let mut first = play.endpoint();
    first.hears_head();
    first.hears("abc");
    first.resets();
    client.hears_flag(502, "UPSTREAM_RESET");
}

#[test]
fn a_filter_may_answer_a_failure_itself() {
    let cast = Cast::default().with("a", Phases::FAILURE, |_, _, _, _| Poll::Ready(Answer::Respond(200)));
    let mut play = cast.play(&["a"]);
    play.endpoint_dies();
    let mut client = play.client();
    client.asks("/").hears_response(200, "mine");
}

#[test]
fn a_reply_that_a_filter_replaces_does_not_reach_the_client() {
    let cast = Cast::default().with("a", Phases::RESPONSE, |_, _, _, _| Poll::Ready(Answer::Respond(451)));
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "secret");
    client.hears_response(451, "mine");
    client.asks("/again");
    let mut fresh = play.endpoint();
    fresh.hears_head();
}

#[test]
fn a_filter_that_fails_is_closed_with_503_and_its_flag() {
    for phase in [Phases::CONNECT, Phases::REQUEST, Phases::ATTEMPT] {
        let cast = Cast::default().with("a", phase, |_, _, _, _| Poll::Ready(Answer::Fail));
        let play = cast.play(&["a"]);
        let mut client = play.client();
        client.asks("/").hears_flag(503, "FILTER");
    }
}

#[test]
fn a_filter_that_fails_open_is_skipped_for_the_rest_of_the_exchange() {
    let cast = Cast::default().with("a", Phases::REQUEST | Phases::RESPONSE, |_, _, _, _| Poll::Ready(Answer::Fail));
    let play = cast.play_edited(&["a"], |plan| plan.first_route()["filters"][0]["fail_open"] = true.into());
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "ok");
    client.hears_response(200, "ok");
    cast.diary.says(&["a request /"]);
}

#[test]
fn a_filter_that_fails_in_the_middle_of_a_body_cuts_the_response() {
    let cast = Cast::default().with("a", Phases::RESPONSE_BODY, |_, _, _, _| Poll::Ready(Answer::Fail));
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "never seen");
    client.hears_a_reset();
}

#[test]
fn what_a_filter_remembers_is_its_own_and_of_this_exchange_only() {
    let cast = Cast::default().with("a", Phases::REQUEST | Phases::RESPONSE, |_, step, moment, _| {
        if matches!(moment, Moment::Request) {
            assert!(step.slot.is_none(), "nothing is left from the exchange before");
            *step.slot = Some(Box::new(step.exchange.request.path.clone()));
        } else {
            let path = step.slot.as_ref().and_then(|slot| slot.downcast_ref::<String>()).unwrap().clone();
            step.exchange.response.fields.set(b"x-path", path.as_bytes());
        }
        Poll::Ready(Answer::Continue)
    });
    let play = cast.play(&["a"]);
    let mut client = play.client();
    client.asks("/one");
    let mut endpoint = play.endpoint();
    for path in ["/one", "/two"] {
        endpoint.hears_head();
        endpoint.answers(200, "");
        assert_eq!(field(&client.hears_response(200, ""), "x-path"), Some(path));
        if path == "/one" {
            client.asks("/two");
        }
    }
}

#[test]
fn a_route_without_filters_enters_no_phase() {
    let cast = Cast::default().watching("a", Phases::ALL);
    let play = cast.play(&[]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.answers(200, "");
    client.hears_response(200, "");
    cast.diary.says(&[]);
}
