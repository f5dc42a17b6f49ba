//! Where the sizes of an offer lie: whole units, or a ray through both sides that are bought apart.

use super::cells::{Cells, Load, carried};
use super::family::{Block, Sample};
use super::schedule::Capacity;
use crate::units::TokensPerMinute;

/// A round of golden sections narrows by this.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Where a family's sizes lie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ray {
    /// Whole units of this size.
    Units(TokensPerMinute, TokensPerMinute),
    /// Any size in this proportion, from the least of each side on.
    Sides {
        slope: (f64, f64),
        least: (f64, f64),
    },
}

impl Ray {
    /// The size at `x` times the direction.
    pub(super) fn block(self, x: f64) -> Block {
        match self {
            Self::Units(input, output) => {
                let units = x.round().clamp(0.0, 1e6) as u32;
                Block {
                    input: TokensPerMinute(input.0.saturating_mul(u64::from(units))),
                    output: TokensPerMinute(output.0.saturating_mul(u64::from(units))),
                    units,
                }
            }
            Self::Sides { slope, least } => {
                // To the token, so that slices are alike; what is bought is rounded up.
                let side = |of: f64, least: f64| {
                    TokensPerMinute(((x * of).max(least) - 1e-6).ceil() as u64)
                };
                Block {
                    input: side(slope.0, least.0),
                    output: side(slope.1, least.1),
                    units: 0,
                }
            }
        }
    }

    /// The first size, and the one from which both sides lie above the least.
    pub(super) fn first(self) -> (f64, f64) {
        match self {
            Self::Units(..) => (1.0, 1.0),
            Self::Sides { slope, least } => {
                let (a, b) = (least.0 / slope.0.max(1e-9), least.1 / slope.1.max(1e-9));
                (
                    a.min(b),
                    if slope.1 > 0.0 && slope.0 > 0.0 {
                        a.max(b)
                    } else {
                        a.min(b)
                    },
                )
            }
        }
    }
}

/// The largest size that could be of use, as a multiple of the ray.
pub(super) fn longest(ray: Ray, cells: &Cells<'_>, sample: &Sample, is_units: bool) -> f64 {
    let one = match ray {
        Ray::Units(input, output) => (input.0 as f64, output.0 as f64),
        Ray::Sides { slope, .. } => slope,
    };
    let held = Capacity {
        reserved: if is_units { (0.0, 0.0) } else { one },
        units: if is_units { one } else { (0.0, 0.0) },
        per_hour: 0.0,
    };
    let loads = sample.all().map(|(load, _)| load);
    let needs = loads.filter(|load| load.requests > 0.0).map(|load| {
        let carried = carried(load, &held);
        if carried > 0.0 {
            cells.scatter(load).largest() / carried
        } else {
            0.0
        }
    });
    let most = needs.fold(0.0, f64::max);
    // Work that waits may fill more than the peaks of the rest.
    let waiting = if cells.has_patient() {
        carried(&cells.mean_load(), &held)
    } else {
        0.0
    };
    let waiting = if waiting > 0.0 { 4.0 / waiting } else { 0.0 };
    most.max(waiting).min(1e9)
}

/// The slope of the ray, where the sides are bought apart.
pub(super) fn slope(cells: &Cells<'_>, sample: &Sample, prices: Option<(f64, f64)>) -> (f64, f64) {
    let mean = cells.mean_load();
    let of_mean = (mean.reserved_input, mean.output);
    let loads = || sample.all();
    let ratios = loads()
        .map(|(load, _)| load)
        .filter(|load| load.reserved_input > 0.0);
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for ratio in ratios.map(|load| load.output / load.reserved_input) {
        (low, high) = (low.min(ratio), high.max(ratio));
    }
    let Some(prices) = prices.filter(|_| low > 0.0 && high.is_finite() && high > low * 1.02) else {
        return of_mean;
    };
    let step = (loads().count() / 1500).max(1);
    let some: Vec<(&Load, f64)> = loads().step_by(step).collect();
    let weights: f64 = some.iter().map(|(_, weight)| weight).sum();
    let peak = some
        .iter()
        .map(|(load, _)| load.reserved_input)
        .fold(0.0, f64::max)
        * 1.5;
    let cost = |input: f64, ratio: f64| {
        let held = Capacity {
            reserved: (input, input * ratio),
            ..Capacity::default()
        };
        let saved: f64 = some
            .iter()
            .map(|(load, weight)| {
                weight * load.value * cells.scatter(load).kept(carried(load, &held))
            })
            .sum();
        input * (prices.0 + ratio * prices.1) / 1000.0 - saved / weights
    };
    let best = |ratio: f64| golden(0.0, peak, 22, |input| cost(input, ratio)).1;
    let (log_ratio, _) = golden(low.ln(), high.ln(), 16, |log| best(log.exp()));
    (of_mean.0, of_mean.0 * log_ratio.exp())
}

/// The least value of a function with one valley, and where it is.
fn golden(mut low: f64, mut high: f64, rounds: u32, of: impl Fn(f64) -> f64) -> (f64, f64) {
    let mut a = high - GOLDEN * (high - low);
    let mut b = low + GOLDEN * (high - low);
    let (mut at_a, mut at_b) = (of(a), of(b));
    for _ in 0..rounds {
        if at_a <= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - GOLDEN * (high - low);
            at_a = of(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + GOLDEN * (high - low);
            at_b = of(b);
        }
    }
    if at_a <= at_b { (a, at_a) } else { (b, at_b) }
}
