//! One exchange: receive -> route -> chain -> attempt -> deliver -> record.
//!
//! Read the files in that order. `serve` is a connection's life, `job` one exchange on it; `flow` moves
//! bodies, `forwarded` makes a request fit for an upstream.

mod attempt;
mod deliver;
mod drive;
pub mod flow;
mod forward;
mod forwarded;
mod hedge;
mod job;
mod local;
mod record;
mod serve;

pub use forwarded::Forwarded;
pub use serve::serve;
