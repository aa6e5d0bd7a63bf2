//! Conversations with a running core: a client on one side, an endpoint on the other, both scripted, both
//! real sockets on loopback. A test reads as what is said, in the order in which it is said.

#![allow(dead_code)] // each test file uses its own part of it

mod plan;
mod service;
mod talker;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dataplane::chain::{FilterBuilder, NoFilters};
use dataplane::engine::{Engine, Sockets};

pub use plan::PlanJson;
#[allow(unused_imports)] // as above
pub use service::Service;
pub use talker::{Talker, field};

/// Longer than anything here takes on a busy machine; reached only when something is not said at all.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A core with one listener and one endpoint.
pub struct Play {
    pub engine: Engine,
    pub plan: PlanJson,
    pub listener: SocketAddr,
    endpoint: TcpListener,
}

impl Play {
    /// The smallest plan, without filters.
    pub fn new() -> Self {
        Self::with(Arc::new(NoFilters), |_| {})
    }

    /// The smallest plan, changed by `edit`.
    pub fn edited(edit: impl FnOnce(&mut PlanJson)) -> Self {
        Self::with(Arc::new(NoFilters), edit)
    }

    pub fn with(filters: Arc<dyn FilterBuilder>, edit: impl FnOnce(&mut PlanJson)) -> Self {
        let (socket, endpoint) = (bind(), bind());
        let listener = socket.local_addr().unwrap();
        let mut plan = PlanJson::new(listener, endpoint.local_addr().unwrap());
        edit(&mut plan);
        let engine = Engine::new(1, filters);
        engine.apply(&plan.bytes(), Sockets::from([(listener, vec![OwnedFd::from(socket)])])).unwrap();
        Self { engine, plan, listener, endpoint }
    }

    /// Applies the plan as it is now.
    pub fn reload(&self) {
        self.engine.apply(&self.plan.bytes(), Sockets::new()).unwrap();
    }

    /// A client that has just connected.
    pub fn client(&self) -> Talker {
        Talker::new("client", std::net::TcpStream::connect(self.listener).unwrap())
    }

    /// The endpoint's end of the next connection that the core makes.
    pub fn endpoint(&self) -> Talker {
        accepted(&self.endpoint)
    }

    /// The endpoint's end of a new connection, should the core make one; none as soon as `waiting` no longer holds.
    pub fn endpoint_if(&self, waiting: impl Fn() -> bool) -> Option<Talker> {
        self.endpoint.set_nonblocking(true).unwrap();
        while waiting() {
            if let Ok((stream, _)) = self.endpoint.accept() {
                stream.set_nonblocking(false).unwrap();
                return Some(Talker::new("endpoint", stream));
            }
            a_moment(1);
        }
        None
    }

    /// A client and the endpoint that its first request has reached; both connections are open and unused again.
    pub fn acquainted(&self) -> (Talker, Talker) {
        let mut client = self.client();
        client.asks("/first");
        let mut endpoint = self.endpoint();
        endpoint.hears_head();
        endpoint.answers(200, "first");
        client.hears_response(200, "first");
        (client, endpoint)
    }

    /// Nobody has connected to the endpoint. Ask once the client has its answer.
    pub fn endpoint_was_not_asked(&self) {
        self.endpoint.set_nonblocking(true).unwrap();
        assert!(self.endpoint.accept().is_err(), "the core was expected not to connect to its endpoint");
    }

    /// The endpoint's process ends: nobody listens there any more.
    pub fn endpoint_dies(&mut self) {
        self.endpoint = bind();
    }

    /// One number of the metrics, summed over its labels.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.engine.metrics();
        let wanted = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        text.lines().filter(wanted).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// Many bytes to say.
pub static FILLER: [u8; 64 * 1024] = [b'x'; 64 * 1024];

pub fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// The endpoint's end of the next connection that the core makes to this address.
pub fn accepted(listening: &TcpListener) -> Talker {
    listening.set_nonblocking(false).unwrap();
    // accept(2) honours the receive time-out.
    socket2::SockRef::from(listening).set_read_timeout(Some(PATIENCE)).unwrap();
    match listening.accept() {
        Ok((stream, _)) => Talker::new("endpoint", stream),
        Err(error) => panic!("the core was expected to connect to its endpoint: {error}"),
    }
}

/// Only where nothing can be waited for: what the system knows, or silence itself.
#[allow(clippy::disallowed_methods)] // no data thread runs a test
pub fn a_moment(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits until something holds that nobody can tell us of.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "it was expected that {what}");
        a_moment(1);
    }
}
