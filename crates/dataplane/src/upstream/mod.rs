//! Named services and their endpoints: who may be asked next, and how much at once.
//!
//! A [`Cluster`] is shared by all data threads. What they touch per request is atomics and one
//! snapshot ([`view`]) that is swapped whole; names and health are looked after by [`Control`] on a
//! thread of its own.
//!
//! Read: `cluster` (the face), `members` (who belongs), `view` (who may be picked), `balance` (who is),
//! `endpoint` and `ejection` (how each fares), `service` (what a reload keeps), then `control` with `dns`
//! and `health`; `pool` and `connect` are one data thread's connections.

mod balance;
mod checks;
mod clock;
mod cluster;
pub mod connect;
mod control;
mod dns;
mod ejection;
mod endpoint;
mod health;
mod limit;
mod members;
pub mod pool;
mod service;
mod transition;
mod view;

#[cfg(test)]
pub(super) mod tests;

pub use balance::{Picker, hash};
pub use cluster::{Cluster, Usage};
pub use control::{Control, ControlTasks};
pub use endpoint::{Active, Endpoint, EndpointState, EndpointStatus, Outcome};
pub use limit::{ConnectionPermit, Overload, PendingPermit, RequestPermit, RetryPermit};
pub use transition::{Change, Transition, TransitionSender};
