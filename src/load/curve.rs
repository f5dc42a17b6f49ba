//! The rate over time, its integral Λ and the inverse of that.
//!
//! A curve is a list of straight pieces that is played once (the head), then a list that repeats
//! for ever (the cycle). Memory therefore depends on the shapes, not on the length of a run, and
//! a [`Cursor`] keeps only the mass since the start of the current piece, so neither a million
//! requests a second nor a year of them loses precision.
//!
//! The product of two factors that both change is a parabola. Such a stretch is cut into
//! sixteen straight pieces whose masses are exact (Simpson's rule); only the course inside one
//! piece is approximate.

use crate::load::spec::ShapeSpec;
use crate::units::{Micros, Moment, PerSecond};

const HOUR_S: f64 = 3600.0;
const WEEK_S: f64 = 168.0 * HOUR_S;
/// Pieces for a stretch on which more than one factor changes.
const PARABOLA_PIECES: usize = 16;
/// Changes later than this are not looked at; no run is that long.
const HEAD_END_MAX_S: f64 = 10.0 * 366.0 * 86_400.0;

/// A straight piece of the curve. Times are in seconds since the start of its list.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Segment {
    start: f64,
    length: f64,
    rate: f64,
    slope: f64,
    mass: f64,
    mass_before: f64,
    seconds_per_mass: f64,
}

impl Segment {
    /// Time from the start of the piece until its mass reaches `y`: 2y / (r + √(r² + 2sy)).
    #[inline]
    fn time_at(&self, y: f64) -> f64 {
        if self.slope == 0.0 {
            return (y * self.seconds_per_mass).min(self.length);
        }
        if y <= 0.0 {
            return 0.0;
        }
        let root = (self.rate * self.rate + 2.0 * self.slope * y)
            .max(0.0)
            .sqrt();
        (2.0 * y / (self.rate + root)).min(self.length)
    }

    fn mass_at(&self, time: f64) -> f64 {
        (time * (self.rate + 0.5 * self.slope * time)).clamp(0.0, self.mass)
    }
}

/// Requests per second over time, zero at the least, with its cumulated mass Λ.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    head: Vec<Segment>,
    head_s: f64,
    head_mass: f64,
    cycle: Vec<Segment>,
    cycle_s: f64,
    cycle_mass: f64,
}

impl RateCurve {
    /// The same rate for ever.
    pub fn constant(rate: PerSecond) -> Self {
        Self::product(rate.0, &[], Moment::NEVER)
    }

    /// A base rate times all `shapes`. What they say beyond `until` is left out.
    pub fn shaped(rate: PerSecond, shapes: &[ShapeSpec], until: Moment) -> Self {
        let factors: Vec<Factor> = shapes.iter().map(Factor::of).collect();
        Self::product(rate.0, &factors, until)
    }

    /// A straight line from one rate to another, constant afterwards, times all `shapes`.
    pub fn ramp(
        from: PerSecond,
        to: PerSecond,
        over: Micros,
        shapes: &[ShapeSpec],
        until: Moment,
    ) -> Self {
        let ramp = Factor::lines(&[(Micros::ZERO, from.0), (over, to.0)]);
        let factors: Vec<Factor> = std::iter::once(ramp)
            .chain(shapes.iter().map(Factor::of))
            .collect();
        Self::product(1.0, &factors, until)
    }

    /// Rates at moments, joined by straight lines; constant before the first and after the last.
    pub fn through(points: &[(Micros, f64)]) -> Self {
        Self::product(1.0, &[Factor::lines(points)], Moment::NEVER)
    }

    fn product(base: f64, factors: &[Factor], until: Moment) -> Self {
        let limit = until.as_secs_f64().min(HEAD_END_MAX_S);
        let head_s = factors
            .iter()
            .map(Factor::last_change)
            .fold(0.0, f64::max)
            .min(limit);
        let weekly = factors.iter().any(|f| matches!(f, Factor::Week { .. }));
        let cycle_s = if weekly { WEEK_S } else { HOUR_S };
        let head = segments(base, factors, 0.0, head_s);
        let cycle = segments(base, factors, head_s, head_s + cycle_s);
        Self {
            head_mass: total_mass(&head),
            cycle_mass: total_mass(&cycle),
            head,
            head_s,
            cycle,
            cycle_s,
        }
    }

    /// Λ: the expected number of requests that start before `at`.
    pub fn mass(&self, at: Moment) -> f64 {
        let time = at.as_secs_f64();
        if time < self.head_s {
            return mass_within(&self.head, time);
        }
        let cycles = ((time - self.head_s) / self.cycle_s).floor();
        let rest = time - self.head_s - cycles * self.cycle_s;
        self.head_mass + cycles * self.cycle_mass + mass_within(&self.cycle, rest)
    }

    /// Λ⁻¹: seconds until the expected number of requests is `mass`; `None` if it never is.
    pub fn inverse(&self, mass: f64) -> Option<f64> {
        Cursor::new(self).advance(self, mass)
    }
}

fn total_mass(segments: &[Segment]) -> f64 {
    segments.last().map_or(0.0, |s| s.mass_before + s.mass)
}

