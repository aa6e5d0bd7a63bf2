//! Bodies between a scripted source and a scripted sink: no sockets, no clock.

mod cast;
mod filtered;

use super::*;
use crate::http::h1::BodyError;
use cast::{Ear, Mouth, Says, Stage};

/// Every kind of flow that changes nothing.
fn plain() -> [Flow; 3] {
    [Flow::direct(), Flow::kept(100), Flow::kept(2)]
}

#[track_caller]
fn is_moved(result: &Poll<Result<(), FlowError>>) {
    assert!(matches!(result, Poll::Ready(Ok(()))), "the body was expected to be through: {result:?}");
}

#[track_caller]
fn waits(result: &Poll<Result<(), FlowError>>) {
    assert!(result.is_pending(), "the body was expected to wait: {result:?}");
}

#[test]
fn a_body_is_moved_whole_and_finished_once() {
    for mut flow in plain() {
        let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Data("def")]), Ear::new());
        from.trailers.push(b"x-sum", b"1");
        is_moved(&Stage::new().moves(&mut flow, &mut from, &mut to));
        assert_eq!((to.heard.as_str(), to.finished), ("abcdef", Some(1)), "with its one trailer");
        assert!(flow.is_done() && flow.is_complete());
        assert_eq!((flow.received(), flow.moved()), (6, 6));
    }
}

#[test]
fn a_body_that_is_not_there_is_done_at_once() {
    let mut flow = Flow::none();
    assert!(flow.is_done() && flow.is_complete() && flow.can_restart());
    flow.restart();
    assert!(flow.is_done(), "there is nothing to send again");
}

#[test]
fn a_body_goes_on_where_it_waited_for_its_source() {
    for mut flow in plain() {
        let mut from = Mouth::new([Says::Data("abc"), Says::Nothing, Says::Data("def")]);
        let (mut to, mut stage) = (Ear::new(), Stage::new());
        waits(&stage.moves(&mut flow, &mut from, &mut to));
        assert_eq!((to.heard.as_str(), flow.waits_for_sink()), ("abc", false), "the source is silent");
        is_moved(&stage.moves(&mut flow, &mut from, &mut to));
        assert_eq!(to.heard, "abcdef");
    }
}

#[test]
fn a_full_sink_stops_the_source() {
    for mut flow in plain() {
        let mut from = Mouth::new([Says::Data("abcdef"), Says::Data("ghi")]);
        let (mut to, mut stage) = (Ear::with_room(4), Stage::new());
        waits(&stage.moves(&mut flow, &mut from, &mut to));
        assert_eq!((to.heard.as_str(), flow.waits_for_sink()), ("abcd", true), "the sink is full");
        assert!(!from.is_received(), "what comes next stays with the source");
        to.room = usize::MAX;
        is_moved(&stage.moves(&mut flow, &mut from, &mut to));
        assert_eq!(to.heard, "abcdefghi");
    }
}

#[test]
fn a_sink_that_does_not_flush_is_the_one_who_is_slow() {
    for mut flow in plain() {
        let mut from = Mouth::new([Says::Data("abc"), Says::Nothing]);
        let (mut to, mut stage) = (Ear::new(), Stage::new());
        to.flushes = false;
        for _ in 0..2 {
            waits(&stage.moves(&mut flow, &mut from, &mut to));
            assert!(flow.waits_for_sink(), "before its end, and after");
        }
        assert!(to.finished.is_some() && !flow.is_done(), "the body ends when its sink has passed it on");
        to.flushes = true;
        is_moved(&stage.moves(&mut flow, &mut from, &mut to));
        assert!(!flow.waits_for_sink());
    }
}

#[test]
fn errors_say_at_which_end_they_happened() {
    for mut flow in plain() {
        let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Breaks]), Ear::new());
        let result = Stage::new().moves(&mut flow, &mut from, &mut to);
        assert!(matches!(result, Poll::Ready(Err(FlowError::Source(CarryError::Body(BodyError::Cut))))), "{result:?}");
        assert_eq!((to.heard.as_str(), to.finished), ("abc", None), "a cut body is not finished");
    }
    for mut flow in plain() {
        let (mut from, mut to) = (Mouth::new([Says::Data("abc")]), Ear::new());
        to.broken = true;
        let result = Stage::new().moves(&mut flow, &mut from, &mut to);
        assert!(matches!(result, Poll::Ready(Err(FlowError::Sink(_)))), "{result:?}");
    }
}

#[test]
fn a_body_over_its_limit_fails() {
    for flow in plain() {
        let mut flow = flow.limited(5);
        let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Data("def")]), Ear::new());
        let result = Stage::new().moves(&mut flow, &mut from, &mut to);
        let Poll::Ready(Err(FlowError::Failed(failure))) = result else { panic!("expected a failure: {result:?}") };
        assert_eq!((failure.flag, to.finished), (Flag::BodyTooLarge, None));
    }
    for flow in plain() {
        let (mut from, mut to) = (Mouth::new([Says::Data("abc")]), Ear::new());
        is_moved(&Stage::new().moves(&mut flow.limited(3), &mut from, &mut to));
    }
}

#[test]
fn a_kept_body_is_sent_again_from_its_beginning() {
    let mut flow = Flow::kept(100);
    let mut from = Mouth::new([Says::Data("abc"), Says::Nothing, Says::Data("def")]);
    let (mut first, mut second, mut stage) = (Ear::new(), Ear::new(), Stage::new());
    waits(&stage.moves(&mut flow, &mut from, &mut first));
    flow.abandon();
    assert!(flow.is_done() && !flow.is_complete(), "the first sink never got all of it");
    assert!(flow.can_restart());
    flow.restart();
    assert!(!flow.is_done());
    is_moved(&stage.moves(&mut flow, &mut from, &mut second));
    assert_eq!((first.heard.as_str(), second.heard.as_str()), ("abc", "abcdef"));
    flow.restart();
    let mut third = Ear::new();
    is_moved(&stage.moves(&mut flow, &mut from, &mut third));
    assert_eq!(third.heard, "abcdef", "also when all of it was sent before");
    assert_eq!((flow.received(), flow.moved()), (6, 15));
}

#[test]
fn a_body_too_large_to_keep_is_sent_once() {
    let mut flow = Flow::kept(4);
    let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Data("def"), Says::Data("ghi")]), Ear::new());
    is_moved(&Stage::new().moves(&mut flow, &mut from, &mut to));
    assert_eq!(to.heard, "abcdefghi");
    assert!(!flow.can_restart());
}

#[test]
fn a_direct_body_can_be_sent_again_until_its_first_byte() {
    let mut flow = Flow::direct();
    let (mut from, mut to, mut stage) =
        (Mouth::new([Says::Nothing, Says::Data("abc"), Says::Nothing]), Ear::new(), Stage::new());
    waits(&stage.moves(&mut flow, &mut from, &mut to));
    assert!(flow.can_restart());
    waits(&stage.moves(&mut flow, &mut from, &mut to));
    assert!(!flow.can_restart());
}

#[test]
fn a_long_body_lets_others_have_their_turn() {
    for mut flow in plain() {
        let script: Vec<Says> = (0..1000).map(|_| Says::Data("x")).collect();
        let (mut from, mut to, mut stage) = (Mouth::new(script), Ear::new(), Stage::new());
        waits(&stage.moves(&mut flow, &mut from, &mut to));
        assert!((1..100).contains(&to.heard.len()), "{} parts in one go", to.heard.len());
    }
}
