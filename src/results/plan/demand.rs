//! Demand: a typical week of each workload, and how all of them grow.

use serde::{Deserialize, Serialize};

/// Demand over the months of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DemandSummary {
    /// The workloads, in the order of the scenario.
    pub workloads: Vec<WorkloadDemandSummary>,
    /// Paths of demand that were drawn.
    pub paths: u32,
    /// Requests of all workloads by month.
    pub months: Vec<DemandMonthSummary>,
    /// Where the figures come from.
    pub notes: Vec<String>,
    /// What a reader should know before trusting them.
    pub warnings: Vec<String>,
}

/// The demand of one workload, at the level of the first month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkloadDemandSummary {
    /// Its name.
    pub name: String,
    /// The model profile's name.
    pub model: String,
    /// The scope of its calls: a profile's prefix, `global`, or a Region.
    pub scope: String,
    /// Whether its requests are records of batch jobs.
    pub is_batch: bool,
    /// How long its requests may wait, in seconds; `null` if they may not.
    pub deferrable_s: Option<f64>,
    /// Requests in a month of 730 hours.
    pub requests_per_month: f64,
    /// Requests per second over the week.
    pub mean_rps: f64,
    /// Requests per second in the peak hour.
    pub peak_rps: f64,
    /// The peak hour in UTC, such as `Tue 14:00`, the first of several; `null` if all hours are alike.
    pub peak_hour: Option<String>,
    /// The peak hour over the mean one; `null` without requests.
    pub peak_to_mean: Option<f64>,
    /// How a minute's requests scatter about those of its hour at the mean rate: their standard deviation over
    /// their mean.
    pub minute_cv: f64,
    /// Requests of each of the 168 hours of a typical week, Monday 00:00 UTC first.
    pub week_requests: Vec<f64>,
    /// How it grows.
    pub growth: GrowthSummary,
    /// Its mean request.
    pub call: CallSummary,
}

/// How demand grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GrowthSummary {
    /// Whether it is the workload's own; otherwise it goes up and down with the others.
    pub is_own: bool,
    /// Growth of the median in a month, as a share.
    pub per_month: f64,
    /// How far demand wanders in a month, as the standard deviation of its logarithm.
    pub volatility: f64,
    /// How unsure the growth itself is, as the standard deviation of its logarithm.
    pub uncertainty: f64,
    /// Factors of the months from the first one on, repeated; empty without seasons.
    pub season: Vec<f64>,
}

/// The mean request of a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CallSummary {
    /// Billed input tokens neither read from nor written to the cache.
    pub input_tokens: f64,
    /// Billed tokens written to the cache.
    pub cache_write_tokens: f64,
    /// Billed tokens read from the cache.
    pub cache_read_tokens: f64,
    /// Billed output tokens.
    pub output_tokens: f64,
    /// Quota tokens that admission reserves.
    pub reserved_tokens: f64,
    /// Quota tokens at which it settles.
    pub settled_tokens: f64,
    /// For how many seconds it holds what it reserved.
    pub held_s: f64,
    /// Dollars on demand, as the workload asks to be served; `null` if a price is not known.
    pub on_demand_usd: Option<f64>,
    /// Dollars as a record of a batch job, without a cache; `null` if the model has no batch or no price of it.
    pub batch_usd: Option<f64>,
}

/// Requests of all workloads in one month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DemandMonthSummary {
    /// The month, from 1.
    pub month: u32,
    /// Its name, such as `2027-01`; `null` if the plan names no first month.
    pub label: Option<String>,
    /// Mean over the paths.
    pub requests_mean: f64,
    /// A tenth of the paths have no more.
    pub requests_p10: f64,
    /// Half of them.
    pub requests_p50: f64,
    /// Nine in ten.
    pub requests_p90: f64,
}
