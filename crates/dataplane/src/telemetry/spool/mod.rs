//! Text lines on their way from many threads to one file, without ever making a sender wait.
//!
//! Senders hand over whole buffers through a bounded queue to a thread that owns the file. When the
//! queue is full the lines are dropped and counted: a disk or a reader that stalls costs log lines,
//! never an exchange.

mod target;
mod writer;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) use target::Target;
use writer::Writer;

/// The way to the file.
#[derive(Debug)]
pub(super) struct Spool {
    sender: Sender,
    finished: Mutex<Receiver<()>>,
}

/// One sender's end of it.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
}

/// Some lines, each with its line feed.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
    /// Where the buffer goes when it is written, to be used again.
    pub(super) home: Option<SyncSender<Vec<u8>>>,
}

/// Told when writing begins to fail (with the error) and when it works again (with what was lost).
pub(super) type Report = fn(Result<u64, &io::Error>);

#[derive(Debug)]
enum Message {
    Lines(Batch),
    /// Look at `Shared`.
    Wake,
    /// Everything before this is written.
    Mark(SyncSender<()>),
}

/// What senders, owner and writer all see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    next_target: Mutex<Option<Target>>,
    /// Write what is queued, then end.
    closing: AtomicBool,
    /// End now: nobody waits any more.
    abandoned: AtomicBool,
    written: AtomicU64,
    queue_full: AtomicU64,
    write_failed: AtomicU64,
}

/// Lines by their fate, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fates {
    pub(super) written: u64,
    pub(super) queue_full: u64,
    pub(super) write_failed: u64,
}

// === impl Spool ===

impl Spool {
    /// Starts the thread that writes. At most `capacity` batches wait for it.
    pub(super) fn start(name: &str, target: Target, capacity: usize, report: Report) -> io::Result<Self> {
        let (queue, messages) = sync_channel(capacity);
        let (alive, finished) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(messages, Arc::clone(&shared), target, report);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let _alive = alive; // dropped when the thread ends, however it ends: that is the signal
            writer.run();
        })?;
        Ok(Self { sender: Sender { queue, shared }, finished: Mutex::new(finished) })
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// From now on lines go there; the one before is closed.
    pub(super) fn switch(&self, target: Target) {
        *self.shared().next_target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
        self.wake();
    }

    /// Waits until what is queued now is written; `false`: it took too long, or the writer is gone.
    pub(super) fn settle(&self, deadline: Duration) -> bool {
        let (mark, reached) = sync_channel(1);
        self.sender.queue.try_send(Message::Mark(mark)).is_ok() && reached.recv_timeout(deadline).is_ok()
    }

    /// Writes what is queued and ends the thread; `false`: the deadline came first.
    pub(super) fn close(&self, deadline: Duration) -> bool {
        self.shared().closing.store(true, Ordering::SeqCst);
        self.wake();
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let done = finished.recv_timeout(deadline) == Err(RecvTimeoutError::Disconnected);
        self.shared().abandoned.store(true, Ordering::SeqCst);
        done
    }

    pub(super) fn fates(&self) -> Fates {
        let shared = self.shared();
        Fates {
            written: shared.written.load(Ordering::Relaxed),
            queue_full: shared.queue_full.load(Ordering::Relaxed),
            write_failed: shared.write_failed.load(Ordering::Relaxed),
        }
    }

    fn shared(&self) -> &Shared {
        &self.sender.shared
    }

    fn wake(&self) {
        // A full queue wakes the writer just as well: it looks at `Shared` after every message.
        let _ = self.sender.queue.try_send(Message::Wake);
    }
}

// === impl Sender ===

impl Sender {
    /// Hands lines over, or drops and counts them; gives the buffer back in that case.
    pub(super) fn send(&self, batch: Batch) -> Result<(), Vec<u8>> {
        let Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) =
            self.queue.try_send(Message::Lines(batch))
        else {
            return Ok(());
        };
        let Message::Lines(batch) = refused else { return Ok(()) };
        self.shared.queue_full.fetch_add(batch.lines, Ordering::Relaxed);
        Err(batch.bytes)
    }
}
