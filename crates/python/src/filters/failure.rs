//! Why an attempt did not go as it should, as filters see it.

use dataplane::chain as exchange;
use dataplane::respond::{self as core, Flag};
use pyo3::prelude::*;

/// What `on_failure` is asked about.
#[pyclass(frozen, get_all, module = "flatproxy.core._native")]
pub struct Failure {
    /// The flag of the row of the error table, `CONNECT` for instance; empty: the upstream answered with a status that a
    /// filter takes for a failure; `SLOW`: it has not answered yet.
    flag: &'static str,
    /// What the client would be answered.
    status: u16,
    /// A sentence for the log.
    detail: String,
    /// The whole request is still there, and there is time: it could be sent again.
    replayable: bool,
    /// Nothing of the request was acted upon, or to repeat it means the same.
    safe: bool,
    /// Requests that the upstream has under way, over all data threads, and how many of them are tried again.
    active: u32,
    retrying: u32,
}

// === impl Failure ===

impl Failure {
    pub fn of(failure: &core::Failure, exchange: &exchange::Exchange) -> Self {
        let (flag, status) = match (failure.flag, exchange.reply.status) {
            (Flag::None, 0) => ("SLOW", Flag::AttemptTimeout.status()),
            (Flag::None, status) => ("", status),
            (flag, _) => (flag.label(), flag.status()),
        };
        Self {
            flag,
            status,
            detail: failure.detail.clone(),
            replayable: exchange.attempt.replayable,
            safe: exchange.request.method.is_idempotent() || failure.retryable == core::Retryable::Always,
            active: exchange.attempt.usage.requests,
            retrying: exchange.attempt.usage.retries,
        }
    }
}

#[pymethods]
impl Failure {
    fn __repr__(&self) -> String {
        format!("<failure {}: {}>", if self.flag.is_empty() { "STATUS" } else { self.flag }, self.detail)
    }
}
