//! The contract between the core and a filter.
//!
//! A phase is polled: a filter that must wait returns `Pending`, keeps the waker, and is asked again.
//! An answer is a value of the phase's own type, so that a verdict which is illegal there cannot be written.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::exchange::Exchange;
use super::identity::IdentityMap;
use super::tries::TryRules;
use crate::plan::PlanError;
use crate::plan::document::FilterUse;
use crate::respond::{Failure, Flag};

/// A set of the eight phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases(u8);

/// Private to one filter for one exchange.
pub type Slot = Option<Box<dyn Any + Send>>;

/// What a phase gets to see.
pub struct Step<'a> {
    /// The exchange as it stands.
    pub exchange: &'a mut Exchange,
    /// What this filter remembers of it.
    pub slot: &'a mut Slot,
}

/// The connection ends, nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close;

/// An answer of the filter's own; the upstream is not asked, or its reply is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respond {
    /// 200..=599.
    pub status: u16,
    /// Checked field lines.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// What `on_request` may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestVerdict {
    /// Carry on.
    Continue,
    /// Keep the head back until `on_request_body` says `Continue`.
    Hold,
    /// Answer the client.
    Respond(Respond),
}

/// What a body phase may answer. The bytes themselves are edited in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyVerdict {
    /// Pass the bytes on.
    Continue,
    /// Keep them and ask again with more; illegal with the last chunk.
    Hold,
    /// Answer the client; only while no response has begun.
    Respond(Respond),
}

/// What `on_failure` may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureVerdict {
    /// Try again, after that time.
    Retry(Duration),
    /// Answer the client.
    Respond(Respond),
}

/// The filter itself failed; the operator's policy (closed or open) decides what that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Which one of a segment.
    pub filter: Arc<str>,
    /// What went wrong, for the log.
    pub what: String,
    /// `Filter`, or `Overload` where it never got its turn.
    pub flag: Flag,
}

/// One filter with its options on one route, or a segment of several; shared by all data threads.
///
/// Every phase has a default, and only those named by `phases` are entered.
#[allow(unused_variables, missing_docs)] // DESIGN section 6 is the table of phases
pub trait Filter: Send + Sync {
    fn name(&self) -> &str;
    fn phases(&self) -> Phases;

    /// Asked once, when a chain is built.
    fn try_rules(&self) -> TryRules {
        TryRules::default()
    }

    fn on_connect(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Close>, FilterError>> {
        Poll::Ready(Ok(None))
    }
    fn on_request(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<RequestVerdict, FilterError>> {
        Poll::Ready(Ok(RequestVerdict::Continue))
    }
    fn on_request_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        Poll::Ready(Ok(BodyVerdict::Continue))
    }
    fn on_attempt(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<(), FilterError>> {
        Poll::Ready(Ok(()))
    }
    fn on_failure(
        &self,
        step: Step<'_>,
        failure: &Failure,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<FailureVerdict>, FilterError>> {
        Poll::Ready(Ok(None))
    }
    fn on_response(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Respond>, FilterError>> {
        Poll::Ready(Ok(None))
    }
    fn on_response_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        Poll::Ready(Ok(BodyVerdict::Continue))
    }
    fn on_done(&self, step: Step<'_>) {}
}

/// Makes filters from what the plan says of them; each host (python, wasm) brings its own.
pub trait FilterBuilder: Send + Sync {
    /// Builds one filter, or says why not.
    fn build(&self, filter: &FilterUse) -> Result<Arc<dyn Filter>, PlanError>;

    /// Builds one filter that stands for the first of these, or a segment that stands for as many of them as it says,
    /// so that they are crossed into once. A segment applies the policy of each of its filters itself.
    fn build_segment(&self, filters: &[FilterUse]) -> Result<(Arc<dyn Filter>, usize), PlanError> {
        match filters {
            [first, ..] => Ok((self.build(first)?, 1)),
            [] => Err(PlanError::new("a segment has at least one filter")),
        }
    }

    /// Who clients are taken for, where somebody else than their certificates has a say.
    fn identity_map(&self) -> Option<Arc<dyn IdentityMap>> {
        None
    }

    /// Runs the whole life of a data thread, with what the filters need around it.
    fn accompany(&self, thread: &mut (dyn FnMut() + Send)) {
        thread();
    }
}

/// A core without any filter host.
pub struct NoFilters;

// === impl Phases ===

#[allow(missing_docs)]
impl Phases {
    pub const NONE: Phases = Phases(0);
    pub const CONNECT: Phases = Phases(1);
    pub const REQUEST: Phases = Phases(1 << 1);
    pub const REQUEST_BODY: Phases = Phases(1 << 2);
    pub const ATTEMPT: Phases = Phases(1 << 3);
    pub const FAILURE: Phases = Phases(1 << 4);
    pub const RESPONSE: Phases = Phases(1 << 5);
    pub const RESPONSE_BODY: Phases = Phases(1 << 6);
    pub const DONE: Phases = Phases(1 << 7);
    pub const ALL: Phases = Phases(0xff);

    /// Any phase of `other` is in this set.
    pub fn any(self, other: Phases) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for Phases {
    type Output = Phases;
    fn bitor(self, other: Phases) -> Phases {
        Phases(self.0 | other.0)
    }
}

// === impl FilterError ===

impl FilterError {
    /// A filter that broke its contract.
    pub fn new(filter: impl Into<Arc<str>>, what: impl Into<String>) -> Self {
        Self { filter: filter.into(), what: what.into(), flag: Flag::Filter }
    }
}

// === impl NoFilters ===

impl FilterBuilder for NoFilters {
    fn build(&self, filter: &FilterUse) -> Result<Arc<dyn Filter>, PlanError> {
        Err(PlanError::new(format!("filter {}: no filter host is installed", filter.name)))
    }
}
