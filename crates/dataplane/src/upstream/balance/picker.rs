//! What one data thread needs to pick: its own randomness and its own round-robin lane.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::upstream::service::LANES;

/// One per data thread.
#[derive(Debug)]
pub struct Picker {
    pub(in crate::upstream) random: Random,
    pub(in crate::upstream) lane: usize,
}

/// Fast and not secret: it spreads load, nothing else.
#[derive(Debug)]
pub(in crate::upstream) struct Random(u64);

// === impl Picker ===

impl Picker {
    /// Seeded from the operating system.
    pub fn new() -> Self {
        static NEXT_LANE: AtomicUsize = AtomicUsize::new(0);
        Self { random: Random::from_os(), lane: NEXT_LANE.fetch_add(1, Ordering::Relaxed) % LANES }
    }
}

impl Default for Picker {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Random ===

impl Random {
    pub(in crate::upstream) fn from_os() -> Self {
        // The standard library keys its hash maps from the operating system's randomness.
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    pub(in crate::upstream) fn seeded(seed: u64) -> Self {
        Self(seed | 1) // xorshift never leaves 0
    }

    /// Marsaglia's xorshift64 with a multiplied output.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Evenly one of `0..most`; 0 when there is none.
    pub(in crate::upstream) fn below(&mut self, most: usize) -> usize {
        ((u128::from(self.next()) * most as u128) >> 64) as usize
    }
}
