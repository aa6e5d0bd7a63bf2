//! The one door between the Python package and the core.

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {}
