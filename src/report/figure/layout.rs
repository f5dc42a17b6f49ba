//! From a figure to a scene: margins, axes, legend, marks, and what they leave to the data.

use super::axis::Ruler;
use super::palette::{GRID, INK, MUTED, SURFACE, series as series_colour};
use super::scene::{Anchor, Group, Point, Scene, shortened, width_of, wrapped};
use super::{bars, marks, series};
use crate::results::report::{Figure, Layer, Mark, Scale};

/// The width of every picture.
pub(super) const WIDTH: f64 = 720.0;
/// The height of the data's area of pictures over a number axis.
const PLOT_HEIGHT: f64 = 268.0;
/// The height of one lying bar with its gap.
const BAR_ROW: f64 = 34.0;
/// Sizes of texts.
pub(super) const TEXT: f64 = 12.0;
const TITLE: f64 = 16.0;
/// The height of a line of text.
pub(super) const LINE: f64 = 17.0;
/// Room at the edges.
const EDGE: f64 = 10.0;
/// The widest label of a series beside the plot.
const WIDEST_LABEL: f64 = 170.0;

/// What all parts of a picture need to know of it.
pub(super) struct Frame<'a> {
    pub figure: &'a Figure,
    pub x: Ruler,
    pub y: Ruler,
    /// Left, top, right and bottom of the data's area.
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    /// Where the labels of the axis upwards end.
    pub labels: f64,
    /// Names in the order of their colours.
    pub keys: Vec<&'a str>,
}

impl Frame<'_> {
    /// Whether bars lie: the categories go upwards.
    pub fn lies(&self) -> bool {
        matches!(self.figure.y.scale, Scale::Category(_))
    }

    /// The number of the colour and marker of a layer.
    pub fn number(&self, layer: &Layer) -> usize {
        number_of(self.figure, &self.keys, layer)
    }

    /// Where a point lies; `None` if it has no place.
    pub fn place(&self, (x, y): Point) -> Option<Point> {
        Some((self.x.place(x)?, self.y.place(y)?))
    }
}

/// One entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub variant: Option<&'a str>,
    pub number: usize,
    pub swatch: Swatch,
}

/// How a legend shows a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swatch {
    Line,
    Dashed,
    Dot,
    Box,
    Pale,
}

/// The picture; `titled` ones carry their title and caption.
pub(super) fn scene(figure: &Figure, titled: bool) -> Scene {
    let keys = keys(figure);
    let lies = matches!(figure.y.scale, Scale::Category(_));
    let mut scene = Scene {
        width: WIDTH,
        ..Scene::default()
    };
    let mut axes = Group::new("axes");
    let mut top = EDGE;
    if titled {
        top = title(figure, &mut axes, top);
    }
    let entries = entries(figure, &keys);
    let (x_values, y_values) = values(figure);
    let y = Ruler::new(&figure.y, &y_values, 5.0, false);
    let left_ends = if bars::values(figure).iter().any(|value| *value < 0.0) {
        bars::room_for_ends(figure)
    } else {
        0.0
    };
    let left = left_margin(figure, &y, lies) + left_ends;
    // Labels stand beside the ends of lines where they fit, and in a legend above the data otherwise.
    let beside = series::beside(figure, &entries);
    let right = WIDTH
        - match &beside {
            Some(labels) if !labels.is_empty() => {
                let widest = labels.iter().map(|one| width_of(one.name, TEXT));
                widest.fold(0.0, f64::max).min(WIDEST_LABEL) + 36.0
            }
            _ => 2.0 * EDGE + bars::room_for_ends(figure),
        };
    if !figure.y.label.is_empty() && !lies {
        axes.text(
            (EDGE, top + 11.0),
            Anchor::Start,
            &figure.y.label,
            TEXT,
            MUTED,
        );
        top += LINE + 4.0;
    }
    let mut legend = Vec::new();
    if beside.is_none() && entries.len() > 1 {
        top = legend_rows(&entries, left.min(60.0), top, &mut legend);
    }
    let wanted = (right - left) / 72.0;
    let x = Ruler::new(&figure.x, &x_values, wanted, !lies);
    let x = x.between(left, right);
    let rows = marks::rows(&figure.marks, &x, right);
    top += LINE * rows.count as f64 + if rows.count > 0 { 3.0 } else { 0.0 };
    let height = match &figure.y.scale {
        Scale::Category(names) => BAR_ROW * names.len().max(1) as f64,
        _ => PLOT_HEIGHT,
    };
    top = top.max(EDGE + 8.0);
    let bottom = top + height;
    let y = if lies {
        y.between(top, bottom)
    } else {
        y.between(bottom, top)
    };
    let frame = Frame {
        figure,
        x,
        y,
        left,
        top,
        right,
        bottom,
        labels: left - left_ends,
        keys,
    };
    let below = ticks(&frame, &mut axes);
    scene.height = below + EDGE;
    if titled {
        scene.height = caption(figure, &mut axes, below);
    }
    scene.plot = [left, top, right - left, height];
    scene.ends = (frame.x.ends(), frame.y.ends());
    scene.groups.push(marks::behind(&frame));
    scene.groups.push(axes);
    scene.groups.extend(series::layers(&frame));
    scene.groups.extend(bars::layers(&frame));
    scene.groups.push(base(&frame));
    scene.groups.push(marks::before(&frame, &rows));
    scene.groups.extend(legend);
    if let Some(labels) = beside {
        scene.groups.extend(series::end_labels(&frame, &labels));
    }
    scene.groups.retain(|group| !group.shapes.is_empty());
    scene
}

