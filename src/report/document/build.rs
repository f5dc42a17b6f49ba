//! Small words for the parts of a report.

use crate::results::report::{
    Axis, Block, Cell, Column, Figure, Layer, Mark, Scale, Section, Table, Unit,
};
use crate::stats::thinning::{extremes, largest_triangles};

/// No screen of a reader shows more points of a line.
const MOST_POINTS: usize = 600;

pub(super) fn number(value: Option<f64>) -> Cell {
    match value {
        Some(value) if value.is_finite() => Cell::Number(value),
        _ => Cell::Absent,
    }
}

pub(super) fn counted(value: u64) -> Cell {
    Cell::Number(value as f64)
}

pub(super) fn text(value: impl Into<String>) -> Cell {
    match value.into() {
        value if value.is_empty() => Cell::Absent,
        value => Cell::Text(value),
    }
}

pub(super) fn column(title: impl Into<String>, unit: Unit) -> Column {
    Column {
        title: title.into(),
        unit,
    }
}

pub(super) fn table(
    id: &str,
    title: &str,
    columns: &[(&str, Unit)],
    rows: Vec<Vec<Cell>>,
) -> Table {
    let columns = columns.iter().map(|&(title, unit)| column(title, unit));
    Table {
        id: id.to_owned(),
        title: title.to_owned(),
        columns: columns.collect(),
        rows,
    }
}

pub(super) fn axis(label: &str, unit: Unit, scale: Scale) -> Axis {
    Axis {
        label: label.to_owned(),
        unit,
        scale,
        range: None,
    }
}

pub(super) fn linear(label: &str, unit: Unit) -> Axis {
    axis(label, unit, Scale::Linear)
}

pub(super) fn categories(names: Vec<String>) -> Axis {
    axis("", Unit::Text, Scale::Category(names))
}

/// A line of a variant.
pub(super) fn line_of(variant: &str, points: Vec<(f64, f64)>) -> Layer {
    Layer::Line {
        name: variant.to_owned(),
        variant: Some(variant.to_owned()),
        dashed: false,
        points,
    }
}

/// A line of no variant.
pub(super) fn line(name: &str, dashed: bool, points: Vec<(f64, f64)>) -> Layer {
    Layer::Line {
        name: name.to_owned(),
        variant: None,
        dashed,
        points,
    }
}

pub(super) fn level(label: impl Into<String>, at: f64) -> Mark {
    Mark::Level {
        label: label.into(),
        at,
    }
}

/// How the lines of a picture lose points that nobody would see.
#[derive(Clone, Copy)]
pub(super) enum Thinning {
    /// Curves: what the eye follows stays.
    Shape,
    /// Courses over time: every peak stays.
    Peaks,
}

/// The picture with what can be drawn of it: finite points, no more than a screen shows; `None` if nothing is left.
pub(super) fn figure(mut figure: Figure, thinning: Thinning) -> Option<Figure> {
    let mut most = (0, 0);
    for layer in &mut figure.layers {
        let (Layer::Line { points, .. } | Layer::Step { points, .. }) = layer else {
            continue;
        };
        points.retain(|point| point.0.is_finite() && point.1.is_finite());
        if points.len() > MOST_POINTS {
            let all = points.len();
            *points = match thinning {
                Thinning::Shape => largest_triangles(points, MOST_POINTS),
                Thinning::Peaks => extremes(points, MOST_POINTS),
            };
            most = most.max((all, points.len()));
        }
    }
    figure.layers.retain(|layer| match layer {
        Layer::Line { points, .. } | Layer::Step { points, .. } | Layer::Points { points, .. } => {
            !points.is_empty()
        }
        Layer::Band { points, .. } => !points.is_empty(),
        Layer::Bars { values, .. } => values.iter().any(|value| *value != 0.0),
        Layer::Waterfall { values, .. } => !values.is_empty(),
        Layer::Ranges { values, .. } => !values.is_empty(),
    });
    if most.0 > 0 {
        let how = match thinning {
            Thinning::Shape => "largest triangles",
            Thinning::Peaks => "least and greatest of each stretch",
        };
        figure.thinned = Some(format!("{} of {} points ({how})", most.1, most.0));
    }
    (!figure.layers.is_empty()).then_some(figure)
}

/// A chapter, or none if it would be empty.
pub(super) fn section(
    id: &str,
    title: &str,
    text: Vec<String>,
    blocks: Vec<Block>,
) -> Option<Section> {
    let is_empty = |block: &Block| match block {
        Block::Table(table) => table.rows.is_empty(),
        Block::Figure(figure) => figure.layers.is_empty(),
        Block::Lever(lever) => lever.outcomes.is_empty(),
        Block::Definitions(terms) => terms.is_empty(),
    };
    let blocks: Vec<Block> = blocks
        .into_iter()
        .filter(|block| !is_empty(block))
        .collect();
    (!text.is_empty() || !blocks.is_empty()).then(|| Section {
        id: id.to_owned(),
        title: title.to_owned(),
        text,
        blocks,
    })
}

/// A word for links: small letters, digits and dashes.
pub(super) fn slug(words: &str) -> String {
    let mut slug = String::new();
    for c in words.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "x".to_owned()
    } else {
        slug.to_owned()
    }
}

/// Sentences once each, in the order in which they are first said.
pub(super) fn once(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
