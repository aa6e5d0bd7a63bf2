//! Moves one body from its source to its sink, as fast as the slower of the two.
//!
//! Direct: bytes are lent by the source and written by the sink, nothing is copied or kept.
//! Kept: what was sent stays here, up to a limit, so that another attempt can send it again.
//! Filtered: every chunk goes through the chain first.

use std::task::{Context, Poll, ready};

use crate::chain::{BodyRun, Chain, Exchange, Passed, Respond, Run};
use crate::message::{CarryError, Part, Sink, Source};
use crate::respond::{Failure, Flag};

#[cfg(test)]
mod tests;

/// Parts moved in one go before other connections of the thread get their turn.
const ROUNDS: usize = 32;

/// One body under way.
#[allow(clippy::struct_excessive_bools)] // independent facts about the two ends
pub struct Flow {
    mode: Mode,
    /// Bytes ready to be sent (and, when kept, those already sent).
    ready: Vec<u8>,
    sent: usize,
    /// The source has no more.
    source_ended: bool,
    /// Nothing will be added to `ready` any more: the filters have seen the last chunk, too.
    ended: bool,
    /// Already sent bytes stay in `ready`.
    keeps: bool,
    kept_limit: usize,
    /// The last poll stopped because the sink takes no more.
    blocked: bool,
    /// The sink has everything.
    done: bool,
    /// The sink gets no more, although it has not everything.
    abandoned: bool,
    received: u64,
    moved: u64,
    body_limit: u64,
}

enum Mode {
    Direct,
    Buffered,
    Filtered(BodyRun),
}

/// What a filtered flow needs beside the two carriers.
pub struct Filters<'a> {
    /// The route's filters.
    pub chain: &'a Chain,
    /// Their memory.
    pub run: &'a mut Run,
    /// What they see.
    pub exchange: &'a mut Exchange,
}

/// Why a flow ended early: the same error means different things at its two ends.
#[derive(Debug)]
pub enum FlowError {
    /// The side that sends the body.
    Source(CarryError),
    /// The side that receives it.
    Sink(CarryError),
    /// A filter answers the client itself.
    Answer(Respond),
    /// A filter or a limit.
    Failed(Failure),
}

// === impl Flow ===

