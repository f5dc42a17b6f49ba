//! Offers of one kind of capacity: which sizes there are, what each saves in each month, and which terms are best.
//!
//! The saving is concave in the amount bought. Where input and output are bought apart, both are sized at once along
//! one ray, whose slope is the best one for the months together (nested golden sections: for each slope the best
//! length; the best cost is quasi-convex in the slope because cost is convex in the two sides). With a single mix of
//! requests the slope is that of the mix, exactly. The ray is cut into slices, and each slice is solved over the months
//! by [`best_terms`].

use super::cells::{Cells, Load, carried};
use super::schedule::{Capacity, Hold, month_hours, months_of, price_of};
use super::{Market, Schedule, Size};
use crate::cost::terms::{Ending, SliceMonths, TermPrice, best_terms};
use crate::units::{TokensPerMinute, Usd};
use rayon::prelude::*;

/// Slices of the ray.
const SLICES: usize = 24;
/// Paths that stand for all when sizes are compared.
pub(super) const STRATA: usize = 16;
/// What one buys in steps of, where the sides are bought apart.
const STEP_TPM: f64 = 1000.0;
/// A round of golden sections narrows by this.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A size that can be held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) input: TokensPerMinute,
    pub(super) output: TokensPerMinute,
    pub(super) units: u32,
}

/// Offers of the same kind, which differ in term and price alone.
pub(super) struct Family {
    /// Places in the market.
    pub(super) offers: Vec<usize>,
    pub(super) is_units: bool,
    /// Sizes from nothing on.
    pub(super) levels: Vec<Block>,
    /// What each size costs in each month beside its own price, as a decision compares it: mean over paths.
    pub(super) compared: Vec<Vec<f64>>,
    /// Share of requests that it serves.
    pub(super) served: Vec<Vec<f64>>,
}

/// The best way to hold a family.
pub(super) struct FamilyPlan {
    pub(super) schedule: Schedule,
    /// The size that is held in each month, as a place among the levels.
    pub(super) held: Vec<usize>,
    /// What a decision compares, its own price inside.
    pub(super) compared: f64,
}

/// Loads of the strata, by month and path.
pub(super) struct Sample {
    pub(super) paths: Vec<usize>,
    /// By month, then by path.
    pub(super) loads: Vec<Vec<Vec<Load>>>,
}

impl Sample {
    pub(super) fn new(cells: &Cells<'_>) -> Self {
        let paths = cells.strata(STRATA);
        let of_month = |month: usize| {
            let of_path = |path: &usize| {
                let mut loads = Vec::new();
                cells.loads(*path, month, &mut loads);
                loads
            };
            paths.iter().map(of_path).collect()
        };
        Self {
            loads: (0..cells.months()).map(of_month).collect(),
            paths,
        }
    }

