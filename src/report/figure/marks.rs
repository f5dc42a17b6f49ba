//! Lines across a picture with a word at them.

use super::axis::Ruler;
use super::layout::{Frame, LINE, TEXT, patched};
use super::palette::{INK, MUTED};
use super::scene::{Anchor, Group, Point, shortened, width_of};
use crate::results::report::{Layer, Mark};

/// How dark a span is.
const SHADE: f64 = 0.13;
/// Dashes of bounds.
const DASH: (f64, f64) = (7.0, 4.0);
/// Rows for the words of moments and spans.
const MOST_ROWS: usize = 4;

/// The words above the plot, each with its place across and its row, the lowest row first.
pub(super) struct Rows {
    pub count: usize,
    words: Vec<(usize, f64, String)>,
}

/// Places the words of moments and spans in as few rows as keep them apart.
pub(super) fn rows(marks: &[Mark], x: &Ruler, right: f64) -> Rows {
    let mut words = Vec::new();
    // Where each row is free from.
    let mut free: Vec<f64> = Vec::new();
    for mark in marks {
        let (Mark::Moment { label, at }
        | Mark::Span {
            label, from: at, ..
        }) = mark
        else {
            continue;
        };
        let Some(place) = x.place(*at) else { continue };
        if label.is_empty() || place > right {
            continue;
        }
        let text = shortened(label, TEXT, 260.0);
        let wide = width_of(&text, TEXT);
        let (first, _) = x.ends();
        let least = x.place(first).unwrap_or(place);
        let left = place.max(least).min(right - wide);
        let row = free
            .iter()
            .position(|&from| left >= from)
            .unwrap_or(free.len());
        if row >= MOST_ROWS {
            continue;
        }
        if row == free.len() {
            free.push(0.0);
        }
        free[row] = left + wide + 12.0;
        words.push((row, left, text));
    }
    Rows {
        count: free.len(),
        words,
    }
}

/// Spans, behind everything.
pub(super) fn behind(frame: &Frame<'_>) -> Group {
    let mut group = Group::new("marks");
    for mark in &frame.figure.marks {
        let Mark::Span { from, to, .. } = mark else {
            continue;
        };
        if let (Some(from), Some(to)) = (frame.x.place(*from), frame.x.place(*to)) {
            let left = from.min(to).clamp(frame.left, frame.right);
            let right = from.max(to).clamp(frame.left, frame.right);
            let height = frame.bottom - frame.top;
            group.rect([left, frame.top, right - left, height], MUTED, SHADE);
        }
    }
    group
}

/// Levels and moments, over the data.
pub(super) fn before(frame: &Frame<'_>, rows: &Rows) -> Group {
    let mut group = Group::new("marks");
    for mark in &frame.figure.marks {
        match mark {
            Mark::Level { label, at } => level(frame, label, *at, &mut group),
            Mark::Moment { at, .. } => {
                if let Some(x) = frame.x.place(*at).filter(|_| frame.x.holds(*at)) {
                    let ends = [(x, frame.top), (x, frame.bottom)];
                    group.dashed(&ends, INK, 1.25, DASH);
                }
            }
            Mark::Span { .. } => {}
        }
    }
    for (row, x, text) in &rows.words {
        let y = frame.top - 6.0 - LINE * *row as f64;
        group.text((*x, y), Anchor::Start, text, TEXT, MUTED);
    }
    group
}

fn level(frame: &Frame<'_>, label: &str, at: f64, group: &mut Group) {
    if frame.lies() {
        if let Some(x) = frame.x.place(at).filter(|_| frame.x.holds(at)) {
            group.dashed(&[(x, frame.top), (x, frame.bottom)], INK, 1.25, DASH);
            let wide = width_of(label, TEXT);
            let left = (x + 5.0).min(frame.right - wide);
            patched(group, (left, frame.top + 10.0), Anchor::Start, label);
        }
        return;
    }
    let Some(y) = frame.y.place(at) else { return };
    let room = frame.right - frame.left - 16.0;
    if !frame.y.holds(at) {
        // Too far off to be in the picture: named at the edge beyond which it lies.
        let above = y < frame.top;
        let (arrow, y) = if above {
            ("↑", frame.top + 12.0)
        } else {
            ("↓", frame.bottom - 5.0)
        };
        let unit = frame.figure.y.unit;
        let value = crate::report::number::value(unit, at);
        let text = if label.contains(&value) {
            format!("{label} {arrow}")
        } else {
            format!("{label}: {value} {arrow}")
        };
        let text = shortened(&text, TEXT, room);
        let (x, _) = emptiest(frame, &text, y);
        patched(group, (x, y), Anchor::Start, &text);
        return;
    }
    group.dashed(&[(frame.left, y), (frame.right, y)], INK, 1.25, DASH);
    if label.is_empty() {
        return;
    }
    let text = shortened(label, TEXT, room);
    // Above the line or below it, wherever the data leave more room.
    let sides = [y - 5.0, y + 14.0];
    let fits = sides
        .into_iter()
        .filter(|base| base - 12.0 >= frame.top && base + 3.0 <= frame.bottom);
    let places = fits.map(|base| (emptiest(frame, &text, base), base));
    let best = places.min_by_key(|((_, covered), _)| *covered);
    if let Some(((x, _), base)) = best {
        patched(group, (x, base), Anchor::Start, &text);
    }
}

/// Where across the plot a text covers the fewest points of the data, and how many it covers.
fn emptiest(frame: &Frame<'_>, text: &str, base: f64) -> (f64, usize) {
    let wide = width_of(text, TEXT);
    let span = (frame.right - frame.left - wide - 8.0).max(0.0);
    let places = (0..=8).map(|n| frame.left + 4.0 + span * f64::from(n) / 8.0);
    let points: Vec<Point> = drawn(frame);
    let covered = |x: f64| {
        let inside = |at: &&Point| {
            (x - 6.0..=x + wide + 6.0).contains(&at.0) && (base - 15.0..=base + 7.0).contains(&at.1)
        };
        points.iter().filter(inside).count()
    };
    let best = places.map(|x| (x, covered(x))).min_by_key(|one| one.1);
    best.unwrap_or((frame.left + 4.0, 0))
}

/// Places along all lines, close enough that no text slips between them.
fn drawn(frame: &Frame<'_>) -> Vec<Point> {
    let mut places = Vec::new();
    let mut along = |points: &[Point]| {
        let placed: Vec<Point> = points.iter().filter_map(|&at| frame.place(at)).collect();
        for two in placed.windows(2) {
            let (from, to) = (two[0], two[1]);
            let length = (to.0 - from.0).abs().max((to.1 - from.1).abs());
            let parts = (length / 8.0).ceil().clamp(1.0, 100.0) as u32;
            places.extend((0..=parts).map(|n| {
                let share = f64::from(n) / f64::from(parts);
                (
                    from.0 + share * (to.0 - from.0),
                    from.1 + share * (to.1 - from.1),
                )
            }));
        }
        places.extend(placed);
    };
    for layer in &frame.figure.layers {
        match layer {
            Layer::Line { points, .. }
            | Layer::Step { points, .. }
            | Layer::Points { points, .. } => along(points),
            Layer::Band { points, .. } => {
                let side = |of: fn(&(f64, f64, f64)) -> f64| -> Vec<Point> {
                    points.iter().map(|one| (one.0, of(one))).collect()
                };
                along(&side(|one| one.1));
                along(&side(|one| one.2));
            }
            _ => {}
        }
    }
    places
}
