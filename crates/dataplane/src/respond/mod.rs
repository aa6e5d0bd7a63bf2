//! The one place that turns the ways an exchange can end into responses.

mod failure;
mod flag;
mod local;
#[cfg(test)]
mod tests;

pub use failure::{Failure, Retryable, Source};
pub use flag::Flag;
pub use local::{answer, direct, failure as failure_response};
