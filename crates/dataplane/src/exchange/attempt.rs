//! One attempt: an endpoint, a connection to it, the request on it, the head of its reply.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::drive::Stop;
use super::flow::Flow;
use super::forward::Tried;
use super::job::Job;
use crate::http::Framing;
use crate::message::{Downstream, Upstream};
use crate::plan::Route;
use crate::plan::document::HashKey;
use crate::respond::{Failure, Flag, Retryable};
use crate::telemetry::metrics;
use crate::upstream::connect::connect;
use crate::upstream::pool::{Connection, Pool};
use crate::upstream::{Active, Endpoint, Outcome, hash};

/// An attempt whose reply has begun.
pub(super) struct Attempted {
    pub(super) connection: Connection,
    /// Counts as load on the endpoint until it is dropped.
    pub(super) active: Active,
}

/// An attempt whose request is on its way.
pub(super) struct Underway {
    pub(super) connection: Connection,
    active: Active,
    pub(super) endpoint: Arc<Endpoint>,
    asked: Instant,
}

impl<D: Downstream> Job<'_, D> {
    /// One try, up to its reply's head. `fresh`: the last try failed on a kept connection, so this one gets a new one.
    pub(super) async fn attempt(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &mut Flow,
        tried: &mut Tried,
        fresh: bool,
    ) -> Result<Attempted, Stop> {
        let underway = self.set_out(route, pool, body, tried, fresh).await?;
        let hedge_after = route.chain.try_rules().map(|rules| rules.hedge_after).unwrap_or_default();
        if !hedge_after.is_zero() && body.is_done() {
            return Box::pin(self.race(route, pool, body, tried, underway, hedge_after)).await;
        }
        self.come_back(route, pool, body, underway).await
    }

    /// Picks an endpoint and sends it the request's head.
    pub(super) async fn set_out(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &Flow,
        tried: &mut Tried,
        fresh: bool,
    ) -> Result<Underway, Stop> {
        // A stale connection may be the first sign of a dying endpoint, so another one is better; but a key
        // leads to its endpoint for a reason.
        let keyed = pool.target().cluster.hash_key().is_some();
        let endpoint = self.pick(pool, if fresh && keyed { &[] } else { tried })?;
        self.exchange.attempt.endpoint = Some(endpoint.address);
        tried.push(endpoint.address);
        let active = endpoint.begin();
        let mut connection = self.connection(pool, &endpoint, fresh).await.inspect_err(|failure| {
            if failure.flag != Flag::Overload {
                pool.target().cluster.report(&endpoint, Outcome::Failure);
            }
        })?;
        self.prepare(route, body);
        let asked = self.watch.by(self.limit(), route.chain.on_attempt(&mut self.run, self.exchange)).await;
        asked.ok_or_else(|| self.timeout())??;
        connection.wire.request(&self.exchange.attempt.head);
        Ok(Underway { connection, active, endpoint, asked: Instant::now() })
    }

    /// Sends what is left of the request, and waits for the reply's head.
    pub(super) async fn come_back(
        &mut self,
        route: &Route,
        pool: &Pool,
        body: &mut Flow,
        mut underway: Underway,
    ) -> Result<Attempted, Stop> {
        let wait = self.worker.waiting.begin(&self.exchange.peer, &pool.usual, underway.asked);
        let outcome = self.until_reply(&route.chain, &mut underway.connection.wire, body, wait).await;
        self.came_back(pool, underway, outcome)
    }

    /// Writes down how it went.
    pub(super) fn came_back(
        &mut self,
        pool: &Pool,
        underway: Underway,
        outcome: Result<(), Stop>,
    ) -> Result<Attempted, Stop> {
        let Underway { connection, active, endpoint, asked } = underway;
        let took = asked.elapsed();
        pool.usual.took(took);
        self.exchange.timings.upstream = took;
        self.report(pool, &endpoint, &outcome);
        outcome.map_err(|stop| soften(stop, &connection))?;
        Ok(Attempted { connection, active })
    }

    /// There is an endpoint that was not tried yet.
    pub(super) fn can_go_elsewhere(&self, pool: &Pool, tried: &[std::net::SocketAddr]) -> bool {
        self.pick(pool, tried).is_ok_and(|endpoint| !tried.contains(&endpoint.address))
    }

    fn pick(&self, pool: &Pool, tried: &[std::net::SocketAddr]) -> Result<Arc<Endpoint>, Failure> {
        let cluster = &pool.target().cluster;
        let key = cluster.hash_key().map(|key| self.hash_key(key));
        self.worker
            .pick(cluster, key, tried)
            .ok_or_else(|| Failure::new(Flag::NoEndpoint, format!("upstream {} has no endpoint", pool.target().name)))
    }

    fn hash_key(&self, key: &HashKey) -> u64 {
        let request = &self.exchange.request;
        match key {
            HashKey::Header(name) => hash(request.fields.get(name.as_bytes()).unwrap_or_default()),
            HashKey::Path => hash(request.path.as_bytes()),
            HashKey::Source => match self.exchange.peer.address.ip() {
                std::net::IpAddr::V4(address) => hash(&address.octets()),
                std::net::IpAddr::V6(address) => hash(&address.octets()),
            },
            HashKey::Peer => hash(self.exchange.peer.identity.as_deref().unwrap_or_default().as_bytes()),
        }
    }

    async fn connection(&mut self, pool: &Pool, endpoint: &Arc<Endpoint>, fresh: bool) -> Result<Connection, Failure> {
        let cells = pool.target().cells.of(self.worker.index());
        if !fresh && let Some(connection) = pool.take(endpoint.address) {
            cells.reused.increment();
            self.exchange.timings.connect = Duration::ZERO;
            return Ok(connection);
        }
        let started = Instant::now();
        // Boxed: most attempts find a connection, and need not carry the memory for making one.
        let connecting = Box::pin(connect(pool, endpoint, self.listener.limits.wire, cells));
        let made = self.watch.by(self.limit(), connecting).await;
        self.exchange.timings.connect = started.elapsed();
        made.unwrap_or_else(|| Err(self.timeout()))
    }

    /// Makes the attempt's head from the request's.
    fn prepare(&mut self, route: &Route, body: &Flow) {
        let exchange = &mut *self.exchange;
        let head = &mut exchange.attempt.head;
        head.clone_from(&exchange.request);
        if let Some(length) = body.whole().filter(|_| exchange.request_trailers.is_empty()) {
            head.framing = Framing::Length(length);
        } else if route.chain.wants(crate::chain::Phases::REQUEST_BODY) && head.framing != Framing::None {
            head.framing = Framing::Chunked;
        }
        // Before anything is rewritten: the upstream is told what the client asked for.
        self.listener.forwarded.apply(head, &exchange.peer, || self.worker.make_id());
        route.rewrite(head);
        if let (true, Some(endpoint)) = (head.authority.is_empty(), exchange.attempt.endpoint) {
            // HTTP/1.0 knows requests without a host, HTTP/1.1 does not.
            head.authority = endpoint.to_string();
        }
        route.edit_request(&mut head.fields);
    }

    pub(super) fn report(&self, pool: &Pool, endpoint: &Endpoint, outcome: &Result<(), Stop>) {
        let took = self.exchange.timings.upstream;
        let (health, counted) = match outcome {
            Ok(()) if self.exchange.reply.status >= 500 => (Some(Outcome::Failure), metrics::Outcome::ServerError),
            Ok(()) => (Some(Outcome::Success), metrics::Outcome::Success),
            Err(Stop::Failed(failure)) => match failure.flag {
                Flag::UpstreamReset => (Some(Outcome::Failure), metrics::Outcome::Reset),
                Flag::UpstreamProtocol => (Some(Outcome::Failure), metrics::Outcome::Protocol),
                Flag::Timeout | Flag::AttemptTimeout | Flag::UpstreamStall => {
                    (Some(Outcome::Failure), metrics::Outcome::Timeout)
                }
                _ => (None, metrics::Outcome::Cancelled),
            },
            Err(Stop::Answer(_)) => (None, metrics::Outcome::Cancelled),
        };
        if let Some(health) = health {
            pool.target().cluster.report(endpoint, health);
        }
        let cells = pool.target().cells.of(self.worker.index());
        cells.attempt(counted, outcome.is_ok().then_some(took));
    }
}

/// A kept connection may have been closed by its endpoint before the request arrived: as long as no byte of
/// a reply was seen, an idempotent request may be sent again (RFC 9112 section 9.3.1).
fn soften(stop: Stop, connection: &Connection) -> Stop {
    match stop {
        Stop::Failed(failure)
            if failure.flag == Flag::UpstreamReset && connection.reused && !connection.wire.has_replied() =>
        {
            Stop::Failed(failure.retryable(Retryable::IfIdempotent))
        }
        other => other,
    }
}
