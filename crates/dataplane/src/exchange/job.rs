//! One exchange, from a request's head to its record.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::forwarded::Forwarded;
use super::serve::Connected;
use crate::chain::{Exchange, Phases, Run};
use crate::engine::Worker;
use crate::http::{Framing, Known, Method, Version};
use crate::io::Watch;
use crate::listen::Slot;
use crate::message::Downstream;
use crate::plan::{Action, Listener, Route};
use crate::respond::{Failure, Flag};
use crate::upstream::{RequestPermit, RetryPermit};

/// What becomes of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request may come.
    Keep,
    /// It ends, orderly.
    Close,
    /// It is reset: the client must not take what it got for whole.
    Abort,
}

/// One exchange and all it works with.
pub(super) struct Job<'a, D> {
    pub(super) worker: &'a Worker,
    pub(super) slot: &'a Slot,
    pub(super) listener: &'a Listener,
    pub(super) client: &'a mut D,
    pub(super) exchange: &'a mut Exchange,
    pub(super) watch: &'a mut Watch,
    pub(super) route: Option<Arc<Route>>,
    pub(super) run: Run,
    /// The client has been sent, or is being sent, a response's head.
    pub(super) responded: bool,
    /// Interim responses passed on so far.
    pub(super) informed: u32,
    /// The connection ends after this exchange, whatever the client asked for.
    pub(super) closing: bool,
    /// The whole exchange must be over by then.
    pub(super) deadline: Option<Instant>,
    /// The present try must have its reply's head by then.
    pub(super) try_deadline: Option<Instant>,
    pub(super) permit: Option<RequestPermit>,
    /// Counts as tried again.
    pub(super) retrying: Option<RetryPermit>,
}

// === impl Job ===

impl<'a, D: Downstream> Job<'a, D> {
    pub(super) fn new(
        worker: &'a Worker,
        slot: &'a Slot,
        listener: &'a Listener,
        client: &'a mut D,
        exchange: &'a mut Exchange,
        watch: &'a mut Watch,
    ) -> Self {
        Self {
            worker,
            slot,
            listener,
            client,
            exchange,
            watch,
            route: None,
            run: Run::default(),
            responded: false,
            informed: 0,
            closing: false,
            deadline: None,
            try_deadline: None,
            permit: None,
            retrying: None,
        }
    }

    /// Answers the request that was received (or failed to be), and records how it went.
    pub(super) async fn perform(&mut self, received: Result<(), Failure>, connected: &mut Connected) -> Next {
        let outcome = match received {
            Ok(()) => self.handle(connected).await,
            Err(failure) => Err(failure),
        };
        let next = match outcome {
            Ok(next) => next,
            Err(failure) => Box::pin(self.fail(failure)).await,
        };
        self.permit = None;
        self.retrying = None;
        if let Some(route) = &self.route {
            route.chain.on_done(&mut self.run, self.exchange);
        }
        self.record();
        next
    }

    async fn handle(&mut self, connected: &mut Connected) -> Result<Next, Failure> {
        self.refuse_unsupported()?;
        let route = self.find_route()?;
        self.set_deadline(route.timeout);
        if route.chain.wants(Phases::ALL) {
            self.run = route.chain.start();
            if connected.add(&route.name) {
                let asked = self.watch.by(self.deadline, route.chain.on_connect(&mut self.run, self.exchange)).await;
                if asked.ok_or_else(|| self.timeout())??.is_some() {
                    self.exchange.flag = Flag::Deny;
                    return Ok(Next::Close);
                }
            }
            let asked = self.watch.by(self.deadline, route.chain.on_request(&mut self.run, self.exchange)).await;
            if let Some(answer) = asked.ok_or_else(|| self.timeout())?? {
                return self.answer(answer).await;
            }
        }
        match &route.action {
            Action::Forward(target) => self.forward(&route, target).await,
            Action::Split(split) => {
                let target = &split.targets[split.weights.pick(self.worker.random())];
                self.forward(&route, target).await
            }
            Action::Redirect(to) => self.redirect(&route, &to.0, &to.1).await,
            Action::Respond(response) => self.direct(&route, response).await,
        }
    }

