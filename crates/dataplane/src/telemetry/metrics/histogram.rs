//! Latencies in fixed buckets.

use std::time::Duration;

use super::cells::Counter;

/// Upper bounds in nanoseconds, and in seconds as the text format shows them.
pub(super) const BOUNDS: [(u64, &str); 16] = [
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5"),
    (10_000_000_000, "10"),
];

/// A latency histogram, 0.1 ms to 10 s. One writer.
// What every duration writes stands in front, beside the buckets of the short ones.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Histogram {
    nanoseconds: Counter,
    buckets: [Counter; BOUNDS.len() + 1],
}

/// The sum of several histograms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HistogramTotals {
    /// Per bucket, not cumulative; the last one is beyond every bound.
    pub(super) buckets: [u64; BOUNDS.len() + 1],
    pub(super) nanoseconds: u64,
}

// === impl Histogram ===

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().filter(|(bound, _)| nanoseconds > *bound).count();
        self.buckets[bucket].increment();
        self.nanoseconds.add(nanoseconds);
    }
}

// === impl HistogramTotals ===

impl HistogramTotals {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.get();
        }
        self.nanoseconds = self.nanoseconds.wrapping_add(histogram.nanoseconds.get());
    }
}
