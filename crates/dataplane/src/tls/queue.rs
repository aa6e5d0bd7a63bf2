//! Bytes that wait to be taken.

/// A queue of bytes; holds no memory when none wait.
#[derive(Default)]
pub(super) struct Queue {
    /// New ones go to its end.
    pub(super) bytes: Vec<u8>,
    start: usize,
}

// === impl Queue ===

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Drops what was taken; once nothing waits, the memory too.
    pub(super) fn advance(&mut self, length: usize) {
        self.start += length;
        if self.start == self.bytes.len() {
            *self = Self::default();
        }
    }

    /// Moves as much as there is room for.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.waiting().len());
        buffer[..length].copy_from_slice(&self.waiting()[..length]);
        self.advance(length);
        length
    }
}
