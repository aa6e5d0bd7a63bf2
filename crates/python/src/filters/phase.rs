//! The eight phases as Python names them, and which message a filter may change in each.

use dataplane::chain::Phases;

/// One of the eight moments at which a filter may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Connect,
    Request,
    RequestBody,
    Attempt,
    Failure,
    Response,
    ResponseBody,
    Done,
}

/// One of the four messages of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    Request,
    Attempt,
    Reply,
    Response,
    RequestTrailers,
    ResponseTrailers,
}

// === impl Phase ===

impl Phase {
    pub const ALL: [Phase; 8] = [
        Phase::Connect,
        Phase::Request,
        Phase::RequestBody,
        Phase::Attempt,
        Phase::Failure,
        Phase::Response,
        Phase::ResponseBody,
        Phase::Done,
    ];

    /// The method that a filter defines to be asked.
    pub fn method(self) -> &'static str {
        match self {
            Phase::Connect => "on_connect",
            Phase::Request => "on_request",
            Phase::RequestBody => "on_request_body",
            Phase::Attempt => "on_attempt",
            Phase::Failure => "on_failure",
            Phase::Response => "on_response",
            Phase::ResponseBody => "on_response_body",
            Phase::Done => "on_done",
        }
    }

    /// The same as a set of the core's.
    pub fn set(self) -> Phases {
        match self {
            Phase::Connect => Phases::CONNECT,
            Phase::Request => Phases::REQUEST,
            Phase::RequestBody => Phases::REQUEST_BODY,
            Phase::Attempt => Phases::ATTEMPT,
            Phase::Failure => Phases::FAILURE,
            Phase::Response => Phases::RESPONSE,
            Phase::ResponseBody => Phases::RESPONSE_BODY,
            Phase::Done => Phases::DONE,
        }
    }

    /// Response phases go through the filters in reverse.
    pub fn is_reverse(self) -> bool {
        matches!(self, Phase::Response | Phase::ResponseBody)
    }

    /// What a filter may change then; everything else was sent already, or comes later.
    pub fn writable(self) -> Option<Message> {
        match self {
            Phase::Request => Some(Message::Request),
            Phase::Attempt => Some(Message::Attempt),
            Phase::Response => Some(Message::Response),
            Phase::RequestBody => Some(Message::RequestTrailers),
            Phase::ResponseBody => Some(Message::ResponseTrailers),
            _ => None,
        }
    }
}

// === impl Message ===

impl Message {
    pub fn name(self) -> &'static str {
        match self {
            Message::Request => "request",
            Message::Attempt => "attempt",
            Message::Reply => "reply",
            Message::Response => "response",
            Message::RequestTrailers => "request's end",
            Message::ResponseTrailers => "response's end",
        }
    }

    /// When it may be changed.
    pub fn changed_in(self) -> &'static str {
        match self {
            Message::Request => "it can be changed in on_request only",
            Message::Attempt => "it can be changed in on_attempt only",
            Message::Reply => "it is what the upstream said; change exchange.response in on_response",
            Message::Response => "it can be changed in on_response only",
            Message::RequestTrailers => "it can be changed in on_request_body only",
            Message::ResponseTrailers => "it can be changed in on_response_body only",
        }
    }
}
