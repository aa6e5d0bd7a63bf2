//! Two tries at once: an endpoint that takes its time gets company, and the first reply wins.
//!
//! Only for requests without a body. The exchange holds the head of one attempt; that of the first is parked meanwhile.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::attempt::{Attempted, Underway};
use super::drive::{INTERIM, Stop};
use super::flow::Flow;
use super::forward::Tried;
use super::job::Job;
use crate::chain::Attempt;
use crate::http::{Method, ResponseHead};
use crate::message::{Downstream, Sink as _, Upstream};
use crate::plan::Route;
use crate::respond::{Failure, Flag};
use crate::upstream::pool::Pool;

/// The try that was made first, while the exchange is about the second.
struct Parked {
    underway: Underway,
    attempt: Attempt,
    reply: ResponseHead,
    failure: Option<Failure>,
    informed: u32,
}

/// Who has answered, and what became of the other one, if it had an end of its own.
enum Winner {
    First(Option<Failure>),
    Second,
}

impl<D: Downstream> Job<'_, D> {
    /// Waits for the first try's reply; after a while, if the filters say so, for that of a second one as well.
    pub(super) async fn race(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &mut Flow,
        tried: &mut Tried,
        mut first: Underway,
        hedge_after: Duration,
    ) -> Result<Attempted, Stop> {
        let wait = self.worker.waiting.begin(&self.exchange.peer, &pool.usual, std::time::Instant::now());
        let in_time = self.until_reply(&route.chain, &mut first.connection.wire, body, wait);
        if let Ok(outcome) = tokio::time::timeout(hedge_after, in_time).await {
            return self.came_back(pool, first, outcome);
        }
        let alone = !self.can_go_elsewhere(pool, tried)
            || self.again(route, pool, body, &Failure::of_slowness(hedge_after), false).await?.is_none();
        if alone {
            return self.come_back(route, pool, body, first).await;
        }
        let number = self.exchange.attempt.number + 1;
        let attempt = std::mem::replace(&mut self.exchange.attempt, Attempt { number, ..Attempt::default() });
        let mut parked =
            Parked { underway: first, attempt, reply: ResponseHead::default(), failure: None, informed: 0 };
        match self.accompany(route, pool, body, tried, &mut parked).await {
            // The first one has its reply already, or is the only one left.
            Ok(None) => self.unpark(route, pool, body, parked).await,
            Ok(Some(second)) => self.decide(route, pool, body, parked, second).await,
            Err(stop) => Err(stop),
        }
    }

    /// Makes a second try while the first one waits. None: the first one is to go on alone.
    async fn accompany(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &Flow,
        tried: &mut Tried,
        first: &mut Parked,
    ) -> Result<Option<Underway>, Stop> {
        let method = self.exchange.request.method.clone();
        let mut second = pin!(self.set_out(route, pool, body, tried, false));
        let set_out = poll_fn(|cx| match first.poll(cx, &method) {
            Poll::Ready(true) => Poll::Ready(None),
            _ => second.as_mut().poll(cx).map(Some),
        });
        match set_out.await {
            Some(Ok(underway)) => Ok(Some(underway)),
            Some(Err(Stop::Failed(_))) if first.failure.is_none() => Ok(None),
            Some(Err(stop)) => Err(stop),
            None => Ok(None),
        }
    }

    /// Waits for whoever answers first; the other one is cut off.
    async fn decide(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &mut Flow,
        mut first: Parked,
        mut second: Underway,
    ) -> Result<Attempted, Stop> {
        match self.until_one_replies(&mut first, &mut second).await {
            Ok(Winner::First(failure)) => {
                self.report_loser(pool, &second, failure);
                drop(second);
                self.unpark(route, pool, body, first).await
            }
            Ok(Winner::Second) => {
                self.report_loser(pool, &first.underway, first.failure.take());
                drop(first);
                self.came_back(pool, second, Ok(()))
            }
            Err(failure) => self.came_back(pool, second, Err(failure.into())),
        }
    }

    async fn until_one_replies(&mut self, first: &mut Parked, second: &mut Underway) -> Result<Winner, Failure> {
        let mut failure: Option<Failure> = None;
        let mut informed = 0;
        self.arm();
        poll_fn(|cx| {
            let method = &self.exchange.request.method;
            if first.poll(cx, method) == Poll::Ready(true) {
                return Poll::Ready(Ok(Winner::First(failure.take())));
            }
            if failure.is_none() {
                // A failure shows in the reply.
                let _ = second.connection.wire.poll_flush(cx);
                match poll_final(cx, &mut second.connection.wire, method, &mut self.exchange.reply, &mut informed) {
                    Poll::Ready(Ok(())) => return Poll::Ready(Ok(Winner::Second)),
                    Poll::Ready(Err(error)) => failure = Some(error),
                    Poll::Pending => {}
                }
            }
            if first.failure.is_some()
                && let Some(failure) = failure.take()
            {
                return Poll::Ready(Err(failure));
            }
            if let Poll::Ready(error) = self.client.poll_gone(cx) {
                return Poll::Ready(Err(Failure::of_client(&error)));
            }
            self.poll_limits(cx, &mut 0, 0, || None).map(|limit| limit.map(|()| Winner::Second))
        })
        .await
    }

    /// The exchange is about the first try again, and goes on with it alone.
    async fn unpark(&mut self, route: &Route, pool: &Pool, body: &mut Flow, first: Parked) -> Result<Attempted, Stop> {
        let number = self.exchange.attempt.number;
        // As many as were made, the second one among them.
        self.exchange.attempt = Attempt { number, ..first.attempt };
        if first.reply.status == 0 {
            return self.come_back(route, pool, body, first.underway).await;
        }
        self.exchange.reply = first.reply;
        self.came_back(pool, first.underway, Ok(()))
    }

    /// Without a failure of its own it is cut off, which says nothing about its endpoint.
    fn report_loser(&mut self, pool: &Pool, loser: &Underway, failure: Option<Failure>) {
        let cut = || Failure::new(Flag::ClientGone, "another endpoint was faster");
        self.report(pool, &loser.endpoint, &Err(failure.unwrap_or_else(cut).into()));
    }
}

// === impl Parked ===

impl Parked {
    /// Ready with `true` when its reply's head is here; with `false` when it has failed, and is not looked at any more.
    fn poll(&mut self, cx: &mut Context<'_>, method: &Method) -> Poll<bool> {
        if self.failure.is_some() {
            return Poll::Ready(false);
        }
        poll_final(cx, &mut self.underway.connection.wire, method, &mut self.reply, &mut self.informed).map(|reply| {
            self.failure = reply.err();
            self.failure.is_none()
        })
    }
}

/// The final reply's head. Interim ones are of no use to a client who does not know which endpoint will answer.
fn poll_final<U: Upstream>(
    cx: &mut Context<'_>,
    upstream: &mut U,
    method: &Method,
    reply: &mut ResponseHead,
    informed: &mut u32,
) -> Poll<Result<(), Failure>> {
    loop {
        match upstream.poll_reply(cx, method, reply) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(Failure::of_upstream(&error))),
            Poll::Ready(Ok(())) if reply.status >= 200 => return Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) if reply.status == 101 || *informed >= INTERIM => {
                let detail = "the endpoint switches protocols unasked, or sends nothing but interim responses";
                return Poll::Ready(Err(Failure::new(Flag::UpstreamProtocol, detail)));
            }
            Poll::Ready(Ok(())) => *informed += 1,
        }
    }
}
