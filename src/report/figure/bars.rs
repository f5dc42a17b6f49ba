//! Bars on a category axis: stacked, as a waterfall, or from one value to another.

use super::layout::{Frame, TEXT};
use super::palette::{GRID, INK, MUTED, SURFACE, series as series_colour};
use super::scene::{Anchor, Group, Point, width_of};
use crate::report::number;
use crate::results::report::{Figure, Layer, Scale, Unit};

/// The share of its slot that a bar takes.
const FILL: f64 = 0.66;
/// No bar is thicker, however few there are.
const THICKEST: f64 = 56.0;

/// The widest figure at the end of a bar that gets its room.
const WIDEST: f64 = 120.0;

/// One bar: from which value to which, on which category.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    category: usize,
    from: f64,
    to: f64,
}

/// Every end of every bar, so that axes hold them.
pub(super) fn values(figure: &Figure) -> Vec<f64> {
    let mut stacks = Stacks::default();
    let bars = figure
        .layers
        .iter()
        .flat_map(|layer| bars_of(layer, &mut stacks));
    bars.flat_map(|bar| [bar.from, bar.to])
        .filter(|value| value.is_finite())
        .collect()
}

/// How far stacks have grown, above and below zero.
#[derive(Default)]
struct Stacks(Vec<(f64, f64)>);

impl Stacks {
    fn push(&mut self, category: usize, value: f64) -> Bar {
        if self.0.len() <= category {
            self.0.resize(category + 1, (0.0, 0.0));
        }
        let (above, below) = &mut self.0[category];
        let grown = if value < 0.0 { below } else { above };
        let from = *grown;
        *grown += value;
        Bar {
            category,
            from,
            to: *grown,
        }
    }
}

