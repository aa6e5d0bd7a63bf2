//! Between the bytes of HTTP and Python's text: UTF-8, and what is not UTF-8 survives as lone surrogates (PEP 383).

use std::borrow::Cow;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Bytes of a message as Python sees them.
pub fn to_python<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(PyString::new(py, text));
    }
    PyString::from_encoded_object(&PyBytes::new(py, bytes), Some(c"utf-8"), Some(c"surrogateescape"))
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
