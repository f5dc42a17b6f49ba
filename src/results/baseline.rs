//! Baselines: what runs read that later ones are measured against, in one small file.
//!
//! The result of a comparison has the same form before it is compared, so that writing it is all it takes to
//! make it the baseline of the next one.

use super::error::{ReadError, expect_schema};
use super::manifest::{HostInfo, ProfileUse};
use super::metrics::RunMetrics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema that this program writes.
pub const BASELINE_SCHEMA: &str = "bedload.baseline/1";

/// Runs of one scenario, each with what it reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Baseline {
    /// [`BASELINE_SCHEMA`].
    pub schema: String,
    /// Its name.
    pub name: String,
    /// When it was made, in ISO 8601; of runs that are no baseline, when the last of them began.
    pub created_at: String,
    /// The version of the program that made the runs.
    pub program_version: String,
    /// Whether the runs are simulated or live.
    pub kind: RunKind,
    /// The target of live runs; `null` if simulated.
    pub target: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The machine of the runs.
    pub host: HostInfo,
    /// The profiles that the runs rest on.
    pub profiles: Vec<ProfileUse>,
    /// The variants, in the order of the scenario.
    pub variants: Vec<BaselineVariant>,
}

/// How runs came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// In virtual time: equal seeds give equal results.
    Simulated,
    /// Against a real endpoint.
    Live,
}

/// The runs of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BaselineVariant {
    /// Its name.
    pub name: String,
    /// SHA-256 of the scenario as this variant sees it, its seed, replications, name and description apart.
    pub scenario_sha256: String,
    /// The runs, in order of time.
    pub runs: Vec<BaselineRun>,
    /// What comparisons of equal builds show, by metric; empty if it was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<NoiseFloor>,
    /// All runs together by latency (`ttft`, `attempt_ttft`, `e2e`, `attempt_e2e`, `tpot`): histograms of
    /// microseconds in the compressed V2 form of `HdrHistogram`, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BaselineRun {
    /// The folder that it lies in, without the path to it.
    pub source: String,
    /// When it began, in ISO 8601.
    pub started_at: String,
    /// The seed of its draws.
    pub seed: u64,
    /// Measured seconds.
    pub measured_s: f64,
    /// Why it cannot be relied on; `null` if it can.
    pub spoilt: Option<String>,
    /// Dollars that it took; `null` if unknown, 0 if simulated.
    pub spent_usd: Option<f64>,
    /// What it reads of all workloads together, and then of each.
    pub metrics: Vec<RunMetrics>,
}

/// The noise floor of one metric: what comparisons of equal builds show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NoiseFloor {
    /// The workload; `null` is all of them together.
    pub workload: Option<String>,
    /// The metric, such as `ttft.p50`.
    pub metric: String,
    /// 95th percentile of |Δ ln| between means of `runs` runs of the same build; of shares, of |Δ|.
    pub floor: f64,
    /// Runs in each mean.
    pub runs: u32,
    /// Comparisons that it was read from.
    pub comparisons: u32,
}

impl Baseline {
    /// The baseline as it stands in its file.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}

/// Reads a baseline.
///
/// # Errors
/// If it is none, is of a newer major version, or lacks a field.
pub fn read_baseline(text: &str) -> Result<Baseline, ReadError> {
    expect_schema(text, BASELINE_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(BASELINE_SCHEMA, &error))
}
