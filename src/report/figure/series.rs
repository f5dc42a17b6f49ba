//! Lines, steps, bands and points, with their names at their ends.

use super::layout::{Entry, Frame, LINE, Swatch, TEXT, WIDTH, swatch};
use super::palette::{INK, series as series_colour};
use super::scene::{Anchor, Group, Point, Shape, shortened};
use crate::results::report::{Figure, Layer, Scale};
use crate::stats::thinning::extremes;

/// How much of what is behind a band shows.
pub(super) const BAND: f64 = 0.22;
/// The width of a series' line.
const STROKE: f64 = 2.0;
/// A series of at most this many points has a marker at each.
const FEW: usize = 14;
/// The distance of the markers of longer ones.
const APART: f64 = 90.0;
/// More points than this are thinned before they are drawn; no screen shows more.
const MOST: usize = 1400;
/// Most series whose names stand at their ends.
const NAMED: usize = 5;

/// One group for each layer over number axes.
pub(super) fn layers(frame: &Frame<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in &frame.figure.layers {
        let Some(group) = group(frame, layer) else {
            continue;
        };
        // The parts of a broken line are one group.
        let same = |last: &&mut Group| {
            (&last.name, &last.variant, last.dash) == (&group.name, &group.variant, group.dash)
        };
        match groups.last_mut().filter(same) {
            Some(last) => last.shapes.extend(group.shapes),
            None => groups.push(group),
        }
    }
    groups
}

/// Whether a series has so few points, over all its parts, that each has a marker.
fn is_short(frame: &Frame<'_>, name: &str, variant: Option<&str>) -> bool {
    let own = frame.figure.layers.iter();
    let own = own.filter(|layer| super::layout::identity(layer) == Some((name, variant)));
    let points = own.map(|layer| match layer {
        Layer::Line { points, .. } => points.len(),
        _ => 0,
    });
    points.sum::<usize>() <= FEW
}

fn group(frame: &Frame<'_>, layer: &Layer) -> Option<Group> {
    let (name, variant) = super::layout::identity(layer)?;
    let number = frame.number(layer);
    let colour = series_colour(number);
    let mut group = Group::new("layer");
    group.name = Some(name.to_owned());
    group.variant = variant.map(str::to_owned);
    match layer {
        Layer::Line { points, dashed, .. } => {
            for run in clipped(frame, &thin(points)) {
                if *dashed {
                    group.dashed(&run, colour, STROKE, (6.0, 4.0));
                } else {
                    group.line(run, colour, STROKE);
                }
            }
            if !dashed {
                let few = is_short(frame, name, variant);
                markers(frame, points, few, number, &mut group);
            }
        }
        Layer::Step { points, .. } => {
            for run in clipped(frame, &steps(&thin(points))) {
                group.line(run, colour, STROKE);
            }
            markers(frame, points, false, number, &mut group);
        }
        Layer::Band { points, .. } => {
            let side = |of: fn(&(f64, f64, f64)) -> f64| -> Vec<Point> {
                let all: Vec<Point> = points.iter().map(|one| (one.0, of(one))).collect();
                let placed = all.iter().filter_map(|&at| frame.place(at));
                placed.map(|at| kept_inside(frame, at)).collect()
            };
            let (mut around, above) = (side(|one| one.1), side(|one| one.2));
            around.extend(above.into_iter().rev());
            if around.len() > 2 {
                group.shapes.push(Shape::Area {
                    points: around,
                    colour,
                    opacity: BAND,
                });
            }
        }
        Layer::Points { points, .. } => {
            for point in points {
                if holds(frame, *point)
                    && let Some(at) = frame.place(*point)
                {
                    marker(number, at, &mut group);
                }
            }
        }
        Layer::Bars { .. } | Layer::Waterfall { .. } | Layer::Ranges { .. } => return None,
    }
    Some(group)
}

