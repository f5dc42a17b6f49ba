//! What a plan is worth: the frontier, regret, and what matters.

use serde::{Deserialize, Serialize};

/// What the plan of a pool is worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SensitivitySummary {
    /// The model's name for people, with the scope of the calls.
    pub pool: String,
    /// What follows from the figures, in sentences.
    pub sentences: Vec<String>,
    /// Plans that no other beats in both cost and share served, the cheapest first.
    pub frontier: Vec<FrontierSummary>,
    /// The plan under slow, median and fast growth.
    pub regret: Vec<RegretSummary>,
    /// What matters.
    pub tornado: TornadoSummary,
    /// How to read the figures.
    pub notes: Vec<String>,
}

/// One plan of the frontier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FrontierSummary {
    /// What it is: `all on demand`, `the plan`, `made for 99.9 %`.
    pub name: String,
    /// What is held.
    pub held: String,
    /// Dollars paid in a month, penalties apart, on the mean over paths and months.
    pub month_usd: f64,
    /// Of these, for bought capacity.
    pub bought_month_usd: f64,
    /// Requests served over those offered.
    pub served_share: f64,
    /// Requests served in a month.
    pub served_per_month: f64,
    /// Dollars for each request that is served beyond the plan before; `null` at the first one.
    pub usd_per_extra_request: Option<f64>,
    /// The same of bought capacity alone: what the SLA costs beside the requests themselves.
    pub capacity_usd_per_extra_request: Option<f64>,
}

/// A plan on one path of growth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WeighedSummary {
    /// Dollars over the whole plan; missed requests count at their on-demand price, so that a refusal is no saving.
    pub usd: f64,
    /// Requests served over those offered.
    pub served_share: f64,
}

/// The plan under one path of growth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RegretSummary {
    /// `p10`, `p50` or `p90` of the demand of the whole plan.
    pub growth: String,
    /// Load of the last month over that of the first.
    pub growth_factor: f64,
    /// The plan.
    pub chosen: WeighedSummary,
    /// The best plan, had one known.
    pub best: WeighedSummary,
    /// What is held in that one.
    pub best_held: String,
    /// Buying nothing.
    pub nothing: WeighedSummary,
    /// What the plan costs beyond the best one.
    pub regret_usd: f64,
    /// The same over what the best one costs; `null` if that is nothing.
    pub regret_share: Option<f64>,
    /// What buying nothing costs beyond the best one.
    pub nothing_regret_usd: f64,
}

/// What matters, the most first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TornadoSummary {
    /// Dollars of the whole plan with every input at p50, missed requests at their on-demand price.
    pub base_usd: f64,
    /// What is decided there, as in the decision.
    pub verdict: String,
    /// Paths of demand behind each figure.
    pub paths: u32,
    /// The inputs.
    pub bars: Vec<TornadoBarSummary>,
}

/// One input at both ends, the others at p50.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TornadoBarSummary {
    /// Its name.
    pub input: String,
    /// `scenario` if the scenario says how unsure it is, `assumed` for a fifth to either side.
    pub basis: String,
    /// At p10.
    pub low: TornadoEnd,
    /// At p90.
    pub high: TornadoEnd,
}

/// One end of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TornadoEnd {
    /// Where it lies, such as `-20 %`.
    pub at: String,
    /// Dollars of the whole plan, decided for this end.
    pub usd: f64,
    /// What that is beyond the base.
    pub delta_usd: f64,
    /// What is decided.
    pub verdict: String,
}
