//! `bedload.compare/1`: whether runs differ from those that they are measured against.
//!
//! The rules of `summary.json` hold: fields are only ever added, and a value that is not available is `null`.
//! Effects and thresholds of latencies and costs are relative (0.05 is five per cent more), those of shares
//! are differences.

mod history;

pub use history::{ChangeSummary, HistoryPoint, HistorySeries};

use super::baseline::RunKind;
use super::error::{ReadError, expect_schema};
use super::manifest::HostInfo;
use super::report::{Figure, Unit};
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const COMPARE_SCHEMA: &str = "bedload.compare/1";

/// What became of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CompareSummary {
    /// [`COMPARE_SCHEMA`].
    pub schema: String,
    /// The verdict on all variants and assertions; `null` where nothing was to be judged.
    pub verdict: Option<Verdict>,
    /// The same in sentences, the verdict first.
    pub sentences: Vec<String>,
    /// What was measured against; `null` without a baseline.
    pub baseline: Option<SideSummary>,
    /// What was measured; `null` for a history.
    pub result: Option<SideSummary>,
    /// The gate.
    pub gate: GateSettings,
    /// The variants, in the order of the result.
    pub variants: Vec<CompareVariant>,
    /// Absolute thresholds with what was seen.
    pub assertions: Vec<AssertionSummary>,
    /// Noise floors that were measured, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationRow>,
    /// Metrics over many runs, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistorySeries>,
    /// Pictures of the same.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub figures: Vec<Figure>,
    /// What a reader should know before trusting the verdict.
    pub warnings: Vec<String>,
    /// Plain remarks.
    pub notes: Vec<String>,
}

/// The verdict of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No change that matters, and one would have been seen.
    Same,
    /// Better by more than the threshold, and not by chance.
    Improved,
    /// These runs cannot tell.
    Inconclusive,
    /// Worse by more than the threshold, and not by chance.
    Regressed,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Improved => "improved",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
        })
    }
}

/// How two sides were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Every reading of both sides is the same number.
    Identical,
    /// Welch's t test on run-level readings.
    Welch,
    /// Paired t test on simulations of equal seeds.
    Paired,
    /// A t test of a run or two against at least 20 past ones.
    History,
    /// None: a reason says why.
    None,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SideSummary {
    /// As the command named it.
    pub name: String,
    /// Whether the runs are simulated or live.
    pub kind: RunKind,
    /// The target of live runs.
    pub target: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The version of the program that made the runs.
    pub program_version: String,
    /// When it was made, or its last run began.
    pub created_at: String,
    /// The machine.
    pub host: HostInfo,
    /// Runs that were compared, of the variant that has the most.
    pub runs: u32,
    /// Runs that cannot be relied on, with the reason; they were left out.
    pub spoilt: Vec<String>,
}

/// The gate's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateSettings {
    /// Level of the one-sided tests, and false discovery rate over all of them.
    pub alpha: f64,
    /// The wanted probability of seeing an effect of `detect`.
    pub power: f64,
    /// The least relative change that matters.
    pub threshold: f64,
    /// The relative change that the gate has to be able to see; if it could not, it does not say `same`.
    pub detect: f64,
    /// The least change of a share that matters.
    pub share_threshold: f64,
    /// The change of a share that the gate has to be able to see.
    pub share_detect: f64,
    /// Metrics on which it fails; the others are reported.
    pub metrics: Vec<String>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CompareVariant {
    /// Its name.
    pub name: String,
    /// The name of the variant that it was compared with.
    pub baseline: String,
    /// The verdict over its metrics.
    pub verdict: Verdict,
    /// How many runs of the baseline were compared.
    pub baseline_runs: u32,
    /// How many runs of the result were compared.
    pub result_runs: u32,
    /// The metrics: of each workload, and of all together if there are several.
    pub metrics: Vec<MetricComparison>,
}

