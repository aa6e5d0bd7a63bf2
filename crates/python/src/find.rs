//! Which route a request would take: the real router, asked without traffic.

use dataplane::http::RequestHead;
use dataplane::http::h1::{HeadLimits, parse_request};
use dataplane::plan::Plan;
use dataplane::route::Router;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::refused;

/// The name of the route that a listener of this plan (msgpack) would give a request to, if any.
///
/// `target` is what would stand in the request line (`/path?query`), `headers` must hold `host`.
/// Raises `ValueError` where the proxy would answer 400, with the reason.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn find_route(
    py: Python<'_>,
    plan: Vec<u8>,
    listener: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
) -> PyResult<Option<String>> {
    py.detach(|| find(&plan, &listener, &method, &target, &headers))
}

fn find(
    plan: &[u8],
    listener: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
) -> PyResult<Option<String>> {
    let document = Plan::read(plan).map_err(|error| refused(&error))?;
    let listener = document
        .listeners
        .iter()
        .find(|candidate| candidate.name == listener)
        .ok_or_else(|| PyValueError::new_err(format!("the plan has no listener {listener}")))?;
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    let limits =
        HeadLimits { bytes: listener.limits.head_bytes as usize, fields: usize::from(listener.limits.headers) };
    let mut head = RequestHead::default();
    parse_request(text.as_bytes(), &limits, &listener.paths, &mut head)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let router = Router::build(&listener.routes).map_err(|error| refused(&error))?;
    Ok(router.find(&head).map(|index| listener.routes[index].name.clone()))
}
