//! How demand stands to the quotas, and what to ask for.

use serde::{Deserialize, Serialize};

/// One counter: the quotas of a model in a scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuotaOutlookSummary {
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// Which counter of the model: `in-region`, `geo` or `global`.
    pub kind: String,
    /// The scope of its calls.
    pub scope: String,
    /// The source Region.
    pub region: String,
    /// The workloads that share it.
    pub workloads: Vec<String>,
    /// Days from a request for more until it is granted, as the plan has it.
    pub lead_time_days: f64,
    /// Its quotas.
    pub quotas: Vec<QuotaLimitSummary>,
    /// What to write into a request for more; `null` if all its quotas will do.
    pub request: Option<QuotaRequestSummary>,
}

/// One quota over the months. Amounts are in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuotaLimitSummary {
    /// `tpm`, `rpm`, `tpd`, or `output_tpm` of the mantle family.
    pub unit: String,
    /// The limit in force.
    pub limit: f64,
    /// Its Service Quotas code; `null` where the profile has none.
    pub code: Option<String>,
    /// Mean use of a typical week in the first month.
    pub mean: f64,
    /// The need by month.
    pub months: Vec<MonthNeedSummary>,
    /// When the need passes the limit.
    pub exhaustion: ExhaustionSummary,
    /// The limit to ask for; `null` if the present one will do.
    pub ask: Option<f64>,
}

/// What one month needs of a quota: its mean use × `peak_factor` × `growth_factor_p95` × `burst_factor` is
/// `need_p95`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonthNeedSummary {
    /// The month, from 1.
    pub month: u32,
    /// Its name; `null` if the plan names no first month.
    pub label: Option<String>,
    /// What half of the paths need in the busiest minute (for tokens per day: on the busiest day).
    pub need_p50: f64,
    /// What 95 % of the paths need.
    pub need_p95: f64,
    /// What of the need at p95 settles; `null` for requests.
    pub settled_p95: Option<f64>,
    /// Tokens billed in the same minute or day; `null` for requests.
    pub billed_p95: Option<f64>,
    /// The need of half of the paths over the limit.
    pub share_p50: Option<f64>,
    /// The need at p95 over the limit.
    pub share_p95: Option<f64>,
    /// The share of paths that need more than the limit.
    pub chance_above: f64,
    /// The peak hour over the mean one.
    pub peak_factor: f64,
    /// Growth since the first month, on half of the paths.
    pub growth_factor_p50: f64,
    /// The same at p95, hour-to-hour scatter inside.
    pub growth_factor_p95: f64,
    /// The busiest minute over its hour.
    pub burst_factor: f64,
}

/// The month in which a quota is first not enough, over the paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExhaustionSummary {
    /// A tenth of the paths have passed it by this month, from 1; `null` is not within the plan.
    pub p10_month: Option<u32>,
    /// Half of them.
    pub p50_month: Option<u32>,
    /// Nine in ten.
    pub p90_month: Option<u32>,
    /// The share of paths that do not pass it within the plan.
    pub never_share: f64,
    /// The share of paths on which each month is the first.
    pub first_in_month: Vec<f64>,
    /// The last safe day for a request, `YYYY-MM-DD`; `null` if there is none, or no first month.
    pub ask_by: Option<String>,
    /// The same in days after the beginning of the plan, negative if it is over by then; `null` if there is none.
    pub ask_within_days: Option<i64>,
}

/// What a request for more quota says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuotaRequestSummary {
    /// What the model is used for.
    pub use_case: String,
    /// Tokens per minute as the limiter counts them.
    pub tokens_per_minute: RateSummary,
    /// Requests per minute.
    pub requests_per_minute: RateSummary,
    /// Mean input tokens of a request, cached ones inside.
    pub input_tokens: f64,
    /// The share of them read from the cache.
    pub cached_share: f64,
    /// Mean output tokens of a request.
    pub output_tokens: f64,
    /// Mean `max_tokens`.
    pub max_tokens: f64,
    /// Growth of each workload.
    pub growth: Vec<String>,
    /// Where the figures come from.
    pub evidence: Vec<String>,
}

/// A rate now and at the end of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateSummary {
    /// The mean over the week, in the first month.
    pub steady: f64,
    /// The busiest minute of the first month, at p95.
    pub peak: f64,
    /// The mean over the week in the last month, on half of the paths.
    pub steady_at_end: f64,
    /// The largest need of a month, at p95.
    pub peak_at_end: f64,
}
