//! A chain, and one exchange's way through it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::exchange::Exchange;
use super::filter::{
    Close, FailureVerdict, Filter, FilterBuilder, FilterError, Phases, RequestVerdict, Respond, Slot, Step,
};
use super::tries::TryRules;
use crate::plan::PlanError;
use crate::plan::document::FilterUse;
use crate::respond::Failure;
use crate::telemetry::log;

/// The filters of one route, in request order.
#[derive(Default)]
pub struct Chain {
    pub(super) links: Box<[Link]>,
    interest: Phases,
    /// Apart: few chains have any.
    try_rules: Option<Box<TryRules>>,
}

pub(super) struct Link {
    pub(super) filter: Arc<dyn Filter>,
    pub(super) phases: Phases,
    fail_open: bool,
}

/// What the filters remember of one exchange.
#[derive(Default)]
pub struct Run {
    pub(super) slots: Vec<Slot>,
    /// Filters that failed open: not asked again in this exchange.
    skipped: Vec<bool>,
    /// A filter keeps the request's head back until it has seen the body.
    pub holds_head: bool,
}

#[derive(Clone, Copy)]
enum Order {
    Request,
    Response,
}

// === impl Chain ===

impl Chain {
    /// Builds every filter of a route.
    pub fn build(filters: &[FilterUse], builder: &dyn FilterBuilder) -> Result<Self, PlanError> {
        let mut links = Vec::new();
        let mut left = filters;
        while let [first, ..] = left {
            let (filter, count) = builder.build_segment(left)?;
            // A segment of several applies their policies itself: what it reports as failed has failed closed.
            links.push(Link::new(filter, count == 1 && first.fail_open));
            left = left.get(count.max(1)..).unwrap_or_default();
        }
        let links = links.into_boxed_slice();
        let interest = links.iter().fold(Phases::NONE, |all, link| all | link.phases);
        let rules = links.iter().fold(TryRules::default(), |all, link| all.and(&link.filter.try_rules()));
        let try_rules = (rules != TryRules::default()).then(|| Box::new(rules));
        Ok(Self { links, interest, try_rules })
    }

    /// Some filter defines one of these phases.
    pub fn wants(&self, phases: Phases) -> bool {
        self.interest.any(phases)
    }

    /// What its filters ask of every try; none: nothing.
    pub fn try_rules(&self) -> Option<&TryRules> {
        self.try_rules.as_deref()
    }

    /// A fresh memory for one exchange; allocates only when there are filters.
    pub fn start(&self) -> Run {
        let mut run = Run::default();
        run.slots.resize_with(self.links.len(), || None);
        run.skipped.resize(self.links.len(), false);
        run
    }

    /// The peer is known, nothing was read yet.
    pub async fn on_connect(&self, run: &mut Run, exchange: &mut Exchange) -> Result<Option<Close>, Failure> {
        self.each(run, exchange, Phases::CONNECT, Order::Request, |filter, step, cx| filter.on_connect(step, cx)).await
    }

    /// The request's head is known.
    pub async fn on_request(&self, run: &mut Run, exchange: &mut Exchange) -> Result<Option<Respond>, Failure> {
        let mut holds = false;
        let answer = self
            .each(run, exchange, Phases::REQUEST, Order::Request, |filter, step, cx| {
                filter.on_request(step, cx).map_ok(|verdict| match verdict {
                    RequestVerdict::Continue => None,
                    RequestVerdict::Hold => {
                        holds = true;
                        None
                    }
                    RequestVerdict::Respond(answer) => Some(answer),
                })
            })
            .await?;
        run.holds_head = holds;
        Ok(answer)
    }

    /// A try is about to be made.
    pub async fn on_attempt(&self, run: &mut Run, exchange: &mut Exchange) -> Result<(), Failure> {
        self.each(run, exchange, Phases::ATTEMPT, Order::Request, |filter, step, cx| {
            filter.on_attempt(step, cx).map_ok(|()| None::<()>)
        })
        .await
        .map(|_| ())
    }

    /// A try has failed; the first filter with an opinion decides.
    pub async fn on_failure(
        &self,
        run: &mut Run,
        exchange: &mut Exchange,
        failure: &Failure,
    ) -> Result<Option<FailureVerdict>, Failure> {
        self.each(run, exchange, Phases::FAILURE, Order::Request, |filter, step, cx| {
            filter.on_failure(step, failure, cx)
        })
        .await
    }

    /// The reply's head has become the response.
    pub async fn on_response(&self, run: &mut Run, exchange: &mut Exchange) -> Result<Option<Respond>, Failure> {
        self.each(run, exchange, Phases::RESPONSE, Order::Response, |filter, step, cx| filter.on_response(step, cx))
            .await
    }

    /// The exchange is over. Every filter that defines the phase is told, exactly once.
    pub fn on_done(&self, run: &mut Run, exchange: &mut Exchange) {
        if !self.wants(Phases::DONE) {
            return;
        }
        for (link, slot) in self.links.iter().zip(&mut run.slots) {
            if link.phases.any(Phases::DONE) {
                link.filter.on_done(Step { exchange, slot });
            }
        }
    }

    /// Asks one filter after the other until one answers.
    async fn each<V>(
        &self,
        run: &mut Run,
        exchange: &mut Exchange,
        phase: Phases,
        order: Order,
        mut ask: impl FnMut(&dyn Filter, Step<'_>, &mut Context<'_>) -> Poll<Result<Option<V>, FilterError>>,
    ) -> Result<Option<V>, Failure> {
        if !self.wants(phase) {
            return Ok(None);
        }
        let started = Instant::now();
        let count = self.links.len();
        let mut answer = Ok(None);
        for at in 0..count {
            let at = if matches!(order, Order::Request) { at } else { count - 1 - at };
            let link = &self.links[at];
            if !link.phases.any(phase) || run.skipped[at] {
                continue;
            }
            let slot = &mut run.slots[at];
            let verdict = poll_fn(|cx| ask(&*link.filter, Step { exchange, slot }, cx)).await;
            match verdict {
                Ok(None) => {}
                Ok(value) => {
                    answer = Ok(value);
                    break;
                }
                Err(error) => {
                    if let Err(failure) = self.failed(run, at, &error) {
                        answer = Err(failure);
                        break;
                    }
                }
            }
        }
        exchange.timings.filters += started.elapsed();
        answer
    }

    /// Applies the operator's policy to a filter that failed: open is skipped, closed ends the exchange.
    pub(super) fn failed(&self, run: &mut Run, at: usize, error: &FilterError) -> Result<(), Failure> {
        let link = &self.links[at];
        if link.fail_open {
            log::event(
                log::Level::Warn,
                "filter",
                "a filter failed and was skipped",
                &[("filter", &error.filter), ("error", &error.what)],
            );
            run.skipped[at] = true;
            return Ok(());
        }
        Err(Failure::new(error.flag, format!("filter {}: {}", error.filter, error.what)))
    }
}

// === impl Run ===

impl Run {
    pub(super) fn is_skipped(&self, at: usize) -> bool {
        self.skipped[at]
    }
}

// === impl Link ===

impl Link {
    fn new(filter: Arc<dyn Filter>, fail_open: bool) -> Self {
        Self { phases: filter.phases(), filter, fail_open }
    }
}
