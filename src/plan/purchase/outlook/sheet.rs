//! The figures that a request for more quota asks for.

use super::need::{Counted, Load};
use super::{CounterOutlook, QuotaUnit};
use crate::domain::ScopeKind;
use crate::plan::preview::words::percent;
use crate::plan::purchase::demand::PathGrowth;
use crate::profile::{Catalogue, ProfileKind};
use crate::scenario::Variant;
use crate::service::setup::CounterSetup;
use std::fmt::Write as _;

/// What a request for more quota says, beside the quotas themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaRequest {
    /// What the model is used for.
    pub use_case: String,
    /// Tokens per minute, as the limiter counts them.
    pub tokens_per_minute: Side,
    /// Requests per minute.
    pub requests_per_minute: Side,
    /// Mean input tokens of a request, cached ones inside.
    pub input_tokens: f64,
    /// Of those, the share read from the cache, which counts against no quota once a request has ended.
    pub cached_share: f64,
    /// Mean output tokens of a request.
    pub output_tokens: f64,
    /// Mean `max_tokens`, which admission reserves.
    pub max_tokens: f64,
    /// Growth in words.
    pub growth: Vec<String>,
    /// Where the figures come from.
    pub evidence: Vec<String>,
}

/// A rate now and at the end of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// The mean over the week, in the first month.
    pub steady: f64,
    /// The busiest minute of the first month, at p95.
    pub peak: f64,
    /// The mean over the week in the last month, on half of the paths.
    pub steady_at_end: f64,
    /// The largest need of a month, at p95.
    pub peak_at_end: f64,
}

/// The code of a quota, where the model's profile has it.
pub(super) fn code(
    catalogue: &Catalogue,
    counter: &CounterSetup,
    unit: QuotaUnit,
) -> Option<String> {
    let scope = match counter.kind {
        ScopeKind::InRegion => "in_region",
        ScopeKind::Geo => "geo",
        ScopeKind::Global => "global",
    };
    let what = match unit {
        QuotaUnit::OutputTpm => "quota.mantle.output_tpm".to_owned(),
        _ => format!("quota.{scope}.{}", unit.key()),
    };
    let figures = catalogue.figures(ProfileKind::Model, &counter.model);
    let own = figures.iter().find(|figure| figure.what == what);
    own.and_then(|figure| figure.code.clone())
}

/// What to write into a request for more, if one of the counter's quotas will not do.
pub(super) fn request(
    counter: &CounterOutlook,
    load: &Load<'_>,
    variant: &Variant,
    use_case: &str,
) -> Option<QuotaRequest> {
    if counter.quotas.iter().all(|quota| quota.ask.is_none()) {
        return None;
    }
    let of_week: Vec<f64> = load
        .workloads
        .iter()
        .map(|&i| load.demand.workloads[i].week.iter().sum())
        .collect();
    let total: f64 = of_week.iter().sum();
    let mean = |value: &dyn Fn(usize) -> f64| {
        let each = load.workloads.iter().zip(&of_week);
        let sum: f64 = each.map(|(&i, requests)| requests * value(i)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    let call = |i: usize| load.demand.workloads[i].call;
    let input = |i| call(i).input + call(i).cache_write + call(i).cache_read;
    let input_tokens = mean(&input);
    let read = mean(&|i| call(i).cache_read);
    let side = |unit| {
        let counted = Counted::new(load, unit);
        let own = counter.quotas.iter().find(|quota| quota.unit == unit);
        let told;
        let quota = if let Some(quota) = own {
            quota
        } else {
            // Nothing limits it, and the sheet tells it all the same.
            told = counted.outlook(f64::INFINITY, None, &variant.plan.horizon);
            &told
        };
        let (first, last) = (quota.months.first(), quota.months.last());
        Side {
            steady: quota.mean,
            peak: first.map_or(0.0, |month| month.p95),
            steady_at_end: quota.mean * last.map_or(1.0, |month| month.factors.growth_p50),
            peak_at_end: quota
                .months
                .iter()
                .map(|month| month.p95)
                .fold(0.0, f64::max),
        }
    };
    Some(QuotaRequest {
        use_case: use_case.to_owned(),
        tokens_per_minute: side(QuotaUnit::Tpm),
        requests_per_minute: side(QuotaUnit::Rpm),
        input_tokens,
        cached_share: if input_tokens > 0.0 {
            read / input_tokens
        } else {
            0.0
        },
        output_tokens: mean(&|i| call(i).output),
        max_tokens: mean(&|i| max_tokens(load, i)),
        growth: load
            .workloads
            .iter()
            .map(|&i| growth_text(load, variant, i))
            .collect(),
        evidence: evidence(counter, load),
    })
}

/// `max_tokens` of a workload: what it reserves beside its input.
fn max_tokens(load: &Load<'_>, workload: usize) -> f64 {
    let call = &load.demand.workloads[workload].call;
    let reads = if load.rules.reserve_counts_cache_read {
        call.cache_read
    } else {
        0.0
    };
    (call.reserved - call.input - call.cache_write - reads).max(0.0)
}

fn growth_text(load: &Load<'_>, variant: &Variant, workload: usize) -> String {
    let name = &load.demand.workloads[workload].name;
    let growth = PathGrowth::of(&variant.plan, name).spec;
    let mut text = format!("{name}: {} a month", percent(growth.per_month));
    if growth.volatility > 0.0 {
        // Writing to a string cannot fail.
        let _ = write!(text, ", volatility {}", percent(growth.volatility));
    }
    if growth.uncertainty > 0.0 {
        let _ = write!(
            text,
            ", the growth itself ± {}",
            percent(growth.uncertainty)
        );
    }
    if !growth.season.is_empty() {
        text += ", with seasons";
    }
    text
}

fn evidence(counter: &CounterOutlook, load: &Load<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for text in load.demand.notes.iter().chain(&load.demand.warnings) {
        let of_counter = |name: &String| text.starts_with(&format!("{name}: "));
        if counter.workloads.iter().any(of_counter) {
            lines.push(text.clone());
        }
    }
    let burndown = load.burndown;
    lines.push(format!(
        "tokens per minute: what a request reserves (input and `max_tokens`) for as long as it runs, and what it settles at \
         (input, cache writes and {burndown} × output) for the minute after"
    ));
    lines
}
