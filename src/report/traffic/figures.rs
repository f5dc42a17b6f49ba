//! Pictures of recorded traffic.

use crate::results::report::{Axis, Cell, Column, Figure, Layer, Mark, Scale, Table, Unit};
use crate::results::traffic::{Course, TraceStats};

/// A column of a table: its head, its unit, and values by x.
type Series<'a> = (&'a str, Unit, &'a [(f64, f64)]);

/// The pictures that the statistics allow.
pub fn figures(stats: &TraceStats) -> Vec<Figure> {
    let all = [rate(stats), idc(stats), sizes(stats), quota(stats)];
    all.into_iter().flatten().collect()
}

fn axis(label: &str, unit: Unit, scale: Scale) -> Axis {
    Axis {
        label: label.to_owned(),
        unit,
        scale,
        range: None,
    }
}

/// Points with a column for each series, joined by their x.
fn table(id: &str, title: &str, x: (&str, Unit), series: &[Series<'_>]) -> Table {
    let column = |(title, unit): (&str, Unit)| Column {
        title: title.to_owned(),
        unit,
    };
    let mut columns = vec![column(x)];
    columns.extend(series.iter().map(|(name, unit, _)| column((name, *unit))));
    let mut places: Vec<f64> = series
        .iter()
        .flat_map(|(.., points)| points.iter().map(|p| p.0))
        .collect();
    places.sort_unstable_by(f64::total_cmp);
    places.dedup();
    let at = |points: &[(f64, f64)], place: f64| {
        let found = points
            .iter()
            .find(|point| point.0.total_cmp(&place).is_eq());
        found.map_or(Cell::Absent, |point| Cell::Number(point.1))
    };
    let row = |place: &f64| {
        let mut cells = vec![Cell::Number(*place)];
        cells.extend(series.iter().map(|(.., points)| at(points, *place)));
        cells
    };
    Table {
        id: id.to_owned(),
        title: title.to_owned(),
        columns,
        rows: places.iter().map(row).collect(),
    }
}

fn over_time(course: &Course, scale: f64) -> Vec<(f64, f64)> {
    let width = f64::from(course.interval_s);
    let point = |(index, value): (usize, &u64)| (index as f64 * width, *value as f64 * scale);
    course.counts.iter().enumerate().map(point).collect()
}

fn rate(stats: &TraceStats) -> Option<Figure> {
    let course = stats.rate_over_time.as_ref()?;
    let points = over_time(course, 1.0 / f64::from(course.interval_s));
    let title = "Rate of requests over time";
    Some(Figure {
        id: "trace-rate".to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Requests per second, mean of each {} seconds.",
            course.interval_s
        ),
        x: axis("time", Unit::Seconds, Scale::Linear),
        y: axis("requests", Unit::PerSecond, Scale::Linear),
        table: table(
            "trace-rate-table",
            title,
            ("time", Unit::Seconds),
            &[("requests", Unit::PerSecond, &points)],
        ),
        layers: vec![Layer::Step {
            name: "requests".to_owned(),
            variant: None,
            points,
        }],
        marks: stats
            .rate_rps
            .map(|mean| Mark::Level {
                label: "mean".to_owned(),
                at: mean,
            })
            .into_iter()
            .collect(),
        thinned: None,
        order: Vec::new(),
    })
}

fn idc(stats: &TraceStats) -> Option<Figure> {
    if stats.idc.len() < 2 {
        return None;
    }
    let points: Vec<(f64, f64)> = stats
        .idc
        .iter()
        .map(|(s, idc)| (f64::from(*s), *idc))
        .collect();
    let title = "Burstiness by window";
    Some(Figure {
        id: "trace-idc".to_owned(),
        title: title.to_owned(),
        caption:
            "Variance over mean of the requests per window. Independent requests stay at 1; what \
                  climbs with the window has bursts of that length."
                .to_owned(),
        x: axis("window in seconds", Unit::Number, Scale::Log),
        y: axis("index of dispersion", Unit::Number, Scale::Log),
        table: table(
            "trace-idc-table",
            title,
            ("window in seconds", Unit::Number),
            &[("index of dispersion", Unit::Number, &points)],
        ),
        layers: vec![Layer::Line {
            name: "index of dispersion".to_owned(),
            variant: None,
            dashed: false,
            points,
        }],
        marks: vec![Mark::Level {
            label: "independent requests".to_owned(),
            at: 1.0,
        }],
        thinned: None,
        order: Vec::new(),
    })
}

fn sizes(stats: &TraceStats) -> Option<Figure> {
    let turned = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points
            .iter()
            .map(|(share, tokens)| (tokens.max(1.0), *share))
            .collect()
    };
    let (input, output) = (
        turned(&stats.input_quantiles),
        turned(&stats.output_quantiles),
    );
    if input.is_empty() {
        return None;
    }
    let line = |name: &str, dashed, points: &[(f64, f64)]| Layer::Line {
        name: name.to_owned(),
        variant: None,
        dashed,
        points: points.to_vec(),
    };
    let title = "Sizes of requests";
    let by_share = [
        ("input", Unit::Tokens, stats.input_quantiles.as_slice()),
        ("output", Unit::Tokens, stats.output_quantiles.as_slice()),
    ];
    Some(Figure {
        id: "trace-sizes".to_owned(),
        title: title.to_owned(),
        caption: "Share of requests with at most so many tokens.".to_owned(),
        x: axis("tokens", Unit::Tokens, Scale::Log),
        y: axis("share of requests", Unit::Share, Scale::Linear),
        table: table(
            "trace-sizes-table",
            title,
            ("share of requests", Unit::Share),
            &by_share,
        ),
        layers: vec![line("input", false, &input), line("output", true, &output)],
        marks: Vec::new(),
        thinned: None,
        order: Vec::new(),
    })
}

fn quota(stats: &TraceStats) -> Option<Figure> {
    let quota = stats.quota.as_ref()?;
    let settled = over_time(&quota.settled.course, 1.0);
    let reserved = quota
        .reserved
        .as_ref()
        .map(|load| over_time(&load.course, 1.0));
    let title = "What a quota of tokens per minute sees";
    let step = |name: &str, points: &[(f64, f64)]| Layer::Step {
        name: name.to_owned(),
        variant: None,
        points: points.to_vec(),
    };
    let mut layers = Vec::new();
    let mut series: Vec<Series<'_>> = Vec::new();
    if let Some(points) = &reserved {
        layers.push(step("reserved at admission", points));
        series.push(("reserved at admission", Unit::TokensPerMinute, points));
    }
    layers.push(step("settled", &settled));
    series.push(("settled", Unit::TokensPerMinute, &settled));
    Some(Figure {
        id: "trace-quota".to_owned(),
        title: title.to_owned(),
        caption: "Tokens by the minute in which calls began; of longer intervals the busiest minute. A quota below \
                  the reservations throttles, whatever is settled."
            .to_owned(),
        x: axis("time", Unit::Seconds, Scale::Linear),
        y: axis("tokens per minute", Unit::TokensPerMinute, Scale::Linear),
        table: table("trace-quota-table", title, ("time", Unit::Seconds), &series),
        layers,
        marks: Vec::new(),
        thinned: None,
        order: Vec::new(),
    })
}
