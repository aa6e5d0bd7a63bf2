//! One scripted exchange through real filters and the real chain, without sockets: what a filter's own test runs on.
//!
//! The order of the phases is that of `exchange/job.rs` in the core; client and upstream are a script.

mod tries;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use dataplane::chain::{BodyRun, Chain, Exchange, Passed, Peer, Phases, Respond, Run};
use dataplane::http::{Fields, Framing, Method};
use dataplane::plan::document::FilterUse;
use dataplane::respond::{self, Failure, Flag};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::filters::{PythonFilters, clock};
use crate::refused;

type Lines = Vec<(Vec<u8>, Vec<u8>)>;

/// What happens around the filters.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Script {
    request: Asked,
    peer: Caller,
    /// One per attempt; the last one stands for all that follow.
    answers: Vec<Answer>,
    route: String,
    upstream: String,
    held_body: usize,
    /// How busy the upstream is: requests under way, and those of them that are tried again.
    active: u32,
    retrying: u32,
    /// Seconds on the filters' clock.
    now: f64,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Asked {
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    headers: Lines,
    body: Vec<Vec<u8>>,
    trailers: Lines,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Caller {
    address: String,
    port: u16,
    identity: Option<String>,
    secure: bool,
}

/// A reply, or the flag of a failure.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Answer {
    failure: Option<String>,
    status: u16,
    headers: Lines,
    body: Vec<Vec<u8>>,
    trailers: Lines,
    /// Seconds until it comes.
    after: f64,
}

/// What a service would have got.
#[derive(IntoPyObject)]
struct Sent {
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    headers: Lines,
    body: Vec<u8>,
    trailers: Lines,
}

/// How it went.
#[derive(IntoPyObject)]
pub struct Driven {
    closed: bool,
    status: u16,
    headers: Lines,
    body: Vec<u8>,
    trailers: Lines,
    flag: String,
    detail: String,
    attempts: Vec<Sent>,
    /// Seconds that the filters' clock has gone on.
    waited: f64,
}

/// Why an exchange ends before its script does.
enum End {
    Closed,
    Answered(Respond),
    Failed(Failure),
}

/// One exchange under way.
struct Stage {
    script: Script,
    chain: Chain,
    run: Run,
    exchange: Exchange,
    attempts: Vec<Sent>,
    /// The request's, as filters have left it.
    body: Vec<u8>,
    /// Which of the script's answers the present try gets, and how much later than a first one it was made.
    answering: usize,
    head_start: Duration,
    waited: f64,
}

/// Sends a scripted request through these filters: instance, whether it fails open, milliseconds for a phase.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn drive(py: Python<'_>, filters: Vec<(Py<PyAny>, bool, u64)>, script: Script) -> PyResult<Driven> {
    let uses: Vec<FilterUse> = (0..filters.len())
        .map(|place| FilterUse {
            name: place.to_string(),
            options: place.to_string().into_bytes(),
            fail_open: filters[place].1,
            timeout_ms: filters[place].2,
        })
        .collect();
    let instances: HashMap<_, _> =
        filters.iter().enumerate().map(|(place, (filter, ..))| (place.to_string(), filter.clone_ref(py))).collect();
    let builder = PythonFilters::default();
    builder.offer(instances, None);
    let chain = Chain::build(&uses, &builder).map_err(|error| refused(&error))?;
    let exchange = begin(&script)?;
    let stage = Stage {
        run: chain.start(),
        chain,
        exchange,
        attempts: Vec::new(),
        body: Vec::new(),
        answering: 0,
        head_start: Duration::ZERO,
        waited: 0.0,
        script,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    py.detach(|| clock::fixed(stage.script.now, || runtime.block_on(stage.play())))
}

fn begin(script: &Script) -> PyResult<Exchange> {
    let address: IpAddr = script
        .peer
        .address
        .parse()
        .map_err(|_| PyValueError::new_err(format!("{:?} is not an IP address", script.peer.address)))?;
    let mut peer = Peer::at(SocketAddr::new(address, script.peer.port));
    peer.identity = script.peer.identity.as_deref().map(Into::into);
    peer.secure = script.peer.secure;
    let mut exchange = Exchange::new(Arc::new(peer));
    let request = &mut exchange.request;
    request.method = Method::of(&script.request.method);
    request.authority.clone_from(&script.request.host);
    request.path.clone_from(&script.request.path);
    request.query.clone_from(&script.request.query);
    request.framing = if script.request.body.is_empty() { Framing::None } else { Framing::Chunked };
    request.keep_alive = true;
    push_all(&mut request.fields, &script.request.headers);
    exchange.route = Some(script.route.as_str().into());
    Ok(exchange)
}

