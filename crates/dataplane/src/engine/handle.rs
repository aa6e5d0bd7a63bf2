//! The engine: what holds the data threads together.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Sender, channel};

use super::control::Control;
use super::thread::{Command, run};
use super::worker::Worker;
use crate::chain::FilterBuilder;
use crate::plan::{Materials, Plan, PlanError, document};
use crate::telemetry::{AccessLog, Registry, log};

/// Listening sockets by address, one per data thread.
pub type Sockets = HashMap<SocketAddr, Vec<OwnedFd>>;

/// How long the access log may take to write what is left when the engine stops.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Commands that may wait for a data thread: it takes each within a turn of its loop.
const COMMANDS: usize = 16;

/// The data plane as a whole.
pub struct Engine {
    workers: usize,
    filters: Arc<dyn FilterBuilder>,
    registry: Arc<Registry>,
    /// One change at a time; the data threads never take this lock.
    state: Mutex<State>,
    draining: AtomicBool,
}

#[derive(Default)]
struct State {
    plan: Option<Arc<Plan>>,
    log: Option<Arc<AccessLog>>,
    threads: Vec<Thread>,
    control: Option<Control>,
}

struct Thread {
    commands: Sender<Command>,
    open: Arc<AtomicUsize>,
    handle: JoinHandle<()>,
}

// === impl Engine ===

impl Engine {
    /// An engine that will serve with that many data threads, once it has a plan.
    pub fn new(workers: usize, filters: Arc<dyn FilterBuilder>) -> Self {
        let workers = workers.max(1);
        let registry = Registry::new(workers);
        Self { workers, filters, registry, state: Mutex::default(), draining: AtomicBool::new(false) }
    }

    /// Serves by this plan from now on; running exchanges finish on theirs. On an error nothing has changed.
    ///
    /// `sockets` must hold those of every address that is not served yet.
    pub fn apply(&self, bytes: &[u8], mut sockets: Sockets) -> Result<(), PlanError> {
        let document = Plan::read(bytes)?;
        let mut state = self.state();
        self.check_sockets(&document, state.plan.as_deref(), &sockets)?;
        let log = self.access_log(&mut state, &document.access_log)?;
        let plan = Arc::new(self.compile(&document, state.plan.as_deref(), &log)?);
        log.switch(&document.access_log)?;
        if state.threads.is_empty() {
            state.control = Some(Control::start(Arc::clone(&self.registry))?);
            state.threads = self.start(&log)?;
        }
        let fresh = new_sockets(&plan, state.plan.as_deref(), &mut sockets, self.workers)?;
        let done: Vec<_> = state
            .threads
            .iter()
            .zip(fresh)
            .map(|(thread, sockets)| thread.tell(|told| Command::Apply(Arc::clone(&plan), sockets, told)))
            .collect();
        if let Some(control) = &state.control {
            control.watch(&plan);
        }
        self.registry.retain(&document);
        state.plan = Some(plan);
        for done in done {
            // A data thread that has ended has said why in the log.
            let _ = done.recv();
        }
        Ok(())
    }

    /// Compiles a plan and drops it: nothing is started, nothing changes.
    pub fn check(bytes: &[u8], filters: &dyn FilterBuilder) -> Result<(), PlanError> {
        let document = Plan::read(bytes)?;
        let log = AccessLog::start(&document::AccessLog::Off, 1)?;
        let registry = Registry::new(1);
        let materials = Materials { previous: None, filters, registry: &registry, workers: 1, access_log: &log };
        Plan::compile(&document, &materials).map(drop)
    }

    /// No new connections, no new exchanges; `true` when all that ran were over before the deadline.
    pub fn drain(&self, deadline: Duration) -> bool {
        self.draining.store(true, Ordering::Relaxed);
        let done: Vec<_> = self.state().threads.iter().map(|thread| thread.tell(Command::Drain)).collect();
        let until = Instant::now() + deadline;
        done.into_iter().all(|done| done.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok())
    }

