//! Metrics: one set of cells per data thread and name, summed when someone reads.
//!
//! A cell is written by one thread only, so counting is a load and a store, never a locked
//! instruction and never a cache line that two cores fight for.

mod cells;
mod histogram;
mod listener;
mod process;
mod registry;
mod route;
mod text;
pub mod upstream;

pub use cells::{Counter, Gauge, Reasons};
pub use histogram::Histogram;
pub use listener::{ListenerCells, OpenConnection};
pub use registry::{Cells, NO_ROUTE, Registry};
pub use route::RouteCells;
pub use text::{Exposition, Kind};
pub use upstream::{ConnectFailure, Outcome, UpstreamCells, UpstreamConnection};

#[cfg(test)]
mod tests;
