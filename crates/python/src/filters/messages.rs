//! The four messages of an exchange, as filters see them. Each is a view: it looks into the exchange when it is asked.

use dataplane::http::{Method, RequestHead};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::exchange::{self, Exchange};
use super::headers::Headers;
use super::phase::Message;

/// `exchange.request`: from the client.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Request(pub Py<Exchange>);

/// `exchange.attempt`: to the upstream, one per try.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Attempt(pub Py<Exchange>);

/// `exchange.reply`: from the upstream.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Reply(pub Py<Exchange>);

/// `exchange.response`: to the client.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Response(pub Py<Exchange>);

#[pymethods]
impl Request {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    #[getter]
    fn method(&self) -> PyResult<String> {
        of_head(&self.0, Message::Request, |head| head.method.as_str().to_owned())
    }

    /// Normalised: what routes match and what is forwarded.
    #[getter]
    fn path(&self) -> PyResult<String> {
        of_head(&self.0, Message::Request, |head| head.path.clone())
    }

    /// Without the `?`.
    #[getter]
    fn query(&self) -> PyResult<Option<String>> {
        of_head(&self.0, Message::Request, |head| head.query.clone())
    }

    /// Host and port as the client wrote them.
    #[getter]
    fn host(&self) -> PyResult<String> {
        of_head(&self.0, Message::Request, |head| head.authority.clone())
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::Request }
    }

    /// What followed the body.
    #[getter]
    fn trailers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::RequestTrailers }
    }
}

#[pymethods]
impl Attempt {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    /// 1 for the first.
    #[getter]
    fn number(&self) -> PyResult<u32> {
        self.0.get().read(|exchange| exchange.attempt.number)
    }

    /// The address that it goes to.
    #[getter]
    fn endpoint(&self) -> PyResult<Option<String>> {
        self.0.get().read(|exchange| exchange.attempt.endpoint.map(|address| address.to_string()))
    }

    #[getter]
    fn method(&self) -> PyResult<String> {
        of_head(&self.0, Message::Attempt, |head| head.method.as_str().to_owned())
    }

    #[setter]
    fn set_method(&self, method: &str) -> PyResult<()> {
        if !dataplane::http::characters::is_token(method.as_bytes()) || method == "CONNECT" {
            return Err(PyValueError::new_err(format!("{method:?} is not a method that can be sent")));
        }
        self.0.get().write(Message::Attempt, |exchange| exchange.attempt.head.method = Method::of(method))
    }

    #[getter]
    fn path(&self) -> PyResult<String> {
        of_head(&self.0, Message::Attempt, |head| head.path.clone())
    }

    #[setter]
    fn set_path(&self, path: String) -> PyResult<()> {
        if !path.starts_with('/') || !is_visible(&path) || path.contains(['?', '#']) {
            return Err(PyValueError::new_err(format!("{path:?} is not a path: `/` and visible ASCII, no `?` or `#`")));
        }
        self.0.get().write(Message::Attempt, |exchange| exchange.attempt.head.path = path)
    }

    #[getter]
    fn query(&self) -> PyResult<Option<String>> {
        of_head(&self.0, Message::Attempt, |head| head.query.clone())
    }

    #[setter]
    fn set_query(&self, query: Option<String>) -> PyResult<()> {
        if query.as_deref().is_some_and(|query| !is_visible(query) || query.contains('#')) {
            return Err(PyValueError::new_err(format!("{query:?} is not a query: visible ASCII, no `#`")));
        }
        self.0.get().write(Message::Attempt, |exchange| exchange.attempt.head.query = query)
    }

    #[getter]
    fn host(&self) -> PyResult<String> {
        of_head(&self.0, Message::Attempt, |head| head.authority.clone())
    }

    #[setter]
    fn set_host(&self, host: String) -> PyResult<()> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(PyValueError::new_err(format!("{host:?} is not a host")));
        }
        self.0.get().write(Message::Attempt, |exchange| exchange.attempt.head.authority = host)
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::Attempt }
    }
}

#[pymethods]
impl Reply {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    #[getter]
    fn status(&self) -> PyResult<u16> {
        self.0.get().read(|exchange| exchange.reply.status)
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::Reply }
    }
}

#[pymethods]
impl Response {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    #[getter]
    fn status(&self) -> PyResult<u16> {
        self.0.get().read(|exchange| exchange.response.status)
    }

    #[setter]
    fn set_status(&self, status: u16) -> PyResult<()> {
        let has_body = |status: u16| !matches!(status, 204 | 304);
        let before = self.status()?;
        if !(200..=599).contains(&status) || has_body(status) != has_body(before) {
            return Err(PyValueError::new_err(format!(
                "a response of {before} cannot become {status}: 200 to 599, and 204 and 304 have no body"
            )));
        }
        self.0.get().write(Message::Response, |exchange| {
            exchange.response.status = status;
            exchange.response.reason.clear();
        })
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::Response }
    }

    /// What follows the body.
    #[getter]
    fn trailers(&self, py: Python<'_>) -> Headers {
        Headers { exchange: self.0.clone_ref(py), message: Message::ResponseTrailers }
    }
}

fn of_head<T>(this: &Py<Exchange>, message: Message, look: impl FnOnce(&RequestHead) -> T) -> PyResult<T> {
    this.get().read(|exchange| look(exchange::head(exchange, message)))
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}