fn mass_within(segments: &[Segment], time: f64) -> f64 {
    let next = segments.partition_point(|s| s.start <= time);
    match next.checked_sub(1).map(|i| segments[i]) {
        Some(s) => s.mass_before + s.mass_at((time - s.start).min(s.length)),
        None => 0.0,
    }
}

/// The straight pieces of a product of factors on `[from, to)`.
fn segments(base: f64, factors: &[Factor], from: f64, to: f64) -> Vec<Segment> {
    let mut cuts = vec![from, to];
    for factor in factors {
        factor.add_cuts(from, to, &mut cuts);
    }
    cuts.sort_by(f64::total_cmp);
    let mut out: Vec<Segment> = Vec::with_capacity(cuts.len());
    for pair in cuts.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        // Cuts that differ only by rounding make no piece.
        if b - a < 1e-9 {
            continue;
        }
        let lines: Vec<(f64, f64)> = factors.iter().map(|f| f.line(a, b)).collect();
        let changing = lines.iter().filter(|line| line.1 != 0.0).count();
        let pieces = if changing > 1 { PARABOLA_PIECES } else { 1 };
        let step = (b - a) / pieces as f64;
        for piece in 0..pieces {
            let offset = piece as f64 * step;
            let value = |t: f64| {
                let product: f64 = lines
                    .iter()
                    .map(|(v, slope)| (v + slope * t).max(0.0))
                    .product();
                sane(base * product)
            };
            let (left, right) = (value(offset), value(offset + step));
            let exact = (left + 4.0 * value(offset + 0.5 * step) + right) / 6.0;
            let shift = exact - 0.5 * (left + right);
            // A rate below zero at one end moves to the other end, which keeps the mass.
            let (left, right) = if left + shift < 0.0 {
                (0.0, 2.0 * exact)
            } else if right + shift < 0.0 {
                (2.0 * exact, 0.0)
            } else {
                (left + shift, right + shift)
            };
            push_segment(&mut out, a - from + offset, step, left, right);
        }
    }
    out
}

fn push_segment(out: &mut Vec<Segment>, start: f64, length: f64, left: f64, right: f64) {
    let flat = (left - right).abs() <= 1e-12 * left.max(right);
    let mass = 0.5 * (left + right) * length;
    out.push(Segment {
        start,
        length,
        rate: left,
        slope: if flat { 0.0 } else { (right - left) / length },
        mass,
        mass_before: total_mass(out),
        seconds_per_mass: if left > 0.0 { 1.0 / left } else { 0.0 },
    });
}

/// A rate or factor that arithmetic can bear; scenario files are checked before.
fn sane(value: f64) -> f64 {
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

/// One factor of a product.
enum Factor {
    /// Straight pieces `(start, value, slope)`; the last goes on for ever.
    Pieces(Vec<(f64, f64, f64)>),
    /// Values at the middle of equal parts of the week, joined by straight lines.
    Week { values: Vec<f64>, start_s: f64 },
}

impl Factor {
    fn of(shape: &ShapeSpec) -> Self {
        match shape {
            ShapeSpec::HourOfWeek {
                factors,
                start_hour,
            } => Self::week(factors, *start_hour),
            ShapeSpec::Ramp { points } => Self::lines(points),
            ShapeSpec::Steps { steps } => Self::steps(steps.iter().copied()),
            ShapeSpec::Spike { at, length, factor } => {
                Self::steps([(*at, *factor), (*at + *length, 1.0)].into_iter())
            }
        }
    }

    fn week(factors: &[f64], start_hour: f64) -> Self {
        let mean = factors.iter().map(|f| sane(*f)).sum::<f64>() / factors.len() as f64;
        if !(mean.is_finite() && mean > 0.0) {
            debug_assert!(false, "hour-of-week factors need a positive mean");
            return Self::Pieces(vec![(0.0, 1.0, 0.0)]);
        }
        Self::Week {
            values: factors.iter().map(|f| sane(*f) / mean).collect(),
            start_s: sane(start_hour) * HOUR_S,
        }
    }

    fn lines(points: &[(Micros, f64)]) -> Self {
        let first = points.first().map_or(1.0, |p| sane(p.1));
        let mut pieces = vec![(0.0, first, 0.0)];
        for pair in points.windows(2) {
            let (start, end) = (pair[0].0.as_secs_f64(), pair[1].0.as_secs_f64());
            if end > start {
                let (a, b) = (sane(pair[0].1), sane(pair[1].1));
                pieces.push((start, a, (b - a) / (end - start)));
            }
        }
        if let Some((at, value)) = points.last() {
            pieces.push((at.as_secs_f64(), sane(*value), 0.0));
        }
        Self::Pieces(pieces)
    }

    fn steps(steps: impl Iterator<Item = (Micros, f64)>) -> Self {
        let mut pieces = vec![(0.0, 1.0, 0.0)];
        pieces.extend(steps.map(|(at, value)| (at.as_secs_f64(), sane(value), 0.0)));
        Self::Pieces(pieces)
    }

    /// Seconds after which the factor no longer changes, the weekly cycle apart.
    fn last_change(&self) -> f64 {
        match self {
            Self::Pieces(pieces) => pieces.last().map_or(0.0, |p| p.0),
            Self::Week { .. } => 0.0,
        }
    }

    fn add_cuts(&self, from: f64, to: f64, cuts: &mut Vec<f64>) {
        match self {
            Self::Pieces(pieces) => {
                cuts.extend(pieces.iter().map(|p| p.0).filter(|t| from < *t && *t < to));
            }
            Self::Week { values, start_s } => {
                let part = WEEK_S / values.len() as f64;
                let first = ((from + start_s) / part - 0.5).floor();
                let count = ((to - from) / part) as usize + 3;
                cuts.extend(
                    (0..count)
                        .map(|k| (first + k as f64 + 0.5) * part - start_s)
                        .filter(|t| from < *t && *t < to),
                );
            }
        }
    }

    /// Value at `a` and slope on `(a, b)`, where the factor is straight.
    fn line(&self, a: f64, b: f64) -> (f64, f64) {
        let middle = 0.5 * (a + b);
        match self {
            Self::Pieces(pieces) => {
                let next = pieces.partition_point(|p| p.0 <= middle);
                let (start, value, slope) = pieces[next.saturating_sub(1)];
                (value + slope * (a - start), slope)
            }
            Self::Week { values, start_s } => {
                let n = values.len();
                let part = WEEK_S / n as f64;
                let position = ((middle + start_s) / part - 0.5).rem_euclid(n as f64);
                let left = (position.floor() as usize).min(n - 1);
                let slope = (values[(left + 1) % n] - values[left]) / part;
                let at_middle = values[left] + slope * (position - left as f64) * part;
                (at_middle + slope * (a - middle), slope)
            }
        }
    }
}

/// A position on a [`RateCurve`] that only moves forward.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    segment: Segment,
    /// Seconds at which the current piece begins.
    start: f64,
    /// Mass since then.
    mass: f64,
    index: usize,
    /// `None` in the head, then the number of the cycle.
    cycle: Option<f64>,
}

