//! Bodies that go through filters.

use super::super::*;
use super::cast::{Ear, Mouth, Says, Stage};
use super::{is_moved, waits};

#[test]
fn a_filter_changes_what_passes() {
    let mut stage = Stage::filtered("loud");
    let mut flow = stage.flow(100);
    let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Nothing, Says::Data("def")]), Ear::new());
    waits(&stage.moves(&mut flow, &mut from, &mut to));
    assert_eq!(to.heard, "ABC", "chunk by chunk");
    is_moved(&stage.moves(&mut flow, &mut from, &mut to));
    assert_eq!((to.heard.as_str(), to.finished), ("ABCDEF", Some(0)));
}

#[test]
fn what_a_filter_holds_waits_for_it_and_no_longer_than_its_limit() {
    let mut stage = Stage::filtered("holds");
    let mut flow = stage.flow(6);
    let (mut from, mut to) = (Mouth::new([Says::Data("abc"), Says::Nothing, Says::Data("def")]), Ear::new());
    waits(&stage.moves(&mut flow, &mut from, &mut to));
    assert_eq!((to.heard.as_str(), flow.waits_for_filter()), ("", false), "the source is the one who is silent");
    is_moved(&stage.moves(&mut flow, &mut from, &mut to));
    assert_eq!(to.heard, "ABCDEF");

    let mut stage = Stage::filtered("holds");
    let mut flow = stage.flow(5);
    let mut from = Mouth::new([Says::Data("abc"), Says::Data("def")]);
    let result = stage.moves(&mut flow, &mut from, &mut Ear::new());
    let Poll::Ready(Err(FlowError::Failed(failure))) = result else { panic!("expected a failure: {result:?}") };
    assert_eq!(failure.flag, Flag::BodyTooLarge);
}

#[test]
fn a_collected_body_is_whole_before_there_is_a_sink() {
    let mut stage = Stage::filtered("holds");
    let mut flow = stage.flow(100);
    let mut from = Mouth::new([Says::Data("abc"), Says::Nothing, Says::Data("def")]);
    waits(&stage.collects(&mut flow, &mut from));
    assert_eq!(flow.whole(), None);
    is_moved(&stage.collects(&mut flow, &mut from));
    assert_eq!(flow.whole(), Some(6), "its length can be declared");
    let mut to = Ear::new();
    is_moved(&stage.moves(&mut flow, &mut from, &mut to));
    assert_eq!(to.heard, "ABCDEF");
}

#[test]
fn a_filter_that_waits_is_the_one_who_is_slow() {
    let mut stage = Stage::filtered("stuck");
    let mut flow = stage.flow(100);
    let mut from = Mouth::new([Says::Data("abc"), Says::Data("def")]);
    waits(&stage.moves(&mut flow, &mut from, &mut Ear::new()));
    assert!(flow.waits_for_filter());
    waits(&stage.moves(&mut flow, &mut from, &mut Ear::new()));
    assert_eq!(flow.received(), 3, "and nothing more is read meanwhile");
}

#[test]
fn a_filter_may_answer_instead() {
    let mut stage = Stage::filtered("answers");
    let mut flow = stage.flow(100);
    let (mut from, mut to) = (Mouth::new([Says::Data("abc")]), Ear::new());
    let result = stage.moves(&mut flow, &mut from, &mut to);
    assert!(matches!(&result, Poll::Ready(Err(FlowError::Answer(answer))) if answer.status == 403), "{result:?}");
    assert_eq!(to.heard, "");
}
