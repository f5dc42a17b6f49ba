//! The document of `bedload check --format json`.

use crate::cost::Ledger;
use crate::cost::capacity::per_month;
use crate::plan::preview::{
    BoughtPreview, CostPreview, QuotaPreview, RightSizing, SizeFigures, WorkloadPreview,
};
use crate::plan::{Binding, Preview, SustainedBounds};
use crate::units::Usd;
use serde_json::{Value, json};

/// The name and version of the document.
pub const SCHEMA_NAME: &str = "bedload.check/1";
/// Its JSON Schema.
pub const SCHEMA: &str = include_str!("check.schema.json");

/// The previews of a scenario's variants for programs. What is not known is `null`.
pub fn json(name: &str, seed: u64, previews: &[(String, Preview)]) -> Value {
    let variants: Vec<Value> = previews
        .iter()
        .map(|(name, preview)| variant(name, preview))
        .collect();
    json!({
        "schema": SCHEMA_NAME,
        "scenario": name,
        "seed": seed,
        "variants": variants,
    })
}

fn variant(name: &str, preview: &Preview) -> Value {
    let assumptions: Vec<Value> = preview
        .assumptions
        .iter()
        .map(|one| json!({ "name": one.name, "value": one.value, "why": one.why }))
        .collect();
    json!({
        "name": name,
        "mode": preview.mode,
        "duration_s": preview.duration.as_secs_f64(),
        "verdict": {
            "level": preview.verdict.level.to_string(),
            "reason": preview.verdict.reason,
        },
        "workloads": preview.workloads.iter().map(workload).collect::<Vec<_>>(),
        "quotas": preview.quotas.iter().map(quota).collect::<Vec<_>>(),
        "bought": preview.bought.as_ref().map(bought),
        "cost": cost(&preview.cost),
        "findings": preview.findings,
        "warnings": preview.warnings,
        "notes": preview.notes,
        "assumptions": assumptions,
        "price_book": { "name": preview.price_book.0, "as_of": preview.price_book.1 },
    })
}

fn workload(one: &WorkloadPreview) -> Value {
    let windows = one.burstiness.iter().flat_map(|b| &b.windows);
    let windows: Vec<Value> = windows
        .map(|window| {
            json!({
                "window_s": window.window.as_secs_f64(),
                "idc": window.idc,
                "peak_to_mean": window.peak_to_mean,
            })
        })
        .collect();
    let mut document = json!({
        "name": one.name,
        "model": one.model,
        "users": one.users,
        "requests": one.requests,
        "measured_s": one.measured_span.as_secs_f64(),
        "mean_rps": one.mean_rate.0,
        "peak_minute_rps": one.peak_minute_rate.0,
        "peak_second_rps": one.peak_second_rate.0,
        "gap_cv": one.burstiness.as_ref().and_then(|b| b.gap_cv),
        "burstiness": windows,
        "input_tokens": sizes(&one.input),
        "output_tokens": sizes(&one.output),
        "mean_request": {
            "prefix": one.prefix_mean,
            "input": one.uncached_input,
            "cache_write": one.cache_write,
            "cache_read": one.cache_read,
            "output": one.billed_output,
        },
        "cache_hit_ratio": one.cache_hit_ratio,
        "max_tokens": one.max_tokens,
        "max_tokens_is_set": one.max_tokens_is_set,
        "truncated_share": one.truncated_share,
        "latency_ms": one.latency.as_millis_f64(),
        "latency_profile": one.latency_profile,
        "latency_origin": one.latency_origin.to_string(),
        "in_flight": one.in_flight,
    });
    if let Some(batch) = &one.batch {
        document["batch"] = json!({
            "jobs": batch.jobs,
            "records_per_job": batch.records_per_job,
            "every_s": batch.every.as_secs_f64(),
            "waits_for_records": batch.waits_for_records,
            "completion_p50_s": batch.completion_p50.as_secs_f64(),
        });
    }
    document
}

fn sizes(figures: &SizeFigures) -> Value {
    json!({
        "mean": figures.mean,
        "p50": figures.p50,
        "p99": figures.p99,
        "p999": figures.p999,
    })
}

fn bounds(bounds: SustainedBounds) -> Value {
    json!({ "a": bounds.a.0, "b": bounds.b.0, "c": bounds.c.0 })
}

