//! One exchange as filters see it: the four messages, never mixed, and what is known around them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http::{Fields, RequestHead, ResponseHead};
use crate::respond::Flag;
use crate::upstream::Usage;

/// The other end of the client's connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where it connected from.
    pub address: SocketAddr,
    /// The address without its port, as `X-Forwarded-For` wants it.
    pub address_text: Box<str>,
    /// Its SPIFFE id, from a verified certificate.
    pub identity: Option<Arc<str>>,
    /// What the client certificate header tells the upstream.
    pub certificate: Option<Arc<str>>,
    /// The connection is encrypted.
    pub secure: bool,
}

/// The request as it goes to one endpoint.
#[derive(Debug, Default)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Its head: the request's, made fit for the upstream.
    pub head: RequestHead,
    /// Where it goes.
    pub endpoint: Option<SocketAddr>,
    /// After a failure: all of the request's body is still there, so that it could be sent again.
    pub replayable: bool,
    /// After a failure: how busy the upstream is, over all data threads.
    pub usage: Usage,
}

/// How long each stage took; the access log's durations.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// The request's head was complete.
    pub started: Instant,
    /// Spent in filters.
    pub filters: Duration,
    /// Spent until a connection to an endpoint was there.
    pub connect: Duration,
    /// From sending the last attempt to its reply's head.
    pub upstream: Duration,
}

/// One request and all that follows from it.
#[derive(Debug)]
pub struct Exchange {
    /// Who asks.
    pub peer: Arc<Peer>,
    /// From the client.
    pub request: RequestHead,
    /// To the upstream, one per try.
    pub attempt: Attempt,
    /// From the upstream.
    pub reply: ResponseHead,
    /// To the client.
    pub response: ResponseHead,
    /// Name of the route, once it is known.
    pub route: Option<Arc<str>>,
    /// Name of the upstream, once one is chosen.
    pub upstream: Option<Arc<str>>,
    /// How it ended.
    pub flag: Flag,
    /// Body bytes received from the client.
    pub bytes_in: u64,
    /// Body bytes sent to the client.
    pub bytes_out: u64,
    /// When what happened.
    pub timings: Timings,
    /// The trace it belongs to, for the logs; empty: none.
    pub trace_id: String,
    /// What followed the request's body, where filters see bodies.
    pub request_trailers: Fields,
    /// What follows the response's body, where filters see bodies.
    pub response_trailers: Fields,
    /// What the phases of each filter took, in the order of asking; kept once a filter wants to know.
    pub filter_times: Option<Vec<(Arc<str>, Duration)>>,
}

// === impl Exchange ===

impl Exchange {
    /// An exchange of that peer, about to begin.
    pub fn new(peer: Arc<Peer>) -> Self {
        Self {
            peer,
            request: RequestHead::default(),
            attempt: Attempt::default(),
            reply: ResponseHead::default(),
            response: ResponseHead::default(),
            route: None,
            upstream: None,
            flag: Flag::None,
            bytes_in: 0,
            bytes_out: 0,
            timings: Timings::now(),
            trace_id: String::new(),
            request_trailers: Fields::default(),
            response_trailers: Fields::default(),
            filter_times: None,
        }
    }

    /// Becomes a copy of another one, in the memory that is there: for a filter that goes on while the core waits.
    pub fn copy(&mut self, other: &Exchange) {
        self.peer = Arc::clone(&other.peer);
        self.request.clone_from(&other.request);
        self.attempt.number = other.attempt.number;
        self.attempt.endpoint = other.attempt.endpoint;
        self.attempt.replayable = other.attempt.replayable;
        self.attempt.usage = other.attempt.usage;
        self.attempt.head.clone_from(&other.attempt.head);
        self.reply.clone_from(&other.reply);
        self.response.clone_from(&other.response);
        self.route.clone_from(&other.route);
        self.upstream.clone_from(&other.upstream);
        self.flag = other.flag;
        self.bytes_in = other.bytes_in;
        self.bytes_out = other.bytes_out;
        self.timings = other.timings;
        self.trace_id.clone_from(&other.trace_id);
        self.filter_times.clone_from(&other.filter_times);
        self.request_trailers.clone_from(&other.request_trailers);
        self.response_trailers.clone_from(&other.response_trailers);
    }

    /// Forgets the exchange, keeps the memory of its messages for the next one.
    pub fn restart(&mut self, peer: &Arc<Peer>) {
        if !Arc::ptr_eq(&self.peer, peer) {
            self.peer = Arc::clone(peer);
        }
        self.request.clear();
        self.attempt.number = 0;
        self.attempt.endpoint = None;
        self.attempt.head.clear();
        self.reply.clear();
        self.response.clear();
        self.route = None;
        self.upstream = None;
        self.flag = Flag::None;
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.trace_id.clear();
        self.filter_times = None;
        self.request_trailers.clear();
        self.response_trailers.clear();
    }

    /// A filter's phase took that long.
    pub fn filter_took(&mut self, filter: &Arc<str>, time: Duration) {
        let Some(times) = &mut self.filter_times else { return };
        match times.iter_mut().find(|(known, _)| Arc::ptr_eq(known, filter)) {
            Some((_, sum)) => *sum += time,
            None => times.push((Arc::clone(filter), time)),
        }
    }
}

// === impl Peer ===

impl Peer {
    /// A peer of whom nothing is known.
    pub fn unknown() -> Self {
        Self::at(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0))
    }

    /// A peer of whom nothing but its address is known.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            address_text: address.ip().to_canonical().to_string().into(),
            identity: None,
            certificate: None,
            secure: false,
        }
    }
}

// === impl Timings ===

impl Timings {
    /// Everything starts now.
    pub fn now() -> Self {
        let zero = Duration::ZERO;
        Self { started: Instant::now(), filters: zero, connect: zero, upstream: zero }
    }
}
