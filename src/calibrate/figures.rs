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

/// Two curves of percentiles over each other, the second one dashed.
pub(super) struct Pair<'a> {
    /// A word for links.
    pub id: String,
    /// Whose times they are.
    pub of: &'a str,
    /// The time that is shown: `ttft`, `tpot`, or the whole answer.
    pub metric: &'a str,
    /// What the curves are called.
    pub names: [&'a str; 2],
    /// What a reader should know of them.
    pub caption: String,
    /// The variant that they belong to, if to one.
    pub variant: Option<&'a str>,
    /// Share, and the milliseconds of both, ascending in the share.
    pub points: &'a [(f64, f64, f64)],
}

impl Pair<'_> {
    /// The picture with its table.
    pub(super) fn figure(self) -> Figure {
        let what = match self.metric {
            "ttft" => "time to the first token",
            "tpot" => "time per output token",
            _ => "time to the last token",
        };
        let [first, second] = self.names;
        let line = |name: &str, dashed, pick: fn(&(f64, f64, f64)) -> f64| Layer::Line {
            name: name.to_owned(),
            variant: self.variant.map(str::to_owned),
            dashed,
            points: self
                .points
                .iter()
                .map(|point| (point.0, pick(point)))
                .collect(),
        };
        let column = |title: &str, unit| Column {
            title: title.to_owned(),
            unit,
        };
        let row =
            |&(share, one, other): &(f64, f64, f64)| [share, one, other].map(Cell::Number).to_vec();
        Figure {
            title: format!("{}: {what}, {first} and {second}", self.of),
            caption: self.caption,
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
                line(first, false, |point| point.1),
                line(second, true, |point| point.2),
            ],
            table: Table {
                id: format!("{}-table", self.id),
                title: format!("{what}, {first} and {second}"),
                columns: vec![
                    column("percentile", Unit::Share),
                    column(first, Unit::Millis),
                    column(second, Unit::Millis),
                ],
                rows: self.points.iter().map(row).collect(),
            },
            id: self.id,
            ..Figure::default()
        }
    }
}

fn figure(group: &CalibrationGroup, check: &MetricCheck) -> Figure {
    let caption = format!(
        "Percentiles of {} later answers, and of the law fitted to the earlier ones: {}.",
        check.rows,
        match check.passed {
            Some(true) => "they agree",
            Some(false) => "they do not agree within the bounds",
            None => "too few to judge",
        }
    );
    let pair = Pair {
        id: format!("calibration-{}-{}", group.profile, check.metric),
        of: &group.profile,
        metric: &check.metric,
        names: ["measured", "fitted"],
        caption,
        variant: None,
        points: &check.curve,
    };
    pair.figure()
}
