//! One crossing into Python: the filters of a segment asked in turn, with the interpreter attached.

use std::task::Context;
use std::time::Instant;

use dataplane::chain::{self as core, FilterError};
use dataplane::respond;
use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::exchange::Exchange;
use super::failure::Failure;
use super::memory::{Memory, Waiting};
use super::phase::Phase;
use super::seat::{Manner, Method, Seat};
use super::segment::Segment;
use super::ticket::Pending;
use super::verdict::Verdict;
use super::{crossings, host, watch};

/// What a phase is given beside the exchange.
pub enum Given<'a> {
    Nothing,
    Failure(&'a respond::Failure),
    /// A piece of a body, and whether it is the last; what a filter returns stands in its place.
    Chunk(&'a mut Vec<u8>, bool),
}

/// What came of asking the filters.
pub enum Asked {
    Done(Result<Option<Verdict>, FilterError>),
    Waits,
}

/// How one filter's turn went.
enum Turn {
    Returned(PyResult<Py<PyAny>>),
    Waits(Pending),
    Overloaded,
}

pub struct Crossing<'a, 'py> {
    pub py: Python<'py>,
    pub segment: &'a Segment,
    pub memory: &'a mut Memory,
    pub phase: Phase,
    pub given: Given<'a>,
}

// === impl Crossing ===

impl Crossing<'_, '_> {
    /// Lends the exchange to Python, asks, and takes it back; what waits goes on with a copy.
    pub fn cross(mut self, exchange: &mut core::Exchange, cx: &mut Context<'_>) -> PyResult<Asked> {
        crossings::count();
        let resumed = self.resume(exchange)?;
        let object = self.memory.exchange(self.py, &self.segment.filters)?;
        let lent = object.get();
        lent.lend(exchange, self.phase);
        match self.ask_all(&object, resumed) {
            Ok(outcome) => {
                lent.take_back(exchange);
                self.memory.asked = 0;
                Ok(Asked::Done(outcome))
            }
            Err(mut waiting) => {
                lent.leave_copy(exchange);
                if self.phase == Phase::Done {
                    return Ok(Asked::Done(Ok(None)));
                }
                // So that it knows whom to wake; an answer that is there already is found by the next poll.
                if waiting.poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                self.memory.waiting = Some(waiting);
                Ok(Asked::Waits)
            }
        }
    }

    /// What a filter that waited has come to, if there is one, and since when it did.
    fn resume(&mut self, exchange: &mut core::Exchange) -> PyResult<Option<(Turn, Option<Instant>)>> {
        let Some(waiting) = &self.memory.waiting else { return Ok(None) };
        if waiting.phase != self.phase {
            // The core has given that phase up: time was up, or the client is gone.
            self.memory.asked = 0;
            self.memory.abandon(self.py)?;
            return Ok(None);
        }
        let since = waiting.since;
        if let Some(outcome) = waiting.pending.take() {
            self.memory.waiting = None;
            self.memory.exchange(self.py, &self.segment.filters)?.get().take_over(exchange);
            return Ok(Some((Turn::Returned(outcome), since)));
        }
        self.memory.abandon(self.py)?;
        let late = format!("{} was not done in time", self.phase.method());
        Ok(Some((Turn::Returned(Err(PyTimeoutError::new_err(late))), since)))
    }

    /// Asks one filter after the other until one answers, fails closed, or waits (`Err`).
    fn ask_all(
        &mut self,
        object: &Py<Exchange>,
        mut resumed: Option<(Turn, Option<Instant>)>,
    ) -> Result<Result<Option<Verdict>, FilterError>, Waiting> {
        let seats = &self.segment.seats;
        while self.memory.asked < seats.len() {
            let asked = self.memory.asked;
            let at = if self.phase.is_reverse() { seats.len() - 1 - asked } else { asked };
            let seat = &seats[at];
            let Some(method) = seat.method(self.phase).filter(|_| self.memory.skipped & (1 << at) == 0) else {
                self.memory.asked += 1;
                continue;
            };
            let measured = object.get().seat(at);
            let (turn, since) = resumed.take().unwrap_or_else(|| {
                let since = measured.then(Instant::now);
                (self.ask(seat, method, object), since)
            });
            if let Some(since) = since.filter(|_| !matches!(turn, Turn::Waits(_))) {
                object.get().took(&seat.name, since.elapsed());
            }
            let failed = match turn {
                Turn::Waits(pending) => return Err(Waiting::new(pending, self.phase, seat.limit, since)),
                Turn::Overloaded => seat.overloaded(self.py, self.phase),
                Turn::Returned(returned) => match self.judge(returned) {
                    Ok(None) => {
                        self.memory.asked += 1;
                        continue;
                    }
                    Ok(verdict) => return Ok(Ok(verdict)),
                    Err(error) => seat.failed(self.py, self.phase, &error),
                },
            };
            self.memory.asked += 1;
            if !seat.fail_open {
                return Ok(Err(failed));
            }
            self.memory.skipped |= 1 << at;
        }
        Ok(Ok(None))
    }

    fn ask(&self, seat: &Seat, method: &Method, object: &Py<Exchange>) -> Turn {
        match method.manner {
            Manner::Inline => Turn::Returned(watch::within(self.py, seat.limit, || self.call(method, object))),
            Manner::Async | Manner::Blocking => {
                self.start(method, object).unwrap_or_else(|error| Turn::Returned(Err(error)))
            }
        }
    }

    fn call(&self, method: &Method, object: &Py<Exchange>) -> PyResult<Py<PyAny>> {
        let (py, call) = (self.py, method.call.bind(self.py));
        let returned = match &self.given {
            Given::Nothing => call.call1((object,)),
            Given::Failure(failure) => call.call1((object, seen(object, failure)?)),
            Given::Chunk(chunk, last) => call.call1((object, PyBytes::new(py, chunk), *last)),
        };
        returned.map(Bound::unbind)
    }

    /// Has the phase run where it may wait.
    fn start(&self, method: &Method, object: &Py<Exchange>) -> PyResult<Turn> {
        let (py, call) = (self.py, &method.call);
        let partial = py.import("functools")?.getattr("partial")?;
        let call = match &self.given {
            Given::Nothing => partial.call1((call, object)),
            Given::Failure(failure) => partial.call1((call, object, seen(object, failure)?)),
            Given::Chunk(chunk, last) => partial.call1((call, object, PyBytes::new(py, chunk), *last)),
        }?;
        let pending = Pending::new(py)?;
        let blocking = method.manner == Manner::Blocking;
        let started = py.import(host::WAITING)?.call_method1("start", (call, pending.ticket(py), blocking))?;
        Ok(if started.is_truthy()? { Turn::Waits(pending) } else { Turn::Overloaded })
    }

    /// A verdict that ends the asking; the bytes of a body only take the chunk's place.
    fn judge(&mut self, returned: PyResult<Py<PyAny>>) -> PyResult<Option<Verdict>> {
        let verdict = self.segment.classes.judge(self.phase, returned?.bind(self.py))?;
        match (verdict, &mut self.given) {
            (Some(Verdict::Body(bytes)), Given::Chunk(chunk, _)) => {
                **chunk = bytes;
                Ok(None)
            }
            (verdict, _) => Ok(verdict),
        }
    }
}

fn seen(object: &Py<Exchange>, failure: &respond::Failure) -> PyResult<Failure> {
    object.get().read(|exchange| Failure::of(failure, exchange))
}
