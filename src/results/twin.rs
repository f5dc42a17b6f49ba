//! `twin.json`: a simulation beside the recorded run that it should have foretold.
//!
//! The rules of `summary.json` hold: fields are only ever added, times are milliseconds unless their name
//! says seconds, and a value that is not available is `null`, never 0.

use super::report::Figure;
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const TWIN_SCHEMA: &str = "bedload.twin/1";

/// A simulation beside a recorded run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TwinDocument {
    /// `bedload.twin/1`.
    pub schema: String,
    /// The answer in a few sentences; comes first.
    pub verdict: Vec<String>,
    /// Whether all figures of all variants agree.
    pub agrees: bool,
    /// The recorded run, as the user named it.
    pub run: String,
    /// How often each variant was simulated; figures are of all of them.
    pub simulations: u32,
    /// The variants.
    pub variants: Vec<TwinVariant>,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// How to read the figures.
    pub notes: Vec<String>,
    /// Recorded against simulated percentiles.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub figures: Vec<Figure>,
}

/// One variant, recorded and simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TwinVariant {
    /// Its name.
    pub name: String,
    /// Whether all its figures agree.
    pub agrees: bool,
    /// The latency profiles that the simulation used, with their words.
    pub latency: Vec<(String, String)>,
    /// The figures side by side.
    pub figures: Vec<TwinFigure>,
}

/// One figure, recorded and simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TwinFigure {
    /// Such as `ttft_ms.p95`, `attempts_per_request` or `throttled_share`.
    pub name: String,
    /// In the recorded run.
    pub recorded: Option<f64>,
    /// In the simulation.
    pub simulated: Option<f64>,
    /// How far it is off: relative, but of shares the difference.
    pub error: Option<f64>,
    /// What it may be off; `null` if it is not judged.
    pub bound: Option<f64>,
    /// Whether it agrees; `null` if it is not judged.
    pub agrees: Option<bool>,
}

impl TwinDocument {
    /// The document as it stands in `twin.json`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}
