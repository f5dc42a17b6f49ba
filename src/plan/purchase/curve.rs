//! The highest price at which buying still pays, over the amount bought; and the smallest unit that pays at a price.

use super::cells::Cells;
use super::family::{Block, Family, Sample, capacity};
use super::ray::Ray;
use super::schedule::{month_hours, months_of};
use super::{Market, Size};
use crate::units::{TokensPerMinute, Usd};

/// What an offer may cost, slice by slice.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferCurve {
    /// Which offer of the market.
    pub offer: usize,
    /// The slices from the first on; empty where the size of a unit is not known.
    pub points: Vec<CurvePoint>,
    /// Where the size of a unit is not known: the smallest that pays, by price.
    pub smallest_unit: Vec<UnitPoint>,
    /// Its price over the value of a block that is full all the time, in the mix of the pool: the utilisation from
    /// which it pays. `None` without a price or a size.
    pub break_even: Option<f64>,
}

/// One slice of an offer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Input tokens per minute with this slice.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute with this slice.
    pub output_tpm: TokensPerMinute,
    /// Model units with this slice; 0 where the sides are bought apart.
    pub units: u32,
    /// Dollars that the slice saves in an hour of its best term: the highest price of the slice at which it pays.
    pub highest_per_hour: f64,
    /// The same for a term from the first month on.
    pub highest_now_per_hour: f64,
    /// Its price; `None` if none is known.
    pub price_per_hour: Option<f64>,
    /// The first month of its best term, from 0.
    pub best_from: usize,
    /// The share of the slice that is used in its best term.
    pub utilisation: f64,
    /// Model units: the same by the unit; `None` where the sides are bought apart.
    pub highest_per_unit_hour: Option<f64>,
    /// The highest price of the input side, with the output side at its price or, where neither is known or both are,
    /// at the same proportion: dollars per hour and 1,000 tokens per minute.
    pub highest_input_per_1k: Option<f64>,
    /// The same of the output side.
    pub highest_output_per_1k: Option<f64>,
}

/// The smallest unit of which the first one pays at a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPoint {
    /// Dollars of a unit and hour.
    pub price_per_hour: f64,
    /// Its input tokens per minute; `None` if no size pays.
    pub input_tpm: Option<TokensPerMinute>,
    /// Its output tokens per minute.
    pub output_tpm: Option<TokensPerMinute>,
}

/// The best window of `length` months: its mean, and where it begins.
fn best_window(values: &[f64], length: usize) -> Option<(f64, usize)> {
    if values.len() < length || length == 0 {
        return None;
    }
    let windows = values.windows(length).enumerate();
    let means = windows.map(|(from, window)| (window.iter().sum::<f64>() / length as f64, from));
    // The earliest of equal ones.
    means.fold(None, |best: Option<(f64, usize)>, one| match best {
        Some(best) if best.0 >= one.0 - 1e-9 * one.0.abs() => Some(best),
        _ => Some(one),
    })
}

/// The slices of an offer of a family.
pub(super) fn points(
    family: &Family,
    offer: usize,
    market: &Market<'_>,
    cells: &Cells<'_>,
) -> Vec<CurvePoint> {
    let length = months_of(market.offers[offer].term);
    let hours = month_hours();
    let point = |(below, level): (usize, usize)| {
        let (low, high) = (family.levels[below], family.levels[level]);
        let saved = |(without, with): (&f64, &f64)| (without - with) / hours;
        let saved: Vec<f64> = (family.compared[below].iter())
            .zip(&family.compared[level])
            .map(saved)
            .collect();
        let (highest, from) = best_window(&saved, length)?;
        let now = saved[..length].iter().sum::<f64>() / length as f64;
        let price = |level| family.price(market, offer, level);
        let price = price(level).zip(price(below)).map(|(high, low)| high - low);
        let full = full_value(cells, difference(low, high), family.is_units);
        let units = high.units - low.units;
        let (input, output) = sides(
            market.offers[offer].size,
            difference(low, high),
            highest,
            price,
        );
        Some(CurvePoint {
            input_tpm: high.input,
            output_tpm: high.output,
            units: high.units,
            highest_per_hour: highest.max(0.0),
            highest_now_per_hour: now.max(0.0),
            price_per_hour: price,
            best_from: from,
            utilisation: if full > 0.0 {
                (highest / full).clamp(0.0, 1.0)
            } else {
                0.0
            },
            highest_per_unit_hour: (units > 0).then(|| highest.max(0.0) / f64::from(units)),
            highest_input_per_1k: input,
            highest_output_per_1k: output,
        })
    };
    family.steps().into_iter().filter_map(point).collect()
}

pub(super) fn difference(low: Block, high: Block) -> Block {
    Block {
        input: TokensPerMinute(high.input.0 - low.input.0),
        output: TokensPerMinute(high.output.0 - low.output.0),
        units: high.units - low.units,
    }
}

