//! What a run measures.

mod histogram;

pub use histogram::{HistogramError, Interval, LatencyHistogram, Reading, write_interval_log};
