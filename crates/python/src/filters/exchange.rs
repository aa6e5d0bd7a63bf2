//! The exchange, lent to Python for the time of a phase.
//!
//! Lending swaps the core's exchange with the one in here, so Python can hold on to the object as long as it likes: it never
//! points at anything. A phase that waits sees a copy, and what it wrote is taken over when it is done.

use std::collections::BTreeMap;
use std::mem::swap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dataplane::chain as core;
use dataplane::http::{Fields, RequestHead};
use dataplane::respond::Flag;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};

use super::messages::{Attempt, Reply, Request, Response};
use super::peer::Peer;
use super::phase::{Message, Phase};

/// Whatever the format; a W3C trace id has 32.
const LONGEST_TRACE_ID: usize = 64;

/// What a filter is asked about.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Exchange(Mutex<Inner>);

struct Inner {
    /// The core's while `phase` is there, something old otherwise.
    exchange: core::Exchange,
    phase: Option<Phase>,
    /// Which filter of the segment is asked.
    seat: usize,
    filters: Arc<[Py<PyAny>]>,
    /// Private to each filter, by seat.
    states: Vec<Option<Py<PyAny>>>,
    shared: Option<Py<PyDict>>,
}

// === impl Inner ===

impl Inner {
    fn new(filters: Arc<[Py<PyAny>]>) -> Self {
        let exchange = core::Exchange::new(Arc::new(core::Peer::unknown()));
        Self { exchange, phase: None, seat: 0, filters, states: Vec::new(), shared: None }
    }
}

// === impl Exchange ===

impl Exchange {
    pub fn new(filters: Arc<[Py<PyAny>]>) -> Self {
        Self(Mutex::new(Inner::new(filters)))
    }

    /// Stands in for this one, which a phase that was given up still has: with all that filters have stored so far.
    pub fn successor(&self, py: Python<'_>) -> Self {
        let inner = self.inner();
        let keep = |state: &Option<Py<PyAny>>| state.as_ref().map(|state| state.clone_ref(py));
        let states = inner.states.iter().map(keep).collect();
        let shared = inner.shared.as_ref().map(|shared| shared.clone_ref(py));
        Self(Mutex::new(Inner { states, shared, ..Inner::new(Arc::clone(&inner.filters)) }))
    }

    /// Serves another exchange; the caller is the only one who has it.
    pub fn restart(&self, filters: &Arc<[Py<PyAny>]>) {
        self.forget();
        let mut inner = self.inner();
        if !Arc::ptr_eq(&inner.filters, filters) {
            inner.filters = Arc::clone(filters);
        }
    }

    /// Lets go of what filters have stored here; outside the lock, since its end may run Python code.
    fn forget(&self) {
        let mut inner = self.inner();
        let old = (std::mem::take(&mut inner.states), inner.shared.take());
        drop(inner);
        drop(old);
    }

    /// Python may look at it from now on.
    pub fn lend(&self, exchange: &mut core::Exchange, phase: Phase) {
        let mut inner = self.inner();
        swap(&mut inner.exchange, exchange);
        inner.phase = Some(phase);
    }

    /// Python may not any more; what it wrote is in there.
    pub fn take_back(&self, exchange: &mut core::Exchange) {
        let mut inner = self.inner();
        swap(&mut inner.exchange, exchange);
        inner.phase = None;
    }

    /// Taken back, but Python goes on with a copy.
    pub fn leave_copy(&self, exchange: &mut core::Exchange) {
        let mut inner = self.inner();
        swap(&mut inner.exchange, exchange);
        inner.exchange.copy(exchange);
    }

    /// The copy's changes become the core's.
    pub fn take_over(&self, exchange: &mut core::Exchange) {
        let mut inner = self.inner();
        match inner.phase.take().and_then(Phase::writable) {
            Some(Message::Request) => swap(&mut inner.exchange.request, &mut exchange.request),
            Some(Message::Attempt) => swap(&mut inner.exchange.attempt.head, &mut exchange.attempt.head),
            Some(Message::Response) => swap(&mut inner.exchange.response, &mut exchange.response),
            Some(Message::RequestTrailers) => {
                swap(&mut inner.exchange.request_trailers, &mut exchange.request_trailers);
            }
            Some(Message::ResponseTrailers) => {
                swap(&mut inner.exchange.response_trailers, &mut exchange.response_trailers);
            }
            Some(Message::Reply) | None => {}
        }
        swap(&mut inner.exchange.trace_id, &mut exchange.trace_id);
        swap(&mut inner.exchange.filter_times, &mut exchange.filter_times);
    }

