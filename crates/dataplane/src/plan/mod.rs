//! The plan: the immutable compiled form of a configuration, swapped whole.
//!
//! `document` is what crosses the language border, `compiled` what the data threads run on, `compile`
//! the way from one to the other, which keeps from the plan before what has not changed.

pub mod compile;
pub mod compiled;
pub mod document;
mod error;

pub use compile::Materials;
pub use compiled::{Action, Listener, Plan, Route, Target};
pub use error::PlanError;