impl Cursor {
    /// At the start of the curve.
    pub fn new(curve: &RateCurve) -> Self {
        let mut cursor = Self {
            segment: curve.cycle[0],
            start: curve.head_s,
            mass: 0.0,
            index: 0,
            cycle: Some(0.0),
        };
        if let Some(first) = curve.head.first() {
            cursor.segment = *first;
            cursor.start = 0.0;
            cursor.cycle = None;
        }
        cursor
    }

    /// Moves on by `mass` expected requests and tells the time in seconds there.
    ///
    /// `None` if the curve has not so much mass left; the cursor is then spent.
    #[inline]
    pub fn advance(&mut self, curve: &RateCurve, mass: f64) -> Option<f64> {
        self.mass += mass;
        if self.mass >= self.segment.mass && !self.cross(curve) {
            return None;
        }
        Some(self.start + self.segment.time_at(self.mass))
    }

    /// Moves on to a time in seconds; earlier times do nothing. False if no mass is left there.
    pub fn seek(&mut self, curve: &RateCurve, time: f64) -> bool {
        if time < self.start {
            return true;
        }
        while time >= self.start + self.segment.length {
            let cycles = ((time - self.start) / curve.cycle_s).floor() - 1.0;
            if !self.step(curve, cycles.max(0.0)) {
                return false;
            }
        }
        self.mass = self.segment.mass_at(time - self.start);
        true
    }

    /// Goes on to the piece that holds the current mass.
    #[cold]
    fn cross(&mut self, curve: &RateCurve) -> bool {
        while self.mass >= self.segment.mass {
            let rest = self.mass - self.segment.mass;
            let whole = (rest / curve.cycle_mass).floor() - 1.0;
            let skipped = if whole > 0.0 && self.at_end(curve) {
                whole
            } else {
                0.0
            };
            if !self.step(curve, skipped) {
                return false;
            }
            self.mass = (rest - skipped * curve.cycle_mass).max(0.0);
        }
        true
    }

    fn at_end(&self, curve: &RateCurve) -> bool {
        self.cycle.is_some() && self.index + 1 == curve.cycle.len()
    }

    /// To the start of the next piece; at the end of a cycle `skipped` further cycles are left out.
    fn step(&mut self, curve: &RateCurve, skipped: f64) -> bool {
        let list = if self.cycle.is_some() {
            &curve.cycle
        } else {
            &curve.head
        };
        if self.index + 1 < list.len() {
            self.index += 1;
        } else {
            // Past the head nothing but the cycle follows; an empty cycle ends the curve.
            if curve.cycle_mass <= 0.0 {
                return false;
            }
            self.index = 0;
            self.cycle = Some(self.cycle.map_or(0.0, |n| n + 1.0 + skipped));
        }
        let (list, origin) = match self.cycle {
            Some(n) => (&curve.cycle, curve.head_s + n * curve.cycle_s),
            None => (&curve.head, 0.0),
        };
        self.segment = list[self.index];
        self.start = origin + self.segment.start;
        // Times beyond the range of a moment end the curve too.
        self.start < 1.8e13
    }
}

#[cfg(test)]
mod tests;
