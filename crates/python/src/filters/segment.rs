//! Neighbouring filters of a route, crossed into once per phase.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use dataplane::chain::{
    BodyVerdict, Close, FailureVerdict, Filter, FilterError, Phases, RequestVerdict, Respond, Slot, Step, TryRules,
};
use dataplane::respond as core;
use pyo3::prelude::*;

use super::crossing::{Asked, Crossing, Given};
use super::memory::Memory;
use super::phase::Phase;
use super::seat::Seat;
use super::verdict::{Classes, Verdict};

/// As many as `Memory::skipped` has bits.
pub const MOST: usize = 64;

/// Filters of one kind that stand beside each other.
pub struct Segment {
    name: String,
    phases: Phases,
    try_rules: TryRules,
    pub seats: Vec<Seat>,
    /// Those on the seats, for the exchange.
    pub filters: Arc<[Py<PyAny>]>,
    pub classes: Classes,
}

type Entered = Poll<Result<Option<Verdict>, FilterError>>;

// === impl Segment ===

impl Segment {
    pub fn new(py: Python<'_>, seats: Vec<Seat>, classes: Classes) -> Self {
        let names: Vec<&str> = seats.iter().map(|seat| &*seat.name).collect();
        Self {
            name: names.join("+"),
            try_rules: seats.iter().fold(TryRules::default(), |all, seat| all.and(&seat.try_rules)),
            phases: seats.iter().fold(Phases::NONE, |all, seat| all | seat.phases),
            filters: seats.iter().map(|seat| seat.filter(py)).collect(),
            seats,
            classes,
        }
    }

    /// Asks the filters, or goes on with asking them; without the interpreter as long as one of them waits.
    fn enter(&self, step: Step<'_>, phase: Phase, given: Given<'_>, cx: &mut Context<'_>) -> Entered {
        let Step { exchange, slot } = step;
        if let Some(waiting) = memory(slot).and_then(|memory| memory.waiting.as_mut())
            && waiting.phase == phase
        {
            ready!(waiting.poll(cx));
        }
        Python::attach(|py| {
            if memory(slot).is_none() {
                *slot = Some(Box::new(Memory::new(py, &self.filters)?));
            }
            let Some(memory) = memory(slot) else { return Ok(Asked::Done(Ok(None))) };
            Crossing { py, segment: self, memory, phase, given }.cross(exchange, cx)
        })
        .map_or_else(
            |error: PyErr| Poll::Ready(Err(FilterError::new(&*self.name, error.to_string()))),
            |asked| match asked {
                Asked::Done(outcome) => Poll::Ready(outcome),
                Asked::Waits => Poll::Pending,
            },
        )
    }

    fn body(
        &self,
        step: Step<'_>,
        phase: Phase,
        chunk: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        self.enter(step, phase, Given::Chunk(chunk, last), cx).map_ok(|verdict| match verdict {
            Some(Verdict::Respond(answer)) => BodyVerdict::Respond(answer),
            _ => BodyVerdict::Continue,
        })
    }
}

impl Filter for Segment {
    fn name(&self) -> &str {
        &self.name
    }

    fn phases(&self) -> Phases {
        self.phases
    }

    fn try_rules(&self) -> TryRules {
        self.try_rules
    }

    fn on_connect(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Close>, FilterError>> {
        self.enter(step, Phase::Connect, Given::Nothing, cx).map_ok(|verdict| match verdict {
            Some(Verdict::Close(close)) => Some(close),
            _ => None,
        })
    }

    fn on_request(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<RequestVerdict, FilterError>> {
        self.enter(step, Phase::Request, Given::Nothing, cx).map_ok(|verdict| match verdict {
            Some(Verdict::Respond(answer)) => RequestVerdict::Respond(answer),
            _ => RequestVerdict::Continue,
        })
    }

    fn on_request_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        self.body(step, Phase::RequestBody, body, last, cx)
    }

    fn on_attempt(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<(), FilterError>> {
        self.enter(step, Phase::Attempt, Given::Nothing, cx).map_ok(|_| ())
    }

    fn on_failure(
        &self,
        step: Step<'_>,
        failure: &core::Failure,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<FailureVerdict>, FilterError>> {
        self.enter(step, Phase::Failure, Given::Failure(failure), cx).map_ok(|verdict| match verdict {
            Some(Verdict::Failure(verdict)) => Some(verdict),
            _ => None,
        })
    }

    fn on_response(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Respond>, FilterError>> {
        self.enter(step, Phase::Response, Given::Nothing, cx).map_ok(|verdict| match verdict {
            Some(Verdict::Respond(answer)) => Some(answer),
            _ => None,
        })
    }

    fn on_response_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        self.body(step, Phase::ResponseBody, body, last, cx)
    }

    /// Nobody waits for it: what fails is written down, what waits goes on with a copy.
    fn on_done(&self, step: Step<'_>) {
        let _ = self.enter(step, Phase::Done, Given::Nothing, &mut Context::from_waker(std::task::Waker::noop()));
    }
}

fn memory(slot: &mut Slot) -> Option<&mut Memory> {
    slot.as_mut()?.downcast_mut()
}
