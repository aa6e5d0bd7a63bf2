//! What a segment remembers of one exchange.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tokio::time::Sleep;

use super::exchange::Exchange;
use super::grave;
use super::phase::Phase;
use super::ticket::Pending;

/// Lies in the slot that the chain keeps for the segment.
pub struct Memory {
    /// Taken only by `drop`.
    exchange: Option<Py<Exchange>>,
    /// How many filters of the present phase were asked.
    pub asked: usize,
    /// Filters that failed open, as bits: not asked again in this exchange.
    pub skipped: u64,
    /// A phase that waits, and until when.
    pub waiting: Option<Waiting>,
}

/// A phase that waits.
pub struct Waiting {
    pub pending: Pending,
    pub phase: Phase,
    /// Where somebody wants to know how long it takes.
    pub since: Option<Instant>,
    limit: Option<Pin<Box<Sleep>>>,
}

// === impl Memory ===

impl Memory {
    pub fn new(py: Python<'_>, filters: &Arc<[Py<PyAny>]>) -> PyResult<Self> {
        let exchange = match grave::rise(py) {
            Some(exchange) => {
                exchange.get().restart(filters);
                exchange
            }
            None => Py::new(py, Exchange::new(Arc::clone(filters)))?,
        };
        Ok(Self { exchange: Some(exchange), asked: 0, skipped: 0, waiting: None })
    }

    /// What Python is shown.
    pub fn exchange(&self, py: Python<'_>, filters: &Arc<[Py<PyAny>]>) -> PyResult<Py<Exchange>> {
        match &self.exchange {
            Some(exchange) => Ok(exchange.clone_ref(py)),
            None => Py::new(py, Exchange::new(Arc::clone(filters))),
        }
    }

    /// Gives up a phase that waits: what it still does concerns a copy that nobody takes over.
    pub fn abandon(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Some(waiting) = self.waiting.take() {
            waiting.pending.cancel(py);
            let successor = self.exchange.as_ref().map(|given_up| given_up.get().successor(py));
            self.exchange = successor.map(|exchange| Py::new(py, exchange)).transpose()?;
        }
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            grave::bury(exchange);
        }
    }
}

// === impl Waiting ===

impl Waiting {
    pub fn new(pending: Pending, phase: Phase, limit: Duration, since: Option<Instant>) -> Self {
        let limit = (!limit.is_zero()).then(|| Box::pin(tokio::time::sleep(limit)));
        Self { pending, phase, since, limit }
    }

    /// Ready when there is an answer, or time is up.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pending.poll(cx) {
            return Poll::Ready(());
        }
        self.limit.as_mut().map_or(Poll::Pending, |limit| limit.as_mut().poll(cx))
    }
}
