//! The other end of the client's connection, as filters see it.

use std::sync::Arc;

use dataplane::chain as core;
use pyo3::prelude::*;

/// `exchange.peer`.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Peer(pub Arc<core::Peer>);

#[pymethods]
impl Peer {
    /// Its IP address.
    #[getter]
    fn address(&self) -> &str {
        &self.0.address_text
    }

    #[getter]
    fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// Its SPIFFE id, from a verified certificate.
    #[getter]
    fn identity(&self) -> Option<&str> {
        self.0.identity.as_deref()
    }

    /// The connection is encrypted.
    #[getter]
    fn secure(&self) -> bool {
        self.0.secure
    }

    fn __repr__(&self) -> String {
        format!("<peer {} {}>", self.0.address, self.0.identity.as_deref().unwrap_or("without identity"))
    }
}
