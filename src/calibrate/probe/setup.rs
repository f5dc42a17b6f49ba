//! A probe as a scenario: that of the user with other traffic.

use super::plan::{Kind, Planned, Quota};
use crate::client::spec::{ClientPolicy, RetryPolicy};
use crate::load::spec::{
    ArrivalSpec, ContextSpec, ReplayScale, ReplaySessions, TraceReplay, TrafficSpec,
};
use crate::load::trace::{Trace, TraceRow};
use crate::profile::Catalogue;
use crate::scenario::{Loaded, OfferSpec, PromptSpec, Variant, Workload};
use crate::service::setup::Route;
use crate::service::spec::{CapacitySpec, Family};
use crate::sim::Assembled;
use crate::units::{Micros, Ratio};
use std::sync::Arc;
use thiserror::Error;

/// Why a variant cannot be probed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}\n  help: {help}")]
pub struct ProbeError {
    /// What is in the way.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl ProbeError {
    fn new(message: &str, help: &str) -> Self {
        Self {
            message: message.to_owned(),
            help: help.to_owned(),
        }
    }
}

/// The scenario of `loaded` with one variant, whose traffic are the calls of a probe. Everything that says how
/// the service is called stays: model, scope, Region, limits; the clients try nothing again.
///
/// # Errors
/// If the variant's first workload does not call on-demand capacity of `bedrock-runtime`.
pub fn probe_of(
    loaded: &Loaded,
    variant: &str,
    quota: &Quota,
    calls: &[Planned],
) -> Result<Loaded, ProbeError> {
    let mut probe = loaded.clone();
    let mut one = variant_of(loaded, variant)?.clone();
    let first = one.workloads.first().cloned();
    let Some(first) = first else {
        return Err(ProbeError::new(
            "the variant has no workload",
            "add `[[workload]]`",
        ));
    };
    let last = calls.iter().map(|call| call.at).max().unwrap_or_default();
    one.duration = last + Micros::SECOND;
    one.warmup = Micros::ZERO;
    one.workloads = Kind::ALL
        .into_iter()
        .filter_map(|kind| workload(&first, kind, quota, calls))
        .collect();
    one.client = ClientPolicy {
        retry: RetryPolicy::None,
        ..ClientPolicy::default()
    };
    one.fallbacks = Vec::new();
    one.routes = Vec::new();
    one.slo = crate::domain::Slo::default();
    one.spike = None;
    probe.scenario.variants = vec![one];
    probe.scenario.replications = 1;
    Ok(probe)
}

fn variant_of<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a Variant, ProbeError> {
    let found = loaded.scenario.variants.iter().find(|one| one.name == name);
    let found = found.ok_or_else(|| ProbeError::new("there is no such variant", "name another"))?;
    let on_demand = matches!(found.service.capacity, CapacitySpec::OnDemand { .. });
    if !on_demand {
        return Err(ProbeError::new(
            "bought capacity has no quota to probe",
            "choose a variant with `capacity.on_demand`",
        ));
    }
    if found.service.family == Family::Mantle {
        return Err(ProbeError::new(
            "a probe tells the rules of bedrock-runtime, and the variant calls bedrock-mantle",
            "choose a variant with `service.family = \"runtime\"`",
        ));
    }
    Ok(found)
}

/// One kind of calls as a workload; `None` if there are none of it.
fn workload(like: &Workload, kind: Kind, quota: &Quota, calls: &[Planned]) -> Option<Workload> {
    let (input, max_tokens, output) = kind.sizes(quota);
    let own = calls.iter().filter(|call| call.kind == kind);
    let rows: Vec<TraceRow> = own
        .enumerate()
        .map(|(number, call)| TraceRow {
            at: call.at,
            input,
            output,
            session: number as u32,
            ..TraceRow::default()
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let trace = Trace {
        rows,
        ..Trace::default()
    };
    Some(Workload {
        name: kind.name().to_owned(),
        model: like.model.clone(),
        max_tokens: Some(max_tokens),
        stream: true,
        scope: like.scope.clone(),
        tags: Vec::new(),
        traffic: TrafficSpec {
            arrival: ArrivalSpec::Trace(TraceReplay {
                trace: Arc::new(trace),
                scale: ReplayScale::default(),
                sessions: ReplaySessions::default(),
            }),
            shapes: Vec::new(),
            input: None,
            output: None,
            rank_correlation: 0.0,
            prefix: None,
            context: ContextSpec::default(),
            kept: Ratio::ONE,
        },
        model_id: like.model_id.clone(),
        prompts: PromptSpec::default(),
        guardrail: None,
        thinking: None,
        tool_use: Ratio::ZERO,
        content_filtered: Ratio::ZERO,
        offer: OfferSpec::default(),
        routes: Vec::new(),
        classifier: None,
        router_fee: None,
    })
}

/// The quota that a variant's first workload draws on.
///
/// # Errors
/// If it draws on none.
pub fn quota_of(
    loaded: &Loaded,
    assembled: &Assembled,
    catalogue: &Catalogue,
) -> Result<Quota, ProbeError> {
    variant_of(loaded, &assembled.context.name)?;
    let endpoint = &assembled.setup.endpoint;
    let none = || {
        ProbeError::new(
            "the first workload of the variant draws on no quota",
            "choose a variant whose calls are served on demand",
        )
    };
    let target = endpoint.targets.first().ok_or_else(none)?;
    let Route::OnDemand { counter } = target.route else {
        return Err(none());
    };
    let limits = endpoint.counters.get(counter).ok_or_else(none)?.limits;
    let latency = &target.latency;
    Ok(Quota {
        tpm: limits.tpm.0,
        rpm: limits.rpm.map(|rpm| rpm.0),
        burndown: target.burndown,
        max_input: target.max_input,
        max_output: longest(assembled, catalogue),
        ttft_ms: latency.ttft_base.as_millis_f64(),
        per_k_input_ms: latency.ttft_per_k_input.as_millis_f64(),
        per_token_ms: latency.per_output_token.as_millis_f64().max(0.01),
    })
}

/// The longest answer that the model gives.
fn longest(assembled: &Assembled, catalogue: &Catalogue) -> u32 {
    let workload = assembled.context.workloads.first();
    let model = workload.and_then(|one| catalogue.model(&one.model).ok());
    model.map_or(LEAST_OUTPUT, |model| {
        u32::try_from(model.max_output.0).unwrap_or(u32::MAX)
    })
}

/// Every model answers with so many tokens.
const LEAST_OUTPUT: u32 = 4096;