    /// What no route can change.
    fn refuse_unsupported(&self) -> Result<(), Failure> {
        let request = &self.exchange.request;
        if request.method == Method::Connect {
            return Err(Failure::new(Flag::Unsupported, "CONNECT is not supported"));
        }
        // An offer to speak HTTP/2 may be ignored (RFC 9110 section 7.8); anything else would be misunderstood.
        let offer = request.fields.get_known(Known::Upgrade);
        if request.upgrade && !offer.is_some_and(|offer| offer.eq_ignore_ascii_case(b"h2c")) {
            return Err(Failure::new(Flag::Unsupported, "upgrades are not supported"));
        }
        if Forwarded::is_loop(request) {
            return Err(Failure::new(Flag::Loop, "the request has been through too many proxies"));
        }
        let limit = self.listener.limits.body;
        if matches!(request.framing, Framing::Length(length) if limit > 0 && length > limit) {
            return Err(Failure::new(Flag::BodyTooLarge, format!("the declared body is larger than {limit} bytes")));
        }
        Ok(())
    }

    fn find_route(&mut self) -> Result<Arc<Route>, Failure> {
        let Some(index) = self.listener.router.find(&self.exchange.request) else {
            return Err(Failure::new(Flag::NoRoute, "no route matches"));
        };
        let route = Arc::clone(&self.listener.routes[index]);
        self.exchange.route = Some(Arc::clone(&route.name));
        self.route = Some(Arc::clone(&route));
        Ok(route)
    }

    fn set_deadline(&mut self, timeout: Duration) {
        self.deadline = (!timeout.is_zero()).then(|| self.exchange.timings.started + timeout);
    }

    /// The client's connection cannot carry another exchange.
    pub(super) fn must_close(&self) -> bool {
        self.closing || !self.exchange.request.keep_alive || self.slot.is_closing()
    }

    /// Queues the response's head.
    pub(super) fn begin_response(&mut self, close: bool) {
        // An HTTP/1.0 client takes the connection for ended unless it is told otherwise (RFC 9112 section 9.3).
        if !close && self.exchange.request.version == Version::Http10 {
            self.exchange.response.fields.push_known(Known::Connection, b"connection", b"keep-alive");
        }
        self.responded = true;
        self.client.respond(&self.exchange.response, close);
    }

    /// Reads what is left of the request's body, if that is little; otherwise the connection must end.
    pub(super) async fn settle(&mut self, close: bool) -> Next {
        if close {
            return Next::Close;
        }
        if self.client.is_received() {
            return Next::Keep;
        }
        let client = &mut *self.client;
        let mut left = super::local::DRAINED_BYTES;
        let drained =
            self.watch.within(super::local::DRAIN, poll_fn(|cx| super::drive::poll_drain(cx, client, &mut left)));
        if drained.await == Some(true) { Next::Keep } else { Next::Close }
    }

    /// The end of the exchange's time, or of the present try's.
    pub(super) fn limit(&self) -> Option<Instant> {
        match (self.deadline, self.try_deadline) {
            (Some(all), Some(one)) => Some(all.min(one)),
            (all, one) => all.or(one),
        }
    }

    /// Time is up: which one?
    pub(super) fn timeout(&self) -> Failure {
        if self.try_deadline.is_some() && self.deadline.is_none_or(|deadline| Instant::now() < deadline) {
            return Failure::new(Flag::AttemptTimeout, "no reply within the time of a try");
        }
        let limit = self.route.as_ref().map_or(Duration::ZERO, |route| route.timeout);
        Failure::new(Flag::Timeout, format!("not done within {limit:?}"))
    }
}
