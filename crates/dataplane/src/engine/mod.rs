//! The data threads and what drives them: start, apply, drain, stop.
//!
//! `Engine` is what the Python side holds; `thread` is the life of one data thread, `worker` what all
//! tasks on it share; `control` runs what must not disturb them (health checks, name resolution).

mod control;
pub mod eagerness;
mod handle;
mod status;
mod thread;
mod worker;

pub use handle::{Engine, Sockets};
pub use worker::Worker;