/// What an hour of a block is worth that the pool's mix fills, on demand (u).
pub(super) fn full_value(cells: &Cells<'_>, block: Block, is_units: bool) -> f64 {
    let mean = cells.mean_load();
    // A slice of one side alone is filled as far as that side goes.
    let one_sided = |tpm: TokensPerMinute| {
        if tpm.0 == 0 {
            f64::INFINITY
        } else {
            tpm.0 as f64
        }
    };
    let mut held = capacity(block, is_units);
    let sides = (one_sided(block.input), one_sided(block.output));
    if is_units {
        held.units = sides;
    } else {
        held.reserved = sides;
    }
    let times = super::cells::carried(&mean, &held);
    if times.is_finite() && times < f64::MAX {
        times * mean.value
    } else {
        0.0
    }
}

/// What each side may cost.
fn sides(size: Size, slice: Block, highest: f64, price: Option<f64>) -> (Option<f64>, Option<f64>) {
    let Size::Sides { input, output } = size else {
        return (None, None);
    };
    let (k_in, k_out) = (
        slice.input.0 as f64 / 1000.0,
        slice.output.0 as f64 / 1000.0,
    );
    let of = |price: Option<Usd>| price.map(Usd::dollars);
    let (p_in, p_out) = (
        of(input.per_hour_per_1k_tpm),
        of(output.per_hour_per_1k_tpm),
    );
    let over = |rest: f64, k: f64| (k > 0.0).then(|| (rest / k).max(0.0));
    match (p_in, p_out, price) {
        (Some(a), Some(b), Some(price)) if price > 0.0 => {
            let times = highest.max(0.0) / price;
            (Some(a * times), Some(b * times))
        }
        (Some(a), None, _) => (Some(a), over(highest - a * k_in, k_out)),
        (None, Some(b), _) => (over(highest - b * k_out, k_in), Some(b)),
        _ => (None, None),
    }
}

/// The smallest unit of which the first one pays, over a range of prices around the known one.
pub(super) fn smallest_units(
    offer: usize,
    market: &Market<'_>,
    (cells, sample): (&Cells<'_>, &Sample),
    headroom: bool,
) -> Vec<UnitPoint> {
    let Size::Units {
        input_tpm,
        output_tpm,
        per_hour,
    } = market.offers[offer].size
    else {
        return Vec::new();
    };
    let mean = cells.mean_load();
    if mean.value <= 0.0 {
        return Vec::new();
    }
    let base = per_hour.map_or(mean.value / 2.0, Usd::dollars);
    let (without, _) = sample.months(cells, &capacity(Block::default(), true), headroom);
    let length = months_of(market.offers[offer].term);
    // A unit of z times the pool's mean load; a side that is known stays as it is.
    let unit = |z: f64| Block {
        input: input_tpm.unwrap_or(TokensPerMinute((z * mean.units_input).ceil() as u64)),
        output: output_tpm.unwrap_or(TokensPerMinute((z * mean.output).ceil() as u64)),
        units: 1,
    };
    let worth = |z: f64| {
        let (with, _) = sample.months(cells, &capacity(unit(z), true), headroom);
        let saved: Vec<f64> = without
            .iter()
            .zip(&with)
            .map(|(a, b)| (a - b) / month_hours())
            .collect();
        best_window(&saved, length).map_or(0.0, |(mean, _)| mean)
    };
    // The saving grows with the size, so a grid is laid once and read for every price.
    let grid: Vec<(f64, f64)> = (-24..=16)
        .map(|step| {
            let z = 2f64.powf(f64::from(step) / 4.0);
            (z, worth(z))
        })
        .collect();
    [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0]
        .into_iter()
        .map(|times| {
            let price = base * times;
            let at = grid.iter().position(|(_, worth)| *worth >= price);
            let block = at.map(|at| {
                let (z, high) = grid[at];
                let before = at.checked_sub(1).map(|before| grid[before]);
                let z = before.map_or(z, |(low_z, low)| {
                    let part = if high > low {
                        (price - low) / (high - low)
                    } else {
                        1.0
                    };
                    low_z + part * (z - low_z)
                });
                unit(z)
            });
            UnitPoint {
                price_per_hour: price,
                input_tpm: block.map(|block| block.input),
                output_tpm: block.map(|block| block.output),
            }
        })
        .collect()
}

/// Where the sizes of a family lie; `None` if the size of a unit is not known.
pub(super) fn ray(
    market: &Market<'_>,
    offers: &[usize],
    (cells, sample): (&Cells<'_>, &Sample),
) -> Option<Ray> {
    let first = market.offers.get(*offers.first()?)?;
    match first.size {
        Size::Units {
            input_tpm: Some(input),
            output_tpm: Some(output),
            ..
        } => (input.0 > 0 && output.0 > 0).then_some(Ray::Units(input, output)),
        Size::Sides { input, output } => {
            let priced = offers
                .iter()
                .find_map(|offer| match market.offers[*offer].size {
                    Size::Sides { input, output } => Some((
                        input.per_hour_per_1k_tpm?.dollars(),
                        output.per_hour_per_1k_tpm?.dollars(),
                    )),
                    _ => None,
                });
            let slope = super::ray::slope(cells, sample, priced);
            (slope.0 + slope.1 > 0.0).then_some(Ray::Sides {
                slope,
                least: (input.least.0 as f64, output.least.0 as f64),
            })
        }
        _ => None,
    }
}
