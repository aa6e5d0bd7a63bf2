//! The access log: one JSON line an exchange.
//!
//! A data thread formats into its own buffer and hands it over when it is full, or when the engine
//! says so (every 100 ms). The thread behind it writes; see `spool` for what happens when it can't.

mod line;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::WallClock;
use super::ended::Ended;
use super::log::{self, Level};
use super::metrics::{Exposition, Kind};
use super::spool::{Batch, Sender, Spool, Target};
use crate::plan::PlanError;
use crate::plan::document;

/// A buffer of this size is handed over.
const BATCH: usize = 16 * 1024;

/// How many batches of a data thread may wait: 4 MiB, what a disk must be able to lag behind.
const BATCHES_PER_WORKER: usize = 256;

/// Empty buffers kept for use again, per data thread.
const SPARE_BUFFERS: usize = 8;

/// The access log of the process, whatever it is set to.
#[derive(Debug)]
pub struct AccessLog {
    spool: Spool,
    enabled: Arc<AtomicBool>,
    destination: Mutex<document::AccessLog>,
}

/// One data thread's end of it, good for as long as the thread lives. Dropping it hands over what is left.
#[derive(Debug)]
pub struct LineWriter {
    enabled: Arc<AtomicBool>,
    sender: Sender,
    home: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
    buffer: Vec<u8>,
    lines: u64,
    clock: WallClock,
}

// === impl AccessLog ===

impl AccessLog {
    /// Opens the destination; unless it is `Off`, starts the thread that writes.
    pub fn start(destination: &document::AccessLog, workers: usize) -> Result<Arc<Self>, PlanError> {
        let log = Self {
            spool: Spool::new("access-log", workers.max(1) * BATCHES_PER_WORKER, report),
            enabled: Arc::new(AtomicBool::new(false)),
            destination: Mutex::new(document::AccessLog::Off),
        };
        log.switch(destination)?;
        Ok(Arc::new(log))
    }

    /// For one data thread.
    pub fn line_writer(&self) -> LineWriter {
        let (home, spare) = sync_channel(SPARE_BUFFERS);
        LineWriter {
            enabled: Arc::clone(&self.enabled),
            sender: self.spool.sender(),
            home,
            spare,
            buffer: Vec::new(),
            lines: 0,
            clock: WallClock::new(),
        }
    }

    /// Goes on at another destination, or at the same one opened again. On an error nothing changes.
    pub fn switch(&self, destination: &document::AccessLog) -> Result<(), PlanError> {
        self.spool.switch(open(destination)?).map_err(|error| refused("no thread to write it", &error))?;
        *self.destination.lock().unwrap_or_else(PoisonError::into_inner) = destination.clone();
        self.enabled.store(*destination != document::AccessLog::Off, Relaxed);
        Ok(())
    }

    /// Opens the file again, after someone has moved it away.
    pub fn reopen(&self) -> Result<(), PlanError> {
        let destination = self.destination.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.switch(&destination)
    }

    /// Waits until all that was handed over is written; `false`: it took too long.
    pub fn settle(&self, deadline: Duration) -> bool {
        self.spool.settle(deadline)
    }

    /// Writes what was handed over and ends. Drop every `LineWriter` before. `false`: the deadline came first.
    pub fn close(&self, deadline: Duration) -> bool {
        self.spool.close(deadline)
    }

    /// Lines dropped until now, for whatever reason.
    pub fn dropped(&self) -> u64 {
        let fates = self.spool.fates();
        fates.queue_full + fates.write_failed
    }

    /// Writes its metrics.
    pub fn render(&self, out: &mut String) {
        let mut text = Exposition::new(out);
        let fates = self.spool.fates();
        let name = "flatproxy_access_log_lines_total";
        text.family(name, Kind::Counter, "Access log lines written.");
        text.sample(name, &[], fates.written);
        let name = "flatproxy_access_log_dropped_total";
        text.family(name, Kind::Counter, "Access log lines lost: nobody took them in time, or writing failed.");
        text.sample(name, &[("reason", "queue_full")], fates.queue_full);
        text.sample(name, &[("reason", "write_failed")], fates.write_failed);
    }
}

fn open(destination: &document::AccessLog) -> Result<Target, PlanError> {
    match destination {
        document::AccessLog::Off => Ok(Target::nowhere()),
        document::AccessLog::Stdout => Target::stdout().map_err(|error| refused("stdout", &error)),
        document::AccessLog::Stderr => Target::stderr().map_err(|error| refused("stderr", &error)),
        document::AccessLog::File(path) => Target::file(path).map_err(|error| refused(path, &error)),
    }
}

fn refused(what: &str, error: &io::Error) -> PlanError {
    PlanError::new(format!("access log: {what}: {error}"))
}

fn report(outcome: Result<u64, &io::Error>) {
    match outcome {
        Ok(lost) => log::event(Level::Info, "access_log", "writing works again", &[("lines_lost", &lost)]),
        Err(error) => {
            log::event(Level::Error, "access_log", "cannot write; lines are dropped and counted", &[("error", error)]);
        }
    }
}

// === impl LineWriter ===

impl LineWriter {
    /// Adds the line of an exchange.
    pub fn write(&mut self, ended: &Ended<'_>) {
        if !self.enabled.load(Relaxed) {
            return;
        }
        if self.buffer.is_empty() {
            self.clock.synchronise();
        }
        line::append(&mut self.buffer, &mut self.clock, ended);
        self.lines += 1;
        if self.buffer.len() >= BATCH {
            self.flush();
        }
    }

    /// Hands over what there is.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let fresh = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH + BATCH / 4));
        let bytes = std::mem::replace(&mut self.buffer, fresh);
        let lines = std::mem::take(&mut self.lines);
        if let Err(mut bytes) = self.sender.send(Batch { bytes, lines, home: Some(self.home.clone()) }) {
            bytes.clear();
            let _ = self.home.try_send(bytes); // enough spare ones are there already
        }
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.flush();
    }
}
