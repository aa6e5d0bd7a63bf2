//! `Engine`: the data plane as Python sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dataplane::chain::FilterBuilder;
use dataplane::engine as core;
use pyo3::prelude::*;

use crate::filters::{PythonFilters, crossings};
use crate::refused;
use crate::sockets::duplicate;

/// The data plane: data threads that serve by the plan that was applied last.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Engine {
    core: core::Engine,
    filters: Arc<PythonFilters>,
}

#[pymethods]
impl Engine {
    /// An engine with that many data threads; they start with the first plan.
    #[new]
    fn new(workers: usize) -> Self {
        let filters = Arc::<PythonFilters>::default();
        Self { core: core::Engine::new(workers, Arc::clone(&filters) as Arc<dyn FilterBuilder>), filters }
    }

    /// Serves by this plan (msgpack) from now on. `sockets` maps each address to one listening
    /// descriptor per data thread; those of new addresses are duplicated, the others ignored. `filters` are the
    /// instances that the plan names, by key; `map_identity` is asked once for each connection who its client is.
    #[allow(clippy::needless_pass_by_value)] // pyo3 hands arguments over by value
    #[pyo3(signature = (plan, sockets, filters, map_identity = None))]
    fn apply(
        &self,
        py: Python<'_>,
        plan: Vec<u8>,
        sockets: HashMap<String, Vec<i32>>,
        filters: HashMap<String, Py<PyAny>>,
        map_identity: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let sockets = duplicate(&sockets)?;
        self.filters.offer(filters, map_identity);
        py.detach(|| self.core.apply(&plan, sockets)).map_err(|error| refused(&error))
    }

    /// Stops accepting and lets exchanges finish; `True` when all were over before the deadline.
    fn drain(&self, py: Python<'_>, deadline_ms: u64) -> bool {
        py.detach(|| self.core.drain(Duration::from_millis(deadline_ms)))
    }

    /// Ends everything, at once.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.core.stop());
    }

    /// Prometheus text format.
    fn metrics(&self, py: Python<'_>) -> String {
        py.detach(|| self.core.metrics() + &crossings::metrics())
    }

    /// Listeners and endpoints, as JSON.
    fn status(&self, py: Python<'_>) -> String {
        py.detach(|| self.core.status())
    }
}

/// Compiles a plan (msgpack) with its filters and drops it; raises `PlanRefused`.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn check(py: Python<'_>, plan: Vec<u8>, filters: HashMap<String, Py<PyAny>>) -> PyResult<()> {
    let builder = PythonFilters::default();
    builder.offer(filters, None);
    py.detach(|| core::Engine::check(&plan, &builder)).map_err(|error| refused(&error))
}
