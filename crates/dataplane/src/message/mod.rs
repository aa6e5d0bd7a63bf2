//! Messages in motion: the interface that every HTTP version implements, and what moves a body through it.
//!
//! An exchange has two ends, `Downstream` (the client's) and `Upstream` (the endpoint's); each sends one message and
//! receives the other. It knows only these traits; HTTP/1.1 implements them with a connection (`h1`), HTTP/2 with a stream.
//! Bodies are lent, not copied: `poll_receive` shows what has arrived, `took` says how much was used.

pub mod h1;
pub mod output;

use std::io;
use std::task::{Context, Poll};

use crate::http::h1::BodyError;
use crate::http::h1::HeadError;
use crate::http::{Fields, Method, RequestHead, ResponseHead};

/// The next part of a body that is being received.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Bytes that are there; stays until `took` says they were used.
    Data(&'a [u8]),
    /// The body is complete; its trailers, if any, are in `trailers`.
    End,
}

/// Why a message could not be carried on.
#[derive(Debug)]
pub enum CarryError {
    /// The connection broke or the other end closed it.
    Io(io::Error),
    /// The head is not one that we accept.
    Head(HeadError),
    /// The body's framing is not one that we accept, or it was cut.
    Body(BodyError),
}

/// Where a body comes from.
pub trait Source {
    /// Shows the next part of the body.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part<'_>, CarryError>>;
    /// That many bytes of the part shown last were used.
    fn took(&mut self, bytes: usize);
    /// The body's trailers, once it has ended.
    fn trailers(&mut self) -> &Fields;
    /// The message is complete.
    fn is_received(&self) -> bool;
}

/// Where a body goes.
pub trait Sink {
    /// Accepts bytes of the body; says how many. May keep a bounded number unsent: see `poll_flush`.
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, CarryError>>;
    /// Ends the body and flushes it.
    fn poll_finish(&mut self, cx: &mut Context<'_>, trailers: &Fields) -> Poll<Result<(), CarryError>>;
    /// Hands everything accepted to the kernel.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CarryError>>;
}

/// The client's end of an exchange.
pub trait Downstream: Source + Sink {
    /// Queues the final response's head. `close`: the connection ends after this exchange.
    fn respond(&mut self, head: &ResponseHead, close: bool);
    /// Queues an interim (1xx) response.
    fn inform(&mut self, head: &ResponseHead);
    /// Ready with an error when the client is gone; pending as long as it may still wait for us.
    /// A client that has only finished writing is still there (half-close).
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<CarryError>;
}

/// The endpoint's end of an exchange.
pub trait Upstream: Source + Sink {
    /// Queues the request's head.
    fn request(&mut self, head: &RequestHead);
    /// The next head that the endpoint sends, interim ones included.
    fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        head: &mut ResponseHead,
    ) -> Poll<Result<(), CarryError>>;
    /// Any byte of a reply has arrived: from then on a repeated request could be seen twice.
    fn has_replied(&self) -> bool;
}

// === impl CarryError ===

impl From<io::Error> for CarryError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<HeadError> for CarryError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl From<BodyError> for CarryError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl std::fmt::Display for CarryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CarryError::Io(error) => error.fmt(f),
            CarryError::Head(error) => error.fmt(f),
            CarryError::Body(error) => error.fmt(f),
        }
    }
}
