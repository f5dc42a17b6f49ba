//! What is measured: histograms, tallies by workload, the course of a run.

mod attempt;
mod batch;
mod course;
mod exchange;
mod histogram;
mod lane;
mod tally;
mod timeline;

pub use attempt::{AttemptEnd, AttemptRecord};
pub use batch::BatchTally;
pub use course::{Course, CourseBin, GoodOf};
pub use exchange::{decode, encode, read_interval_log};
pub use histogram::Interval as LogInterval;
pub use histogram::{HistogramError, LatencyHistogram, write_interval_log};
pub use lane::LaneTally;
pub use tally::{
    ATTEMPTS_TOLD_APART, AttemptCounts, ClassifierCounts, GuardrailCounts, HedgeCounts,
    RequestCounts, SessionCounts, Tally, TokenCounts, TwoReadings,
};
pub use timeline::{Interval, Timeline};
