//! `calibration.json`: latency laws fitted to measurements, and how well they foretell later ones.
//!
//! The rules of `summary.json` hold: fields are only ever added, times are milliseconds unless their name
//! says seconds, and a value that is not available is `null`, never 0.

use super::error::{ReadError, expect_schema};
use super::report::Figure;
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const CALIBRATION_SCHEMA: &str = "bedload.calibration/1";

/// Latency laws fitted to measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationDocument {
    /// `bedload.calibration/1`.
    pub schema: String,
    /// The answer in a few sentences; comes first.
    pub verdict: Vec<String>,
    /// Whether every profile was accepted.
    pub fitted: bool,
    /// What was read.
    pub sources: Vec<CalibrationSource>,
    /// Rows that could not be used, by reason.
    pub skipped: Vec<(String, u64)>,
    /// By what the rows were split into those for the fit and those that judge it: `time`, or `order` where
    /// rows have no time.
    pub split: String,
    /// The share of the rows that judges.
    pub holdout_share: f64,
    /// One law for each model, and for each Region, tier and part of the day with enough rows.
    pub groups: Vec<CalibrationGroup>,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// How to read the figures.
    pub notes: Vec<String>,
    /// Measured against fitted percentiles of the rows that judge.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub figures: Vec<Figure>,
}

/// One source of measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationSource {
    /// As the user named it.
    pub name: String,
    /// `run`, `attempts`, `records` or `csv`.
    pub kind: String,
    /// Measured answers in it.
    pub rows: u64,
}

/// One fitted law.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationGroup {
    /// The model, by the catalogue's name where it has one.
    pub model: String,
    /// The Region or profile prefix, where it was fitted apart; `null` for all of them.
    pub region: Option<String>,
    /// The service tier, where it was fitted apart; `null` for all of them.
    pub tier: Option<String>,
    /// The quarter of the day (UTC), where it was fitted apart: `night`, `morning`, `afternoon`,
    /// `evening`; `null` for all of it.
    pub hours: Option<String>,
    /// The name of the latency profile.
    pub profile: String,
    /// Its file, as it was written; `null` if nothing was written.
    pub file: Option<String>,
    /// `fitted`, `assumed`, or `none` where no law could be had.
    pub origin: String,
    /// Why it is not `fitted`; empty if it is.
    pub reasons: Vec<String>,
    /// Measured answers.
    pub rows: u64,
    /// Those that judged.
    pub holdout_rows: u64,
    /// The built-in or own profile from which the fit started; `null` if none.
    pub started_from: Option<String>,
    /// The law, fitted to all rows; `null` if there is none.
    pub law: Option<CalibrationLaw>,
    /// The law fitted to the earlier rows against the later ones.
    pub checks: Vec<MetricCheck>,
    /// Spearman's correlation of answers' lateness with attempts on the wire; `null` if unknown.
    pub load_correlation: Option<f64>,
    /// Mean of attempts on the wire when an answer was asked for; `null` if unknown.
    pub mean_in_flight: Option<f64>,
}

/// A latency law: TTFT = (base + `per_k_input`·U + `per_k_cached`·R)·ε, time per token = `per_token`·ε′.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationLaw {
    /// TTFT of an empty prompt.
    pub base_ms: f64,
    /// TTFT per 1,000 uncached input tokens.
    pub per_k_input_ms: f64,
    /// TTFT per 1,000 input tokens read from a cache.
    pub per_k_cached_ms: f64,
    /// Time per output token.
    pub per_token_ms: f64,
    /// The noise of TTFT.
    pub ttft: CalibrationPart,
    /// The noise of the time per token.
    pub tpot: CalibrationPart,
}

/// How one half of a law came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalibrationPart {
    /// `fitted` or `assumed`.
    pub origin: String,
    /// Rows that show it.
    pub samples: u64,
    /// Whether it was read from whole answers.
    pub from_totals: bool,
    /// Coefficients that the rows do not tell, taken over from the profile that the fit started from.
    pub held: Vec<String>,
    /// The form of its noise: `lognormal`, `two_sided`, `mixture`, `knots`, or `kept` from that profile.
    pub noise: String,
    /// Its multipliers at p5, p50, p95 and p99.
    pub noise_quantiles: [f64; 4],
}

/// A law against measurements of one kind that it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MetricCheck {
    /// `ttft`, `tpot` or `e2e`.
    pub metric: String,
    /// Measurements.
    pub rows: u64,
    /// Whether all bounds hold; `null` below thirty measurements.
    pub passed: Option<bool>,
    /// The percentiles p50, p90, p95 and p99.
    pub quantiles: Vec<QuantileCheck>,
    /// The distance of Kolmogorov and Smirnov.
    pub ks: Option<f64>,
    /// What it may be.
    pub ks_bound: f64,
    /// The mean distance of quantiles (Wasserstein) over the measured mean.
    pub wasserstein_over_mean: Option<f64>,
    /// Share, measured and fitted milliseconds.
    pub curve: Vec<(f64, f64, f64)>,
}

/// One percentile, measured and fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuantileCheck {
    /// `p50`, `p90`, `p95` or `p99`.
    pub percentile: String,
    /// Measured.
    pub measured_ms: Option<f64>,
    /// By the law.
    pub fitted_ms: Option<f64>,
    /// |fitted / measured − 1|.
    pub error: Option<f64>,
    /// What it may be.
    pub bound: f64,
    /// Half of the 95 % interval of the measured percentile itself, relative.
    pub noise: f64,
    /// Whether there are enough measurements for this percentile.
    pub enough_rows: bool,
}

impl CalibrationDocument {
    /// The document as it stands in `calibration.json`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}

/// Reads `calibration.json`.
///
/// # Errors
/// If it is not a calibration, is of a newer major version, or lacks a field.
pub fn read_calibration(text: &str) -> Result<CalibrationDocument, ReadError> {
    expect_schema(text, CALIBRATION_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(CALIBRATION_SCHEMA, &error))
}
