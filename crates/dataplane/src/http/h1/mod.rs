//! HTTP/1.1 on the wire (RFC 9112), without I/O: bytes in, messages out, and back.
//!
//! Strict on purpose: what two parsers could read differently is an error. A connection reads `scan`
//! until a head is complete, then `request` or `response`, then `body` until its end.

pub mod body;
mod chunk_line;
pub mod encode;
mod error;
mod framing;
mod lines;
mod reason;
pub mod request;
pub mod response;
pub mod scan;
mod target;
mod trailers;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod stream_tests;

pub use body::{BodyDecoder, BodyError, Next};
pub use encode::{CHUNK_END, write_chunk_head, write_last_chunk, write_request, write_response};
pub use error::HeadError;
pub use request::parse_request;
pub use response::parse_response;
pub use scan::{HeadLimits, HeadScanner};
