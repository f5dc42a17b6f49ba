//! Metrics over many runs, and where they changed for good (`methods.md` 6.5).

use super::metrics::{METRICS, MetricSpec, full_name};
use super::noise::{bounds, is_gated, scopes};
use crate::results::compare::{ChangeSummary, GateSettings, HistoryPoint, HistorySeries};
use crate::results::report::{Axis, Cell, Column, Figure, Layer, Mark, Scale, Table, Unit};
use crate::results::{Baseline, BaselineVariant};
use crate::stats::change_points::{ChangePoint, ChangeRule, change_points};

/// The level of the tests between neighbouring segments.
const ALPHA: f64 = 0.001;
/// Fewest runs between two changes.
const SEGMENT: usize = 3;

/// Every gated metric over the runs of a side, with its changes.
///
/// The replications of one folder are one point.
pub fn series(runs: &Baseline, gate: &GateSettings) -> Vec<HistorySeries> {
    let mut all = Vec::new();
    for variant in &runs.variants {
        for workload in scopes(variant) {
            for metric in METRICS.iter().filter(|one| is_gated(one, gate)) {
                all.extend(one_series(variant, workload, metric, gate));
            }
        }
    }
    all
}

fn one_series(
    variant: &BaselineVariant,
    workload: Option<&str>,
    metric: &'static MetricSpec,
    gate: &GateSettings,
) -> Option<HistorySeries> {
    let mut folders: Vec<(&str, &str, Vec<f64>)> = Vec::new();
    for run in variant.runs.iter().filter(|run| run.spoilt.is_none()) {
        let of = run
            .metrics
            .iter()
            .find(|one| one.workload.as_deref() == workload);
        let Some(value) = of
            .and_then(metric.read)
            .and_then(|value| metric.scaled(value))
        else {
            continue;
        };
        match folders.last_mut() {
            Some((source, start, values)) if *source == run.source && *start == run.started_at => {
                values.push(value);
            }
            _ => folders.push((&run.source, &run.started_at, vec![value])),
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let values: Vec<f64> = folders.iter().map(|(_, _, values)| mean(values)).collect();
    if values.is_empty() || values.iter().all(|value| *value == 0.0) {
        return None;
    }
    let rule = ChangeRule {
        alpha: ALPHA,
        segment: SEGMENT,
        effect: bounds(metric, gate).0,
    };
    let change = |point: ChangePoint| ChangeSummary {
        at: point.at,
        source: folders[point.at].0.to_owned(),
        started_at: folders[point.at].1.to_owned(),
        before: metric.unscaled(point.before),
        after: metric.unscaled(point.after),
        effect: metric.effect(point.after - point.before),
        p: point.p,
        worse: (point.after > point.before) != metric.higher_is_better,
    };
    Some(HistorySeries {
        variant: variant.name.clone(),
        workload: workload.map(str::to_owned),
        metric: metric.name.to_owned(),
        unit: metric.unit,
        relative: metric.relative,
        higher_is_better: metric.higher_is_better,
        changes: change_points(&values, rule)
            .into_iter()
            .map(change)
            .collect(),
        points: folders
            .iter()
            .zip(&values)
            .map(|((source, start, _), value)| HistoryPoint {
                source: (*source).to_owned(),
                started_at: (*start).to_owned(),
                value: metric.unscaled(*value),
            })
            .collect(),
    })
}

/// What the changes say, the newest first.
pub fn sentences(series: &[HistorySeries]) -> Vec<String> {
    let mut changes: Vec<(&HistorySeries, &ChangeSummary)> = series
        .iter()
        .flat_map(|one| one.changes.iter().map(move |change| (one, change)))
        .collect();
    changes.sort_by(|(_, a), (_, b)| b.started_at.cmp(&a.started_at));
    let runs = series.iter().map(|one| one.points.len()).max().unwrap_or(0);
    if changes.is_empty() {
        return vec![format!("No lasting change in {runs} runs.")];
    }
    let sentence = |(one, change): &(&HistorySeries, &ChangeSummary)| {
        format!(
            "{}: {} is {} from `{}` ({}) on: {}, p {}.",
            one.variant,
            full_name(one.workload.as_deref(), &one.metric),
            if change.worse { "worse" } else { "better" },
            change.source,
            change.started_at,
            super::sentences::effect_text(one.relative, change.effect),
            super::sentences::p_text(change.p),
        )
    };
    let head = format!("{} lasting changes in {runs} runs.", changes.len());
    let head = if changes.len() == 1 {
        head.replace("changes", "change")
    } else {
        head
    };
    std::iter::once(head)
        .chain(changes.iter().map(sentence))
        .collect()
}

/// A picture of each series that changed; of all, if none did.
pub fn figures(series: &[HistorySeries]) -> Vec<Figure> {
    let none_changed = series.iter().all(|one| one.changes.is_empty());
    let drawn = series
        .iter()
        .filter(|one| none_changed || !one.changes.is_empty());
    drawn
        .enumerate()
        .map(|(index, one)| figure(index, one))
        .collect()
}

fn figure(index: usize, series: &HistorySeries) -> Figure {
    let name = full_name(series.workload.as_deref(), &series.metric);
    let count = series.points.len();
    let mut edges: Vec<usize> = series.changes.iter().map(|change| change.at).collect();
    edges.push(count);
    let mut levels = Vec::new();
    let mut from = 0;
    for (place, &to) in edges.iter().enumerate() {
        let level = match series.changes.get(place) {
            Some(change) => Some(change.before),
            None => series.changes.last().map(|change| change.after),
        };
        if let Some(level) = level {
            levels.extend([(from as f64, level), (to as f64 - 1.0, level)]);
        }
        from = to;
    }
    let points = series.points.iter().enumerate();
    let mut layers = vec![Layer::Points {
        name: "run".to_owned(),
        variant: None,
        points: points
            .map(|(place, one)| (place as f64, one.value))
            .collect(),
    }];
    if !levels.is_empty() {
        layers.insert(
            0,
            Layer::Step {
                name: "level".to_owned(),
                variant: None,
                points: levels,
            },
        );
    }
    let mark = |change: &ChangeSummary| Mark::Moment {
        label: super::sentences::effect_text(series.relative, change.effect),
        at: change.at as f64 - 0.5,
    };
    let column = |title: &str, unit: Unit| Column {
        title: title.to_owned(),
        unit,
    };
    let id = format!("history-{index}");
    Figure {
        title: format!("{name} over runs, {}", series.variant),
        caption: "One point for each run, in order of time; a line marks a lasting change."
            .to_owned(),
        x: Axis {
            label: "run".to_owned(),
            unit: Unit::Count,
            scale: Scale::Linear,
            range: None,
        },
        y: Axis {
            label: name.clone(),
            unit: series.unit,
            scale: Scale::Linear,
            range: None,
        },
        layers,
        marks: series.changes.iter().map(mark).collect(),
        table: Table {
            id: format!("{id}-table"),
            title: name,
            columns: vec![
                column("run", Unit::Text),
                column("began", Unit::Text),
                column("value", series.unit),
            ],
            rows: series
                .points
                .iter()
                .map(|one| {
                    vec![
                        Cell::Text(one.source.clone()),
                        Cell::Text(one.started_at.clone()),
                        Cell::Number(one.value),
                    ]
                })
                .collect(),
        },
        thinned: None,
        order: Vec::new(),
        id,
    }
}
