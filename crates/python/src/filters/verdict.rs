//! From what a phase returned to the core's verdict. What is not legal in a phase is an error that says what is.

use std::time::Duration;

use dataplane::chain::{Close, FailureVerdict, Respond};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use super::phase::Phase;

/// The classes of `flatproxy.api.verdict`.
pub struct Classes {
    respond: Py<PyType>,
    retry: Py<PyType>,
    close: Py<PyType>,
}

/// Anything that a phase may answer.
pub enum Verdict {
    Close(Close),
    Respond(Respond),
    Failure(FailureVerdict),
    Body(Vec<u8>),
}

// === impl Classes ===

impl Classes {
    pub fn import(py: Python<'_>) -> PyResult<Self> {
        let module = py.import("flatproxy.api.verdict")?;
        let class = |name: &str| Ok::<_, PyErr>(module.getattr(name)?.cast_into::<PyType>()?.unbind());
        Ok(Self { respond: class("Respond")?, retry: class("Retry")?, close: class("Close")? })
    }

    /// `None` in Python is `None` here: carry on.
    pub fn judge(&self, phase: Phase, returned: &Bound<'_, PyAny>) -> PyResult<Option<Verdict>> {
        if returned.is_none() {
            return Ok(None);
        }
        let py = returned.py();
        let is = |class: &Py<PyType>| returned.is_instance(class.bind(py)).unwrap_or(false);
        match phase {
            Phase::Connect if is(&self.close) => Ok(Some(Verdict::Close(Close))),
            Phase::Failure if is(&self.respond) => {
                Ok(Some(Verdict::Failure(FailureVerdict::Respond(respond(returned)?))))
            }
            Phase::Failure if is(&self.retry) => Ok(Some(Verdict::Failure(FailureVerdict::Retry(after(returned)?)))),
            Phase::Request | Phase::RequestBody | Phase::Response if is(&self.respond) => {
                Ok(Some(Verdict::Respond(respond(returned)?)))
            }
            Phase::RequestBody | Phase::ResponseBody if returned.is_instance_of::<PyBytes>() => {
                Ok(Some(Verdict::Body(returned.extract()?)))
            }
            _ => Err(wrong(phase, returned)),
        }
    }
}

fn respond(returned: &Bound<'_, PyAny>) -> PyResult<Respond> {
    Ok(Respond {
        status: returned.getattr("status")?.extract()?,
        headers: returned.getattr("headers")?.extract()?,
        body: returned.getattr("body")?.extract()?,
    })
}

fn after(returned: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds: f64 = returned.getattr("after")?.extract()?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|error| PyTypeError::new_err(format!("Retry(after={seconds}): {error}")))
}

fn wrong(phase: Phase, returned: &Bound<'_, PyAny>) -> PyErr {
    let legal = match phase {
        Phase::Connect => "Close",
        Phase::Request | Phase::Response => "Respond",
        Phase::RequestBody => "bytes, Respond",
        Phase::ResponseBody => "bytes",
        Phase::Failure => "Retry, Respond",
        Phase::Attempt | Phase::Done => return PyTypeError::new_err(format!("{} returns nothing", phase.method())),
    };
    let class = returned.get_type();
    let given = class.name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{} returned {given}; it may return {legal} or None", phase.method()))
}
