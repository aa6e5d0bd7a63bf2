//! Between the bytes of HTTP and Python's text: UTF-8, and what is not UTF-8 survives as lone surrogates (PEP 383).

use std::borrow::Cow;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Bytes of a message on their way to Python.
pub enum Taken<'py> {
    Text(Bound<'py, PyString>),
    /// Not UTF-8.
    Bytes(Vec<u8>),
}

// === impl Taken ===

impl<'py> Taken<'py> {
    /// To be called while the exchange is looked at: it runs no Python code, not even the garbage collector's, which what
    /// decodes the rest may.
    pub fn take(py: Python<'py>, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Taken::Text(PyString::new(py, text)),
            Err(_) => Taken::Bytes(bytes.to_vec()),
        }
    }

    /// To be called afterwards.
    pub fn text(self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        match self {
            Taken::Text(text) => Ok(text),
            Taken::Bytes(bytes) => {
                PyString::from_encoded_object(&PyBytes::new(py, &bytes), Some(c"utf-8"), Some(c"surrogateescape"))
            }
        }
    }
}

/// What Python gives, `str` or `bytes`, as bytes of a message.
pub fn from_python<'a>(value: &'a Bound<'_, PyAny>, what: &str) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = value.cast::<PyString>() {
        if let Ok(text) = text.to_str() {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let encoded = text.call_method1("encode", ("utf-8", "surrogateescape"))?;
        return Ok(Cow::Owned(encoded.extract::<Vec<u8>>()?));
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    let given = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("{what} is a str or bytes, not {given}")))
}