fn quota(one: &QuotaPreview) -> Value {
    let result = &one.headroom;
    let right_size = one.right_size.as_ref().map(sizing);
    let per_request = json!({
        "reserved": result.reserved_per_request,
        "settled": result.settled_per_request,
    });
    let tokens = json!({
        "limit": one.limits.tpm.0,
        "max_rps": result.tpm_rate.0,
        "max_rps_by_semantics": bounds(one.tpm_bounds),
        "mean_held_share": one.mean_held_share,
        "mean_settled_share": one.mean_settled_share,
        "peak_share": result.tpm_share,
        "peak_held_share": result.held_share,
        "peak_settled_share": result.settled_share,
    });
    let requests = one.limits.rpm.map(|limit| {
        json!({
            "limit": limit.0,
            "max_rps": result.rpm_rate.map(|rate| rate.0),
            "peak_share": result.rpm_share,
        })
    });
    let day = one
        .limits
        .tpd
        .filter(|_| one.rules.enforce_tpd)
        .map(|limit| {
            json!({
                "limit": limit.0,
                "max_rps": result.tpd_rate.map(|rate| rate.0),
                "mean_share": result.tpd_share,
            })
        });
    json!({
        "model": one.model,
        "scope": one.kind.to_string(),
        "source": one.source,
        "semantics": one.rules.semantics.to_string(),
        "workloads": one.workloads,
        "overflow": one.overflow,
        "mean_rps": one.load.rate.0,
        "peak_minute_rps": one.peak_request_rate.0,
        "peak_minute_rps_by_tokens": one.load.peak_rate.0,
        "max_rps": result.max_rate.0,
        "max_rps_by_semantics": bounds(result.bounds),
        "binding": match result.binding {
            Binding::TokensPerMinute => "tpm",
            Binding::RequestsPerMinute => "rpm",
            Binding::TokensPerDay => "tpd",
        },
        "level": one.level.to_string(),
        "quota_tokens_per_request": per_request,
        "tpm": tokens,
        "rpm": requests,
        "tpd": day,
        "in_flight": result.in_flight,
        "peak_in_flight": result.peak_in_flight,
        "lost_to_reservation": result.lost_to_reservation,
        "throttled_by_max_tokens_at_rps": result.throttled_by_max_tokens_at.map(|rate| rate.0),
        "fitting_max_tokens": result.fitting_max_tokens,
        "right_size": right_size,
    })
}

fn sizing(one: &RightSizing) -> Value {
    let values: Vec<Value> = one
        .max_tokens
        .iter()
        .map(|(workload, tokens)| json!({ "workload": workload, "max_tokens": tokens }))
        .collect();
    json!({
        "values": values,
        "max_rps": one.result.max_rate.0,
        "gain": one.result.gain,
    })
}

fn bought(one: &BoughtPreview) -> Value {
    let side = |limit: u64, (mean, peak): (f64, f64)| json!({ "limit": limit, "mean_share": mean, "peak_share": peak });
    json!({
        "what": one.what,
        "input_tpm": side(one.input_tpm.0, one.input_share),
        "output_tpm": side(one.output_tpm.0, one.output_share),
        "overflow_share": one.overflow_share,
        "overflows": one.overflows,
        "level": one.level.to_string(),
    })
}

fn cost(one: &CostPreview) -> Value {
    let dollars = |amount: Option<Usd>| amount.map(Usd::dollars);
    let classes = |ledger: Option<&Ledger>| {
        ledger.map(|ledger| {
            let mut classes = json!({
                "input": ledger.input.dollars(),
                "output": ledger.output.dollars(),
                "cache_write": ledger.cache_write.dollars(),
                "cache_read": ledger.cache_read.dollars(),
            });
            if ledger.batch > Usd::ZERO {
                classes["batch"] = json!(ledger.batch.dollars());
            }
            classes
        })
    };
    json!({
        "run_usd": dollars(one.run),
        "month_usd": dollars(one.month),
        "run_tokens_by_class": classes(one.tokens_run.as_ref()),
        "month_tokens_by_class": classes(one.tokens_month.as_ref()),
        "bought_month_usd": dollars(one.bought_per_hour.map(per_month)),
        "excludes": ["retries", "wasted answers", "refusals"],
    })
}