    /// Ends everything, at once.
    pub fn stop(&self) {
        let mut state = self.state();
        state.control = None;
        let handles: Vec<_> = state.threads.drain(..).map(|thread| thread.handle).collect();
        for handle in handles {
            // A panic of a data thread was reported when it happened.
            let _ = handle.join();
        }
        state.plan = None;
        if let Some(log) = state.log.take() {
            log.close(LAST_LINES);
        }
        log::settle(LAST_LINES);
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        let mut out = String::new();
        self.registry.render(&mut out);
        let (log, plan) = {
            let state = self.state();
            (state.log.clone(), state.plan.clone())
        };
        if let Some(log) = &log {
            log.render(&mut out);
        }
        if let Some(plan) = &plan {
            super::status::render_endpoints(plan, &mut out);
        }
        out
    }

    /// What is listened on, and how the endpoints are, as JSON.
    pub fn status(&self) -> String {
        let state = self.state();
        let open = state.threads.iter().map(|thread| thread.open.load(Ordering::Relaxed)).sum();
        super::status::describe(state.plan.as_deref(), open, self.draining.load(Ordering::Relaxed))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Whatever panicked while it held the lock has left a whole plan or none.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn access_log(&self, state: &mut State, document: &document::AccessLog) -> Result<Arc<AccessLog>, PlanError> {
        if state.log.is_none() {
            state.log = Some(AccessLog::start(document, self.workers)?);
        }
        state.log.clone().ok_or_else(|| PlanError::new("no access log"))
    }

    fn compile(
        &self,
        document: &document::PlanDocument,
        previous: Option<&Plan>,
        access_log: &Arc<AccessLog>,
    ) -> Result<Plan, PlanError> {
        let materials = Materials {
            previous,
            filters: &*self.filters,
            registry: &self.registry,
            workers: self.workers,
            access_log,
        };
        Plan::compile(document, &materials)
    }

    fn start(&self, log: &AccessLog) -> Result<Vec<Thread>, PlanError> {
        (0..self.workers)
            .map(|index| {
                let (commands, received) = channel(COMMANDS);
                let open = Arc::new(AtomicUsize::new(0));
                let (lines, counted) = (log.line_writer(), Arc::clone(&open));
                let filters = Arc::clone(&self.filters);
                let handle = std::thread::Builder::new()
                    .name(format!("data-{index}"))
                    .spawn(move || {
                        let mut life = Some((lines, received, counted));
                        filters.accompany(&mut || {
                            if let Some((lines, commands, open)) = life.take() {
                                run(Worker::new(index, lines), commands, open);
                            }
                        });
                    })
                    .map_err(|error| PlanError::new(format!("cannot start a data thread: {error}")))?;
                Ok(Thread { commands, open, handle })
            })
            .collect()
    }

    fn check_sockets(
        &self,
        document: &document::PlanDocument,
        previous: Option<&Plan>,
        sockets: &Sockets,
    ) -> Result<(), PlanError> {
        for listener in &document.listeners {
            let served = previous.is_some_and(|plan| plan.listener_at(listener.address).is_some());
            let given = sockets.get(&listener.address).map_or(0, Vec::len);
            if !served && given != self.workers {
                let what = format!("{given} sockets for {}, {} are needed", listener.address, self.workers);
                return Err(PlanError::new(what).at(&format!("listener {}", listener.name)));
            }
        }
        Ok(())
    }
}

// === impl Thread ===

impl Thread {
    /// Gives a command; what comes back is answered when it is carried out, or disconnected when the thread has ended.
    fn tell(&self, command: impl FnOnce(SyncSender<()>) -> Command) -> Receiver<()> {
        let (told, done) = sync_channel(1);
        // A data thread that has ended has said why in the log.
        let _ = self.commands.blocking_send(command(told));
        done
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The sockets of addresses that were not served before, by data thread.
fn new_sockets(
    plan: &Plan,
    previous: Option<&Plan>,
    sockets: &mut Sockets,
    workers: usize,
) -> Result<Vec<Vec<(SocketAddr, TcpListener)>>, PlanError> {
    let mut by_worker: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
    for listener in &plan.listeners {
        if previous.is_some_and(|plan| plan.listener_at(listener.address).is_some()) {
            continue;
        }
        for (worker, socket) in sockets.remove(&listener.address).unwrap_or_default().into_iter().enumerate() {
            let socket = TcpListener::from(socket);
            let ready = socket.set_nonblocking(true);
            ready.map_err(|error| PlanError::new(format!("socket of {}: {error}", listener.address)))?;
            by_worker[worker].push((listener.address, socket));
        }
    }
    Ok(by_worker)
}
