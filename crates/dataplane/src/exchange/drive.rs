//! Both directions of an exchange, driven by one task.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use super::flow::{Filters, Flow, FlowError};
use super::job::Job;
use crate::chain::{Chain, Respond};
use crate::engine::eagerness::Wait;
use crate::http::{Version, hop};
use crate::message::{Downstream, Part, Source, Upstream};
use crate::respond::{Failure, Flag};

/// More interim responses than any endpoint needs; they are not held back when the client does not read.
pub(super) const INTERIM: u32 = 64;

/// Why driving ended before its goal.
pub(super) enum Stop {
    Failed(Failure),
    /// A filter answers in place of the upstream.
    Answer(Respond),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<D: Downstream> Job<'_, D> {
    /// Sends the request until the reply's head is here. A sink that fails is not the end: the endpoint may
    /// have answered before it closed.
    pub(super) async fn until_reply<U: Upstream>(
        &mut self,
        chain: &Chain,
        upstream: &mut U,
        body: &mut Flow,
        mut wait: Wait<'_>,
    ) -> Result<(), Stop> {
        let mut moved = body.progress();
        self.arm();
        poll_fn(|cx| {
            if let Poll::Ready(result) = self.poll_upload(cx, chain, upstream, body) {
                result?;
            }
            if let Poll::Ready(result) = self.poll_reply(cx, upstream) {
                return Poll::Ready(result.map_err(Stop::from));
            }
            if body.is_done()
                && let Poll::Ready(error) = self.client.poll_gone(cx)
            {
                return Poll::Ready(Err(Failure::of_client(&error).into()));
            }
            wait.look_again(cx);
            let asks_leave = self.exchange.request.expects_continue && self.informed == 0 && body.received() == 0;
            self.poll_limits(cx, &mut moved, body.progress(), || {
                // Waiting for the endpoint's answer, or for its leave to send, is bounded by the route alone.
                (!body.is_done() && !asks_leave).then(|| stalled(body, Flag::BodyTimeout, Flag::UpstreamStall))
            })
            .map_err(Stop::from)
        })
        .await
    }