impl Flow {
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            ready: Vec::new(),
            sent: 0,
            source_ended: false,
            ended: false,
            keeps: false,
            kept_limit: 0,
            blocked: false,
            done: false,
            abandoned: false,
            received: 0,
            moved: 0,
            body_limit: u64::MAX,
        }
    }

    /// There is no body.
    pub fn none() -> Self {
        Self { ended: true, done: true, ..Self::new(Mode::Direct) }
    }

    /// Straight through.
    pub fn direct() -> Self {
        Self::new(Mode::Direct)
    }

    /// Straight through, but what was sent can be sent again while it is no larger than `limit`.
    pub fn kept(limit: usize) -> Self {
        Self { keeps: true, kept_limit: limit, ..Self::new(Mode::Buffered) }
    }

    /// Through the filters.
    pub fn filtered(body: BodyRun, kept_limit: usize) -> Self {
        Self { keeps: kept_limit > 0, kept_limit, ..Self::new(Mode::Filtered(body)) }
    }

    /// Fails with 413 when more than this is received; 0: no limit.
    #[must_use]
    pub fn limited(mut self, bytes: u64) -> Self {
        self.body_limit = if bytes == 0 { u64::MAX } else { bytes };
        self
    }

    /// Nothing more will be sent.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The sink has everything.
    pub fn is_complete(&self) -> bool {
        self.done && !self.abandoned
    }

    /// The receiver is the one who is slow.
    pub fn waits_for_sink(&self) -> bool {
        self.blocked
    }

    /// A filter is the one who is slow.
    pub fn waits_for_filter(&self) -> bool {
        matches!(&self.mode, Mode::Filtered(body) if body.is_passing())
    }

    /// Body bytes taken from the source.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Body bytes accepted by the sink, over all attempts.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Grows whenever anything moves at either end.
    pub fn progress(&self) -> u64 {
        self.received + self.moved
    }

    /// The whole body, when all of it is here already: its length can then be declared.
    pub fn whole(&self) -> Option<u64> {
        (self.ended && !matches!(self.mode, Mode::Direct)).then_some((self.ready.len() - self.sent) as u64)
    }

    /// Everything that was taken from the source can be sent again.
    pub fn can_restart(&self) -> bool {
        self.received == 0 || self.keeps
    }

    /// Sends from the beginning, to another sink.
    pub fn restart(&mut self) {
        debug_assert!(self.can_restart());
        self.sent = 0;
        self.abandoned = false;
        self.done = matches!(self.mode, Mode::Direct) && self.ended;
    }

    /// Nothing more is sent: the sink has failed, or its side has already answered.
    pub fn abandon(&mut self) {
        self.done = true;
        self.abandoned = true;
    }

    /// Moves what can be moved now; ready when the sink has all of it.
    pub fn poll<S: Source, D: Sink>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut D,
        filters: &mut Filters<'_>,
    ) -> Poll<Result<(), FlowError>> {
        for _ in 0..ROUNDS {
            if self.done {
                return Poll::Ready(Ok(()));
            }
            let progress = match self.mode {
                Mode::Direct => self.poll_direct(cx, source, sink),
                _ => self.poll_buffered(cx, source, sink, filters),
            };
            ready!(progress)?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads the body before there is a sink, until no filter holds any of it back.
    pub fn poll_collect<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        filters: &mut Filters<'_>,
    ) -> Poll<Result<(), FlowError>> {
        loop {
            let holds = match &self.mode {
                Mode::Filtered(body) => body.is_passing() || body.is_holding() || self.received == 0,
                _ => false,
            };
            if self.ended || !holds {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_more(cx, source, filters))?;
        }
    }

    fn poll_direct<S: Source, D: Sink>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut D,
    ) -> Poll<Result<(), FlowError>> {
        if !self.ended {
            match source.poll_receive(cx) {
                Poll::Ready(Ok(Part::Data(data))) => {
                    self.blocked = true;
                    let taken = ready!(sink.poll_send(cx, data)).map_err(FlowError::Sink)?;
                    self.blocked = false;
                    source.took(taken);
                    self.moved += taken as u64;
                    return Poll::Ready(self.count(taken));
                }
                Poll::Ready(Ok(Part::End)) => self.ended = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(FlowError::Source(error))),
                Poll::Pending => {
                    ready!(self.poll_flush(cx, sink))?;
                    return Poll::Pending;
                }
            }
        }
        self.poll_finish(cx, source, sink)
    }

    fn poll_buffered<S: Source, D: Sink>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut D,
        filters: &mut Filters<'_>,
    ) -> Poll<Result<(), FlowError>> {
        if self.sent < self.ready.len() {
            self.blocked = true;
            let taken = ready!(sink.poll_send(cx, &self.ready[self.sent..])).map_err(FlowError::Sink)?;
            self.blocked = false;
            self.sent += taken;
            self.moved += taken as u64;
            if self.sent == self.ready.len() && !self.keeps {
                self.ready.clear();
                self.sent = 0;
            }
            return Poll::Ready(Ok(()));
        }
        if self.ended {
            return match &self.mode {
                Mode::Filtered(body) => self.finished(sink.poll_finish(cx, body.trailers(filters.exchange))),
                _ => self.poll_finish(cx, source, sink),
            };
        }
        if let Poll::Ready(result) = self.poll_more(cx, source, filters) {
            return Poll::Ready(result);
        }
        ready!(self.poll_flush(cx, sink))?;
        Poll::Pending
    }

    /// What the sink has accepted but not passed on is also something that its receiver does not read.
    fn poll_flush<D: Sink>(&mut self, cx: &mut Context<'_>, sink: &mut D) -> Poll<Result<(), FlowError>> {
        self.blocked = true;
        ready!(sink.poll_flush(cx)).map_err(FlowError::Sink)?;
        self.blocked = false;
        Poll::Ready(Ok(()))
    }

    fn poll_finish<S: Source, D: Sink>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut D,
    ) -> Poll<Result<(), FlowError>> {
        self.finished(sink.poll_finish(cx, source.trailers()))
    }

    fn finished(&mut self, finished: Poll<Result<(), CarryError>>) -> Poll<Result<(), FlowError>> {
        self.blocked = true;
        ready!(finished).map_err(FlowError::Sink)?;
        self.blocked = false;
        self.done = true;
        Poll::Ready(Ok(()))
    }

    /// Adds to `ready`.
    fn poll_more<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        filters: &mut Filters<'_>,
    ) -> Poll<Result<(), FlowError>> {
        if !matches!(&self.mode, Mode::Filtered(body) if body.is_passing()) {
            ready!(self.poll_chunk(cx, source, filters.exchange))?;
        }
        if let Mode::Filtered(body) = &mut self.mode {
            let Filters { chain, run, exchange } = filters;
            match ready!(body.poll_pass(cx, chain, run, exchange)).map_err(FlowError::Failed)? {
                Passed::On(bytes) => self.ready.extend_from_slice(&bytes),
                Passed::Answer(answer) => return Poll::Ready(Err(FlowError::Answer(answer))),
            }
        }
        self.ended = self.source_ended;
        self.forget_what_is_too_much();
        Poll::Ready(Ok(()))
    }

    fn poll_chunk<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        exchange: &mut Exchange,
    ) -> Poll<Result<(), FlowError>> {
        match ready!(source.poll_receive(cx)).map_err(FlowError::Source)? {
            Part::Data(data) => {
                let length = data.len();
                match &mut self.mode {
                    Mode::Filtered(body) => body.offer(data, false),
                    _ => self.ready.extend_from_slice(data),
                }
                source.took(length);
                Poll::Ready(self.count(length))
            }
            Part::End => {
                self.source_ended = true;
                if let Mode::Filtered(body) = &mut self.mode {
                    for (_, name, value) in source.trailers().iter() {
                        body.trailers_mut(exchange).push(name, value);
                    }
                    body.offer(&[], true);
                }
                Poll::Ready(Ok(()))
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), FlowError> {
        self.received += bytes as u64;
        if self.received <= self.body_limit {
            return Ok(());
        }
        let detail = format!("the body is larger than {} bytes", self.body_limit);
        Err(FlowError::Failed(Failure::new(Flag::BodyTooLarge, detail)))
    }

    /// A body over the limit is still carried, but can no longer be sent again.
    fn forget_what_is_too_much(&mut self) {
        if self.keeps && self.ready.len() > self.kept_limit {
            self.keeps = false;
            self.ready.drain(..self.sent);
            self.sent = 0;
        }
    }
}
