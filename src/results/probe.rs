//! `probe.json`: which rules a quota follows, by the fates of calls.
//!
//! The rules of `summary.json` hold: fields are only ever added, times are milliseconds unless their name
//! says seconds, and a value that is not available is `null`, never 0.

use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const PROBE_SCHEMA: &str = "bedload.probe/1";

/// Which rules a quota follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeDocument {
    /// `bedload.probe/1`.
    pub schema: String,
    /// The answer in a few sentences; comes first.
    pub verdict: Vec<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The variant whose quota was probed.
    pub variant: String,
    /// Where calls went: `bedrock` or a URL.
    pub target: String,
    /// The model.
    pub model: String,
    /// The quota as stated, tokens per minute.
    pub tpm: u64,
    /// The quota that fits what was seen; `null` if the stated one does.
    pub tpm_seen: Option<u64>,
    /// `sliding`, `fixed` or `bucket`; `null` if it was not told.
    pub window: Option<String>,
    /// `A`, `B` or `C`; `null` if it was not told.
    pub semantics: Option<String>,
    /// The rules that remain, such as `bucket/A`.
    pub left: Vec<String>,
    /// How many times likelier the least likely of these is than the best other one, as natural logarithm;
    /// `null` if no other one is left.
    pub margin: Option<f64>,
    /// Second of the UTC minute at which a fixed window begins; `null` if it is not one.
    pub boundary_s: Option<f64>,
    /// Calls sent.
    pub calls: u64,
    /// Calls that the quota refused.
    pub refused: u64,
    /// Calls that failed otherwise, which tell nothing.
    pub failed: u64,
    /// What the calls cost; `null` if a price is unknown.
    pub spent_usd: Option<f64>,
    /// All rules, the likeliest first.
    pub hypotheses: Vec<ProbeHypothesis>,
    /// What to write into scenarios.
    pub settings: Vec<String>,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// How to read the figures.
    pub notes: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeHypothesis {
    /// `sliding`, `fixed` or `bucket`.
    pub window: String,
    /// `A`, `B` or `C`.
    pub semantics: String,
    /// Natural logarithm of the probability of all fates under this rule.
    pub log_likelihood: f64,
    /// Its probability if all rules were as likely before.
    pub weight: f64,
    /// The share of fates that it foretells.
    pub explained: f64,
}

impl ProbeDocument {
    /// The document as it stands in `probe.json`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}
