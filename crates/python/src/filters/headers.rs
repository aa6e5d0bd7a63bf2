//! The header fields of one message, as filters see them: case-insensitive, repeated names and order kept.

use dataplane::http::characters::{is_field_value, is_token};
use dataplane::http::{Fields, Known};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyString};

use super::exchange::{Exchange, fields, fields_mut};
use super::phase::Message;
use super::text::{Taken, from_python};

/// `exchange.request.headers` and its like.
#[pyclass(frozen, mapping, module = "flatproxy.core._native")]
pub struct Headers {
    pub exchange: Py<Exchange>,
    pub message: Message,
}

// === impl Headers ===

impl Headers {
    fn read<T>(&self, look: impl FnOnce(&Fields) -> T) -> PyResult<T> {
        self.exchange.get().read(|exchange| look(fields(exchange, self.message)))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Fields) -> T) -> PyResult<T> {
        self.exchange.get().write(self.message, |exchange| change(fields_mut(exchange, self.message)))
    }

    fn first<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyString>>> {
        let taken = self.read(|fields| fields.get(name.as_bytes()).map(|value| Taken::take(py, value)))?;
        taken.map(|value| value.text(py)).transpose()
    }
}

#[pymethods]
impl Headers {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.exchange)
    }

    /// The first value of a name.
    #[pyo3(signature = (name, default = None))]
    fn get(&self, py: Python<'_>, name: &str, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        Ok(self.first(py, name)?.map(|value| value.into_any().unbind()).or(default))
    }

    /// Every value of a name, in order.
    fn get_all<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyString>>> {
        let taken: Vec<_> =
            self.read(|fields| fields.get_all(name.as_bytes()).map(|value| Taken::take(py, value)).collect())?;
        taken.into_iter().map(|value| value.text(py)).collect()
    }

    /// Every name and value, in order.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyString>)>> {
        let both = |(_, name, value): (Known, &[u8], &[u8])| (Taken::take(py, name), Taken::take(py, value));
        let taken: Vec<_> = self.read(|fields| fields.iter().map(both).collect())?;
        taken.into_iter().map(|(name, value)| Ok((name.text(py)?, value.text(py)?))).collect()
    }

    /// One more line of that name, at the end.
    fn add(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = checked(name, value)?;
        self.write(|fields| fields.push(name.as_bytes(), &value))
    }

    /// Removes every line of a name; `True` when there was one.
    fn remove(&self, name: &str) -> PyResult<bool> {
        check_name(name)?;
        self.write(|fields| fields.remove(name.as_bytes()) > 0)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyString>> {
        self.first(py, name)?.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// Replaces every line of that name by one.
    fn __setitem__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = checked(name, value)?;
        self.write(|fields| fields.set(name.as_bytes(), &value))
    }

    fn __delitem__(&self, name: &str) -> PyResult<()> {
        if self.remove(name)? { Ok(()) } else { Err(PyKeyError::new_err(name.to_owned())) }
    }

    fn __contains__(&self, name: &str) -> PyResult<bool> {
        self.read(|fields| fields.get(name.as_bytes()).is_some())
    }

    fn __len__(&self) -> PyResult<usize> {
        self.read(Fields::len)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let taken: Vec<_> = self.read(|fields| fields.iter().map(|(_, name, _)| Taken::take(py, name)).collect())?;
        let names: PyResult<Vec<_>> = taken.into_iter().map(|name| name.text(py)).collect();
        PyList::new(py, names?)?.try_iter()
    }

    fn __repr__(&self) -> PyResult<String> {
        self.read(|fields| format!("<{} headers of the {}>", fields.len(), self.message.name()))
    }
}

fn checked<'a>(name: &str, value: &'a Bound<'_, PyAny>) -> PyResult<std::borrow::Cow<'a, [u8]>> {
    check_name(name)?;
    let value = from_python(value, "a header's value")?;
    // RFC 9110 section 5.5. A control byte could end the line and start another.
    if !is_field_value(&value) {
        return Err(PyValueError::new_err(format!("the value of {name} has control characters")));
    }
    Ok(value)
}

fn check_name(name: &str) -> PyResult<()> {
    let refuse = |why: &str| Err(PyValueError::new_err(format!("the header {name:?} {why}")));
    if !is_token(name.as_bytes()) {
        return refuse("has no legal name");
    }
    match Known::of(name.as_bytes()) {
        Known::ContentLength | Known::Expect => refuse("belongs to the core: it frames the message"),
        Known::Host => refuse("belongs to the core: set exchange.attempt.host in on_attempt"),
        known if known.is_hop_by_hop() => refuse("belongs to one connection and is never forwarded"),
        _ if name.eq_ignore_ascii_case("x-flatproxy-flag") => {
            refuse("belongs to the core: it says how an exchange ended")
        }
        _ => Ok(()),
    }
}
