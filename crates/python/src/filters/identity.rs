//! The hook `map_identity`: packages have a say in who a client is.

use std::sync::Arc;
use std::time::Duration;

use dataplane::chain::{self as core, IdentityMap};
use dataplane::tls::SpiffeId;
use pyo3::prelude::*;

use super::peer::Peer;
use super::watch;

/// As long as a phase may take where nothing else is said.
const LIMIT: Duration = Duration::from_secs(1);

/// A Python callable: takes the peer, returns a SPIFFE id or None.
pub struct PythonIdentityMap(pub Py<PyAny>);

impl IdentityMap for PythonIdentityMap {
    fn map(&self, peer: &core::Peer) -> Result<Option<SpiffeId>, String> {
        let named = Python::attach(|py| {
            let asked = || self.0.call1(py, (Peer(Arc::new(peer.clone())),))?.extract::<Option<String>>(py);
            watch::within(py, LIMIT, asked).map_err(|error| format!("map_identity: {error}"))
        })?;
        let checked = |text: String| {
            SpiffeId::parse(&text).map_err(|error| format!("map_identity: {text:?} is no SPIFFE id: {error}"))
        };
        named.map(checked).transpose()
    }
}