fn title(figure: &Figure, axes: &mut Group, top: f64) -> f64 {
    let mut below = top + 4.0;
    for line in wrapped(&figure.title, TITLE, WIDTH - 2.0 * EDGE, 2) {
        below += 1.25 * TITLE;
        axes.text((EDGE, below - 5.0), Anchor::Start, &line, TITLE, INK);
        if let Some(super::scene::Shape::Text { bold, .. }) = axes.shapes.last_mut() {
            *bold = true;
        }
    }
    below + 8.0
}

fn caption(figure: &Figure, axes: &mut Group, mut below: f64) -> f64 {
    let mut text = figure.caption.clone();
    if let Some(thinned) = &figure.thinned {
        text = format!("{text} Drawn: {thinned}.");
    }
    below += 6.0;
    for line in wrapped(text.trim(), TEXT, WIDTH - 2.0 * EDGE, 4) {
        below += LINE;
        axes.text((EDGE, below - 4.0), Anchor::Start, &line, TEXT, MUTED);
    }
    below + EDGE
}

/// Names in the order of their colours: those that the figure orders, then the others as they come.
fn keys(figure: &Figure) -> Vec<&str> {
    let mut keys: Vec<&str> = figure.order.iter().map(String::as_str).collect();
    for layer in &figure.layers {
        let Some((name, variant)) = identity(layer) else {
            continue;
        };
        let key = variant.unwrap_or(name);
        if !keys.contains(&key) && !is_around_a_line(figure, layer) {
            keys.push(key);
        }
    }
    keys
}

/// Whether a layer is the band around a line, whose colour it has: it belongs to no variant, and there is such a line.
fn is_around_a_line(figure: &Figure, layer: &Layer) -> bool {
    matches!(layer, Layer::Band { variant: None, .. }) && first_line(figure).is_some()
}

fn first_line(figure: &Figure) -> Option<&str> {
    figure.layers.iter().find_map(|layer| match layer {
        Layer::Line {
            name,
            variant: None,
            dashed: false,
            ..
        }
        | Layer::Step {
            name,
            variant: None,
            ..
        } => Some(name.as_str()),
        _ => None,
    })
}

/// The number of the colour and marker of a layer.
pub(super) fn number_of(figure: &Figure, keys: &[&str], layer: &Layer) -> usize {
    let own = identity(layer).map(|(name, variant)| variant.unwrap_or(name));
    let key = if is_around_a_line(figure, layer) {
        first_line(figure)
    } else {
        own
    };
    keys.iter().position(|&one| Some(one) == key).unwrap_or(0)
}

/// The name and the variant of a layer that has some.
pub(super) fn identity(layer: &Layer) -> Option<(&str, Option<&str>)> {
    match layer {
        Layer::Line { name, variant, .. }
        | Layer::Step { name, variant, .. }
        | Layer::Band { name, variant, .. }
        | Layer::Points { name, variant, .. } => Some((name, variant.as_deref())),
        Layer::Bars { name, .. } | Layer::Ranges { name, .. } => Some((name, None)),
        Layer::Waterfall { .. } => None,
    }
}