// === impl Stage ===

impl Stage {
    async fn play(mut self) -> PyResult<Driven> {
        let (body, closed, detail) = match self.exchange().await {
            Ok(body) => (body, false, String::new()),
            Err(End::Closed) => {
                self.exchange.flag = Flag::Deny;
                (Vec::new(), true, String::new())
            }
            Err(End::Answered(answer)) => {
                if answer.status >= 400 {
                    self.exchange.flag = Flag::Deny;
                }
                let exchange = &mut self.exchange;
                (respond::answer(answer, &exchange.request.method, &mut exchange.response), false, String::new())
            }
            Err(End::Failed(failure)) => {
                let exchange = &mut self.exchange;
                exchange.flag = failure.flag;
                let method = &exchange.request.method;
                let body = respond::failure_response(&failure, method, &mut exchange.response);
                (body, false, failure.detail)
            }
        };
        self.exchange.bytes_out = body.len() as u64;
        self.chain.on_done(&mut self.run, &mut self.exchange);
        let flag = self.exchange.flag;
        Ok(Driven {
            closed,
            status: if closed { 0 } else { self.exchange.response.status },
            headers: lines(&self.exchange.response.fields),
            body,
            trailers: lines(&self.exchange.response_trailers),
            flag: if flag == Flag::None { String::new() } else { flag.label().to_owned() },
            detail,
            attempts: self.attempts,
            waited: self.waited,
        })
    }

    async fn exchange(&mut self) -> Result<Vec<u8>, End> {
        if self.chain.on_connect(&mut self.run, &mut self.exchange).await?.is_some() {
            return Err(End::Closed);
        }
        if let Some(answer) = self.chain.on_request(&mut self.run, &mut self.exchange).await? {
            return Err(End::Answered(answer));
        }
        self.exchange.upstream = Some(self.script.upstream.as_str().into());
        let reply = self.attempt().await?;
        self.exchange.response.clone_from(&self.exchange.reply);
        if let Some(answer) = self.chain.on_response(&mut self.run, &mut self.exchange).await? {
            return Err(End::Answered(answer));
        }
        self.pass(BodyRun::response(&self.chain, self.script.held_body), Phases::RESPONSE_BODY, reply).await
    }

    /// The request's body, which follows the head of the first try.
    async fn request_body(&mut self) -> Result<Vec<u8>, End> {
        let chunks = self.script.request.body.clone();
        push_all(&mut self.exchange.request_trailers, &self.script.request.trailers);
        self.exchange.bytes_in = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        self.pass(BodyRun::request(&self.chain, self.script.held_body), Phases::REQUEST_BODY, chunks).await
    }

    /// Sends chunks through the filters that want to see bodies.
    async fn pass(&mut self, mut body: BodyRun, phase: Phases, chunks: Vec<Vec<u8>>) -> Result<Vec<u8>, End> {
        if !self.chain.wants(phase) {
            return Ok(chunks.concat());
        }
        let mut passed = Vec::new();
        let count = chunks.len();
        for (place, chunk) in chunks.iter().enumerate() {
            body.offer(chunk, place + 1 == count);
            let poll = |cx: &mut Context<'_>| body.poll_pass(cx, &self.chain, &mut self.run, &mut self.exchange);
            match std::future::poll_fn(poll).await? {
                Passed::On(bytes) => passed.extend_from_slice(&bytes),
                Passed::Answer(answer) => return Err(End::Answered(answer)),
            }
        }
        Ok(passed)
    }

    /// Nobody sleeps in a test: the clock goes on.
    fn wait(&mut self, time: Duration) {
        self.waited += time.as_secs_f64();
        clock::set(self.script.now + self.waited);
    }

    fn sent(&self) -> Sent {
        let head = &self.exchange.attempt.head;
        Sent {
            method: head.method.as_str().to_owned(),
            host: head.authority.clone(),
            path: head.path.clone(),
            query: head.query.clone(),
            headers: lines(&head.fields),
            body: self.body.clone(),
            trailers: lines(&self.exchange.request_trailers),
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        End::Failed(failure)
    }
}

fn push_all(fields: &mut Fields, lines: &Lines) {
    for (name, value) in lines {
        fields.push(name, value);
    }
}

fn lines(fields: &Fields) -> Lines {
    fields.iter().map(|(_, name, value)| (name.to_vec(), value.to_vec())).collect()
}
