//! How late chunks of streams are written, against the moments at which they were due.

use crate::units::Micros;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets in seconds; above the last there is one more bucket.
pub(super) const BOUNDS_S: [f64; 12] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_15, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05,
    0.25,
];

/// A histogram that many threads write to.
#[derive(Default)]
pub(super) struct Pacing {
    counts: [AtomicU64; BOUNDS_S.len() + 1],
    sum_us: AtomicU64,
}

impl Pacing {
    /// Notes a chunk that was written `late` after it was due.
    pub(super) fn note(&self, late: Micros) {
        let seconds = late.as_secs_f64();
        let bucket = BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(late.0, Ordering::Relaxed);
    }

    /// Sum in seconds, count, and each bucket with its upper bound.
    pub(super) fn parts(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let bounds = BOUNDS_S.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|bucket| bucket.1).sum();
        let sum = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        (sum, count, buckets)
    }
}
