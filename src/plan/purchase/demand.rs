//! Demand: a typical week by the hour, and paths along which it grows.

use crate::domain::Scope;
use crate::units::{Micros, Usd};

/// Hours of the week that demand is told in, Monday 00:00 UTC first.
pub const HOURS_OF_WEEK: usize = 168;

/// The demand of all workloads of a variant over the months of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The workloads, in the order of the variant.
    pub workloads: Vec<WorkloadDemand>,
    /// How they grow.
    pub paths: Paths,
    /// What a reader should know of where this comes from.
    pub notes: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
}

/// The demand of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadDemand {
    /// Its name.
    pub name: String,
    /// The model profile's name.
    pub model: String,
    /// The scope of its calls.
    pub scope: Scope,
    /// Requests of each hour of a typical week, at the level of the first month: [`HOURS_OF_WEEK`] values.
    pub week: Vec<f64>,
    /// How a minute's requests scatter about those of its hour: their standard deviation over their mean.
    pub minute_cv: f64,
    /// Its mean request.
    pub call: MeanCall,
    /// How long its requests may wait, if they may.
    pub deferrable: Option<Micros>,
    /// Whether its requests are records of batch jobs already.
    pub is_batch: bool,
}

/// The mean request of a workload: billed tokens, quota tokens and dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeanCall {
    /// Input tokens neither read from nor written to the cache.
    pub input: f64,
    /// Tokens written to the cache.
    pub cache_write: f64,
    /// Tokens read from the cache.
    pub cache_read: f64,
    /// Output tokens, cut at `max_tokens`, thinking inside.
    pub output: f64,
    /// Quota tokens that admission reserves (R).
    pub reserved: f64,
    /// Quota tokens at which it settles (F).
    pub settled: f64,
    /// For how long it holds what it reserved (L).
    pub held: Micros,
    /// What it costs on demand; `None` if a price is not known.
    pub on_demand: Option<Usd>,
    /// What it costs as a record of a batch job; `None` if the model has no batch or no price of it.
    pub batch: Option<Usd>,
}

/// Paths of demand: a factor on the level of the first month, for each workload, path and month.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// Months.
    pub months: usize,
    /// Paths; at least 1.
    pub paths: usize,
    /// The factors: by workload, then by path, then by month.
    pub factors: Vec<f64>,
}

impl Paths {
    /// The factor of a workload on a path in a month.
    pub fn factor(&self, workload: usize, path: usize, month: usize) -> f64 {
        self.factors[(workload * self.paths + path) * self.months + month]
    }
}
