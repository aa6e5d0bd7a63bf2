//! Bytes that wait to be written: heads, chunk framing and small bodies, gathered for one system call.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use crate::io::{Reserve, Transport};

/// Bodies up to this size are copied behind their head: one slice is cheaper to write than two.
const COPIED: usize = 4096;
/// More than this is never gathered before it is written.
const GATHERED: usize = 16 * 1024;
/// Vectors kept for reuse by one data thread.
const KEPT: usize = 256;

thread_local! {
    static POOL: RefCell<Reserve<Vec<u8>>> = const { RefCell::new(Reserve::new(KEPT)) };
}

/// Lets memory go that this thread has had no use for lately. To be called at regular intervals.
pub fn shrink_reserve() {
    POOL.with_borrow_mut(Reserve::shrink);
}

/// What is to be written next.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    written: usize,
}

// === impl Output ===

impl Output {
    /// For appending: heads and framing.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = POOL.with_borrow_mut(Reserve::take).unwrap_or_default();
        }
        &mut self.bytes
    }

    fn pending(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Takes some of `data`: gathers it when it is small, writes it with what waits when it is not.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.len() <= COPIED && self.pending().len() + data.len() <= GATHERED {
            self.bytes().extend_from_slice(data);
            return Poll::Ready(Ok(data.len()));
        }
        loop {
            let waiting = self.pending().len();
            let n = if waiting == 0 {
                ready!(transport.poll_write(cx, &[IoSlice::new(data)]))?
            } else {
                ready!(transport.poll_write(cx, &[IoSlice::new(self.pending()), IoSlice::new(data)]))?
            };
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote(n.min(waiting));
            if n > waiting {
                return Poll::Ready(Ok(n - waiting));
            }
        }
    }

    /// Writes everything.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>, transport: &mut Transport) -> Poll<io::Result<()>> {
        while !self.pending().is_empty() {
            let n = ready!(transport.poll_write(cx, &[IoSlice::new(self.pending())]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote(n);
        }
        transport.poll_flush(cx)
    }

    fn wrote(&mut self, n: usize) {
        self.written += n;
        if self.written == self.bytes.len() {
            self.written = 0;
            self.bytes.clear();
        }
    }

    /// Gives the memory back when nothing waits.
    pub fn release_if_empty(&mut self) {
        if self.pending().is_empty() {
            self.give();
        }
    }

    fn give(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.written = 0;
        if (1..=2 * GATHERED).contains(&bytes.capacity()) {
            bytes.clear();
            // While the thread ends its pool may already be gone: then the memory is simply freed.
            let _ = POOL.try_with(|pool| pool.borrow_mut().give(bytes));
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.give();
    }
}
