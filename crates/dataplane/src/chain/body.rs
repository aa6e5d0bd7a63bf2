//! A body on its way through the filters that want to see it.
//!
//! Chunks go through the filters one after the other; each may edit, hold or answer. What a filter
//! holds is kept here, up to the listener's limit, and is shown to it again with more behind it.

use std::task::{Context, Poll, ready};

use super::exchange::Exchange;
use super::filter::{BodyVerdict, Filter, FilterError, Phases, Respond, Step};
use super::run::{Chain, Run};
use crate::http::Fields;
use crate::respond::{Failure, Flag};

/// One direction's filtered body.
pub struct BodyRun {
    phase: Phases,
    /// What each filter holds, by its place in the chain.
    held: Vec<Vec<u8>>,
    limit: usize,
    /// The chunk that is under way, and where.
    passing: Option<Passing>,
}

struct Passing {
    bytes: Vec<u8>,
    last: bool,
    /// Filters already passed.
    place: usize,
    /// What the present filter holds has been put in front.
    shown: bool,
}

/// What came of one chunk.
#[derive(Debug, PartialEq, Eq)]
pub enum Passed {
    /// These bytes may go on (perhaps none yet).
    On(Vec<u8>),
    /// A filter answers the client itself.
    Answer(Respond),
}

// === impl BodyRun ===

impl BodyRun {
    /// The request's body, filters in request order.
    pub fn request(chain: &Chain, limit: usize) -> Self {
        Self::new(chain, Phases::REQUEST_BODY, limit)
    }

    /// The response's body, filters in reverse.
    pub fn response(chain: &Chain, limit: usize) -> Self {
        Self::new(chain, Phases::RESPONSE_BODY, limit)
    }

    fn new(chain: &Chain, phase: Phases, limit: usize) -> Self {
        Self { phase, held: vec![Vec::new(); chain.links.len()], limit, passing: None }
    }

    /// A chunk is under way: finish it with `poll_pass` before the next is offered.
    pub fn is_passing(&self) -> bool {
        self.passing.is_some()
    }

    /// Some filter keeps bytes back.
    pub fn is_holding(&self) -> bool {
        self.held.iter().any(|held| !held.is_empty())
    }

    /// What follows the body: the sender's, as the filters have left it.
    pub fn trailers<'a>(&self, exchange: &'a Exchange) -> &'a Fields {
        if self.phase == Phases::REQUEST_BODY { &exchange.request_trailers } else { &exchange.response_trailers }
    }

    /// The same, to be changed.
    pub fn trailers_mut<'a>(&self, exchange: &'a mut Exchange) -> &'a mut Fields {
        if self.phase == Phases::REQUEST_BODY {
            &mut exchange.request_trailers
        } else {
            &mut exchange.response_trailers
        }
    }

    /// The next chunk.
    pub fn offer(&mut self, chunk: &[u8], last: bool) {
        self.passing = Some(Passing { bytes: chunk.to_vec(), last, place: 0, shown: false });
    }

    /// Sends the chunk through the filters.
    pub fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        chain: &Chain,
        run: &mut Run,
        exchange: &mut Exchange,
    ) -> Poll<Result<Passed, Failure>> {
        let count = chain.links.len();
        let Some(mut passing) = self.passing.take() else { return Poll::Ready(Ok(Passed::On(Vec::new()))) };
        while passing.place < count {
            let at = if self.phase == Phases::REQUEST_BODY { passing.place } else { count - 1 - passing.place };
            if !chain.links[at].phases.any(self.phase) || run.is_skipped(at) {
                passing.place += 1;
                continue;
            }
            self.show_held(&mut passing, at);
            let before = passing.bytes.len();
            let step = Step { exchange, slot: &mut run.slots[at] };
            let Poll::Ready(verdict) = ask(self.phase, &*chain.links[at].filter, step, &mut passing, cx) else {
                self.passing = Some(passing);
                return Poll::Pending;
            };
            match settle(chain, run, at, verdict, passing.last)? {
                BodyVerdict::Continue => {
                    self.check_size(passing.bytes.len(), before)?;
                    (passing.place, passing.shown) = (passing.place + 1, false);
                }
                BodyVerdict::Hold => {
                    self.hold(at, passing.bytes)?;
                    return Poll::Ready(Ok(Passed::On(Vec::new())));
                }
                BodyVerdict::Respond(answer) => return Poll::Ready(Ok(Passed::Answer(answer))),
            }
        }
        Poll::Ready(Ok(Passed::On(passing.bytes)))
    }

    fn show_held(&mut self, passing: &mut Passing, at: usize) {
        if !std::mem::replace(&mut passing.shown, true) && !self.held[at].is_empty() {
            let mut bytes = std::mem::take(&mut self.held[at]);
            bytes.append(&mut passing.bytes);
            passing.bytes = bytes;
        }
    }

    /// What a filter makes of a chunk is bounded as what it holds is.
    fn check_size(&self, made: usize, given: usize) -> Result<(), Failure> {
        if made <= self.limit.max(given) {
            return Ok(());
        }
        let what = format!("a filter made {made} bytes of {given} of a body, {} are allowed", self.limit);
        Err(Failure::new(Flag::Filter, what))
    }

    fn hold(&mut self, at: usize, body: Vec<u8>) -> Result<(), Failure> {
        self.held[at] = body;
        let total: usize = self.held.iter().map(Vec::len).sum();
        if total <= self.limit {
            return Ok(());
        }
        let flag = if self.phase == Phases::REQUEST_BODY { Flag::BodyTooLarge } else { Flag::Filter };
        Err(Failure::new(flag, format!("filters hold {total} bytes of a body, {} are allowed", self.limit)))
    }
}

/// A failed filter that fails open lets the chunk pass as it is.
fn settle(
    chain: &Chain,
    run: &mut Run,
    at: usize,
    verdict: Result<BodyVerdict, FilterError>,
    last: bool,
) -> Result<BodyVerdict, Failure> {
    let verdict = match verdict {
        Ok(BodyVerdict::Hold) if last => {
            Err(FilterError::new(chain.links[at].filter.name(), "holds a body that is complete"))
        }
        other => other,
    };
    verdict.or_else(|error| chain.failed(run, at, &error).map(|()| BodyVerdict::Continue))
}

fn ask(
    phase: Phases,
    filter: &dyn Filter,
    step: Step<'_>,
    passing: &mut Passing,
    cx: &mut Context<'_>,
) -> Poll<Result<BodyVerdict, FilterError>> {
    let (body, last) = (&mut passing.bytes, passing.last);
    let verdict = if phase == Phases::REQUEST_BODY {
        ready!(filter.on_request_body(step, body, last, cx))
    } else {
        ready!(filter.on_response_body(step, body, last, cx))
    };
    Poll::Ready(verdict)
}
