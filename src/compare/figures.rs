//! Pictures of a comparison: where in the distribution it changed.

use crate::measure::decode;
use crate::results::BaselineVariant;
use crate::results::report::{Axis, Cell, Column, Figure, Layer, Scale, Table, Unit};
use crate::stats::quantile::{min_samples, rank};

/// Percentiles that are drawn.
const SHARES: [f64; 11] = [
    0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999,
];
/// Latencies that are drawn.
const LATENCIES: [(&str, &str); 2] = [
    ("ttft", "Time to first token"),
    ("e2e", "Time to last token"),
];

/// The percentiles of both sides, of each pair of variants and latency that both have.
pub(super) fn shifts(pairs: &[(&BaselineVariant, &BaselineVariant)]) -> Vec<Figure> {
    let each = pairs
        .iter()
        .flat_map(|pair| LATENCIES.iter().map(move |latency| (pair, latency)));
    each.enumerate()
        .filter_map(|(index, (pair, latency))| shift(index, pair, *latency))
        .collect()
}

fn shift(
    index: usize,
    (baseline, result): &(&BaselineVariant, &BaselineVariant),
    (key, title): (&str, &str),
) -> Option<Figure> {
    let sides = [baseline, result].map(|side| {
        let histogram = side.histograms.get(key).and_then(|text| decode(text).ok());
        histogram.filter(|histogram| histogram.count() > 0)
    });
    let [Some(before), Some(after)] = sides else {
        return None;
    };
    let least = before.count().min(after.count());
    let read = |share: f64| {
        let [a, b] = [&before, &after].map(|side| side.at_rank(rank(share, side.count())));
        Some((share, a?.as_millis_f64(), b?.as_millis_f64()))
    };
    let shares = SHARES
        .into_iter()
        .filter(|&share| least >= min_samples(share));
    let points: Vec<(f64, f64, f64)> = shares.filter_map(read).collect();
    let line = |name: &str, dashed: bool, of: fn(&(f64, f64, f64)) -> f64| Layer::Line {
        name: name.to_owned(),
        variant: None,
        dashed,
        points: points.iter().map(|point| (point.0, of(point))).collect(),
    };
    let column = |title: &str, unit: Unit| Column {
        title: title.to_owned(),
        unit,
    };
    let id = format!("shift-{key}-{index}");
    let row =
        |&(share, a, b): &(f64, f64, f64)| [share, a, b, b / a - 1.0].map(Cell::Number).to_vec();
    Some(Figure {
        title: format!("{title} by percentile, {}", result.name),
        caption: "Where in the distribution it changed: the baseline dashed, the result solid."
            .to_owned(),
        x: Axis {
            label: "percentile".to_owned(),
            unit: Unit::Share,
            scale: Scale::Nines,
            range: None,
        },
        y: Axis {
            label: title.to_owned(),
            unit: Unit::Millis,
            scale: Scale::Log,
            range: None,
        },
        layers: vec![
            line("baseline", true, |point| point.1),
            line("result", false, |point| point.2),
        ],
        marks: Vec::new(),
        table: Table {
            id: format!("{id}-table"),
            title: format!("{title} by percentile, {}", result.name),
            columns: vec![
                column("percentile", Unit::Share),
                column("baseline", Unit::Millis),
                column("result", Unit::Millis),
                column("change", Unit::Share),
            ],
            rows: points.iter().map(row).collect(),
        },
        thinned: None,
        order: Vec::new(),
        id,
    })
}
