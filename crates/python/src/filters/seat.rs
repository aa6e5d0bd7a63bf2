//! One filter of a segment: its bound methods and the operator's policy.

use std::sync::Arc;
use std::time::Duration;

use dataplane::chain::{FilterError, Phases, TryRules};
use dataplane::plan::PlanError;
use dataplane::plan::document::FilterUse;
use dataplane::respond::Flag;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use super::phase::Phase;

/// `CO_COROUTINE` of the `inspect` module: the function is an `async def`.
const COROUTINE: u32 = 0x80;
/// Of a try.
const LONGEST: Duration = Duration::from_secs(3600);

pub struct Seat {
    pub name: Arc<str>,
    pub phases: Phases,
    pub try_rules: TryRules,
    pub fail_open: bool,
    /// Of one phase; zero: none.
    pub limit: Duration,
    filter: Py<PyAny>,
    methods: [Option<Method>; Phase::ALL.len()],
}

/// One phase of a filter.
pub struct Method {
    /// Bound.
    pub call: Py<PyAny>,
    pub manner: Manner,
}

/// Where a phase runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// On the data thread, at once.
    Inline,
    /// `async def`: on the asyncio thread.
    Async,
    /// On the pool for filters that block.
    Blocking,
}

// === impl Seat ===

impl Seat {
    /// Takes a filter's place, or says why it cannot.
    pub fn take(filter: &Bound<'_, PyAny>, place: &FilterUse) -> Result<Self, PlanError> {
        Self::bind(filter, place)
            .map_err(|error| PlanError::new(format!("filter {}: {}", place.name, error.value(filter.py()))))
    }

    fn bind(filter: &Bound<'_, PyAny>, place: &FilterUse) -> PyResult<Self> {
        let defined = filter.getattr("phases")?;
        let blocking = filter.getattr("blocking")?.is_truthy()?;
        let mut phases = Phases::NONE;
        let mut methods = [const { None }; Phase::ALL.len()];
        for phase in Phase::ALL {
            if defined.contains(phase.method())? {
                phases = phases | phase.set();
                methods[phase as usize] = Some(Method::bind(filter, phase, blocking)?);
            }
        }
        let name: String = filter.getattr("name")?.extract()?;
        let limit = Duration::from_millis(place.timeout_ms);
        Ok(Self {
            name: name.into(),
            phases,
            try_rules: if phases.any(Phases::FAILURE) { try_rules(filter)? } else { TryRules::default() },
            fail_open: place.fail_open,
            limit,
            filter: filter.clone().unbind(),
            methods,
        })
    }

    pub fn filter(&self, py: Python<'_>) -> Py<PyAny> {
        self.filter.clone_ref(py)
    }

    pub fn method(&self, phase: Phase) -> Option<&Method> {
        self.methods[phase as usize].as_ref()
    }

    /// Writes down that the filter failed; the error is for whoever applies the policy.
    pub fn failed(&self, py: Python<'_>, phase: Phase, error: &PyErr) -> FilterError {
        let told = py
            .import("flatproxy.core.filters.failures")
            .and_then(|module| {
                module.call_method1("note", (&self.filter, phase.method(), error.clone_ref(py).into_value(py)))
            })
            .and_then(|text| text.extract::<String>());
        let what = told.unwrap_or_else(|_| error.to_string());
        FilterError::new(Arc::clone(&self.name), what)
    }

    /// The filter never got its turn.
    pub fn overloaded(&self, py: Python<'_>, phase: Phase) -> FilterError {
        let full = PyRuntimeError::new_err("too many phases wait already");
        FilterError { flag: Flag::Overload, ..self.failed(py, phase, &full) }
    }
}

// === impl Method ===

impl Method {
    fn bind(filter: &Bound<'_, PyAny>, phase: Phase, blocking: bool) -> PyResult<Self> {
        let call = filter.getattr(phase.method())?;
        let flags =
            call.getattr("__code__").and_then(|code| code.getattr("co_flags")).and_then(|flags| flags.extract());
        let manner = match flags {
            Ok::<u32, PyErr>(flags) if flags & COROUTINE != 0 => Manner::Async,
            _ if blocking => Manner::Blocking,
            _ => Manner::Inline,
        };
        Ok(Self { call: call.unbind(), manner })
    }
}

/// What an instance that defines `on_failure` asks of every try.
fn try_rules(filter: &Bound<'_, PyAny>) -> PyResult<TryRules> {
    let mut rules = TryRules::default();
    for status in filter.getattr("failure_statuses")?.try_iter()? {
        let status = status?.extract()?;
        if !(200..=599).contains(&status) || !rules.failure_statuses.add(status) {
            return Err(PyValueError::new_err(format!("failure_statuses are from 200 to 599, not {status}")));
        }
    }
    rules.timeout = seconds(filter, "attempt_timeout")?;
    rules.hedge_after = seconds(filter, "hedge_after")?;
    Ok(rules)
}

/// An attribute of the instance; None is zero.
fn seconds(filter: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    let Some(seconds) = filter.getattr(name)?.extract::<Option<f64>>()? else { return Ok(Duration::ZERO) };
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time <= LONGEST);
    time.ok_or_else(|| {
        PyValueError::new_err(format!("{name} is above 0 and at most an hour, in seconds, not {seconds}"))
    })
}
