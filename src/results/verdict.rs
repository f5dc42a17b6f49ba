//! Whether a run met its service-level objectives.

use super::figures::{Latencies, Latency, millis, over, sig};
use super::summary::{ObjectiveSummary, SloSummary};
use crate::domain::{LatencyMetric, Slo};
use crate::measure::{RequestCounts, Tally};
use crate::stats::quantile::{min_samples, rank};
use crate::units::Micros;

/// Judges every objective.
///
/// A latency bound holds at a quantile of all requests, and one that was never answered is
/// infinitely late. A run without requests meets nothing.
pub(super) fn judge(slo: &Slo, all: &Tally, latencies: &Latencies) -> SloSummary {
    let requests = &all.requests;
    let offered = requests.offered as f64;
    let mut verdict = SloSummary {
        attainment: over(all.good as f64, offered),
        ..SloSummary::default()
    };
    for bound in &slo.latency {
        let latency = match bound.metric {
            LatencyMetric::Ttft => &latencies.ttft,
            LatencyMetric::E2e => &latencies.e2e,
            LatencyMetric::Tpot => &latencies.tpot,
        };
        let name = format!("{}.{}", bound.metric, bound.quantile.name());
        let share = bound.quantile.share();
        if latency.requests() < min_samples(share) {
            verdict.too_few.push(name.clone());
        }
        verdict.objectives.push(ObjectiveSummary {
            name,
            unit: "ms".into(),
            bound: millis(bound.at_most),
            seen: latency.at(share).map(millis),
            met: holds(latency, share, bound.at_most),
        });
    }
    let shares = [
        (
            "throttled_share",
            slo.throttled_share,
            requests.throttled,
            false,
        ),
        ("error_share", slo.error_share, lost(requests), false),
        ("attainment", slo.attainment, all.good, true),
    ];
    for (name, bound, count, at_least) in shares {
        let Some(bound) = bound else { continue };
        let share = count as f64 / offered;
        verdict.objectives.push(ObjectiveSummary {
            name: name.into(),
            unit: "share".into(),
            bound: sig(bound.get()),
            seen: over(count as f64, offered),
            met: if at_least {
                share >= bound.get()
            } else {
                share <= bound.get()
            },
        });
    }
    let missed = verdict.objectives.iter().filter(|one| !one.met);
    verdict.missed = missed.map(|one| one.name.clone()).collect();
    if requests.offered == 0 {
        verdict.missed.push("no_requests".into());
    }
    verdict.met = verdict.missed.is_empty();
    verdict
}

fn lost(requests: &RequestCounts) -> u64 {
    requests.offered.saturating_sub(requests.completed)
}

/// Whether enough requests came within the bound. One in the bound's own cell of the histogram
/// counts as within. A latency that no request has cannot be missed.
fn holds(latency: &Latency, share: f64, at_most: Micros) -> bool {
    let count = latency.finite.count() as f64;
    let within = latency.finite.share_within(at_most).unwrap_or(0.0) * count;
    within.round() as u64 >= rank(share, latency.requests())
}
