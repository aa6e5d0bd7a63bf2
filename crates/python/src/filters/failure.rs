//! Why an attempt did not go as it should, as filters see it.

use dataplane::respond as core;
use pyo3::prelude::*;

/// What `on_failure` is asked about.
#[pyclass(frozen, get_all, module = "flatproxy.core._native")]
pub struct Failure {
    /// The flag of the row of the error table, `CONNECT` for instance.
    flag: &'static str,
    /// What the client would be answered.
    status: u16,
    /// A sentence for the log.
    detail: String,
    /// The whole request is still there, and there is time: it could be sent again.
    replayable: bool,
    /// Nothing of the request was acted upon, or to repeat it means the same.
    safe: bool,
}

// === impl Failure ===

impl Failure {
    pub fn of(failure: &core::Failure, replayable: bool, idempotent: bool) -> Self {
        Self {
            flag: failure.flag.label(),
            status: failure.flag.status(),
            detail: failure.detail.clone(),
            replayable,
            safe: idempotent || failure.retryable == core::Retryable::Always,
        }
    }
}

#[pymethods]
impl Failure {
    fn __repr__(&self) -> String {
        format!("<failure {}: {}>", self.flag, self.detail)
    }
}