    /// Whose turn it is. Says whether somebody wants to know how long it takes.
    pub fn seat(&self, seat: usize) -> bool {
        let mut inner = self.inner();
        inner.seat = seat;
        inner.exchange.filter_times.is_some()
    }

    /// How long it took.
    pub fn took(&self, filter: &Arc<str>, time: Duration) {
        self.inner().exchange.filter_took(filter, time);
    }

    /// A look at the exchange. `look` must not run Python code.
    pub fn read<T>(&self, look: impl FnOnce(&core::Exchange) -> T) -> PyResult<T> {
        let inner = self.inner();
        if inner.phase.is_none() {
            return Err(PyRuntimeError::new_err("the exchange can be looked at during a phase only"));
        }
        Ok(look(&inner.exchange))
    }

    /// A change of one message's head. `change` must not run Python code.
    pub fn write<T>(&self, message: Message, change: impl FnOnce(&mut core::Exchange) -> T) -> PyResult<T> {
        let mut inner = self.inner();
        match inner.phase {
            None => Err(PyRuntimeError::new_err("the exchange can be changed during a phase only")),
            Some(phase) if phase.writable() == Some(message) => Ok(change(&mut inner.exchange)),
            Some(_) => {
                Err(PyAttributeError::new_err(format!("the {} is fixed: {}", message.name(), message.changed_in())))
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let filter = {
            let inner = self.inner();
            inner.filters.get(inner.seat).map(|filter| filter.clone_ref(py))
        };
        let filter = filter.ok_or_else(|| PyRuntimeError::new_err("no filter is asked"))?;
        Ok(filter.bind(py).getattr("host")?.getattr(name)?.unbind())
    }
}

#[pymethods]
impl Exchange {
    /// Who asks.
    #[getter]
    fn peer(&self) -> PyResult<Peer> {
        self.read(|exchange| Peer(Arc::clone(&exchange.peer)))
    }

    /// From the client.
    #[getter]
    fn request(this: Py<Self>) -> Request {
        Request(this)
    }

    /// To the upstream, one per try.
    #[getter]
    fn attempt(this: Py<Self>) -> Attempt {
        Attempt(this)
    }

    /// From the upstream.
    #[getter]
    fn reply(this: Py<Self>) -> Reply {
        Reply(this)
    }

    /// To the client.
    #[getter]
    fn response(this: Py<Self>) -> Response {
        Response(this)
    }

    /// The name of the route.
    #[getter]
    fn route(&self) -> PyResult<String> {
        self.read(|exchange| exchange.route.as_deref().unwrap_or_default().to_owned())
    }

    /// The name of the upstream, once one is chosen.
    #[getter]
    fn upstream(&self) -> PyResult<Option<String>> {
        self.read(|exchange| exchange.upstream.as_deref().map(str::to_owned))
    }

    /// How it ended; empty while all is well.
    #[getter]
    fn flag(&self) -> PyResult<&'static str> {
        self.read(|exchange| if exchange.flag == Flag::None { "" } else { exchange.flag.label() })
    }

    /// Seconds since the request's head was there.
    #[getter]
    fn duration(&self) -> PyResult<f64> {
        self.read(|exchange| exchange.timings.started.elapsed().as_secs_f64())
    }

    /// Seconds on a clock that only goes forward.
    #[getter]
    #[allow(clippy::unused_self)] // what a getter of Python looks like
    fn now(&self) -> f64 {
        super::clock::now()
    }

    /// Body bytes received from the client.
    #[getter]
    fn request_bytes(&self) -> PyResult<u64> {
        self.read(|exchange| exchange.bytes_in)
    }

    /// Body bytes sent to the client.
    #[getter]
    fn response_bytes(&self) -> PyResult<u64> {
        self.read(|exchange| exchange.bytes_out)
    }

    /// Whatever the filter keeps for this exchange; nobody else sees it.
    #[getter]
    fn state(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let inner = self.inner();
        inner.states.get(inner.seat)?.as_ref().map(|state| state.clone_ref(py))
    }

    #[setter]
    fn set_state(&self, state: Option<Py<PyAny>>) {
        let old = {
            let mut inner = self.inner();
            let seat = inner.seat;
            if inner.states.len() <= seat {
                inner.states.resize_with(seat + 1, || None);
            }
            std::mem::replace(&mut inner.states[seat], state)
        };
        drop(old); // outside the lock: its end may run Python code
    }

    /// What filters of the same segment share, by type.
    #[getter]
    fn shared(&self, py: Python<'_>) -> Py<PyDict> {
        let fresh = PyDict::new(py).unbind();
        self.inner().shared.get_or_insert(fresh).clone_ref(py)
    }

    /// The trace it belongs to, as the logs show it; empty: none.
    #[getter]
    fn trace_id(&self) -> PyResult<String> {
        self.read(|exchange| exchange.trace_id.clone())
    }

    #[setter]
    fn set_trace_id(&self, id: &str) -> PyResult<()> {
        if id.len() > LONGEST_TRACE_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PyValueError::new_err(format!(
                "a trace id is visible ASCII, {LONGEST_TRACE_ID} characters at most, not {id:?}"
            )));
        }
        self.read(|_| ())?;
        let mut inner = self.inner();
        inner.exchange.trace_id.clear();
        inner.exchange.trace_id.push_str(id);
        Ok(())
    }

    /// From now on, keeps what the phases of each filter take.
    fn measure_filters(&self) -> PyResult<()> {
        self.read(|_| ())?;
        self.inner().exchange.filter_times.get_or_insert_default();
        Ok(())
    }

    /// Seconds that the phases of each filter took so far, by name; empty where nobody measures.
    #[getter]
    fn filter_seconds(&self) -> PyResult<BTreeMap<String, f64>> {
        self.read(|exchange| {
            let mut sums = BTreeMap::new();
            for (name, time) in exchange.filter_times.iter().flatten() {
                *sums.entry(name.to_string()).or_default() += time.as_secs_f64();
            }
            sums
        })
    }

    /// The log of the filter that is asked; its lines carry the trace.
    #[getter]
    fn log(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let log = self.host(py, "log")?;
        let trace_id = self.inner().exchange.trace_id.clone();
        if trace_id.is_empty() {
            return Ok(log);
        }
        log.call_method(py, "bound", (), Some(&[("trace_id", trace_id)].into_py_dict(py)?))
    }

    /// The metrics of the filter that is asked.
    #[getter]
    fn metrics(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.host(py, "metrics")
    }

    /// A state may hold the exchange: the garbage collector must see the circle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Whoever holds the lock uses the exchange, so it is no garbage yet.
        let Ok(inner) = self.0.try_lock() else { return Ok(()) };
        inner.states.iter().flatten().try_for_each(|state| visit.call(state))?;
        visit.call(&inner.shared)
    }

    fn __clear__(&self) {
        self.forget();
    }

    fn __repr__(&self) -> String {
        let inner = self.inner();
        let request = &inner.exchange.request;
        match inner.phase {
            Some(_) => format!("<exchange {} {}{}>", request.method.as_str(), request.authority, request.path),
            None => "<exchange, over>".to_owned(),
        }
    }
}

/// The fields of one message.
pub fn fields(exchange: &core::Exchange, message: Message) -> &Fields {
    match message {
        Message::Request => &exchange.request.fields,
        Message::Attempt => &exchange.attempt.head.fields,
        Message::Reply => &exchange.reply.fields,
        Message::Response => &exchange.response.fields,
        Message::RequestTrailers => &exchange.request_trailers,
        Message::ResponseTrailers => &exchange.response_trailers,
    }
}

/// The same, to be changed. A reply is never changed: `Exchange::write` refuses.
pub fn fields_mut(exchange: &mut core::Exchange, message: Message) -> &mut Fields {
    match message {
        Message::Request => &mut exchange.request.fields,
        Message::Attempt => &mut exchange.attempt.head.fields,
        Message::Reply => &mut exchange.reply.fields,
        Message::Response => &mut exchange.response.fields,
        Message::RequestTrailers => &mut exchange.request_trailers,
        Message::ResponseTrailers => &mut exchange.response_trailers,
    }
}

/// The head of a request or of an attempt.
pub fn head(exchange: &core::Exchange, message: Message) -> &RequestHead {
    if message == Message::Attempt { &exchange.attempt.head } else { &exchange.request }
}
