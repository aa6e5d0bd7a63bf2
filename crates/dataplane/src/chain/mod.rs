//! The filters of a route: one trait, three kinds of implementors (a test filter here, wasm-host, python).
//!
//! A chain is built once per plan and route. A phase that no filter on the route defines is never
//! entered: the chain keeps the union of its filters' interests, and one test of it decides.

mod body;
mod exchange;
mod filter;
mod identity;
mod run;
mod tries;

pub use body::{BodyRun, Passed};
pub use exchange::{Attempt, Exchange, Peer, Timings};
pub use filter::{
    BodyVerdict, Close, FailureVerdict, Filter, FilterBuilder, FilterError, NoFilters, Phases, RequestVerdict, Respond,
    Slot, Step,
};
pub use identity::IdentityMap;
pub use run::{Chain, Run};
pub use tries::{Statuses, TryRules};
