//! placeholder until merge
use crate::units::Micros;
use hdrhistogram::Histogram;

/// Latency histogram.
#[derive(Clone, Debug)]
pub struct LatencyHistogram(Histogram<u64>);

impl LatencyHistogram {
    /// New.
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, Micros::HOUR.0, 3).expect("bounds are valid"))
    }
    /// Record.
    #[inline]
    pub fn record(&mut self, value: Micros) {
        self.0.saturating_record(value.0.max(1));
    }
    /// Count.
    pub fn count(&self) -> u64 {
        self.0.len()
    }
    /// Merge.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("same bounds");
    }
}
