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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use target::Target;
use writer::Writer;

/// The way to the file. The thread starts when there is a file: a plan that is only checked, or a log
/// that is off, takes none.
#[derive(Debug)]
pub(super) struct Spool {
    name: &'static str,
    sender: Sender,
    thread: Mutex<Thread>,
}

#[derive(Debug)]
enum Thread {
    Waiting(Writer),
    /// The channel is closed when the thread ends, however it ends.
    Started(Receiver<()>),
    /// The system would not give us one.
    Failed,
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
    /// At most `capacity` batches wait to be written.
    pub(super) fn new(name: &'static str, capacity: usize, report: Report) -> Self {
        let (queue, messages) = sync_channel(capacity);
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(messages, Arc::clone(&shared), report);
        Self { name, sender: Sender { queue, shared }, thread: Mutex::new(Thread::Waiting(writer)) }
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// From now on lines go there; the one before is closed, also when its reader stalls.
    pub(super) fn switch(&self, target: Target) -> io::Result<()> {
        if !target.is_nowhere() {
            self.start()?;
        }
        *self.shared().next_target() = Some(target);
        self.wake();
        Ok(())
    }

    /// Waits until what is queued now is written; `false`: it took too long, or the writer is gone.
    pub(super) fn settle(&self, deadline: Duration) -> bool {
        if !matches!(*self.thread(), Thread::Started(_)) {
            return true;
        }
        let (mark, reached) = sync_channel(1);
        self.sender.queue.try_send(Message::Mark(mark)).is_ok() && reached.recv_timeout(deadline).is_ok()
    }

    /// Writes what is queued and ends the thread; `false`: the deadline came first.
    pub(super) fn close(&self, deadline: Duration) -> bool {
        self.shared().closing.store(true, Ordering::SeqCst);
        self.wake();
        let done = match &*self.thread() {
            Thread::Started(finished) => finished.recv_timeout(deadline) == Err(RecvTimeoutError::Disconnected),
            Thread::Waiting(_) | Thread::Failed => true,
        };
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

    fn start(&self) -> io::Result<()> {
        let mut thread = self.thread();
        if let Thread::Started(_) = *thread {
            return Ok(());
        }
        let Thread::Waiting(writer) = std::mem::replace(&mut *thread, Thread::Failed) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let (alive, finished) = sync_channel(1);
        std::thread::Builder::new().name(self.name.into()).spawn(move || {
            let _alive = alive; // its end is the signal
            writer.run();
        })?;
        *thread = Thread::Started(finished);
        Ok(())
    }

    fn thread(&self) -> MutexGuard<'_, Thread> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> &Shared {
        &self.sender.shared
    }

    fn wake(&self) {
        // A full queue wakes the writer just as well: it looks at `Shared` after every message.
        let _ = self.sender.queue.try_send(Message::Wake);
    }
}

// === impl Shared ===

impl Shared {
    fn next_target(&self) -> MutexGuard<'_, Option<Target>> {
        self.next_target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a write that waits for its reader should go on waiting.
    fn wants_to_wait(&self) -> bool {
        !self.abandoned.load(Ordering::SeqCst) && self.next_target().is_none()
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
