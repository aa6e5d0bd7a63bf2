//! Bytes on their way: filled at one end, taken at the other, with memory only while there is something in it.
//!
//! The memory comes from a pool of the data thread, so that ten thousand idle connections hold none
//! and a busy one allocates nothing.

use std::cell::{Cell, RefCell};

use super::Reserve;

/// What one read or one head usually fits in.
pub const PAGE: usize = 16 * 1024;
/// For bodies that fill a page at every read: fewer system calls per byte. As much as may wait for a slow reader
/// by default (`limits.write_buffer`).
pub const LARGE: usize = 64 * 1024;
/// Pages kept for reuse by one data thread; more are given back to the allocator.
const KEPT: usize = 256;
const KEPT_LARGE: usize = 32;
/// Bytes that one data thread gives to buffers larger than a page for speed alone. A thousand readers that do not
/// read would hold a large one each, and gain nothing by it.
const WIDENED: usize = 8 * 1024 * 1024;

thread_local! {
    /// Bytes in buffers larger than a page.
    static WIDE: Cell<usize> = const { Cell::new(0) };
    static PAGES: RefCell<Reserve<Box<[u8]>>> = const { RefCell::new(Reserve::new(KEPT)) };
    static LARGES: RefCell<Reserve<Box<[u8]>>> = const { RefCell::new(Reserve::new(KEPT_LARGE)) };
}

/// Lets memory go that this thread has had no use for lately. To be called at regular intervals.
pub fn shrink_reserves() {
    PAGES.with_borrow_mut(Reserve::shrink);
    LARGES.with_borrow_mut(Reserve::shrink);
}

/// A window on a piece of pooled memory.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Box<[u8]>,
    start: usize,
    end: usize,
}

// === impl Buffer ===

impl Buffer {
    /// What is in it.
    pub fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Number of bytes in it.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Room for at least one byte, after moving what is there to the front if need be.
    /// Empty when the buffer is full: see `grow`.
    pub fn space(&mut self) -> &mut [u8] {
        if self.memory.is_empty() {
            self.memory = take(&PAGES, PAGE);
        } else if self.is_empty() {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.memory.len() {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.memory[self.end..]
    }

    /// The next `n` bytes of `space` were written.
    pub fn filled_more(&mut self, n: usize) {
        self.end += n;
    }

    /// The first `n` bytes were used.
    pub fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.len());
        self.start += n;
    }

    /// Makes room for what would come faster with more of it, unless many have that already.
    pub fn widen(&mut self, capacity: usize) {
        if WIDE.get() + capacity <= WIDENED {
            self.grow(capacity);
        }
    }

    /// Makes room for a message that does not fit in a page.
    pub fn grow(&mut self, capacity: usize) {
        if capacity <= self.memory.len() {
            return;
        }
        WIDE.set(WIDE.get() + capacity.max(LARGE));
        let mut larger = if capacity <= LARGE { take(&LARGES, LARGE) } else { vec![0; capacity].into_boxed_slice() };
        larger[..self.len()].copy_from_slice(self.filled());
        (self.start, self.end) = (0, self.len());
        give(std::mem::replace(&mut self.memory, larger));
    }

    /// Size of the memory now held.
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Appends, growing as needed.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.space().len() < bytes.len() {
            self.grow((self.len() + bytes.len()).max(self.capacity() * 2));
        }
        self.space()[..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Gives the memory back when nothing is in it.
    pub fn release_if_empty(&mut self) {
        if self.is_empty() && !self.memory.is_empty() {
            (self.start, self.end) = (0, 0);
            give(std::mem::take(&mut self.memory));
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.memory));
    }
}

fn take(pool: &'static std::thread::LocalKey<RefCell<Reserve<Box<[u8]>>>>, size: usize) -> Box<[u8]> {
    pool.with_borrow_mut(Reserve::take).unwrap_or_else(|| vec![0; size].into_boxed_slice())
}

fn give(memory: Box<[u8]>) {
    if memory.len() > PAGE {
        let _ = WIDE.try_with(|wide| wide.set(wide.get() - memory.len()));
    }
    let pool = match memory.len() {
        PAGE => &PAGES,
        LARGE => &LARGES,
        _ => return,
    };
    // A buffer may outlive its thread's pool while the thread ends: then the memory is simply freed.
    let _ = pool.try_with(|pool| pool.borrow_mut().give(memory));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = Buffer::default();
        for round in 0..100_u8 {
            buffer.extend(&[round; 1000]);
            assert_eq!(buffer.filled()[0], round, "the oldest byte comes first");
            buffer.consume(1000);
        }
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_full_buffer_has_no_space_until_it_grows() {
        let mut buffer = Buffer::default();
        buffer.extend(&[7; PAGE]);
        assert!(buffer.space().is_empty());
        buffer.grow(PAGE + 1);
        assert_eq!(buffer.capacity(), LARGE);
        assert_eq!(buffer.filled(), &[7; PAGE], "growing keeps what was there");
        assert!(!buffer.space().is_empty());
    }

    #[test]
    fn only_so_many_buffers_are_large_for_speed_alone() {
        let full = || {
            let mut buffer = Buffer::default();
            buffer.extend(&[7; PAGE]);
            buffer.widen(LARGE);
            buffer
        };
        let many: Vec<_> = (0..1000).map(|_| full()).collect();
        let large = many.iter().filter(|buffer| buffer.capacity() == LARGE).count();
        assert_eq!(large, WIDENED / LARGE, "a thread should widen so many and no more");
        drop(many);
        assert_eq!(full().capacity(), LARGE, "what was given back may be used again");
    }

    #[test]
    fn an_empty_buffer_holds_no_memory() {
        let mut buffer = Buffer::default();
        buffer.extend(b"x");
        buffer.consume(1);
        buffer.release_if_empty();
        assert_eq!(buffer.capacity(), 0);
    }
}
