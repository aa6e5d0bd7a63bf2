//! Filters in Python: one implementor of the core's `Filter` trait.
//!
//! `host` makes a `segment` of neighbouring filters, each on its `seat`. A segment is crossed into once per phase: the
//! interpreter is attached, the `exchange` is lent to Python, the bound methods are called one after the other, and what
//! they return becomes a `verdict` of the core. `ticket` is how a phase that waits comes back; `watch` stops one that
//! does not end. Nothing here holds the interpreter while it waits.

pub mod clock;
mod crossing;
pub mod crossings;
mod exchange;
mod failure;
mod grave;
mod headers;
mod host;
mod identity;
mod memory;
mod messages;
mod peer;
mod phase;
mod seat;
mod segment;
mod text;
mod ticket;
mod verdict;
mod watch;

pub use exchange::Exchange;
pub use failure::Failure;
pub use headers::Headers;
pub use host::PythonFilters;
pub use messages::{Attempt, Reply, Request, Response};
pub use peer::Peer;
pub use ticket::Ticket;
