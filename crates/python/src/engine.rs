//! `Engine`: the data plane as Python sees it.

use std::collections::HashMap;
use std::time::Duration;

use dataplane::chain::NoFilters;
use dataplane::engine as core;
use pyo3::prelude::*;

use crate::refused;
use crate::sockets::duplicate;

/// The data plane: data threads that serve by the plan that was applied last.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Engine(core::Engine);

#[pymethods]
impl Engine {
    /// An engine with that many data threads; they start with the first plan.
    #[new]
    fn new(workers: usize) -> Self {
        Self(core::Engine::new(workers, Box::new(NoFilters)))
    }

    /// Serves by this plan (msgpack) from now on. `sockets` maps each address to one listening
    /// descriptor per data thread; those of new addresses are duplicated, the others ignored.
    #[allow(clippy::needless_pass_by_value)] // pyo3 hands arguments over by value
    fn apply(&self, py: Python<'_>, plan: Vec<u8>, sockets: HashMap<String, Vec<i32>>) -> PyResult<()> {
        let sockets = duplicate(&sockets)?;
        py.detach(|| self.0.apply(&plan, sockets)).map_err(|error| refused(&error))
    }

    /// Stops accepting and lets exchanges finish; `True` when all were over before the deadline.
    fn drain(&self, py: Python<'_>, deadline_ms: u64) -> bool {
        py.detach(|| self.0.drain(Duration::from_millis(deadline_ms)))
    }

    /// Ends everything, at once.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }

    /// Prometheus text format.
    fn metrics(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.metrics())
    }

    /// Listeners and endpoints, as JSON.
    fn status(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.status())
    }
}

/// Compiles a plan (msgpack) and drops it; raises `PlanRefused`.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn check(py: Python<'_>, plan: Vec<u8>) -> PyResult<()> {
    py.detach(|| core::Engine::check(&plan, &NoFilters)).map_err(|error| refused(&error))
}
