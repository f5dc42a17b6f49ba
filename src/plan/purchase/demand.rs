//! Demand: a typical week by the hour, and paths along which it grows.

mod call;
mod counted;
mod document;
mod paths;
mod series;
mod week;

pub(in crate::plan::purchase) use document::month_label;
pub use paths::PathGrowth;
pub use week::requests_of_weeks;

use crate::domain::Scope;
use crate::scenario::{Variant, Workload};
use crate::service::spec::{CapacitySpec, Overload};
use crate::sim::Assembled;
use crate::units::{Micros, Usd};
use week::Week;

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
    /// How a minute's requests scatter about those of its hour: their standard deviation over their mean, at the
    /// mean rate of the week.
    ///
    /// With IDC the index of dispersion of the counts of a minute (variance over mean) and n the mean requests of
    /// a minute, its square is IDC / n. It shrinks with the square root of the rate, as that of more clients of the
    /// same kind does: at f times the rate it is cv / √f.
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

/// The demand of a variant: a typical week of each workload, its mean request, and how they grow.
///
/// `seed` draws the arrivals from which requests and burstiness are measured, and the paths.
pub fn demand(variant: &Variant, assembled: &Assembled, seed: u64) -> Demand {
    let mut notes = Vec::new();
    let mut warnings = Vec::new();
    let mut workloads = Vec::new();
    let mut growth = Vec::new();
    for (index, workload) in variant.workloads.iter().enumerate() {
        let plan = variant.plan.workload(&workload.name);
        let typical = Week::of(variant, workload, assembled, (index, seed));
        let plan_of = |text: String| format!("{}: {text}", workload.name);
        notes.extend(typical.notes.iter().cloned().map(plan_of));
        warnings.extend(typical.warnings.iter().cloned().map(plan_of));
        let hit_ratio = plan.and_then(|plan| plan.hit_ratio);
        let (call, warning) = call::mean_call(&typical, hit_ratio);
        warnings.extend(warning.map(plan_of));
        growth.push(PathGrowth::of(&variant.plan, &workload.name));
        workloads.push(WorkloadDemand {
            name: workload.name.clone(),
            model: workload.model.clone(),
            scope: scope(variant, workload),
            minute_cv: typical.minute_cv(),
            week: typical.hours,
            call,
            deferrable: plan.and_then(|plan| plan.deferrable),
            is_batch: workload.offer.batch.is_some(),
        });
    }
    let horizon = &variant.plan.horizon;
    Demand {
        workloads,
        paths: Paths::draw(
            &growth,
            horizon.months as usize,
            horizon.paths as usize,
            seed,
        ),
        notes,
        warnings,
    }
}

/// How the hours of each workload scatter about those of its typical week, as coefficients of variation: what its
/// series of hours tells, otherwise nothing.
pub(in crate::plan::purchase) fn hour_scatter(variant: &Variant) -> Vec<f64> {
    let of = |workload: &Workload| {
        let plan = variant.plan.workload(&workload.name)?;
        plan.hourly.as_ref()?.series.scatter()
    };
    let all = variant.workloads.iter();
    all.map(|workload| of(workload).unwrap_or(0.0)).collect()
}

/// The scope of the calls of a workload, or of those that bought capacity has no room for.
fn scope(variant: &Variant, workload: &Workload) -> Scope {
    let service = &variant.service;
    let own = workload.scope.clone();
    own.unwrap_or_else(|| match &service.capacity {
        CapacitySpec::OnDemand { scope } => scope.clone(),
        CapacitySpec::Reserved(spec) => spec.scope.clone(),
        CapacitySpec::Provisioned(spec) => match &spec.overload {
            Overload::OnDemand(scope) => scope.clone(),
            Overload::Refuse | Overload::Queue => Scope::InRegion(service.region.clone()),
        },
    })
}

#[cfg(test)]
pub(in crate::plan::purchase) mod tests;
