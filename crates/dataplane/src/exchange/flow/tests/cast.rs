//! Both ends of a body, scripted, and filters that do what their names say.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Waker;

use super::super::*;
use crate::chain::{BodyVerdict, Filter, FilterBuilder, FilterError, Peer, Phases, Step};
use crate::http::Fields;
use crate::http::h1::BodyError;
use crate::plan::PlanError;
use crate::plan::document::FilterUse;

/// What a scripted source does when it is asked next.
pub(super) enum Says {
    Data(&'static str),
    Nothing,
    Breaks,
}

/// Says what is in its script, then ends.
pub(super) struct Mouth {
    pub(super) script: VecDeque<Says>,
    pub(super) used: usize,
    pub(super) trailers: Fields,
}

impl Mouth {
    pub(super) fn new(script: impl IntoIterator<Item = Says>) -> Self {
        Self { script: script.into_iter().collect(), used: 0, trailers: Fields::default() }
    }
}

impl Source for Mouth {
    fn poll_receive(&mut self, _cx: &mut Context<'_>) -> Poll<Result<Part<'_>, CarryError>> {
        match self.script.front() {
            None => Poll::Ready(Ok(Part::End)),
            Some(Says::Data(data)) => Poll::Ready(Ok(Part::Data(&data.as_bytes()[self.used..]))),
            Some(Says::Breaks) => Poll::Ready(Err(BodyError::Cut.into())),
            Some(Says::Nothing) => {
                self.script.pop_front();
                Poll::Pending
            }
        }
    }

    fn took(&mut self, bytes: usize) {
        self.used += bytes;
        if matches!(self.script.front(), Some(Says::Data(data)) if self.used == data.len()) {
            self.script.pop_front();
            self.used = 0;
        }
    }

    fn trailers(&mut self) -> &Fields {
        &self.trailers
    }

    fn is_received(&self) -> bool {
        self.script.is_empty()
    }
}

/// Hears as many bytes as there is room for.
pub(super) struct Ear {
    pub(super) heard: String,
    pub(super) room: usize,
    pub(super) flushes: bool,
    pub(super) broken: bool,
    pub(super) finished: Option<usize>,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self { heard: String::new(), room: usize::MAX, flushes: true, broken: false, finished: None }
    }

    pub(super) fn with_room(room: usize) -> Self {
        Self { room, ..Self::new() }
    }
}

impl Sink for Ear {
    fn poll_send(&mut self, _cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, CarryError>> {
        let taken = data.len().min(self.room);
        if self.broken {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe).into()));
        }
        if taken == 0 {
            return Poll::Pending;
        }
        self.room -= taken;
        self.heard.push_str(std::str::from_utf8(&data[..taken]).expect("tests speak text"));
        Poll::Ready(Ok(taken))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>, trailers: &Fields) -> Poll<Result<(), CarryError>> {
        self.finished = Some(trailers.iter().count());
        self.poll_flush(cx)
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), CarryError>> {
        if self.flushes { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

/// What a route brings along.
pub(super) struct Stage {
    chain: Chain,
    run: Run,
    exchange: Exchange,
}

impl Stage {
    pub(super) fn new() -> Self {
        let chain = Chain::default();
        Self { run: chain.start(), chain, exchange: Exchange::new(Arc::new(Peer::unknown())) }
    }

    pub(super) fn filtered(name: &str) -> Self {
        let filter = FilterUse { name: name.into(), options: Vec::new(), fail_open: false, timeout_ms: 0 };
        let chain = Chain::build(&[filter], &Troupe).expect("every name is a filter of this test");
        Self { run: chain.start(), chain, ..Self::new() }
    }

    fn filters(&mut self) -> Filters<'_> {
        Filters { chain: &self.chain, run: &mut self.run, exchange: &mut self.exchange }
    }

    pub(super) fn moves(&mut self, flow: &mut Flow, from: &mut Mouth, to: &mut Ear) -> Poll<Result<(), FlowError>> {
        flow.poll(&mut Context::from_waker(Waker::noop()), from, to, &mut self.filters())
    }

    pub(super) fn collects(&mut self, flow: &mut Flow, from: &mut Mouth) -> Poll<Result<(), FlowError>> {
        flow.poll_collect(&mut Context::from_waker(Waker::noop()), from, &mut self.filters())
    }

    pub(super) fn flow(&self, limit: usize) -> Flow {
        Flow::filtered(BodyRun::request(&self.chain, limit), 0)
    }
}

/// `loud` shouts, `holds` keeps everything until the end, `stuck` never goes on.
struct Troupe;

struct Player(String);

impl FilterBuilder for Troupe {
    fn build(&self, filter: &FilterUse) -> Result<Arc<dyn Filter>, PlanError> {
        Ok(Arc::new(Player(filter.name.clone())))
    }
}

impl Filter for Player {
    fn name(&self) -> &str {
        &self.0
    }

    fn phases(&self) -> Phases {
        Phases::REQUEST_BODY
    }

    fn on_request_body(
        &self,
        _step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        _cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        match self.0.as_str() {
            "stuck" => return Poll::Pending,
            "holds" if !last => return Poll::Ready(Ok(BodyVerdict::Hold)),
            "answers" => {
                return Poll::Ready(Ok(BodyVerdict::Respond(Respond {
                    status: 403,
                    headers: Vec::new(),
                    body: Vec::new(),
                })));
            }
            _ => body.make_ascii_uppercase(),
        }
        Poll::Ready(Ok(BodyVerdict::Continue))
    }
}