/// What the legend tells apart, each name once.
fn entries<'a>(figure: &'a Figure, keys: &[&'a str]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for layer in &figure.layers {
        let Some((name, variant)) = identity(layer) else {
            continue;
        };
        if name.is_empty() || entries.iter().any(|one| one.name == name) {
            continue;
        }
        entries.push(Entry {
            name,
            variant,
            number: number_of(figure, keys, layer),
            swatch: match layer {
                Layer::Line { dashed: true, .. } => Swatch::Dashed,
                Layer::Line { .. } | Layer::Step { .. } => Swatch::Line,
                Layer::Band { .. } => Swatch::Pale,
                Layer::Points { .. } => Swatch::Dot,
                Layer::Bars { .. } | Layer::Ranges { .. } | Layer::Waterfall { .. } => Swatch::Box,
            },
        });
    }
    entries
}

/// All values on both axes, those of marks inside where they do not dwarf the data.
fn values(figure: &Figure) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for layer in &figure.layers {
        match layer {
            Layer::Line { points, .. }
            | Layer::Step { points, .. }
            | Layer::Points { points, .. } => {
                for point in points {
                    x.push(point.0);
                    y.push(point.1);
                }
            }
            Layer::Band { points, .. } => {
                for point in points {
                    x.push(point.0);
                    y.extend([point.1, point.2]);
                }
            }
            Layer::Bars { .. } | Layer::Waterfall { .. } | Layer::Ranges { .. } => {}
        }
    }
    let of_bars = bars::values(figure);
    let lies = matches!(figure.y.scale, Scale::Category(_));
    let upwards = if lies { &mut x } else { &mut y };
    if !of_bars.is_empty() {
        upwards.push(0.0);
    }
    upwards.extend(of_bars);
    let most = upwards
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max);
    for mark in &figure.marks {
        match mark {
            // A bound far above everything would leave the data a line at the bottom; it is named at the edge.
            Mark::Level { at, .. } if most <= 0.0 || *at <= FAR * most || is_log(figure) => {
                upwards.push(*at);
            }
            _ => {}
        }
    }
    let moments = figure.marks.iter().filter(|_| !lies);
    x.extend(moments.filter_map(|mark| match mark {
        Mark::Moment { at, .. } => Some(*at),
        _ => None,
    }));
    if lies && x.is_empty() {
        x.push(0.0);
    }
    (x, y)
}

/// How far above the data a bound may lie and still be in the picture.
const FAR: f64 = 3.0;

fn is_log(figure: &Figure) -> bool {
    figure.y.scale == Scale::Log
}

fn left_margin(figure: &Figure, y: &Ruler, lies: bool) -> f64 {
    let widest = y.ticks.iter().map(|(_, text)| width_of(text, TEXT));
    let widest = widest.fold(0.0, f64::max);
    let most = if lies { 230.0 } else { 120.0 };
    let first = match &figure.x.scale {
        // Half of the first label on a category axis may reach over the edge.
        Scale::Category(_) => 20.0,
        _ => 34.0,
    };
    (EDGE + widest.min(most) + 8.0).max(first)
}

