//! A request on its way to an upstream: one attempt after the other until there is a reply.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::attempt::Attempted;
use super::drive::{Stop, of_upload, poll_drain, stalled};
use super::flow::{Filters, Flow};
use super::job::{Job, Next};
use super::local::DRAINED_BYTES;
use crate::chain::{BodyRun, FailureVerdict, Phases, TryRules};
use crate::http::{Framing, ResponseHead};
use crate::message::{Downstream, Source as _};
use crate::plan::{Route, Target};
use crate::respond::{Failure, Flag, Retryable, Source};
use crate::upstream::connect::refused;
use crate::upstream::pool::Pool;

/// Endpoints tried when no connection can be made at all; nothing was sent, so the client need not know.
const CONNECT_TRIES: usize = 3;
/// An end to what filters may ask for.
const ATTEMPTS: u32 = 16;

/// Endpoints that were tried already.
pub(super) type Tried = SmallVec<[SocketAddr; 4]>;

impl<D: Downstream> Job<'_, D> {
    pub(super) async fn forward(&mut self, route: &Route, target: &Arc<Target>) -> Result<Next, Failure> {
        let pool = self.worker.pool(target);
        self.exchange.upstream = Some(Arc::clone(&target.name));
        let cells = target.cells.of(self.worker.index());
        self.permit = Some(target.cluster.admit().map_err(|overload| refused(overload, cells))?);
        let mut body = self.request_flow(route);
        let outcome = match self.collect(route, &mut body).await {
            Ok(()) => self.attempts(route, &pool, &mut body).await,
            Err(stop) => Err(stop),
        };
        match outcome {
            Ok(attempted) => self.deliver(route, &pool, attempted, body).await,
            Err(Stop::Answer(answer)) => {
                self.exchange.bytes_in = body.received();
                self.answer(answer).await
            }
            Err(Stop::Failed(failure)) => {
                self.exchange.bytes_in = body.received();
                Err(failure)
            }
        }
    }

    async fn attempts(&mut self, route: &Route, pool: &Pool, body: &mut Flow) -> Result<Attempted, Stop> {
        let rules = route.chain.try_rules();
        let mut tried = Tried::new();
        let mut stale = false;
        loop {
            self.exchange.attempt.number += 1;
            let limit = rules.map(|rules| rules.timeout).filter(|limit| !limit.is_zero());
            self.try_deadline = limit.map(|limit| Instant::now() + limit);
            let outcome = self.attempt(route, pool, body, &mut tried, stale).await;
            let (failure, attempted) = match outcome {
                Ok(attempted) if !self.reply_fails(rules) => return Ok(attempted),
                Ok(attempted) => (Failure::of_reply(self.exchange.reply.status), Some(attempted)),
                Err(Stop::Failed(failure)) if failure.source() != Source::Client => (failure, None),
                Err(stop) => return Err(stop),
            };
            self.try_deadline = None;
            let safe = match failure.retryable {
                Retryable::Always => tried.len() < CONNECT_TRIES && self.can_go_elsewhere(pool, &tried),
                Retryable::IfIdempotent => !stale && self.exchange.request.method.is_idempotent(),
                Retryable::Never => false,
            };
            stale = failure.retryable == Retryable::IfIdempotent;
            match (self.again(route, pool, body, &failure, safe).await?, attempted) {
                (None, Some(attempted)) => return Ok(attempted),
                (None, None) => return Err(Stop::Failed(failure)),
                (Some(after), attempted) => {
                    if let Some(attempted) = attempted {
                        self.let_go(pool, attempted, body).await;
                    }
                    self.wait(after).await?;
                }
            }
            self.exchange.reply = ResponseHead::default();
            body.restart();
        }
    }

    /// A filter takes this status for a failure.
    fn reply_fails(&mut self, rules: Option<&TryRules>) -> bool {
        self.try_deadline = None;
        rules.is_some_and(|rules| rules.failure_statuses.contains(self.exchange.reply.status))
    }

    /// Asks the filters whether, and after what time, there is another try; without their word `safe` decides.
    pub(super) async fn again(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &Flow,
        failure: &Failure,
        safe: bool,
    ) -> Result<Option<Duration>, Stop> {
        let cluster = &pool.target().cluster;
        let in_time = failure.flag != Flag::Timeout;
        let possible = in_time && body.can_restart() && self.exchange.attempt.number < ATTEMPTS;
        self.exchange.attempt.replayable = possible;
        self.exchange.attempt.usage = cluster.usage();
        let asked = route.chain.on_failure(&mut self.run, self.exchange, failure);
        let asked = self.watch.by(self.deadline, asked).await;
        match asked.ok_or_else(|| self.timeout())?? {
            Some(FailureVerdict::Respond(answer)) => Err(Stop::Answer(answer)),
            Some(FailureVerdict::Retry(after)) if possible => {
                // From now on, so that those who wait for their next try are counted, too.
                self.retrying = self.retrying.take().or_else(|| cluster.retry());
                Ok(Some(after))
            }
            None if possible && safe => Ok(Some(Duration::ZERO)),
            _ => Ok(None),
        }
    }

    async fn wait(&mut self, time: Duration) -> Result<(), Failure> {
        if !time.is_zero() {
            let waited = self.watch.by(self.deadline, tokio::time::sleep(time)).await;
            waited.ok_or_else(|| self.timeout())?;
        }
        Ok(())
    }

    /// Drops a reply that the client will not get. Its connection is kept where the rest of it is here already.
    async fn let_go(&mut self, pool: &Pool, attempted: Attempted, body: &Flow) {
        let Attempted { mut connection, active } = attempted;
        drop(active);
        let mut left = DRAINED_BYTES;
        let drained = poll_fn(|cx| Poll::Ready(poll_drain(cx, &mut connection.wire, &mut left).is_ready())).await;
        if drained && self.exchange.reply.keep_alive && body.is_complete() && connection.wire.is_received() {
            pool.put(connection);
        }
    }

    /// How this request's body is moved: as directly as its filters, and the wish to send it again, allow.
    fn request_flow(&self, route: &Route) -> Flow {
        let limits = &self.listener.limits;
        let asks = route.chain.wants(Phases::FAILURE);
        let flow = if self.exchange.request.framing == Framing::None {
            Flow::none()
        } else if route.chain.wants(Phases::REQUEST_BODY) {
            Flow::filtered(BodyRun::request(&route.chain, limits.held_body), if asks { limits.held_body } else { 0 })
        } else if asks || self.exchange.request.method.is_idempotent() {
            Flow::kept(limits.held_body)
        } else {
            Flow::direct()
        };
        flow.limited(limits.body)
    }

    /// While a filter keeps the head back, its body is read; a client that waits for leave to send it gets it from us.
    async fn collect(&mut self, route: &Route, body: &mut Flow) -> Result<(), Stop> {
        if !self.run.holds_head || body.is_done() {
            return Ok(());
        }
        if self.exchange.request.expects_continue {
            self.informed += 1;
            self.client.inform(&ResponseHead { status: 100, ..ResponseHead::default() });
            self.exchange.request.fields.remove_known(crate::http::Known::Expect);
        }
        let mut moved = body.progress();
        self.arm();
        poll_fn(|cx| {
            let _ = self.client.poll_flush(cx);
            let mut filters = Filters { chain: &route.chain, run: &mut self.run, exchange: self.exchange };
            match body.poll_collect(cx, self.client, &mut filters) {
                Poll::Ready(collected) => Poll::Ready(collected.map_err(of_upload)),
                Poll::Pending => self
                    .poll_limits(cx, &mut moved, body.progress(), || {
                        Some(stalled(body, Flag::BodyTimeout, Flag::UpstreamStall))
                    })
                    .map_err(Stop::from),
            }
        })
        .await
    }
}
