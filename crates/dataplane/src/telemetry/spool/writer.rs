//! The thread at the end of the queue: it owns the file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::{Batch, Message, Report, Shared, Target};

/// A buffer that grew beyond this is not used again.
const LARGEST_KEPT: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Writer {
    messages: Receiver<Message>,
    shared: Arc<Shared>,
    target: Target,
    report: Report,
    /// Lines lost since writing began to fail; none: it does not fail.
    failing: Option<u64>,
    /// The file ends within a line.
    torn: bool,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(messages: Receiver<Message>, shared: Arc<Shared>, report: Report) -> Self {
        Self { messages, shared, target: Target::nowhere(), report, failing: None, torn: false }
    }

    /// Until every sender is gone, or someone closes.
    pub(super) fn run(mut self) {
        while let Some(message) = self.next() {
            if let Some(target) = self.shared.next_target().take() {
                self.target = target;
                self.torn = false;
            }
            match message {
                Message::Lines(batch) => self.write(batch),
                Message::Mark(reached) => drop(reached.try_send(())), // whoever waited may have given up
                Message::Wake => {}
            }
        }
    }

    fn next(&self) -> Option<Message> {
        if !self.shared.closing.load(Ordering::SeqCst) {
            return self.messages.recv().ok();
        }
        match self.messages.try_recv() {
            Ok(_) if self.shared.abandoned.load(Ordering::SeqCst) => None,
            Ok(message) => Some(message),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    fn write(&mut self, mut batch: Batch) {
        let patient = || self.shared.wants_to_wait();
        let mended = if self.torn { self.target.write(b"\n", patient) } else { Ok(()) };
        let result = mended.map_err(|(_, error)| (0, error)).and_then(|()| {
            self.torn = false;
            self.target.write(&batch.bytes, patient)
        });
        match result {
            Ok(()) => self.succeeded(batch.lines),
            Err((done, error)) => self.failed(&batch, done, &error),
        }
        if let Some(home) = batch.home.filter(|_| batch.bytes.capacity() <= LARGEST_KEPT) {
            batch.bytes.clear();
            let _ = home.try_send(batch.bytes); // enough buffers are there already, or nobody needs one
        }
    }

    fn succeeded(&mut self, lines: u64) {
        self.shared.written.fetch_add(lines, Ordering::Relaxed);
        if let Some(lost) = self.failing.take() {
            (self.report)(Ok(lost));
        }
    }

    fn failed(&mut self, batch: &Batch, done: usize, error: &io::Error) {
        let written = memchr::memchr_iter(b'\n', &batch.bytes[..done]).count() as u64;
        let lost = batch.lines - written;
        self.torn |= done > 0 && batch.bytes[done - 1] != b'\n';
        self.shared.written.fetch_add(written, Ordering::Relaxed);
        self.shared.write_failed.fetch_add(lost, Ordering::Relaxed);
        if self.failing.is_none() {
            (self.report)(Err(error));
        }
        *self.failing.get_or_insert(0) += lost;
    }
}
