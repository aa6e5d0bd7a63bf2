//! Why an exchange, or one attempt of it, did not go as it should.

use std::time::Duration;

use super::flag::Flag;
use crate::http::h1::{BodyError, HeadError};
use crate::message::CarryError;

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Source {
    Client,
    Filter,
    Upstream,
    Internal,
}

/// Whether the request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retryable {
    /// It may have been acted upon.
    Never,
    /// Only if repeating it means the same (RFC 9110 section 9.2.2).
    IfIdempotent,
    /// Nothing of it has left us.
    Always,
}

/// One failure: what the client is told, what the log says, and whether another try is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The row of the table.
    pub flag: Flag,
    /// May the request be sent again?
    pub retryable: Retryable,
    /// A sentence for the log; never sent to a client.
    pub detail: String,
}

// === impl Failure ===

impl Failure {
    /// A failure after which nothing may be sent again.
    pub fn new(flag: Flag, detail: impl Into<String>) -> Self {
        Self { flag, retryable: Retryable::Never, detail: detail.into() }
    }

    /// The same, but another try is as safe as this says.
    #[must_use]
    pub fn retryable(mut self, retryable: Retryable) -> Self {
        self.retryable = retryable;
        self
    }

    /// Who is at fault.
    pub fn source(&self) -> Source {
        match self.flag {
            Flag::Filter | Flag::Deny => Source::Filter,
            Flag::Internal | Flag::None | Flag::Overload => Source::Internal,
            Flag::NoEndpoint
            | Flag::Connect
            | Flag::ConnectTimeout
            | Flag::UpstreamTls
            | Flag::UpstreamReset
            | Flag::UpstreamProtocol
            | Flag::UpstreamStall
            | Flag::Timeout
            | Flag::AttemptTimeout => Source::Upstream,
            _ => Source::Client,
        }
    }

    /// A reply whose status a filter takes for a failure; without a verdict it goes to the client as any other.
    pub fn of_reply(status: u16) -> Self {
        Self::new(Flag::None, format!("the upstream answered {status}"))
    }

    /// No failure yet, but a filter wants to know when a reply takes that long.
    pub fn of_slowness(waited: Duration) -> Self {
        Self::new(Flag::None, format!("no reply within {waited:?}")).retryable(Retryable::IfIdempotent)
    }

    /// What a client's end of the exchange failed with.
    pub fn of_client(error: &CarryError) -> Self {
        match error {
            CarryError::Io(error) => Self::new(Flag::ClientGone, error.to_string()),
            CarryError::Head(error) => Self::new(flag_of(*error), error.to_string()),
            CarryError::Body(error @ BodyError::Cut) => Self::new(Flag::ClientGone, error.to_string()),
            CarryError::Body(error) => Self::new(Flag::BadRequest, error.to_string()),
        }
    }

    /// What an endpoint's end of the exchange failed with.
    pub fn of_upstream(error: &CarryError) -> Self {
        let flag = match error {
            CarryError::Io(_) | CarryError::Body(BodyError::Cut) => Flag::UpstreamReset,
            CarryError::Head(_) | CarryError::Body(_) => Flag::UpstreamProtocol,
        };
        Self::new(flag, error.to_string())
    }
}

fn flag_of(error: HeadError) -> Flag {
    match error.status() {
        414 => Flag::UriTooLong,
        417 => Flag::Expectation,
        431 => Flag::HeadTooLarge,
        501 => Flag::Unsupported,
        505 => Flag::Version,
        _ => Flag::BadRequest,
    }
}
