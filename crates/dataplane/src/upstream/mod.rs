//! Named services and their endpoints: who may be asked next, and how much at once.
//!
//! A [`Cluster`] is shared by all data threads. What they touch per request is atomics and one
//! snapshot ([`view`]) that is swapped whole; names and health are looked after by [`Control`] on a
//! thread of its own. Nothing here makes the connection that carries a request.
//!
//! Read: `cluster` (the face), `members` (who belongs), `view` (who may be picked), `balance` (who is),
//! `endpoint` and `ejection` (how each fares), `service` (what a reload keeps).

mod balance;
mod checks;
mod clock;
mod cluster;
pub mod connect;
mod ejection;
mod endpoint;
mod limit;
mod members;
pub mod pool;
mod service;
mod transition;
mod view;

#[cfg(test)]
mod tests;

pub use balance::{Picker, hash};
pub use cluster::{Cluster, Usage};
pub use endpoint::{Active, Endpoint, EndpointState, EndpointStatus, Outcome};
pub use limit::{ConnectionPermit, Overload, PendingPermit, RequestPermit};
pub use transition::{Change, Transition, TransitionSender};
