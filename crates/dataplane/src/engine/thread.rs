//! The life of one data thread: a runtime of its own, commands from the engine, connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::task::LocalSet;
use tokio::time::MissedTickBehavior;

use super::worker::Worker;
use crate::listen::{Slot, accept};
use crate::plan::Plan;
use crate::telemetry::log::{self, Level};

/// How often the access log is handed over and unused connections are looked at.
const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks at the unused connections.
const SWEEP: u32 = 10;

/// What the engine tells a data thread.
pub enum Command {
    /// Serve by this plan; the sockets are those of new addresses. Answered when it is so.
    Apply(Arc<Plan>, Vec<(SocketAddr, std::net::TcpListener)>, SyncSender<()>),
    /// No new connections, no new exchanges. Answered when the last one is over.
    Drain(SyncSender<()>),
}

/// Runs a data thread until the engine lets go of it.
pub fn run(worker: Worker, commands: Receiver<Command>, open: Arc<AtomicUsize>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return log::event(Level::Error, "engine", "no runtime for a data thread", &[("error", &error)]),
    };
    let local = LocalSet::new();
    runtime.block_on(local.run_until(Thread::new(Rc::new(worker), open).obey(commands)));
}

struct Thread {
    worker: Rc<Worker>,
    slots: HashMap<SocketAddr, Rc<Slot>>,
    /// Closed ones whose connections are not over yet.
    closing: Vec<Rc<Slot>>,
    waiting: Vec<SyncSender<()>>,
    open: Arc<AtomicUsize>,
    ticks: u32,
}

impl Thread {
    fn new(worker: Rc<Worker>, open: Arc<AtomicUsize>) -> Self {
        Self { worker, slots: HashMap::new(), closing: Vec::new(), waiting: Vec::new(), open, ticks: 0 }
    }

    async fn obey(mut self, mut commands: Receiver<Command>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let command = std::future::poll_fn(|cx| {
                while tick.poll_tick(cx).is_ready() {
                    self.tick();
                }
                commands.poll_recv(cx)
            });
            match command.await {
                Some(Command::Apply(plan, sockets, done)) => {
                    self.apply(&plan, sockets);
                    // The engine may have given up waiting.
                    let _ = done.try_send(());
                }
                Some(Command::Drain(done)) => {
                    self.close_all();
                    self.waiting.push(done);
                    self.tell_when_drained();
                }
                None => break self.worker.flush_log(),
            }
        }
    }

    fn tick(&mut self) {
        self.worker.flush_log();
        self.closing.retain(|slot| slot.open() > 0);
        let open = self.slots.values().chain(&self.closing).map(|slot| slot.open()).sum();
        self.open.store(open, Ordering::Relaxed);
        self.tell_when_drained();
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(SWEEP) {
            self.worker.sweep(Instant::now());
        }
    }

    fn apply(&mut self, plan: &Arc<Plan>, sockets: Vec<(SocketAddr, std::net::TcpListener)>) {
        let gone: Vec<SocketAddr> =
            self.slots.keys().filter(|address| plan.listener_at(**address).is_none()).copied().collect();
        for address in gone {
            if let Some(slot) = self.slots.remove(&address) {
                slot.close();
                self.closing.push(slot);
            }
        }
        for listener in &plan.listeners {
            if let Some(slot) = self.slots.get(&listener.address) {
                slot.replace(Arc::clone(listener));
            }
        }
        for (address, socket) in sockets {
            self.listen(plan, address, socket);
        }
        self.worker.keep_pools_of(plan);
    }

    fn listen(&mut self, plan: &Plan, address: SocketAddr, socket: std::net::TcpListener) {
        let Some(listener) = plan.listener_at(address) else { return };
        match TcpListener::from_std(socket) {
            Ok(socket) => {
                let slot = Rc::new(Slot::new(Arc::clone(listener)));
                self.slots.insert(address, Rc::clone(&slot));
                let place = slot.place();
                tokio::task::spawn_local(accept(Rc::clone(&self.worker), slot, place, socket));
            }
            Err(error) => {
                log::event(Level::Error, "listen", "cannot listen", &[("address", &address), ("error", &error)]);
            }
        }
    }

    fn close_all(&mut self) {
        for (_, slot) in self.slots.drain() {
            slot.close();
            self.closing.push(slot);
        }
    }

    fn tell_when_drained(&mut self) {
        if self.waiting.is_empty() || self.closing.iter().any(|slot| slot.open() > 0) {
            return;
        }
        for done in self.waiting.drain(..) {
            let _ = done.try_send(());
        }
    }
}
