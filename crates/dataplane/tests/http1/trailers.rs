//! What follows a body, as filters see and change it.

use std::task::Poll;

use dataplane::chain::Phases;

use crate::cast::{Answer, Cast, Moment};
use crate::play::field;

const CHUNKED: &str =
    "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 17\r\n\r\n";

/// Doubles what it finds in `x-sum`, and signs.
fn signing(phase: Phases) -> Cast {
    Cast::default().with("signs", phase, |_, step, moment, _| {
        let (last, trailers) = match moment {
            Moment::RequestBody(_, last) => (last, &mut step.exchange.request_trailers),
            Moment::ResponseBody(_, last) => (last, &mut step.exchange.response_trailers),
            _ => return Poll::Ready(Answer::Continue),
        };
        let sum = trailers.get(b"x-sum").map(<[u8]>::to_vec);
        assert_eq!(sum.is_some(), last, "trailers come with the last chunk");
        if let Some(sum) = sum {
            trailers.set(b"x-sum", &[&*sum, &*sum].concat());
            trailers.push(b"x-signed", b"yes");
        }
        Poll::Ready(Answer::Continue)
    })
}

#[test]
fn a_filter_changes_those_of_a_request() {
    let play = signing(Phases::REQUEST_BODY).play(&["signs"]);
    let mut client = play.client();
    client.says(CHUNKED);
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n0\r\nx-sum: 1717\r\nx-signed: yes\r\n\r\n").answers(200, "ok");
    client.hears_response(200, "ok");
}

#[test]
fn a_filter_changes_those_of_a_response() {
    let play = signing(Phases::RESPONSE_BODY).play(&["signs"]);
    let mut client = play.client();
    client.asks("/");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 2\r\n\r\n");
    client.hears_status(200);
    client.hears("3\r\nabc\r\n0\r\nx-sum: 22\r\nx-signed: yes\r\n\r\n");
}

#[test]
fn a_body_that_was_held_whole_keeps_them() {
    let cast = Cast::default().with("holds", Phases::REQUEST | Phases::REQUEST_BODY, |_, _, moment, _| {
        Poll::Ready(if matches!(moment, Moment::RequestBody(_, true)) { Answer::Continue } else { Answer::Hold })
    });
    let play = cast.play(&["holds"]);
    play.client().says(CHUNKED);
    let mut endpoint = play.endpoint();
    assert_eq!(field(&endpoint.hears_head(), "content-length"), None, "trailers need chunks");
    endpoint.hears("3\r\nabc\r\n0\r\nx-sum: 17\r\n\r\n");
}

#[test]
fn those_of_the_exchange_before_are_forgotten() {
    let play = signing(Phases::REQUEST_BODY).play(&["signs"]);
    let mut client = play.client();
    let mut endpoint = {
        client.says(CHUNKED);
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        endpoint.hears("3\r\nabc\r\n0\r\nx-sum: 1717\r\nx-signed: yes\r\n\r\n").answers(200, "ok");
        client.hears_response(200, "ok");
        endpoint
    };
    client.says(CHUNKED);
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n0\r\nx-sum: 1717\r\nx-signed: yes\r\n\r\n").answers(200, "ok");
}