fn legend_rows(entries: &[Entry<'_>], left: f64, top: f64, out: &mut Vec<Group>) -> f64 {
    let (mut x, mut y) = (left, top);
    for entry in entries {
        let text = shortened(entry.name, TEXT, 260.0);
        let wide = 26.0 + width_of(&text, TEXT);
        if x > left && x + wide > WIDTH - EDGE {
            (x, y) = (left, y + LINE);
        }
        let mut group = Group::new("legend");
        group.name = Some(entry.name.to_owned());
        group.variant = entry.variant.map(str::to_owned);
        swatch(entry, (x, y + 7.0), &mut group);
        group.text((x + 22.0, y + 11.0), Anchor::Start, &text, TEXT, INK);
        out.push(group);
        x += wide + 16.0;
    }
    y + LINE + 6.0
}

/// The sign of a series: sixteen units wide, around `at.1`.
pub(super) fn swatch(entry: &Entry<'_>, at: Point, group: &mut Group) {
    let colour = series_colour(entry.number);
    let (x, y) = at;
    let ends = [(x, y), (x + 16.0, y)];
    match entry.swatch {
        Swatch::Line => {
            group.line(ends.to_vec(), colour, 2.0);
            series::marker(entry.number, (x + 8.0, y), group);
        }
        Swatch::Dashed => group.dashed(&ends, colour, 2.0, (5.0, 3.0)),
        Swatch::Dot => series::marker(entry.number, (x + 8.0, y), group),
        Swatch::Box => group.rect([x + 3.0, y - 5.0, 11.0, 11.0], colour, 1.0),
        Swatch::Pale => group.rect([x + 1.0, y - 5.0, 14.0, 11.0], colour, series::BAND),
    }
}

/// The grid with the labels of both axes; returns where the next text below may begin.
fn ticks(frame: &Frame<'_>, axes: &mut Group) -> f64 {
    let (left, top, right, bottom) = (frame.left, frame.top, frame.right, frame.bottom);
    let figure = frame.figure;
    for (value, text) in &frame.y.ticks {
        let Some(y) = frame.y.place(*value) else {
            continue;
        };
        if frame.lies() {
            let room = frame.labels - EDGE - 8.0;
            let lines = wrapped(text, TEXT, room, 2);
            let first = y + 4.0 - 0.5 * 13.0 * (lines.len() as f64 - 1.0);
            for (n, line) in lines.iter().enumerate() {
                let at = (frame.labels - 8.0, first + 13.0 * n as f64);
                axes.text(at, Anchor::End, line, TEXT, INK);
            }
            continue;
        }
        axes.line(vec![(left, y), (right, y)], GRID, 1.0);
        axes.text((left - 8.0, y + 4.0), Anchor::End, text, TEXT, MUTED);
    }
    let mut below = bottom;
    let mut free_from = f64::MIN;
    let slot = frame.x.slot();
    for (value, text) in &frame.x.ticks {
        let Some(x) = frame.x.place(*value) else {
            continue;
        };
        if let Scale::Category(_) = figure.x.scale {
            for (n, line) in wrapped(text, TEXT, slot - 6.0, 3).iter().enumerate() {
                let y = bottom + LINE + 14.0 * n as f64;
                axes.text((x, y), Anchor::Middle, line, TEXT, MUTED);
                below = below.max(y);
            }
            continue;
        }
        if frame.lies() || figure.x.scale == Scale::Nines {
            axes.line(vec![(x, top), (x, bottom)], GRID, 1.0);
        } else {
            axes.line(vec![(x, bottom), (x, bottom + 4.0)], MUTED, 1.0);
        }
        // Labels that would touch the one before are left out; their tick stays.
        let half = 0.5 * width_of(text, TEXT);
        let at = x.min(WIDTH - EDGE - half);
        if at - half >= free_from {
            axes.text((at, bottom + LINE), Anchor::Middle, text, TEXT, MUTED);
            free_from = at + half + 8.0;
        }
        below = below.max(bottom + LINE);
    }
    if !figure.x.label.is_empty() {
        below += LINE + 2.0;
        let middle = f64::midpoint(left, right);
        axes.text(
            (middle, below),
            Anchor::Middle,
            &figure.x.label,
            TEXT,
            MUTED,
        );
    }
    below + 2.0
}

/// The line on which bars stand, over the data.
fn base(frame: &Frame<'_>) -> Group {
    let mut group = Group::new("base");
    if frame.lies() {
        if let Some(x) = frame.x.place(0.0).filter(|_| frame.x.holds(0.0)) {
            group.line(vec![(x, frame.top), (x, frame.bottom)], MUTED, 1.0);
        }
        return group;
    }
    let zero = frame.y.place(0.0).filter(|_| frame.y.holds(0.0));
    let y = zero.unwrap_or(frame.bottom);
    group.line(vec![(frame.left, y), (frame.right, y)], MUTED, 1.0);
    group
}

/// A text on a patch of the surface, so that lines behind it do not cross it.
pub(super) fn patched(group: &mut Group, at: Point, anchor: Anchor, text: &str) {
    let wide = width_of(text, TEXT);
    let left = match anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - 0.5 * wide,
        Anchor::End => at.0 - wide,
    };
    group.rect([left - 3.0, at.1 - 11.5, wide + 6.0, 15.0], SURFACE, 0.85);
    group.text(at, anchor, text, TEXT, INK);
}