fn thin(points: &[Point]) -> Vec<Point> {
    if points.len() > MOST {
        extremes(points, MOST)
    } else {
        points.to_vec()
    }
}

/// Each value until the next point.
fn steps(points: &[Point]) -> Vec<Point> {
    let mut corners: Vec<Point> = Vec::with_capacity(2 * points.len());
    for &point in points {
        if let Some(&(_, before)) = corners.last() {
            corners.push((point.0, before));
        }
        corners.push(point);
    }
    corners
}

fn holds(frame: &Frame<'_>, point: Point) -> bool {
    frame.x.holds(point.0) && frame.y.holds(point.1)
}

fn kept_inside(frame: &Frame<'_>, at: Point) -> Point {
    (
        at.0.clamp(frame.left, frame.right),
        at.1.clamp(frame.top, frame.bottom),
    )
}

/// The parts of the line inside the area of the data, broken where a point has no place.
fn clipped(frame: &Frame<'_>, points: &[Point]) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut before: Option<Point> = None;
    for &point in points {
        let here = frame.place(point);
        if let (Some(from), Some(to)) = (before, here)
            && let Some((from, to)) = part_inside(frame, from, to)
        {
            match runs.last_mut() {
                Some(run) if run.last() == Some(&from) => run.push(to),
                _ => runs.push(vec![from, to]),
            }
        }
        before = here;
    }
    // A point alone is a short stroke, so that it is seen.
    if runs.is_empty()
        && let [point] = points
        && let Some((x, y)) = frame.place(*point)
    {
        runs.push(vec![(x - 3.0, y), (x + 3.0, y)]);
    }
    runs
}

/// The part of a stroke in the area of the data (Y.-D. Liang, B. Barsky, 1984).
fn part_inside(frame: &Frame<'_>, from: Point, to: Point) -> Option<(Point, Point)> {
    // Half of a line on the edge may be seen.
    let (left, right) = (frame.left - 0.5, frame.right + 0.5);
    let (top, bottom) = (frame.top - 0.5, frame.bottom + 0.5);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let sides = [
        (-dx, from.0 - left),
        (dx, right - from.0),
        (-dy, from.1 - top),
        (dy, bottom - from.1),
    ];
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for (towards, room) in sides {
        if towards == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if towards < 0.0 {
            enters = enters.max(room / towards);
        } else {
            leaves = leaves.min(room / towards);
        }
    }
    if enters > leaves {
        return None;
    }
    let at = |share: f64| match share {
        0.0 => from,
        1.0 => to,
        share => (from.0 + share * dx, from.1 + share * dy),
    };
    Some((at(enters), at(leaves)))
}

/// Markers at all points of a short series, and at even distances along a long one, each series elsewhere.
fn markers(frame: &Frame<'_>, points: &[Point], few: bool, number: usize, group: &mut Group) {
    // Places are counted from the left edge, so that the parts of a broken line share them.
    let first = APART * (0.25 + 0.3 * number as f64).fract();
    let stretch = |x: f64| ((x - frame.left - first) / APART).floor();
    let mut next = f64::MIN;
    for (n, &point) in points.iter().enumerate() {
        let Some(at) = frame.place(point).filter(|_| holds(frame, point)) else {
            continue;
        };
        // A part begins without a marker unless a stretch begins in it.
        let passed = stretch(at.0) > next && (n > 0 || next > f64::MIN);
        if few || passed {
            marker(number, at, group);
        }
        next = stretch(at.0);
    }
}

/// The marker of a series: circle, square, triangle, diamond, and the same again.
pub(super) fn marker(number: usize, at: Point, group: &mut Group) {
    let colour = series_colour(number);
    let (x, y) = at;
    let corners: &[Point] = match number % 4 {
        0 => {
            group.shapes.push(Shape::Disc {
                at,
                radius: 3.5,
                colour,
            });
            return;
        }
        1 => &[(-3.25, -3.25), (3.25, -3.25), (3.25, 3.25), (-3.25, 3.25)],
        2 => &[(0.0, -4.25), (4.25, 3.25), (-4.25, 3.25)],
        _ => &[(0.0, -4.5), (4.5, 0.0), (0.0, 4.5), (-4.5, 0.0)],
    };
    group.shapes.push(Shape::Area {
        points: corners.iter().map(|one| (x + one.0, y + one.1)).collect(),
        colour,
        opacity: 1.0,
    });
}

