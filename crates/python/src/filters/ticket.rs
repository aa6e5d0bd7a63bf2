//! How a phase that waits comes back: an `async def` phase on the asyncio thread, a blocking one on the pool.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use pyo3::prelude::*;

/// What the core keeps of it.
pub struct Pending {
    shared: Arc<Shared>,
    ticket: Py<Ticket>,
}

/// What Python is given: to be told how it went, once; later answers are discarded.
#[pyclass(frozen, module = "flatproxy.core._native")]
pub struct Ticket(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    cancelled: AtomicBool,
}

#[derive(Default)]
struct State {
    outcome: Option<PyResult<Py<PyAny>>>,
    answered: bool,
    waker: Option<Waker>,
}

// === impl Pending ===

impl Pending {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let shared = Arc::<Shared>::default();
        let ticket = Py::new(py, Ticket(Arc::clone(&shared)))?;
        Ok(Self { shared, ticket })
    }

    pub fn ticket(&self, py: Python<'_>) -> Py<Ticket> {
        self.ticket.clone_ref(py)
    }

    /// There is an answer; otherwise the task is woken when there is.
    pub fn poll(&self, cx: &Context<'_>) -> bool {
        let mut state = self.shared.state();
        if state.answered {
            return true;
        }
        state.waker = Some(cx.waker().clone());
        false
    }

    /// The answer, once.
    pub fn take(&self) -> Option<PyResult<Py<PyAny>>> {
        self.shared.state().outcome.take()
    }

    /// Nobody waits any more: what runs is told to stop.
    pub fn cancel(&self, py: Python<'_>) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
        self.shared.state().answered = true;
        let told = py.import(super::host::WAITING).and_then(|module| module.call_method1("cancel", (&self.ticket,)));
        if let Err(error) = told {
            error.write_unraisable(py, None);
        }
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, outcome: PyResult<Py<PyAny>>) {
        let (waker, late) = {
            let mut state = self.state();
            if state.answered {
                (None, Some(outcome))
            } else {
                state.answered = true;
                state.outcome = Some(outcome);
                (state.waker.take(), None)
            }
        };
        drop(late); // outside the lock: its end may run Python code
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[pymethods]
impl Ticket {
    /// The phase returned this.
    fn done(&self, verdict: Py<PyAny>) {
        self.0.answer(Ok(verdict));
    }

    /// The phase raised this.
    fn failed(&self, error: &Bound<'_, PyAny>) {
        self.0.answer(Err(PyErr::from_value(error.clone())));
    }

    /// Nobody waits any more.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }
}
