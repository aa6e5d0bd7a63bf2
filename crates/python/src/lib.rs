//! The one door between the Python package and the core: `flatproxy.core._native`.
//!
//! The module never holds the interpreter while it waits, and is clean for free-threaded builds.
// But for `sockets`, which turns descriptor numbers into sockets, and `filters/grave`, which reads a reference count.
#![deny(unsafe_code)]

mod drive;
mod engine;
mod filters;
mod find;
mod sockets;

use pyo3::prelude::*;

pyo3::create_exception!(
    _native,
    PlanRefused,
    pyo3::exceptions::PyValueError,
    "A plan that cannot be served; the old one still is."
);

/// The native core.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::PlanRefused;
    #[pymodule_export]
    use super::drive::drive;
    #[pymodule_export]
    use super::engine::{Engine, check};
    #[pymodule_export]
    use super::filters::{Attempt, Exchange, Failure, Headers, Peer, Reply, Request, Response, Ticket};
    #[pymodule_export]
    use super::find::find_route;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

fn refused(error: &dataplane::plan::PlanError) -> PyErr {
    PlanRefused::new_err(error.to_string())
}
