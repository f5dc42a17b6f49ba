//! Metrics over many runs, and where they changed.

use crate::results::report::Unit;
use serde::{Deserialize, Serialize};

/// One metric of one variant over many runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistorySeries {
    /// The variant.
    pub variant: String,
    /// The workload; `null` is all of them together.
    pub workload: Option<String>,
    /// The metric, such as `ttft.p50`.
    pub metric: String,
    /// The unit of its values.
    pub unit: Unit,
    /// Whether changes are relative; otherwise they are differences.
    pub relative: bool,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// The runs that have it, in order of time.
    pub points: Vec<HistoryPoint>,
    /// Where it changed.
    pub changes: Vec<ChangeSummary>,
}

/// One run of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryPoint {
    /// The run's folder.
    pub source: String,
    /// When it began.
    pub started_at: String,
    /// Its reading, the mean over its replications (geometric where changes are relative).
    pub value: f64,
}

/// A change that lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeSummary {
    /// The first run after it, by its place in `points`.
    pub at: usize,
    /// The same by its folder.
    pub source: String,
    /// When that run began.
    pub started_at: String,
    /// The level before it.
    pub before: f64,
    /// The level after it.
    pub after: f64,
    /// The change.
    pub effect: f64,
    /// Two-sided p of the test between both levels; below 0.001, as the best of all splits was tested.
    pub p: f64,
    /// Whether it is for the worse.
    pub worse: bool,
}
