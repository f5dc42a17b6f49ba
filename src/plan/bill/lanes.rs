//! The endpoints that the requests of a workload may go to, with their prices.

use crate::cost::{BillLane, Tariff};
use crate::domain::{PriceTier, Scope};
use crate::service::guardrail::GuardSetup;
use crate::service::setup::TargetSetup;
use crate::sim::{Assembled, LaneRole};

/// One endpoint of a workload.
pub(super) struct Lane<'a> {
    /// Its number among the lanes of the variant.
    pub number: usize,
    pub kind: BillLane,
    pub model: &'a str,
    pub scope: &'a Scope,
    /// What its calls ask for.
    pub tier: PriceTier,
    pub target: &'a TargetSetup,
    /// The prices of what is served as asked.
    pub asked: Option<&'a Tariff>,
    /// The prices of what is served as standard although something else was asked for.
    pub standard: Option<&'a Tariff>,
    /// The guardrail of its calls.
    pub guard: Option<&'a GuardSetup>,
}

impl<'a> Lane<'a> {
    /// The endpoints of workload number `index`, its own first.
    pub fn all(assembled: &'a Assembled, index: usize) -> Vec<Self> {
        let setup = &assembled.setup;
        let context = &assembled.context.workloads[index];
        let workload = &setup.workloads[index];
        let target = &setup.endpoint.targets[index];
        let first = |tariffs: &'a [(_, Tariff)]| tariffs.first().map(|(_, tariff)| tariff);
        let standard = first(&workload.tariffs);
        let is_batch = workload.batch.is_some();
        let own = Self {
            number: index,
            kind: BillLane::Own,
            model: &context.model,
            scope: &assembled.scopes[index],
            tier: context.tier,
            target,
            asked: if is_batch || context.tier == PriceTier::Standard {
                standard
            } else {
                first(&workload.tier.tariffs)
            },
            standard,
            guard: if is_batch {
                None
            } else {
                guard(assembled, target)
            },
        };
        let mut lanes = vec![own];
        let further = setup.lanes.further.iter().zip(&assembled.lanes).enumerate();
        for (at, (lane, joined)) in further.filter(|(_, (lane, _))| lane.workload == index) {
            let number = setup.workloads.len() + at;
            let target = &setup.endpoint.targets[number];
            let standard = first(&lane.tariffs);
            let tier = match lane.role {
                LaneRole::Defers => PriceTier::Batch,
                _ if lane.tier.latency_optimized => PriceTier::LatencyOptimized,
                _ => lane.tier.asks.unwrap_or_default(),
            };
            lanes.push(Self {
                number,
                kind: match lane.role {
                    LaneRole::Answers => BillLane::Elsewhere,
                    LaneRole::Classifies => BillLane::Classifier,
                    LaneRole::Defers => BillLane::Deferred,
                },
                model: &joined.workload.model,
                scope: &joined.scope,
                tier,
                target,
                asked: if matches!(tier, PriceTier::Standard | PriceTier::Batch) {
                    standard
                } else {
                    first(&lane.tier.tariffs)
                },
                standard,
                guard: guard(assembled, target),
            });
        }
        lanes
    }
}

fn guard<'a>(assembled: &'a Assembled, target: &TargetSetup) -> Option<&'a GuardSetup> {
    let guards = &assembled.setup.endpoint.guards;
    target.guard.and_then(|guard| guards.get(guard.guardrail))
}
