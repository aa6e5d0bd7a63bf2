//! Buffers that the connections of a data thread share: no connection is worked on while another one is, and an
//! idle connection holds none.

use std::cell::RefCell;

use super::record::{HEADER, MAX_PLAINTEXT};

/// What is taken from a socket in one call, beside the beginning of a record that is already here. A message of a
/// handshake, 64 KiB at most, must fit whole.
pub(super) const RECEIVE: usize = (64 << 10) + (18 << 10);

/// How much plaintext is sealed before the socket is asked to take it.
pub(super) const SEAL: usize = 64 << 10;

/// What one record may add to its plaintext.
const OVERHEAD: usize = HEADER + 8 + 1 + 16;

thread_local! {
    static RECEIVED: RefCell<Box<[u8]>> = RefCell::new(vec![0; RECEIVE].into());
    static SEALED: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(SEAL + (SEAL / MAX_PLAINTEXT + 2) * OVERHEAD));
}

/// Lends the buffer for what comes from a socket. Not to be nested.
pub(super) fn with_received<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    RECEIVED.with_borrow_mut(|buffer| work(buffer))
}

/// Lends an empty buffer for what goes to a socket. Not to be nested.
pub(super) fn with_sealed<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    SEALED.with_borrow_mut(|buffer| {
        buffer.clear();
        work(buffer)
    })
}