    /// Moves the reply's body to the client, and what is left of the request's to the upstream.
    pub(super) async fn until_delivered<U: Upstream>(
        &mut self,
        chain: &Chain,
        upstream: &mut U,
        up: &mut Flow,
        down: &mut Flow,
    ) -> Result<(), Stop> {
        let mut moved = up.progress() + down.progress();
        self.arm();
        poll_fn(|cx| {
            if let Poll::Ready(result) = self.poll_upload(cx, chain, upstream, up) {
                result?;
            }
            let mut filters = Filters { chain, run: &mut self.run, exchange: self.exchange };
            match down.poll(cx, upstream, self.client, &mut filters) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(of_download(error))),
                Poll::Pending => {}
            }
            self.poll_limits(cx, &mut moved, up.progress() + down.progress(), || {
                Some(stalled(down, Flag::UpstreamStall, Flag::ClientGone))
            })
            .map_err(Stop::from)
        })
        .await
    }

    fn poll_upload<U: Upstream>(
        &mut self,
        cx: &mut Context<'_>,
        chain: &Chain,
        upstream: &mut U,
        body: &mut Flow,
    ) -> Poll<Result<(), Stop>> {
        if body.is_done() {
            // Also what was queued before: a head without a body is flushed here. A failure shows in the reply.
            return upstream.poll_flush(cx).map(|_| Ok(()));
        }
        let mut filters = Filters { chain, run: &mut self.run, exchange: self.exchange };
        match body.poll(cx, self.client, upstream, &mut filters) {
            Poll::Ready(Err(FlowError::Sink(_))) => {
                body.abandon();
                Poll::Ready(Ok(()))
            }
            other => other.map_err(of_upload),
        }
    }

    /// The final reply's head; interim ones are passed on.
    fn poll_reply<U: Upstream>(&mut self, cx: &mut Context<'_>, upstream: &mut U) -> Poll<Result<(), Failure>> {
        loop {
            let reply = &mut self.exchange.reply;
            match upstream.poll_reply(cx, &self.exchange.request.method, reply) {
                Poll::Pending => {
                    // What was informed goes out at once; a client that cannot take it is found out later.
                    let _ = self.client.poll_flush(cx);
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Failure::of_upstream(&error))),
                Poll::Ready(Ok(())) if reply.status >= 200 => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) if reply.status == 101 => {
                    let detail = "the endpoint switches protocols unasked";
                    return Poll::Ready(Err(Failure::new(Flag::UpstreamProtocol, detail)));
                }
                Poll::Ready(Ok(())) if self.informed >= INTERIM => {
                    let detail = format!("the endpoint sends more than {INTERIM} interim responses");
                    return Poll::Ready(Err(Failure::new(Flag::UpstreamProtocol, detail)));
                }
                // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
                Poll::Ready(Ok(())) if self.exchange.request.version == Version::Http10 => {}
                Poll::Ready(Ok(())) => {
                    self.informed += 1;
                    hop::strip_hop_by_hop(&mut reply.fields);
                    self.client.inform(reply);
                }
            }
        }
    }

    /// Sets the watch to whatever comes first: the route's time-out or a stall.
    pub(super) fn arm(&mut self) {
        let stall = self.listener.limits.stall_timeout;
        let stall = (!stall.is_zero()).then(|| Instant::now() + stall);
        self.watch.set([self.limit(), stall].into_iter().flatten().min());
    }

    /// Looks at the limits when the watch fires. `moved` is what had been moved when it was armed.
    pub(super) fn poll_limits(
        &mut self,
        cx: &mut Context<'_>,
        moved: &mut u64,
        now_moved: u64,
        stall: impl FnOnce() -> Option<Failure>,
    ) -> Poll<Result<(), Failure>> {
        if self.watch.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.limit().is_some_and(|limit| Instant::now() >= limit) {
            return Poll::Ready(Err(self.timeout()));
        }
        let progressed = std::mem::replace(moved, now_moved) != now_moved;
        if !progressed && let Some(failure) = stall() {
            return Poll::Ready(Err(failure));
        }
        self.arm();
        // Registers the new deadline; it lies in the future.
        let _ = self.watch.poll(cx);
        Poll::Pending
    }
}

/// A flow that moves nothing: its source is silent, its sink does not read, or a filter does not let it pass.
pub(super) fn stalled(flow: &Flow, silent: Flag, unread: Flag) -> Failure {
    if flow.waits_for_filter() {
        Failure::new(Flag::Filter, "a filter does not let the body pass")
    } else if flow.waits_for_sink() {
        Failure::new(unread, "the receiver of the body does not read")
    } else {
        Failure::new(silent, "the sender of the body is silent")
    }
}

/// What a request's body failed with, before its sink was involved.
pub(super) fn of_upload(error: FlowError) -> Stop {
    match error {
        FlowError::Source(error) => Failure::of_client(&error).into(),
        FlowError::Sink(error) => Failure::of_upstream(&error).into(),
        FlowError::Answer(answer) => Stop::Answer(answer),
        FlowError::Failed(failure) => failure.into(),
    }
}

fn of_download(error: FlowError) -> Stop {
    match error {
        FlowError::Source(error) => Failure::of_upstream(&error).into(),
        FlowError::Sink(error) => Failure::of_client(&error).into(),
        FlowError::Answer(_) => Failure::new(Flag::Filter, "a filter answers a response that has begun").into(),
        FlowError::Failed(failure) => failure.into(),
    }
}

/// Reads and forgets a body, up to `left` bytes; ready with `true` when it has ended.
pub(super) fn poll_drain<S: Source>(cx: &mut Context<'_>, source: &mut S, left: &mut usize) -> Poll<bool> {
    loop {
        let length = match source.poll_receive(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Part::Data(data))) => data.len(),
            Poll::Ready(Ok(Part::End)) => return Poll::Ready(true),
            Poll::Ready(Err(_)) => return Poll::Ready(false),
        };
        source.took(length);
        let Some(rest) = left.checked_sub(length) else { return Poll::Ready(false) };
        *left = rest;
    }
}
