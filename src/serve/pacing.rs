//! When streams are really written: how late their chunks, against the moments at which they were due, and how
//! long after the call the first of them.

use crate::measure::LatencyHistogram;
use crate::units::Micros;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Upper bounds of the buckets in seconds; above the last there is one more bucket.
pub(super) const BOUNDS_S: [f64; 12] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_15, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05,
    0.25,
];

/// Steps of the bounds for first chunks: ten to a power of ten, from a millisecond to 100 seconds.
const FIRST_BOUNDS: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];
const FIRST_DECADES_US: [f64; 5] = [1e3, 1e4, 1e5, 1e6, 1e7];

/// Histograms that many threads write to.
#[derive(Default)]
pub(super) struct Pacing {
    counts: [AtomicU64; BOUNDS_S.len() + 1],
    sum_us: AtomicU64,
    /// From the arrival of a streaming call to the write of its first chunk of content.
    first_chunk: Mutex<LatencyHistogram>,
}

impl Pacing {
    /// Notes a chunk that was written `late` after it was due.
    pub(super) fn note(&self, late: Micros) {
        let seconds = late.as_secs_f64();
        let bucket = BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(late.0, Ordering::Relaxed);
    }

    /// Notes that a call's first chunk of content was written `after` it had arrived.
    pub(super) fn note_first(&self, after: Micros) {
        self.first_chunks().record(after);
    }

    /// From the arrival of streaming calls to the write of their first chunks, since the last reset.
    pub(super) fn first_chunk(&self) -> LatencyHistogram {
        self.first_chunks().clone()
    }

    /// The same as sum in seconds, count, and each bucket with its upper bound.
    pub(super) fn first_chunk_parts(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let spans = self.first_chunk();
        let count = spans.count();
        let mut below = 0;
        let mut bucket = |bound: f64, within: u64| {
            let inside = within - below;
            below = within;
            (bound, inside)
        };
        let mut buckets: Vec<(f64, u64)> = FIRST_DECADES_US
            .into_iter()
            .flat_map(|decade| FIRST_BOUNDS.map(|step| decade * step))
            .map(|bound_us| {
                let share = spans.share_within(Micros(bound_us as u64)).unwrap_or(0.0);
                bucket(bound_us / 1e6, (share * count as f64).round() as u64)
            })
            .collect();
        buckets.push(bucket(f64::INFINITY, count));
        let sum = spans.mean().unwrap_or(0.0) * count as f64 / 1e6;
        (sum, count, buckets)
    }

    /// Forgets the first chunks.
    pub(super) fn reset(&self) {
        *self.first_chunks() = LatencyHistogram::new();
    }

    fn first_chunks(&self) -> MutexGuard<'_, LatencyHistogram> {
        self.first_chunk
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_chunks_lie_in_their_buckets_until_they_are_forgotten() {
        let pacing = Pacing::default();
        for ms in [1, 50, 51, 62, 64, 100_000_000] {
            pacing.note_first(Micros::from_millis(ms));
        }
        let (_, count, buckets) = pacing.first_chunk_parts();
        assert_eq!(count, 6);
        assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let at = |bound: f64| {
            let found = buckets
                .iter()
                .find(|bucket| (bucket.0 - bound).abs() < 1e-9);
            found.unwrap().1
        };
        assert_eq!((at(0.001), at(0.05), at(0.063), at(0.08)), (1, 1, 2, 1));
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!(pacing.first_chunk().quantile(0.99), None);
        pacing.reset();
        assert_eq!(pacing.first_chunk_parts().1, 0);
    }
}
