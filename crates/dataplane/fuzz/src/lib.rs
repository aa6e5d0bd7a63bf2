//! What must hold for any bytes that a client or an upstream may send.
//!
//! The parsers are compiled in by path: they need nothing but three small crates, and the fuzzers build in
//! seconds instead of the minutes that the TLS library takes.
#![forbid(unsafe_code)]

mod body;
mod message;

#[path = "../../src/plan/document/mod.rs"]
pub mod document;
#[path = "../../src/http/mod.rs"]
pub mod http;

/// Where the parsers look for the document.
pub mod plan {
    pub use super::document;
}

pub use body::check_body;
pub use message::{check_request, check_response};