/// One metric on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MetricComparison {
    /// The workload; `null` is all of them together.
    pub workload: Option<String>,
    /// The metric, such as `ttft.p50`.
    pub metric: String,
    /// The unit of `baseline` and `result`.
    pub unit: Unit,
    /// Whether effect and thresholds are relative; otherwise they are differences.
    pub relative: bool,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// Whether the gate fails on it.
    pub gated: bool,
    /// The verdict; `null` where it is only reported.
    pub verdict: Option<Verdict>,
    /// How it was compared.
    pub method: Method,
    /// The mean of the baseline's runs, geometric where the effect is relative.
    pub baseline: Option<f64>,
    /// The mean of the result's runs.
    pub result: Option<f64>,
    /// The change.
    pub effect: Option<f64>,
    /// The lower end of its interval, of confidence 1 − 2·alpha.
    pub effect_low: Option<f64>,
    /// The upper end.
    pub effect_high: Option<f64>,
    /// One-sided p of "it is worse".
    pub p_worse: Option<f64>,
    /// One-sided p of "it is better".
    pub p_better: Option<f64>,
    /// The p of the side on which the effect lies, adjusted for all gated metrics (Benjamini & Hochberg).
    pub p_adjusted: Option<f64>,
    /// The same side by exact permutation of the labels of runs, with at most eight runs on each side.
    pub p_permutation: Option<f64>,
    /// 95th percentile of the change between equal builds with as many runs.
    pub noise_floor: Option<f64>,
    /// The change that it takes to fail: the setting, or twice the noise floor if that is more.
    pub threshold: f64,
    /// The smallest change for the worse that would have been seen with the wanted power.
    pub detectable: Option<f64>,
    /// What would settle it, where it is inconclusive for want of runs.
    pub needs: Option<MoreRuns>,
    /// Why the verdict is what it is.
    pub reason: String,
}

/// Runs that would settle a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MoreRuns {
    /// Runs needed on each side.
    pub runs_each: u32,
    /// Runs to be made, over both sides.
    pub more_runs: u32,
    /// What these cost, by what the runs so far did; 0 if simulated, `null` if unknown.
    pub cost_usd: Option<f64>,
}

/// An absolute threshold with what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AssertionSummary {
    /// As it was written.
    pub text: String,
    /// The variant.
    pub variant: String,
    /// Whether it holds; `null` if that cannot be said.
    pub holds: Option<bool>,
    /// What was seen, the worst over all result folders; `null` if there is none, or it is infinite.
    pub seen: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// The unit of both.
    pub unit: Unit,
    /// What was seen in words.
    pub reason: String,
}

/// A measured noise floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationRow {
    /// The variant.
    pub variant: String,
    /// The workload; `null` is all of them together.
    pub workload: Option<String>,
    /// The metric.
    pub metric: String,
    /// Whether the floor is relative.
    pub relative: bool,
    /// 95th percentile of the change between means of `runs` runs of the same build.
    pub floor: f64,
    /// Runs in each mean.
    pub runs: u32,
    /// Comparisons that it was read from.
    pub comparisons: u32,
    /// Standard deviation of single runs.
    pub deviation: f64,
    /// Runs on each side with which an effect of `detect` is seen with the wanted power.
    pub runs_needed: Option<u32>,
}

impl CompareSummary {
    /// The document as it is printed.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}

/// Reads a document that `compare` printed.
///
/// # Errors
/// If it is none, is of a newer major version, or lacks a field.
pub fn read_compare(text: &str) -> Result<CompareSummary, ReadError> {
    expect_schema(text, COMPARE_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(COMPARE_SCHEMA, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{BASELINE_JSON_SCHEMA, Baseline, COMPARE_JSON_SCHEMA};

    /// The schemas as the types and their docs have them, kept beside them.
    ///
    /// `BEDLOAD_UPDATE=1 cargo test --lib compare_schemas` writes them anew.
    #[test]
    fn the_compare_schemas_are_those_of_the_types() {
        let check = |schema: schemars::Schema, name: &str, kept: &str| {
            let mut text = serde_json::to_string_pretty(&schema).unwrap();
            text.push('\n');
            if std::env::var_os("BEDLOAD_UPDATE").is_some() {
                let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/results/compare/");
                std::fs::write(format!("{folder}{name}"), text).unwrap();
            } else {
                assert_eq!(text, kept, "{name}");
            }
        };
        check(
            schemars::schema_for!(CompareSummary),
            "compare.schema.json",
            COMPARE_JSON_SCHEMA,
        );
        check(
            schemars::schema_for!(Baseline),
            "baseline.schema.json",
            BASELINE_JSON_SCHEMA,
        );
    }

    #[test]
    fn the_worst_verdict_is_the_greatest() {
        let order = [
            Verdict::Same,
            Verdict::Improved,
            Verdict::Inconclusive,
            Verdict::Regressed,
        ];
        assert!(order.is_sorted());
    }
}
