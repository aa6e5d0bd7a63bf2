//! What is seen: metrics, the access log, and the core's own log.
//!
//! A data thread writes into cells and buffers that are its own; whoever reads, sums or writes to a
//! file does so on another thread. Nothing here makes a data thread wait: what can't be taken is
//! dropped and counted.

pub mod access_log;
mod clock;
mod ended;
mod json;
pub mod log;
pub mod metrics;
mod spool;
pub mod transition;

pub use access_log::{AccessLog, LineWriter};
pub use ended::{Ended, Stages};
pub use metrics::{Cells, ListenerCells, Registry, RouteCells, UpstreamCells};