fn bars_of(layer: &Layer, stacks: &mut Stacks) -> Vec<Bar> {
    let numbered = |values: &[f64]| -> Vec<(usize, f64)> {
        let all = values.iter().copied().enumerate();
        all.filter(|(_, value)| value.is_finite()).collect()
    };
    match layer {
        Layer::Bars { values, .. } => {
            let all = numbered(values).into_iter();
            all.map(|(category, value)| stacks.push(category, value))
                .collect()
        }
        Layer::Waterfall { values, totals } => {
            let mut level = 0.0;
            let mut bars = Vec::new();
            for (category, value) in numbered(values) {
                let is_total = totals.get(category).copied().unwrap_or(false);
                let from = if is_total { 0.0 } else { level };
                level = from + value;
                bars.push(Bar {
                    category,
                    from,
                    to: level,
                });
            }
            bars
        }
        Layer::Ranges { values, .. } => {
            let all = values.iter().enumerate();
            let all = all.filter(|(_, (from, to))| from.is_finite() && to.is_finite());
            all.map(|(category, &(from, to))| Bar { category, from, to })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The room that figures at the ends of lying bars need on the right.
pub(super) fn room_for_ends(figure: &Figure) -> f64 {
    if !matches!(figure.y.scale, Scale::Category(_)) {
        return 0.0;
    }
    let widest = values(figure).into_iter().map(|value| {
        let signed = format!("+{}", number::value(figure.x.unit, value.abs()));
        width_of(&signed, TEXT)
    });
    widest.fold(0.0, f64::max).min(WIDEST)
}

/// One group for each layer of bars, and one with the figures at their ends.
pub(super) fn layers(frame: &Frame<'_>) -> Vec<Group> {
    let mut stacks = Stacks::default();
    let mut groups = Vec::new();
    let mut words = Group::new("values");
    for layer in &frame.figure.layers {
        let bars = bars_of(layer, &mut stacks);
        if bars.is_empty() {
            continue;
        }
        let mut group = Group::new("layer");
        match layer {
            Layer::Waterfall { totals, .. } => {
                waterfall(frame, &bars, totals, &mut group, &mut words);
            }
            Layer::Bars { name, .. } | Layer::Ranges { name, .. } => {
                let colour = series_colour(frame.number(layer));
                group.name = Some(name.clone());
                for bar in &bars {
                    draw(frame, *bar, colour, &mut group);
                }
            }
            _ => {}
        }
        groups.push(group);
    }
    totals_of(frame, &stacks, &mut words);
    range_ends(frame, &mut words);
    groups.push(words);
    groups
}

/// The sum at the end of each stack.
fn totals_of(frame: &Frame<'_>, stacks: &Stacks, words: &mut Group) {
    for (category, &(above, below)) in stacks.0.iter().enumerate() {
        let sum = above + below;
        let at = if above > 0.0 || below == 0.0 {
            above
        } else {
            below
        };
        let bar = Bar {
            category,
            from: 0.0,
            to: at,
        };
        word(frame, bar, at, sum, words);
    }
}

/// The outermost end of ranges on each side of each category; one inside another would be written over it.
fn range_ends(frame: &Frame<'_>, words: &mut Group) {
    let mut outer: Vec<(f64, f64)> = Vec::new();
    for layer in &frame.figure.layers {
        let Layer::Ranges { values, .. } = layer else {
            continue;
        };
        outer.resize(outer.len().max(values.len()), (0.0, 0.0));
        for (ends, &(from, to)) in outer.iter_mut().zip(values) {
            for value in [from, to].into_iter().filter(|value| value.is_finite()) {
                *ends = (ends.0.min(value), ends.1.max(value));
            }
        }
    }
    for (category, (least, most)) in outer.into_iter().enumerate() {
        for at in [least, most].into_iter().filter(|at| *at != 0.0) {
            let bar = Bar {
                category,
                from: 0.0,
                to: at,
            };
            let sign = if at > 0.0 { "+" } else { "" };
            let text = format!("{sign}{}", number::value(unit_of(frame), at));
            write(frame, bar, at, &text, words);
        }
    }
}

/// The unit of what bars count.
fn unit_of(frame: &Frame<'_>) -> Unit {
    if frame.lies() {
        frame.figure.x.unit
    } else {
        frame.figure.y.unit
    }
}

fn waterfall(
    frame: &Frame<'_>,
    bars: &[Bar],
    totals: &[bool],
    group: &mut Group,
    words: &mut Group,
) {
    let is_total = |bar: &Bar| totals.get(bar.category).copied().unwrap_or(false);
    for two in bars.windows(2) {
        // A thin line from the end of one bar to the beginning of the next.
        let ends = two.iter().map(|bar| place(frame, bar.category, two[0].to));
        let ends: Vec<Point> = ends.flatten().collect();
        group.line(ends, GRID, 1.0);
    }
    for bar in bars {
        // Totals are grey, savings green and increases orange; their places tell them apart as well.
        let colour = match bar {
            bar if is_total(bar) => MUTED,
            bar if bar.to < bar.from => series_colour(2),
            _ => series_colour(1),
        };
        draw(frame, *bar, colour, group);
        let shown = if is_total(bar) {
            bar.to
        } else {
            bar.to - bar.from
        };
        word(frame, *bar, bar.to.max(bar.from), shown, words);
    }
}

/// The middle of a category at a value.
fn place(frame: &Frame<'_>, category: usize, value: f64) -> Option<Point> {
    let category = category as f64;
    if frame.lies() {
        Some((frame.x.place(value)?, frame.y.place(category)?))
    } else {
        Some((frame.x.place(category)?, frame.y.place(value)?))
    }
}

fn thickness(frame: &Frame<'_>) -> f64 {
    let slot = if frame.lies() {
        frame.y.slot()
    } else {
        frame.x.slot()
    };
    (FILL * slot).min(THICKEST)
}

fn draw(frame: &Frame<'_>, bar: Bar, colour: &'static str, group: &mut Group) {
    let ends = (
        place(frame, bar.category, bar.from),
        place(frame, bar.category, bar.to),
    );
    let (Some(from), Some(to)) = ends else { return };
    let half = 0.5 * thickness(frame);
    let clamp_x = |x: f64| x.clamp(frame.left, frame.right);
    let clamp_y = |y: f64| y.clamp(frame.top, frame.bottom);
    let (left, top, right, bottom) = if frame.lies() {
        (
            clamp_x(from.0.min(to.0)),
            from.1 - half,
            clamp_x(from.0.max(to.0)),
            from.1 + half,
        )
    } else {
        (
            from.0 - half,
            clamp_y(from.1.min(to.1)),
            from.0 + half,
            clamp_y(from.1.max(to.1)),
        )
    };
    // Anything above nothing is seen.
    let thin = |length: f64| {
        if bar.from.total_cmp(&bar.to).is_eq() {
            0.0
        } else {
            length.max(1.0)
        }
    };
    let (width, height) = if frame.lies() {
        (thin(right - left), bottom - top)
    } else {
        (right - left, thin(bottom - top))
    };
    if width <= 0.0 || height <= 0.0 {
        return;
    }
    group.rect([left, top, width, height], colour, 1.0);
    // Stacked parts of like colour are told apart by a gap.
    if frame.lies() && width > 3.0 {
        group.line(vec![(right, top), (right, bottom)], SURFACE, 1.0);
    } else if !frame.lies() && height > 3.0 {
        group.line(vec![(left, top), (right, top)], SURFACE, 1.0);
    }
}

/// What a bar says, at its end.
fn word(frame: &Frame<'_>, bar: Bar, at: f64, shown: f64, words: &mut Group) {
    let unit = unit_of(frame);
    // A lying bar has room for all digits, an upright one for a few.
    let text = if frame.lies() {
        number::value(unit, shown)
    } else {
        number::short(unit, shown)
    };
    let grows = bar.from != 0.0 && shown > 0.0 && shown < bar.to;
    let sign = if grows { "+" } else { "" };
    write(frame, bar, at, &format!("{sign}{text}"), words);
}

fn write(frame: &Frame<'_>, bar: Bar, at: f64, text: &str, words: &mut Group) {
    let Some((x, y)) = place(frame, bar.category, at) else {
        return;
    };
    if frame.lies() {
        let x = x.clamp(frame.left, frame.right);
        let (x, anchor) = match at {
            at if at < 0.0 || at < bar.to.max(bar.from) => (x - 5.0, Anchor::End),
            _ => (x + 5.0, Anchor::Start),
        };
        words.text((x, y + 4.0), anchor, text, TEXT, INK);
        return;
    }
    if width_of(text, TEXT) > frame.x.slot() + 2.0 {
        return;
    }
    let y = y.clamp(frame.top, frame.bottom);
    let y = if at < 0.0 { y + 14.0 } else { y - 5.0 };
    words.text((x, y), Anchor::Middle, text, TEXT, INK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_grow_to_both_sides() {
        let mut stacks = Stacks::default();
        let layer = |values: &[f64]| Layer::Bars {
            name: String::new(),
            values: values.to_vec(),
        };
        bars_of(&layer(&[1.0, -1.0]), &mut stacks);
        let second = bars_of(&layer(&[2.0, -2.0]), &mut stacks);
        let ends: Vec<(f64, f64)> = second.iter().map(|bar| (bar.from, bar.to)).collect();
        assert_eq!(ends, [(1.0, 3.0), (-1.0, -3.0)]);
    }

    #[test]
    fn a_waterfall_begins_where_the_bar_before_ended() {
        let layer = Layer::Waterfall {
            values: vec![100.0, -30.0, -20.0, 50.0],
            totals: vec![true, false, false, true],
        };
        let bars = bars_of(&layer, &mut Stacks::default());
        let ends: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.from, bar.to)).collect();
        assert_eq!(
            ends,
            [(0.0, 100.0), (100.0, 70.0), (70.0, 50.0), (0.0, 50.0)]
        );
    }
}
