//! The cells that everything is counted in: one writer, any number of readers.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows. Exact as long as one thread at a time writes it.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that goes up and down. Exact as long as one thread at a time writes it.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// Counters by reason. A reason is a constant of the program, so the set is closed and small.
#[derive(Debug)]
pub struct Reasons {
    slots: [(OnceLock<&'static str>, Counter); Reasons::SLOTS],
}

// === impl Counter ===

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, amount: u64) {
        // Not `fetch_add`: with a single writer the locked instruction buys nothing.
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

// === impl Gauge ===

impl Gauge {
    /// One more.
    pub fn up(&self) {
        self.0.store(self.0.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// One less.
    pub fn down(&self) {
        self.0.store(self.0.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

// === impl Reasons ===

impl Reasons {
    const SLOTS: usize = 48;
    /// What a reason counts as once every slot is taken.
    const OTHER: &'static str = "other";

    /// One more for that reason.
    pub fn increment(&self, reason: &'static str) {
        let taken = self.slots[..Self::SLOTS - 1].iter().find(|(label, _)| *label.get_or_init(|| reason) == reason);
        let (_, counter) = taken.unwrap_or_else(|| {
            let last = &self.slots[Self::SLOTS - 1];
            last.0.get_or_init(|| Self::OTHER);
            last
        });
        counter.increment();
    }

    /// Adds what was counted to the totals.
    pub(super) fn add_to(&self, totals: &mut BTreeMap<&'static str, u64>) {
        for (label, counter) in &self.slots {
            let Some(label) = label.get() else { continue };
            *totals.entry(label).or_default() += counter.get();
        }
    }
}

impl Default for Reasons {
    fn default() -> Self {
        Self { slots: std::array::from_fn(|_| Default::default()) }
    }
}
