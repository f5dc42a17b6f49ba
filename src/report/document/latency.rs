//! Percentile curves.

use super::build::{
    Thinning, axis, column, figure, level, line_of, number, once, section, slug, text,
};
use super::run::Run;
use crate::measure::LatencyHistogram;
use crate::report::number as shown;
use crate::results::report::{Block, Figure, Scale, Section, Table, Unit};
use crate::results::{Percentiles, VariantSummary};
use crate::stats::quantile::{min_samples, rank};

/// A latency with the name of its histogram.
struct Metric {
    tag: &'static str,
    title: &'static str,
    label: &'static str,
    of: fn(&VariantSummary) -> &Percentiles,
}

const METRICS: [Metric; 2] = [
    Metric {
        tag: "ttft",
        title: "Time to first token, percentile by percentile",
        label: "TTFT",
        of: |one| &one.ttft_ms,
    },
    Metric {
        tag: "e2e",
        title: "Time to the last token, percentile by percentile",
        label: "e2e",
        of: |one| &one.e2e_ms,
    },
];

/// The shares that tables show.
const SHARES: [(f64, &str); 7] = [
    (0.5, "p50"),
    (0.75, "p75"),
    (0.9, "p90"),
    (0.95, "p95"),
    (0.99, "p99"),
    (0.999, "p99.9"),
    (0.9999, "p99.99"),
];
/// Steps of a curve between p50 and p99.99, even on a scale of nines.
const STEPS: u32 = 72;

/// TTFT and end-to-end latency of all variants.
pub(super) fn latency(runs: &[Run<'_>], order: &[String]) -> Option<Section> {
    let blocks = METRICS
        .iter()
        .filter_map(|metric| curves(metric, runs, order));
    let origins = once(runs.iter().flat_map(|run| {
        run.variant.latency.iter().map(|one| {
            format!(
                "Latencies of {} are {} (profile {}): {}.",
                one.model,
                one.origin,
                one.profile,
                one.source.trim_end_matches('.')
            )
        })
    }));
    let blocks: Vec<Block> = blocks.collect();
    if blocks.is_empty() {
        return None;
    }
    section("latency", "Latency", origins, blocks)
}

fn curves(metric: &Metric, runs: &[Run<'_>], order: &[String]) -> Option<Block> {
    let mut layers = Vec::new();
    let mut rows = Vec::new();
    for run in runs {
        let histogram = run.folder.histogram(&run.variant.name, metric.tag);
        let at = |share: f64| match histogram {
            Some(histogram) => quantile(histogram, share),
            None => of_summary((metric.of)(run.variant), share),
        };
        let points: Vec<(f64, f64)> = shares(histogram.is_some())
            .into_iter()
            .filter_map(|share| Some((share, at(share)?)))
            .collect();
        if points.is_empty() {
            continue;
        }
        layers.push(line_of(&run.label, points));
        let mut row = vec![text(&run.label)];
        row.extend(SHARES.map(|(share, _)| number(at(share))));
        rows.push(row);
    }
    let mut columns = vec![column("variant", Unit::Text)];
    columns.extend(SHARES.map(|(_, name)| column(name, Unit::Millis)));
    let mut bounds: Vec<(String, f64)> = Vec::new();
    for objective in runs.iter().flat_map(|run| &run.variant.slo.objectives) {
        let Some(quantile) = objective
            .name
            .strip_prefix(metric.tag)
            .and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        let bound = shown::value(Unit::Millis, objective.bound);
        let label = format!("SLO: {} ≤ {bound}", quantile.replace("p999", "p99.9"));
        if !bounds.iter().any(|(known, _)| *known == label) {
            bounds.push((label, objective.bound));
        }
    }
    let id = format!("{}-percentiles", slug(metric.tag));
    let drawn = Figure {
        id: id.clone(),
        title: metric.title.to_owned(),
        caption: "Requests that were answered, each counted from when it was due, with queueing, retries \
                  and backoff inside. A curve ends where too few requests are left for a percentile."
            .to_owned(),
        x: axis("percentile of requests", Unit::Share, Scale::Nines),
        y: axis(metric.label, Unit::Millis, Scale::Log),
        layers,
        marks: bounds.into_iter().map(|(label, at)| level(label, at)).collect(),
        table: Table {
            id: format!("{id}-table"),
            title: metric.title.to_owned(),
            columns,
            rows,
        },
        order: order.to_vec(),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

/// From p50 to p99.99, evenly on a scale of nines; only what tables show where there is no histogram.
fn shares(is_fine: bool) -> Vec<f64> {
    let known = SHARES.map(|(share, _)| share);
    if !is_fine {
        return known.to_vec();
    }
    let nines = |share: f64| -(1.0 - share).log10();
    let (from, to) = (nines(0.5), nines(0.9999));
    let even = (0..=STEPS).map(|n| {
        let at = from + (to - from) * f64::from(n) / f64::from(STEPS);
        1.0 - 10f64.powf(-at)
    });
    let mut all: Vec<f64> = even.chain(known).collect();
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    all
}

/// A quantile in milliseconds; `None` below the least number of samples that it needs.
fn quantile(histogram: &LatencyHistogram, share: f64) -> Option<f64> {
    let count = histogram.count();
    if count < min_samples(share).max(1) {
        return None;
    }
    histogram
        .at_rank(rank(share, count))
        .map(crate::units::Micros::as_millis_f64)
}

fn of_summary(percentiles: &Percentiles, share: f64) -> Option<f64> {
    // Shares are those of the list, so they are found by their place in it.
    let place = SHARES
        .iter()
        .position(|known| known.0.total_cmp(&share).is_eq());
    match place {
        Some(0) => percentiles.p50,
        Some(2) => percentiles.p90,
        Some(3) => percentiles.p95,
        Some(4) => percentiles.p99,
        Some(5) => percentiles.p999,
        _ => None,
    }
}
