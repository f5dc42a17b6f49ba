//! Which endpoint answered what: the lanes of fallbacks, routes and classifiers.

use super::figures::dollars;
use crate::measure::{LaneTally, Tally};
use crate::sim::{LaneContext, VariantContext, VariantMeasures};
use serde::{Deserialize, Serialize};

/// The calls of a variant to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneSummary {
    /// Its name: the model, and how it is called.
    pub name: String,
    /// The model, by the profile's name.
    pub model: String,
    /// `own` if it is that of a workload; `answers`, `classifies` or `defers` if it is there for fallbacks and
    /// routes.
    pub role: String,
    /// Requests that it answered; for a classifier those that it judged.
    pub answered: u64,
    /// Requests that were put off to a batch job on it.
    pub deferred: u64,
    /// Attempts sent to it.
    pub attempts: u64,
    /// Refused by a quota (429).
    pub throttled: u64,
    /// Refused for lack of capacity (503).
    pub unavailable: u64,
    /// Failed otherwise, or abandoned.
    pub failed: u64,
    /// What its attempts and records cost; `null` if a price is unknown.
    pub cost_usd: Option<f64>,
    /// The latency profile of its model.
    pub latency: String,
    /// `measured`, `fitted` or `assumed`.
    pub latency_origin: String,
}

/// What a classifier in front of a workload's requests did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassifierSummary {
    /// Requests that it judged.
    pub judged: u64,
    /// Requests that it could not be asked about; they went to the workload's own endpoint.
    pub failed: u64,
    /// Requests that it judged easy.
    pub easy: u64,
    /// Hard requests that it judged easy.
    pub misrouted: u64,
    /// Easy requests that it judged hard.
    pub overserved: u64,
}

/// The lanes of a variant, those of one name together; none where each workload has only its own.
pub(super) fn lanes(context: &VariantContext, measures: &VariantMeasures) -> Vec<LaneSummary> {
    let mut sums: Vec<(&LaneContext, LaneTally, bool)> = Vec::new();
    for (lane, tally) in context.lanes.iter().zip(&measures.total.lanes) {
        // What became of batch workloads stands elsewhere.
        if lane.how == "batch" {
            continue;
        }
        let is_priced = lane.is_priced || tally.cost.0 != 0;
        match sums.iter_mut().find(|(known, ..)| known.name == lane.name) {
            Some((_, sum, all)) => {
                sum.merge(tally);
                *all &= is_priced;
            }
            None => sums.push((lane, *tally, is_priced)),
        }
    }
    let summary = |(lane, tally, is_priced): (&LaneContext, LaneTally, bool)| LaneSummary {
        name: lane.name.clone(),
        model: lane.model.clone(),
        role: lane.role.to_owned(),
        answered: tally.answered,
        deferred: tally.deferred,
        attempts: tally.sent,
        throttled: tally.throttled,
        unavailable: tally.unavailable,
        failed: tally.failed + tally.timed_out,
        cost_usd: is_priced.then(|| dollars(tally.cost)),
        latency: lane.latency.0.clone(),
        latency_origin: lane.latency.1.to_string(),
    };
    sums.into_iter().map(summary).collect()
}

/// Whether the price of every call of the workload `name` to a lane that is not its own is known.
pub(super) fn are_priced(context: &VariantContext, measures: &VariantMeasures, name: &str) -> bool {
    let mut lanes = context.lanes.iter().zip(&measures.total.lanes);
    lanes.all(|(lane, tally)| {
        let costs = tally.answered + tally.deferred + tally.timed_out + tally.failed > 0;
        lane.role == "own" || lane.workload != name || lane.is_priced || !costs
    })
}

/// What the classifier of a workload did, if it has one.
pub(super) fn classifier(tally: &Tally) -> Option<ClassifierSummary> {
    tally.classifier.map(|counts| ClassifierSummary {
        judged: counts.judged,
        failed: counts.failed,
        easy: counts.easy,
        misrouted: counts.misrouted,
        overserved: counts.overserved,
    })
}
