//! How close synthetic traffic is to what it was made from.

use serde::{Deserialize, Serialize};

/// The schema of [`SynthSummary`].
pub const SYNTH_SCHEMA: &str = "bedload.trace-synth/1";

/// What `trace synth` made, and how close it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SynthSummary {
    /// [`SYNTH_SCHEMA`].
    pub schema: String,
    /// The file that it was made from, as the user named it.
    pub source: String,
    /// The file that was written, as the user named it.
    pub out: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Requests that were written.
    pub requests: u64,
    /// The fewest requests behind any figure that was kept.
    pub least_support: u32,
    /// Statistic by statistic.
    pub rows: Vec<ClosenessRow>,
    /// Whether all that have a tolerance keep it.
    pub within: bool,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One statistic of the source and of what was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClosenessRow {
    /// What it is.
    pub what: String,
    /// In the source.
    pub source: f64,
    /// In what was made.
    pub synth: f64,
    /// The relative error; for shares and correlations the difference.
    pub error: f64,
    /// The largest error that is promised; `null` where nothing is.
    pub tolerance: Option<f64>,
    /// Whether the error keeps it.
    pub within: Option<bool>,
}

impl SynthSummary {
    /// The document as text.
    pub fn to_json(&self) -> String {
        // Plain numbers and words cannot fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