    /// Cost as a decision compares it, and the share served, in each month with this capacity.
    pub(super) fn months(
        &self,
        cells: &Cells<'_>,
        held: &Capacity,
        headroom: bool,
    ) -> (Vec<f64>, Vec<f64>) {
        let of_month = |month: usize| {
            let mut sum = super::cells::Outcome::default();
            for (path, loads) in self.paths.iter().zip(&self.loads[month]) {
                let one = cells.outcome((*path, month), loads, held, headroom);
                sum.add(&one, 1.0 / self.paths.len() as f64);
            }
            let served = if sum.requests > 0.0 {
                sum.served / sum.requests
            } else {
                1.0
            };
            (sum.compared(), served)
        };
        (0..cells.months()).map(of_month).unzip()
    }
}

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
    fn block(self, x: f64) -> Block {
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
                let side = |of: f64, least: f64| {
                    let tpm = (x * of).max(least);
                    TokensPerMinute(((tpm / STEP_TPM - 1e-9).ceil() * STEP_TPM) as u64)
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
    fn first(self) -> (f64, f64) {
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

pub(super) fn capacity(block: Block, is_units: bool) -> Capacity {
    let sides = (block.input.0 as f64, block.output.0 as f64);
    Capacity {
        reserved: if is_units { (0.0, 0.0) } else { sides },
        units: if is_units { sides } else { (0.0, 0.0) },
        per_hour: 0.0,
    }
}

/// The largest size that could be of use, as a multiple of the ray.
fn longest(ray: Ray, cells: &Cells<'_>, sample: &Sample, is_units: bool) -> f64 {
    let one = match ray {
        Ray::Units(input, output) => (input.0 as f64, output.0 as f64),
        Ray::Sides { slope, .. } => slope,
    };
    let held = Capacity {
        reserved: if is_units { (0.0, 0.0) } else { one },
        units: if is_units { one } else { (0.0, 0.0) },
        per_hour: 0.0,
    };
    let loads = sample.loads.iter().flatten().flatten();
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
    let mean = cells.mean_load();
    let waiting = carried(&mean, &held);
    let waiting = if waiting > 0.0 { 4.0 / waiting } else { 0.0 };
    most.max(waiting).min(1e9)
}

/// The slope of the ray, where the sides are bought apart.
pub(super) fn slope(cells: &Cells<'_>, sample: &Sample, prices: Option<(f64, f64)>) -> (f64, f64) {
    let mean = cells.mean_load();
    let of_mean = (mean.reserved_input, mean.output);
    let loads = || sample.loads.iter().flatten().flatten();
    let ratios = loads().filter(|load| load.reserved_input > 0.0);
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for ratio in ratios.map(|load| load.output / load.reserved_input) {
        (low, high) = (low.min(ratio), high.max(ratio));
    }
    let Some(prices) = prices.filter(|_| low > 0.0 && high.is_finite() && high > low * 1.02) else {
        return of_mean;
    };
    let step = (loads().count() / 1500).max(1);
    let some: Vec<&Load> = loads().step_by(step).collect();
    let peak = some
        .iter()
        .map(|load| load.reserved_input)
        .fold(0.0, f64::max)
        * 1.5;
    let cost = |input: f64, ratio: f64| {
        let held = Capacity {
            reserved: (input, input * ratio),
            ..Capacity::default()
        };
        let saved: f64 = some
            .iter()
            .map(|load| load.value * cells.scatter(load).kept(carried(load, &held)))
            .sum();
        input * (prices.0 + ratio * prices.1) / 1000.0 - saved / some.len() as f64
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

impl Family {
    /// The sizes up to `until` times the ray, and what they save.
    fn new(
        offers: &[usize],
        ray: Ray,
        until: f64,
        cells: &Cells<'_>,
        sample: &Sample,
        headroom: bool,
    ) -> Self {
        let is_units = matches!(ray, Ray::Units(..));
        let (first, both) = ray.first();
        let mut at = vec![first, both];
        let count = if is_units {
            SLICES.min(until.ceil().max(1.0) as usize)
        } else {
            SLICES
        };
        at.extend((1..=count).map(|i| first + (until - first).max(0.0) * i as f64 / count as f64));
        if is_units {
            let whole = until.ceil().clamp(1.0, SLICES as f64);
            at.extend((1..=whole as usize).map(|units| units as f64));
        }
        at.sort_by(f64::total_cmp);
        let mut levels = vec![Block::default()];
        for x in at.into_iter().filter(|x| x.is_finite()) {
            let block = ray.block(x);
            let last = levels[levels.len() - 1];
            if block.input >= last.input && block.output >= last.output && block != last {
                levels.push(block);
            }
        }
        let all: Vec<(Vec<f64>, Vec<f64>)> = levels
            .par_iter()
            .map(|block| sample.months(cells, &capacity(*block, is_units), headroom))
            .collect();
        let (compared, served) = all.into_iter().unzip();
        Self {
            offers: offers.to_vec(),
            is_units,
            levels,
            compared,
            served,
        }
    }

    /// The family with its sizes laid where the best plan is, and that plan.
    pub(super) fn fitted(
        offers: &[usize],
        ray: Ray,
        market: &Market<'_>,
        (cells, sample): (&Cells<'_>, &Sample),
        headroom: bool,
    ) -> (Self, Option<FamilyPlan>) {
        let is_units = matches!(ray, Ray::Units(..));
        let mut until = longest(ray, cells, sample, is_units);
        let (first, _) = ray.first();
        let mut family = Self::new(offers, ray, until, cells, sample, headroom);
        let mut plan = family.plan(market);
        for _ in 0..3 {
            let top = plan
                .as_ref()
                .map_or(0, |plan| plan.held.iter().copied().max().unwrap_or(0));
            let slices = family.levels.len() - 1;
            let (from, to) = (top + 1, slices);
            if 3 * from > 2 * to {
                break;
            }
            until = first + (until - first).max(0.0) * (from as f64 / to as f64);
            let finer = Self::new(offers, ray, until, cells, sample, headroom);
            let better = finer.plan(market);
            let cost = |plan: &Option<FamilyPlan>| {
                plan.as_ref().map_or(f64::INFINITY, |plan| plan.compared)
            };
            if cost(&better) > cost(&plan) * (1.0 + 1e-9) && top > 0 {
                break;
            }
            if top == 0 && from as f64 / to as f64 * until < first {
                break;
            }
            (family, plan) = (finer, better);
        }
        (family, plan)
    }

    /// The hourly price of a level of an offer.
    pub(super) fn price(&self, market: &Market<'_>, offer: usize, level: usize) -> Option<f64> {
        let block = self.levels[level];
        if block == Block::default() {
            return Some(0.0);
        }
        let size = market.offers[offer].size;
        price_of(size, block.input, block.output, block.units).map(Usd::dollars)
    }

    /// The least size in each month that serves as much as must be served; the largest where none does.
    fn required(&self, market: &Market<'_>) -> Vec<usize> {
        let target = market.target.get();
        let months = self.served.first().map_or(0, Vec::len);
        let of_month = |month: usize| {
            let serves = |level: &Vec<f64>| level[month] >= target - 1e-9;
            let most = self.levels.len() - 1;
            self.served.iter().position(serves).unwrap_or(most)
        };
        (0..months).map(of_month).collect()
    }

    /// The cheapest schedule that serves what must be served; `None` if nothing has a price or fits the months.
    pub(super) fn plan(&self, market: &Market<'_>) -> Option<FamilyPlan> {
        let priced: Vec<usize> = (self.offers.iter().copied())
            .filter(|offer| self.price(market, *offer, self.levels.len() - 1).is_some())
            .collect();
        if priced.is_empty() || self.levels.len() < 2 {
            return None;
        }
        let required = self.required(market);
        let months = required.len();
        // The first purchase may have to be larger than the least: while one side is at its minimum, the other
        // grows alone.
        let both = (1..self.levels.len()).find(|level| {
            let (block, first) = (self.levels[*level], self.levels[1]);
            block.input > first.input && block.output > first.output
        });
        let bases = [
            Some(1),
            both.and_then(|level| (level > 2).then_some(level - 1)),
        ];
        let plans = bases.into_iter().flatten().filter_map(|base| {
            let runs = self.runs(market, &priced, (&required, base))?;
            let held = self.held(&runs, months);
            let compared: f64 = held
                .iter()
                .enumerate()
                .map(|(month, level)| self.compared[*level][month])
                .sum();
            let schedule = self.schedule(market, &runs);
            let bought: f64 = (schedule.holds.iter())
                .map(|hold| {
                    hold.per_hour.map_or(0.0, Usd::dollars) * month_hours() * hold.months as f64
                })
                .sum();
            Some(FamilyPlan {
                schedule,
                held,
                compared: compared + bought,
            })
        });
        plans.min_by(|a, b| a.compared.total_cmp(&b.compared))
    }

    /// For each slice, from the bottom, the terms in which it is held. `None` if what must be served cannot be.
    fn runs(
        &self,
        market: &Market<'_>,
        priced: &[usize],
        (required, base): (&[usize], usize),
    ) -> Option<Vec<Run>> {
        let months = required.len();
        let mut allowed: Vec<bool> = Vec::new();
        let mut runs = Vec::new();
        let mut low = 0;
        for high in base..self.levels.len() {
            let saved =
                |month: usize| (self.compared[low][month] - self.compared[high][month]).max(0.0);
            let on_demand: Vec<f64> = (0..months)
                .map(|month| {
                    // The bottom slice is larger than one step.
                    let must = required[month] > low;
                    if must { f64::INFINITY } else { saved(month) }
                })
                .collect();
            let price = |offer: usize| {
                let of = |level| self.price(market, offer, level).unwrap_or(f64::INFINITY);
                (of(high) - of(low)) * month_hours()
            };
            let terms: Vec<TermPrice> = priced
                .iter()
                .map(|&offer| TermPrice {
                    months: months_of(market.offers[offer].term),
                    per_month: price(offer),
                    stops: false,
                })
                .collect();
            let slice = SliceMonths {
                on_demand: &on_demand,
                full: 0.0,
                allowed: &allowed,
                ending: Ending::Inside,
            };
            let plan = best_terms(&slice, &terms);
            if plan.cost.is_infinite() {
                return None;
            }
            if plan.held.is_empty() {
                break;
            }
            allowed = vec![false; months];
            for held in &plan.held {
                let length = terms[held.term].months;
                allowed[held.from..held.from + length].fill(true);
                let offer = priced[held.term];
                match runs.last_mut() {
                    Some(Run {
                        slice,
                        offer: of,
                        from,
                        terms,
                        months,
                    }) if *slice == (low, high) && *of == offer && *from + *months == held.from => {
                        *terms += 1;
                        *months += length;
                    }
                    _ => runs.push(Run {
                        slice: (low, high),
                        offer,
                        from: held.from,
                        terms: 1,
                        months: length,
                    }),
                }
            }
            low = high;
        }
        Some(runs)
    }

    /// The size that is held in each month.
    fn held(&self, runs: &[Run], months: usize) -> Vec<usize> {
        let mut held = vec![0; months];
        for run in runs {
            for level in &mut held[run.from..run.from + run.months] {
                *level = run.slice.1.max(*level);
            }
        }
        held
    }

    /// Slices that are held over the same terms are one block.
    fn schedule(&self, market: &Market<'_>, runs: &[Run]) -> Schedule {
        let mut holds: Vec<Hold> = Vec::new();
        for run in runs {
            let (low, high) = (self.levels[run.slice.0], self.levels[run.slice.1]);
            let place = holds.iter().position(|hold| {
                (hold.offer, hold.from, hold.terms) == (run.offer, run.from, run.terms)
            });
            let place = place.unwrap_or_else(|| {
                holds.push(Hold {
                    offer: run.offer,
                    from: run.from,
                    terms: run.terms,
                    months: run.months,
                    input_tpm: TokensPerMinute(0),
                    output_tpm: TokensPerMinute(0),
                    units: 0,
                    per_hour: None,
                });
                holds.len() - 1
            });
            let hold = &mut holds[place];
            hold.input_tpm.0 += high.input.0 - low.input.0;
            hold.output_tpm.0 += high.output.0 - low.output.0;
            hold.units += high.units - low.units;
            let size = market.offers[run.offer].size;
            hold.per_hour = price_of(size, hold.input_tpm, hold.output_tpm, hold.units);
        }
        holds.sort_by_key(|hold| (hold.from, hold.offer, hold.terms));
        Schedule {
            holds,
            headroom: false,
        }
    }

    /// A schedule of this family with one block of `level`.
    pub(super) fn single(
        &self,
        market: &Market<'_>,
        level: usize,
        (offer, from, terms): (usize, usize, usize),
    ) -> Schedule {
        let block = self.levels[level];
        let size: Size = market.offers[offer].size;
        Schedule {
            holds: vec![Hold {
                offer,
                from,
                terms,
                months: terms * months_of(market.offers[offer].term),
                input_tpm: block.input,
                output_tpm: block.output,
                units: block.units,
                per_hour: price_of(size, block.input, block.output, block.units),
            }],
            headroom: false,
        }
    }
}

/// A slice that is held over some terms in a row.
struct Run {
    /// Between which levels.
    slice: (usize, usize),
    offer: usize,
    from: usize,
    terms: usize,
    months: usize,
}
