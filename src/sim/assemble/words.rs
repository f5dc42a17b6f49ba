//! A variant in words: its mode, and the assumptions that it rests on.

use super::token_scope;
use crate::domain::{Scope, ScopeKind};
use crate::load::spec::{ArrivalSpec, TrafficSpec};
use crate::scenario::Workload;
use crate::service::spec::{CapacitySpec, Overload, ServiceSpec};
use crate::sim::context::Assumption;

pub(super) fn mode(capacity: &CapacitySpec) -> String {
    let on_demand = |scope: &Scope| match scope {
        Scope::InRegion(region) => format!("on-demand in {region}"),
        Scope::Geo(geo) => format!("on-demand, {geo} profile"),
        Scope::Global => "on-demand, global profile".to_owned(),
    };
    match capacity {
        CapacitySpec::OnDemand { scope } => on_demand(scope),
        CapacitySpec::Reserved(spec) => {
            let overflow = if spec.overflow {
                ", overflow to standard"
            } else {
                ""
            };
            format!("Reserved tier, {}, {}{overflow}", spec.scope, spec.term)
        }
        CapacitySpec::Provisioned(spec) => {
            let plural = if spec.model_units == 1 { "" } else { "s" };
            let overload = match &spec.overload {
                Overload::Refuse => ", 429 when full".to_owned(),
                Overload::Queue => ", queueing when full".to_owned(),
                Overload::OnDemand(scope) => format!(", overflow to {}", on_demand(scope)),
            };
            format!(
                "{} model unit{plural}, {}{overload}",
                spec.model_units, spec.term
            )
        }
    }
}

/// The settings that no source decides, as they stand in this variant.
pub(super) fn assumptions(service: &ServiceSpec, workloads: &[Workload]) -> Vec<Assumption> {
    let rules = &service.rules;
    let assumption = Assumption::new;
    let mut list = vec![
        assumption(
            "quota.semantics",
            rules.semantics.to_string(),
            "AWS does not say when a reservation returns; A is the optimistic bound, B the \
             conservative one",
        ),
        assumption(
            "quota.window",
            rules.token_window.to_string(),
            "AWS publishes no algorithm for tokens per minute",
        ),
        assumption(
            "quota.request_window",
            rules.request_window.to_string(),
            "one published observation rules out a sliding window for requests",
        ),
        assumption(
            "quota.reserve_counts_cache_read",
            rules.reserve_counts_cache_read.to_string(),
            "the user guide's example leaves cache reads out of admission; another AWS text does not",
        ),
        assumption(
            "service.ambient_load",
            service.ambient_load.to_string(),
            "the load of the shared service is not published",
        ),
        assumption(
            "service.timeouts_are_billed",
            service.timeouts_are_billed.to_string(),
            "AWS does not say whether an abandoned answer is billed",
        ),
    ];
    match token_scope(&service.capacity, &service.region).kind() {
        ScopeKind::InRegion => {}
        ScopeKind::Geo => list.push(assumption(
            "service.geo_hop",
            service.geo_hop.to_string(),
            hop_why(service),
        )),
        ScopeKind::Global => list.push(assumption(
            "service.global_hop",
            service.global_hop.to_string(),
            hop_why(service),
        )),
    }
    list.extend(super::chosen::assumptions(service));
    if workloads.iter().any(|one| has_cache(&one.traffic)) {
        list.extend(of_cache(service));
    }
    if let CapacitySpec::Reserved(spec) = &service.capacity {
        let weight = if spec.burndown {
            "times its burndown rate"
        } else {
            "once"
        };
        list.push(assumption(
            "capacity.reserved",
            format!("output counts {weight}, in full from admission on; cache reads are free"),
            "neither burndown nor the moment of counting inside a reservation is published",
        ));
    }
    list.extend(super::faulty::assumptions(service));
    list
}

fn hop_why(service: &ServiceSpec) -> &'static str {
    match service.regions {
        None => "added when another Region serves; Regions are drawn with equal odds",
        Some(_) => "added when another Region serves, where its pool has no `hop` of its own",
    }
}

/// Whether a cache may know a part of the prompts.
fn has_cache(traffic: &TrafficSpec) -> bool {
    let context = &traffic.context;
    let has_blocks = match &traffic.arrival {
        ArrivalSpec::Trace(replay) => replay.trace.block_tokens > 0,
        _ => false,
    };
    let has_points = !context.points.is_empty() || context.history.is_some();
    traffic.prefix.is_some() || has_points || has_blocks
}

fn of_cache(service: &ServiceSpec) -> Vec<Assumption> {
    let rules = service.cache;
    let assumption = Assumption::new;
    vec![
        assumption(
            "cache.ready",
            rules.ready.to_string(),
            "Anthropic says that an entry is there once the first answer begins; that Bedrock does \
             the same is assumed, and so is that calls before it pay for a write of their own",
        ),
        assumption(
            "cache.refresh",
            rules.refresh.to_string(),
            "the user guide says that each hit starts the time to live anew",
        ),
        assumption(
            "cache.lookback_blocks",
            rules.lookback_blocks.to_string(),
            "the user guide speaks of about 20 content blocks before a cache point",
        ),
        assumption(
            "cache.scope",
            "each model, inference scope and Region".to_owned(),
            "AWS only warns that routing over Regions lowers the hit rate",
        ),
    ]
}
