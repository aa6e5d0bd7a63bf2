//! Responses of our own making.

use super::{Failure, Flag};
use crate::chain::Respond;
use crate::http::{Framing, Method, ResponseHead};
use crate::plan::document::DirectResponse;

const PLAIN: &[u8] = b"text/plain; charset=utf-8";

/// What a client is told when its exchange failed: the status, a short reason, the flag. Never the detail.
pub fn failure(failure: &Failure, method: &Method, head: &mut ResponseHead) -> Vec<u8> {
    begin(head, failure.flag.status());
    head.fields.push(b"x-flatproxy-flag", failure.flag.label().as_bytes());
    head.fields.push(b"content-type", PLAIN);
    let body = format!("{}\n", failure.flag.label().to_ascii_lowercase().replace('_', " "));
    end(head, method, body.into_bytes())
}

/// What a filter answers in place of the upstream.
pub fn answer(answer: Respond, method: &Method, head: &mut ResponseHead) -> Vec<u8> {
    begin(head, answer.status);
    if answer.status >= 400 {
        head.fields.push(b"x-flatproxy-flag", Flag::Deny.label().as_bytes());
    }
    let typed = answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
    for (name, value) in &answer.headers {
        head.fields.push(name, value);
    }
    if !typed && !answer.body.is_empty() {
        head.fields.push(b"content-type", PLAIN);
    }
    end(head, method, answer.body)
}

/// What the operator wrote as the route's response.
pub fn direct(response: &DirectResponse, method: &Method, head: &mut ResponseHead) -> Vec<u8> {
    let headers = response.headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()));
    let status = response.status;
    let body = response.body.clone();
    let respond = Respond { status, headers: headers.collect(), body };
    let body = answer(respond, method, head);
    head.fields.remove(b"x-flatproxy-flag");
    body
}

fn begin(head: &mut ResponseHead, status: u16) {
    head.clear();
    head.status = status;
    head.keep_alive = true;
}

/// Sets the framing; gives back the body that is really sent (none for HEAD and for statuses that have none).
fn end(head: &mut ResponseHead, method: &Method, body: Vec<u8>) -> Vec<u8> {
    let without = matches!(head.status, 204 | 304);
    if *method == Method::Head || without {
        head.declared_length = (!without).then_some(body.len() as u64);
        head.framing = Framing::None;
        return Vec::new();
    }
    head.framing = Framing::Length(body.len() as u64);
    body
}