/// The names to write at the ends of lines; `None` if a legend is better, nothing if one name says nothing.
pub(super) fn beside<'a>(figure: &Figure, entries: &[Entry<'a>]) -> Option<Vec<Entry<'a>>> {
    let lines = |entry: &&Entry<'a>| matches!(entry.swatch, Swatch::Line | Swatch::Dashed);
    let only_lines = entries.iter().all(|entry| lines(&entry));
    let is_category = |scale: &Scale| matches!(scale, Scale::Category(_));
    if is_category(&figure.x.scale) || is_category(&figure.y.scale) || !only_lines {
        return None;
    }
    match entries.len() {
        0 => None,
        n if n <= NAMED => Some(entries.to_vec()),
        _ => None,
    }
}

/// The names at the ends of lines, moved apart where they would touch.
pub(super) fn end_labels(frame: &Frame<'_>, entries: &[Entry<'_>]) -> Vec<Group> {
    let end_of =
        |name: &str| {
            let own =
                frame.figure.layers.iter().rev().find(|layer| {
                    super::layout::identity(layer).is_some_and(|(own, _)| own == name)
                })?;
            let (Layer::Line { points, .. } | Layer::Step { points, .. }) = own else {
                return None;
            };
            let mut placed = points.iter().rev().filter_map(|&point| frame.place(point));
            placed.next().map(|at| kept_inside(frame, at).1)
        };
    let mut labels: Vec<(f64, &Entry<'_>)> = entries
        .iter()
        .map(|entry| (end_of(entry.name).unwrap_or(frame.top), entry))
        .collect();
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut places: Vec<f64> = labels.iter().map(|one| one.0).collect();
    move_apart(&mut places, LINE - 1.0, frame.top + 4.0, frame.bottom - 4.0);
    let mut groups = Vec::new();
    for ((_, entry), y) in labels.into_iter().zip(places) {
        let mut group = Group::new("legend");
        group.name = Some(entry.name.to_owned());
        group.variant = entry.variant.map(str::to_owned);
        swatch(entry, (frame.right + 6.0, y), &mut group);
        let room = WIDTH - frame.right - 30.0;
        let text = shortened(entry.name, TEXT, room);
        group.text(
            (frame.right + 26.0, y + 4.0),
            Anchor::Start,
            &text,
            TEXT,
            INK,
        );
        groups.push(group);
    }
    groups
}

/// Moves ascending places apart by at least `gap`, as little as possible from where they were, within bounds.
fn move_apart(places: &mut [f64], gap: f64, least: f64, most: f64) {
    let mut free = least;
    for place in places.iter_mut() {
        *place = place.max(free);
        free = *place + gap;
    }
    let mut free = most;
    for place in places.iter_mut().rev() {
        *place = place.min(free);
        free = *place - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_within_bounds() {
        let mut places = vec![10.0, 12.0, 13.0, 100.0];
        move_apart(&mut places, 15.0, 0.0, 100.0);
        assert_eq!(places, [10.0, 25.0, 40.0, 100.0]);
        let mut places = vec![95.0, 96.0, 97.0];
        move_apart(&mut places, 15.0, 0.0, 100.0);
        assert_eq!(places, [70.0, 85.0, 100.0]);
    }

    #[test]
    fn a_step_holds_its_value_until_the_next() {
        let corners = steps(&[(0.0, 1.0), (2.0, 3.0)]);
        assert_eq!(corners, [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]);
    }
}
