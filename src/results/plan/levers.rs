//! What the levers of a plan are worth. A value that is not available is `null`, never 0.

use serde::{Deserialize, Serialize};

/// The levers of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeversSummary {
    /// The variant.
    pub variant: String,
    /// The answer in a sentence.
    pub verdict: String,
    /// What else follows, as sentences.
    pub findings: Vec<String>,
    /// What a reader should know before trusting the figures, as sentences.
    pub caveats: Vec<String>,
    /// The price book that all figures are made with.
    pub price_book: String,
    /// The date on which its prices were read.
    pub prices_as_of: String,
    /// The workloads with their volumes.
    pub volumes: Vec<LeverVolumeSummary>,
    /// Dollars a month without any lever; `null` if a price is unknown, and then no lever has a figure.
    pub base_usd: Option<f64>,
    /// Dollars a month with all levers.
    pub all_usd: Option<f64>,
    /// The levers, in the order of the waterfall.
    pub levers: Vec<LeverSummary>,
    /// The waterfall in the order of the scenario's choice.
    pub waterfall: Vec<LeverStepSummary>,
    /// The waterfall in the reverse order.
    pub reverse: Vec<LeverStepSummary>,
    /// Every two levers.
    pub pairs: Vec<LeverPairSummary>,
    /// Workloads that read from a cache with all levers pulled, against batch, which has none.
    pub cache_or_batch: Vec<LeverBatchSummary>,
    /// Every subset of the levers, that without any first.
    pub subsets: Vec<LeverCostSummary>,
}

/// A workload with its volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverVolumeSummary {
    /// The workload.
    pub workload: String,
    /// Requests in a month of 730 hours; `null` where the scenario states none and the rate of its traffic
    /// counts.
    pub requests_per_month: Option<f64>,
}

/// What one lever is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverSummary {
    /// Its name.
    pub name: String,
    /// Dollars a month that it saves by itself.
    pub alone_usd: f64,
    /// Dollars a month that it saves on top of all others.
    pub last_usd: f64,
    /// Its Shapley value: dollars a month that it saves in the mean over all orders. These sum to what all
    /// levers save.
    pub shapley_usd: f64,
}

/// One step of a waterfall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverStepSummary {
    /// The lever that is pulled.
    pub lever: String,
    /// Dollars a month that it saves at its turn.
    pub saves_usd: f64,
    /// Dollars a month that are left.
    pub left_usd: f64,
}

/// Two levers and what they do to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverPairSummary {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// Dollars a month that they save together beyond what each saves alone; below zero they weaken each
    /// other.
    pub together_usd: f64,
}

/// A workload that reads from a cache, and what batch would make of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverBatchSummary {
    /// The workload.
    pub workload: String,
    /// The share of the cacheable prompt that is read from the cache.
    pub hit_ratio: f64,
    /// Dollars a month of its calls, cached.
    pub cached_usd: f64,
    /// Dollars a month of the same requests as records of batch jobs, which have no cache.
    pub batch_usd: f64,
    /// Whether all its models are sold in batch.
    pub batch_is_sold: bool,
}

/// What a subset of levers costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeverCostSummary {
    /// The levers in it.
    pub levers: Vec<String>,
    /// Dollars a month.
    pub month_usd: f64,
    /// Why it cannot be had, if so; its cost is then that of the cheapest of its parts.
    pub missing: Option<String>,
}
