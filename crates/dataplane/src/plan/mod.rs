//! The plan: the immutable compiled form of a configuration, swapped whole.

pub mod document;
mod error;

pub use error::PlanError;
