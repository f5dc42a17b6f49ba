//! Pictures of a calibration: percentiles measured and fitted, side by side.

use crate::results::calibration::{CalibrationGroup, MetricCheck};
use crate::results::report::{Axis, Cell, Column, Figure, Layer, Scale, Table, Unit};

/// One picture for each kind of time of each group that later rows show.
pub(super) fn figures(groups: &[CalibrationGroup]) -> Vec<Figure> {
    let of_group = |group: &CalibrationGroup| {
        let checks = group.checks.iter().filter(|check| !check.curve.is_empty());
        let drawn = checks.map(|check| figure(group, check));
        drawn.collect::<Vec<_>>()
    };
    groups.iter().flat_map(of_group).collect()
}

fn figure(group: &CalibrationGroup, check: &MetricCheck) -> Figure {
    let what = match check.metric.as_str() {
        "ttft" => "time to the first token",
        "tpot" => "time per output token",
        _ => "time to the last token",
    };
    let id = format!("calibration-{}-{}", group.profile, check.metric);
    let line = |name: &str, dashed, pick: fn(&(f64, f64, f64)) -> f64| Layer::Line {
        name: name.to_owned(),
        variant: None,
        dashed,
        points: check
            .curve
            .iter()
            .map(|point| (point.0, pick(point)))
            .collect(),
    };
    let column = |title: &str, unit| Column {
        title: title.to_owned(),
        unit,
    };
    Figure {
        title: format!("{}: {what}, measured and fitted", group.profile),
        caption: format!(
            "Percentiles of {} later answers, and of the law fitted to the earlier ones: {}.",
            check.rows,
            match check.passed {
                Some(true) => "they agree",
                Some(false) => "they do not agree within the bounds",
                None => "too few to judge",
            }
        ),
        x: Axis {
            label: "percentile".to_owned(),
            unit: Unit::Share,
            scale: Scale::Nines,
            range: None,
        },
        y: Axis {
            label: what.to_owned(),
            unit: Unit::Millis,
            scale: Scale::Log,
            range: None,
        },
        layers: vec![
            line("measured", false, |point| point.1),
            line("fitted", true, |point| point.2),
        ],
        marks: Vec::new(),
        table: Table {
            id: format!("{id}-table"),
            title: format!("{what}, measured and fitted"),
            columns: vec![
                column("percentile", Unit::Share),
                column("measured", Unit::Millis),
                column("fitted", Unit::Millis),
            ],
            rows: check
                .curve
                .iter()
                .map(|&(share, measured, fitted)| {
                    [share, measured, fitted].map(Cell::Number).to_vec()
                })
                .collect(),
        },
        thinned: None,
        order: Vec::new(),
        id,
    }
}
