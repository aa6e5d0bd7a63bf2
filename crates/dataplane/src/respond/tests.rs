use super::*;
use crate::http::{Framing, Method, ResponseHead};

#[test]
fn every_flag_stands_at_its_own_index() {
    for (at, flag) in Flag::all().enumerate() {
        assert_eq!(flag.index(), at, "{flag:?} must stand where its index says");
    }
}

#[test]
fn labels_are_unique() {
    let labels: std::collections::HashSet<_> = Flag::all().map(Flag::label).collect();
    assert_eq!(labels.len(), Flag::COUNT);
}

#[test]
fn a_failure_tells_the_client_its_flag_and_never_the_detail() {
    let mut head = ResponseHead::default();
    let failure = Failure::new(Flag::Connect, "connect to 10.0.0.1:80: refused");
    let body = failure_response(&failure, &Method::Get, &mut head);
    assert_eq!(head.status, 502);
    assert_eq!(head.fields.get(b"x-flatproxy-flag"), Some(&b"CONNECT"[..]));
    assert_eq!(body, b"connect\n");
    assert_eq!(head.framing, Framing::Length(8));
}

#[test]
fn an_answer_to_head_declares_its_length_and_has_no_body() {
    let mut head = ResponseHead::default();
    let body = failure_response(&Failure::new(Flag::NoRoute, ""), &Method::Head, &mut head);
    assert!(body.is_empty());
    assert_eq!(head.framing, Framing::None);
    assert_eq!(head.declared_length, Some(9));
}
