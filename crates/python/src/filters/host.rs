//! Makes segments from the filters that Python has instantiated for a plan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataplane::chain::{Filter, FilterBuilder, IdentityMap};
use dataplane::plan::PlanError;
use dataplane::plan::document::FilterUse;
use pyo3::prelude::*;

use super::identity::PythonIdentityMap;
use super::seat::Seat;
use super::segment::{MOST, Segment};
use super::verdict::Classes;

/// The module that runs phases which wait.
pub const WAITING: &str = "flatproxy.core.filters.waiting";

/// What Python brings for the plan that is being compiled.
#[derive(Default)]
pub struct PythonFilters(Mutex<Offered>);

#[derive(Default)]
struct Offered {
    /// By key.
    filters: HashMap<String, Py<PyAny>>,
    map_identity: Option<Py<PyAny>>,
}

// === impl PythonFilters ===

impl PythonFilters {
    /// Those of the next plan; those of the last are forgotten, running segments have theirs.
    pub fn offer(&self, filters: HashMap<String, Py<PyAny>>, map_identity: Option<Py<PyAny>>) {
        let old = std::mem::replace(&mut *self.offered(), Offered { filters, map_identity });
        drop(old);
    }

    fn offered(&self) -> MutexGuard<'_, Offered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, py: Python<'_>, filter: &FilterUse) -> Result<Py<PyAny>, PlanError> {
        let key = String::from_utf8_lossy(&filter.options);
        let found = self.offered().filters.get(&*key).map(|filter| filter.clone_ref(py));
        found.ok_or_else(|| PlanError::new(format!("filter {}: no instance was given for it", filter.name)))
    }

    fn segment(&self, py: Python<'_>, filters: &[FilterUse]) -> Result<Segment, PlanError> {
        let seats = filters
            .iter()
            .map(|filter| Seat::take(self.find(py, filter)?.bind(py), filter))
            .collect::<Result<Vec<_>, _>>()?;
        let classes = Classes::import(py).map_err(|error| PlanError::new(error.to_string()))?;
        Ok(Segment::new(py, seats, classes))
    }
}

impl FilterBuilder for PythonFilters {
    fn build(&self, filter: &FilterUse) -> Result<Arc<dyn Filter>, PlanError> {
        self.build_segment(std::slice::from_ref(filter)).map(|(segment, _)| segment)
    }

    /// All neighbours: so far every filter is one in Python.
    fn build_segment(&self, filters: &[FilterUse]) -> Result<(Arc<dyn Filter>, usize), PlanError> {
        let count = filters.len().min(MOST);
        Python::attach(|py| Ok((Arc::new(self.segment(py, &filters[..count])?) as Arc<dyn Filter>, count)))
    }

    fn identity_map(&self) -> Option<Arc<dyn IdentityMap>> {
        Python::attach(|py| {
            let map = self.offered().map_identity.as_ref()?.clone_ref(py);
            Some(Arc::new(PythonIdentityMap(map)) as Arc<dyn IdentityMap>)
        })
    }

    /// Attached once for its life: a crossing then only takes the interpreter, and makes no thread state.
    fn accompany(&self, thread: &mut (dyn FnMut() + Send)) {
        Python::attach(|py| {
            // Where it cannot be had, requests wait a little longer beside a filter that computes.
            let _ = py.import("flatproxy.core.scheduling").and_then(|module| module.call_method0("go_first"));
            py.detach(thread);
        });
    }
}
