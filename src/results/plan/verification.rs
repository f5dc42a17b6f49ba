//! The simulated hours of a plan.

use serde::{Deserialize, Serialize};

/// What the simulation says of the plan of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerificationSummary {
    /// The model's name for people, with the scope of the calls.
    pub pool: String,
    /// What was found, in sentences.
    pub sentences: Vec<String>,
    /// Whether the plan meets the SLO in every hour at median growth; `null` if none was simulated.
    pub holds: Option<bool>,
    /// Whether throttling is bounded by the plan's target, since the SLO bounds none.
    pub bounded_by_target: bool,
    /// What the plan costs in a month beyond its price, raised until it holds at median growth; `null` if it holds as
    /// it is, cannot be raised, or the price is not known.
    pub raise_month_usd: Option<f64>,
    /// The hours.
    pub hours: Vec<VerifiedHourSummary>,
    /// How the hours were simulated.
    pub notes: Vec<String>,
}

/// One hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerifiedHourSummary {
    /// Which one, such as `month 12, busiest hour`.
    pub name: String,
    /// Its month, from 1.
    pub month: u32,
    /// `p50` or `p95`: the share of the paths of growth that stay below.
    pub growth: String,
    /// Requests in the hour, as the demand says.
    pub requests: f64,
    /// What was simulated, the plan itself first.
    pub plans: Vec<VerifiedPlanSummary>,
    /// What it takes to meet the SLO; `null` if the plan does.
    pub raise: Option<RaiseSummary>,
}

/// One plan in one hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerifiedPlanSummary {
    /// `plan`, `one block less`, `one block more`, `all on demand`, `raised` or `more quota`.
    pub role: String,
    /// What is held, such as `2M in + 200K out reserved, 1-month`.
    pub held: String,
    /// Why it could not be simulated; `null` if it was, and then the figures below are there.
    pub error: Option<String>,
    /// Whether every objective was met, as it was seen.
    pub is_met: Option<bool>,
    /// Whether chance may have decided that.
    pub is_unsure: Option<bool>,
    /// The objectives.
    pub objectives: Vec<ObjectiveReading>,
    /// The 99th percentile of the time to the first token; `null` if nothing is streamed or more than one request
    /// in a hundred had no answer.
    pub ttft_p99_ms: Option<f64>,
    /// Requests that ended throttled over those offered.
    pub throttled_share: Option<f64>,
    /// Good requests over those offered.
    pub attainment: Option<f64>,
    /// Requests that bought capacity served over those completed.
    pub bought_share: Option<f64>,
    /// Use of the input side of what is held; `null` if nothing is.
    pub input_utilisation: Option<f64>,
    /// Use of the output side.
    pub output_utilisation: Option<f64>,
    /// Requests that began, by the hour.
    pub requests_per_hour: Option<f64>,
    /// What was paid per token in an hour, by the ledger, guardrails inside.
    pub tokens_usd_per_hour: Option<f64>,
    /// What is held costs in an hour; `null` if no price is known.
    pub capacity_usd_per_hour: Option<f64>,
    /// Both; `null` if no price is known.
    pub usd_per_hour: Option<f64>,
    /// What the plan's mathematics say of it; `null` without prices.
    pub expected_usd_per_hour: Option<f64>,
    /// What was simulated over what the mathematics say, less 1.
    pub difference: Option<f64>,
    /// Seconds measured, over all seeds.
    pub measured_s: Option<f64>,
    /// Seeds.
    pub runs: Option<u32>,
}

/// One objective of the SLO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ObjectiveReading {
    /// Its name, such as `ttft.p99` (milliseconds) or `throttled_share`.
    pub name: String,
    /// The bound: milliseconds of a latency, otherwise a share.
    pub bound: f64,
    /// What was seen; `null` if nothing was, or if it is without end.
    pub seen: Option<f64>,
    /// Whether it is met.
    pub is_met: bool,
}

/// What it takes to meet the SLO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RaiseSummary {
    /// What binds, such as `TPM`.
    pub binds: String,
    /// How that is known.
    pub evidence: String,
    /// Blocks more with which it holds; `null` if blocks do not help, or none are sold.
    pub blocks: Option<u32>,
    /// What they cost in a month.
    pub blocks_month_usd: Option<f64>,
    /// The on-demand quota over that of now with which it holds; `null` if more quota does not help.
    pub quota_factor: Option<f64>,
    /// The same in tokens per minute.
    pub quota_tpm: Option<u64>,
    /// All of it in a sentence.
    pub sentence: String,
}
