//! Offers of one kind of capacity: which sizes there are, what each saves in each month, and which terms are best.
//!
//! The saving is concave in the amount bought. Where input and output are bought apart, both are sized at once along
//! one ray, whose slope is the best one for the months together (nested golden sections: for each slope the best
//! length; the best cost is quasi-convex in the slope because cost is convex in the two sides). With a single mix of
//! requests the slope is that of the mix, exactly. The ray is cut into equal slices above the least block that is sold.
//! When the least block is held is found by [`best_terms`], and when the slices on top of it are by [`best_counts`],
//! which is exact for them together.

use super::cells::{Cells, Load, carried};
use super::ray::{Ray, longest};
use super::schedule::{Capacity, Hold, month_hours, months_of, price_of};
use super::{Market, Schedule, Size};
use crate::cost::terms::{Counts, Ending, SliceMonths, TermPrice, best_counts, best_terms};
use crate::units::{TokensPerMinute, Usd};
use rayon::prelude::*;

/// Slices of the ray.
const SLICES: usize = 24;
/// The same where work can wait, which is dearer to work out.
const SLICES_WITH_WAITING: usize = 12;
/// Paths that stand for all in a month when sizes are compared.
const STRATA: usize = 16;
/// The same where work can wait.
const STRATA_WITH_WAITING: usize = 8;
/// Sizes between the least block and the one from which both sides grow.
const BEND: usize = 4;
/// What one buys in steps of, where the sides are bought apart.
const STEP_TPM: u64 = 1000;

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
    /// From this level on the sizes grow by the same slice.
    even_from: usize,
    /// That slice, as input and output tokens per minute before rounding.
    slice: (f64, f64),
    ray: Ray,
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

/// Loads of the strata: by month a few paths with their weights.
pub(super) struct Sample(Vec<Vec<Stratum>>);

struct Stratum {
    path: usize,
    weight: f64,
    loads: Vec<Load>,
}

impl Sample {
    pub(super) fn new(cells: &Cells<'_>) -> Self {
        let most = if cells.has_patient() {
            STRATA_WITH_WAITING
        } else {
            STRATA
        };
        let of_month = |month: usize| {
            let stratum = |(path, weight): (usize, f64)| {
                let mut loads = Vec::new();
                cells.loads(path, month, &mut loads);
                Stratum {
                    path,
                    weight,
                    loads,
                }
            };
            cells.strata(month, most).into_iter().map(stratum).collect()
        };
        Self((0..cells.months()).map(of_month).collect())
    }

    /// The loads of all cells with the weights of their paths.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Load, f64)> {
        let strata = self.0.iter().flatten();
        strata.flat_map(|one| one.loads.iter().map(|load| (load, one.weight)))
    }

    /// Of the first month, each load with its place among the hours and the weight of its path.
    pub(super) fn first_month(&self) -> impl Iterator<Item = (usize, &Load, f64)> {
        let strata = self.0.iter().take(1).flatten();
        strata.flat_map(|one| {
            let loads = one.loads.iter().enumerate();
            loads.map(|(hour, load)| (hour, load, one.weight))
        })
    }

    /// Cost as a decision compares it, and the share served, in each month with this capacity.
    pub(super) fn months(
        &self,
        cells: &Cells<'_>,
        held: &Capacity,
        headroom: bool,
    ) -> (Vec<f64>, Vec<f64>) {
        let of_month = |(month, strata): (usize, &Vec<Stratum>)| {
            let mut sum = super::cells::Outcome::default();
            for one in strata {
                let outcome = cells.outcome((one.path, month), &one.loads, held, headroom);
                sum.add(&outcome, one.weight);
            }
            let served = if sum.requests > 0.0 {
                sum.served / sum.requests
            } else {
                1.0
            };
            (sum.compared(), served)
        };
        self.0.iter().enumerate().map(of_month).unzip()
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

impl Family {
    /// The sizes up to `until` times the ray, and what they save.
    fn new(
        offers: &[usize],
        ray: Ray,
        until: f64,
        (cells, sample): (&Cells<'_>, &Sample),
        headroom: bool,
    ) -> Self {
        let is_units = matches!(ray, Ray::Units(..));
        let slices = if cells.has_patient() {
            SLICES_WITH_WAITING
        } else {
            SLICES
        };
        let (first, both) = ray.first();
        // Whole units, a few at a time where there are many.
        let (start, step) = match ray {
            Ray::Units(..) => (0.0, (until / slices as f64).ceil().max(1.0)),
            Ray::Sides { .. } => (both, ((until - both) / slices as f64).max(0.0)),
        };
        let count = if step > 0.0 {
            ((until - start) / step).round().clamp(1.0, slices as f64) as usize
        } else {
            0
        };
        let bend = (0..=BEND).map(|i| first + (both - first) * i as f64 / BEND as f64);
        let below: Vec<f64> = if is_units { Vec::new() } else { bend.collect() };
        let mut levels = vec![Block::default()];
        let push = |levels: &mut Vec<Block>, x: f64| {
            let block = ray.block(x);
            let last = levels[levels.len() - 1];
            if block.input >= last.input && block.output >= last.output && block != last {
                levels.push(block);
            }
        };
        for x in below {
            push(&mut levels, x);
        }
        let even_from = levels.len() - 1;
        for i in 1..=count {
            push(&mut levels, start + step * i as f64);
        }
        let all: Vec<(Vec<f64>, Vec<f64>)> = levels
            .par_iter()
            .map(|block| sample.months(cells, &capacity(*block, is_units), headroom))
            .collect();
        let (compared, served) = all.into_iter().unzip();
        let slope = match ray {
            Ray::Units(input, output) => (input.0 as f64, output.0 as f64),
            Ray::Sides { slope, .. } => slope,
        };
        Self {
            offers: offers.to_vec(),
            is_units,
            levels,
            even_from,
            slice: (slope.0 * step, slope.1 * step),
            ray,
            compared,
            served,
        }
    }

    /// The family with its sizes laid where the best plan is, and that plan.
    pub(super) fn fitted(
        offers: &[usize],
        ray: Ray,
        market: &Market<'_>,
        made: (&Cells<'_>, &Sample),
        headroom: bool,
    ) -> (Self, Option<FamilyPlan>) {
        let (cells, sample) = made;
        let is_units = matches!(ray, Ray::Units(..));
        let (_, both) = ray.first();
        let mut until = longest(ray, cells, sample, is_units).max(both);
        let mut family = Self::new(offers, ray, until, made, headroom);
        let mut plan = family.plan(market);
        let cost =
            |plan: &Option<FamilyPlan>| plan.as_ref().map_or(f64::INFINITY, |plan| plan.compared);
        for _ in 0..3 {
            let top = plan.as_ref().map_or(0, FamilyPlan::top);
            let slices = family.levels.len() - 1 - family.even_from;
            let used = top.saturating_sub(family.even_from) + 1;
            if 3 * used > 2 * slices || is_units && family.slice_units() <= 1.0 {
                break;
            }
            let start = if is_units { 0.0 } else { both };
            until = start + (until - start) * used as f64 / slices as f64;
            let finer = Self::new(offers, ray, until, made, headroom);
            let better = finer.plan(market);
            if cost(&better) > cost(&plan) * (1.0 + 1e-9) && top > 0 {
                break;
            }
            (family, plan) = (finer, better);
        }
        let top = plan.as_ref().map_or(0, FamilyPlan::top);
        if let Some(plateau) = family.plateau(top, made) {
            let start = both;
            let slices = (top - family.even_from) as f64;
            let all = (family.levels.len() - 1 - family.even_from) as f64;
            let until = start + (plateau - start) * all / slices;
            let snapped = Self::new(offers, ray, until, made, headroom);
            let better = snapped.plan(market);
            if cost(&better) < cost(&plan) {
                (family, plan) = (snapped, better);
            }
        }
        (family, plan)
    }

    /// Units of one slice.
    fn slice_units(&self) -> f64 {
        match self.ray {
            Ray::Units(input, _) => self.slice.0 / input.0 as f64,
            Ray::Sides { .. } => 0.0,
        }
    }

    /// A load that recurs near the top of what is held, where the best size has a corner: a twentieth of all cells at
    /// least. As a multiple of the ray.
    fn plateau(&self, top: usize, (cells, sample): (&Cells<'_>, &Sample)) -> Option<f64> {
        let Ray::Sides { slope, .. } = self.ray else {
            return None;
        };
        if top <= self.even_from || self.slice.0 + self.slice.1 <= 0.0 {
            return None;
        }
        let held = Capacity {
            reserved: slope,
            ..Capacity::default()
        };
        let step = if slope.0 > 0.0 {
            self.slice.0 / slope.0
        } else {
            self.slice.1 / slope.1
        };
        let at = self.ray.first().1 + step * (top - self.even_from) as f64;
        let mut needs: Vec<f64> = sample
            .all()
            .filter(|(load, _)| load.requests > 0.0 && load.law == 0)
            .map(|(load, _)| 1.0 / carried(load, &held))
            .collect();
        let all = needs.len();
        needs.retain(|x| (x - at).abs() < step);
        needs.sort_by(f64::total_cmp);
        let mut best: Option<(usize, f64)> = None;
        let mut from = 0;
        for (to, x) in needs.iter().enumerate() {
            while needs[from] < x * 0.999 {
                from += 1;
            }
            if best.is_none_or(|(most, _)| to + 1 - from > most) {
                best = Some((to + 1 - from, *x));
            }
        }
        let _ = cells;
        best.filter(|(count, _)| 20 * count >= all).map(|(_, x)| x)
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
            .filter(|offer| {
                self.price(market, *offer, self.levels.len() - 1)
                    .is_some_and(f64::is_finite)
            })
            .collect();
        if priced.is_empty() || self.levels.len() < 2 {
            return None;
        }
        let required = self.required(market);
        // The least block, or one up to where both sides grow: while one is at its least, the other grows alone.
        let mut bases: Vec<usize> = if self.is_units {
            vec![0]
        } else {
            (1..=self.even_from).collect()
        };
        bases.dedup();
        let plans = bases
            .into_iter()
            .filter_map(|base| self.plan_on(market, &priced, (&required, base)));
        plans.min_by(|a, b| a.compared.total_cmp(&b.compared))
    }

    /// The cheapest schedule with the block of level `base` at the bottom, or nothing.
    fn plan_on(
        &self,
        market: &Market<'_>,
        priced: &[usize],
        (required, base): (&[usize], usize),
    ) -> Option<FamilyPlan> {
        let months = required.len();
        let mut blocks: Vec<Hold> = Vec::new();
        let mut allowed: Vec<bool> = Vec::new();
        let mut held = vec![0; months];
        if base > 0 {
            let on_demand: Vec<f64> = (0..months)
                .map(|month| match required[month] {
                    0 => (self.compared[0][month] - self.compared[base][month]).max(0.0),
                    _ => f64::INFINITY,
                })
                .collect();
            let terms = terms(market, priced, |offer| {
                self.price(market, offer, base).unwrap_or(f64::INFINITY)
            });
            let slice = SliceMonths {
                on_demand: &on_demand,
                full: 0.0,
                allowed: &[],
                ending: Ending::Inside,
            };
            let plan = best_terms(&slice, &terms);
            if plan.cost.is_infinite() {
                return None;
            }
            let mut counts: Counts = vec![vec![0; months]; priced.len()];
            allowed = vec![false; months];
            for one in &plan.held {
                counts[one.term][one.from] = 1;
                let until = one.from + terms[one.term].months;
                allowed[one.from..until].fill(true);
                held[one.from..until].fill(base);
            }
            let block = self.levels[base];
            blocks = holds(market, priced, counts, |_| sold(block, self.is_units));
        }
        let slices = if base >= self.even_from {
            self.levels.len() - 1 - base
        } else {
            0
        };
        let counts = self.counts(market, priced, (required, base), (&held, &allowed), slices);
        for (term, from, count) in each(&counts) {
            let length = months_of(market.offers[priced[term]].term);
            for level in &mut held[from..from + length] {
                *level = (*level + count).min(self.levels.len() - 1);
            }
        }
        let more = holds(market, priced, counts, |count| self.slices(count));
        for hold in more {
            merge(market, &mut blocks, hold);
        }
        blocks.sort_by_key(|hold| (hold.from, hold.offer, hold.terms));
        let bought: f64 = blocks
            .iter()
            .map(|hold| {
                hold.per_hour.map_or(0.0, Usd::dollars) * month_hours() * hold.months as f64
            })
            .sum();
        let compared = held
            .iter()
            .enumerate()
            .map(|(month, level)| self.compared[*level][month]);
        let compared = compared.sum::<f64>() + bought;
        let missed = held.iter().zip(required).any(|(held, must)| held < must);
        Some(FamilyPlan {
            schedule: Schedule {
                holds: blocks,
                headroom: false,
            },
            held,
            // A plan that does not serve what must be served comes after all that do.
            compared: if missed { compared + 1e15 } else { compared },
        })
    }

    /// Slices above the level `base`, by term and first month.
    fn counts(
        &self,
        market: &Market<'_>,
        priced: &[usize],
        (required, base): (&[usize], usize),
        (held, allowed): (&[usize], &[bool]),
        slices: usize,
    ) -> Counts {
        let saved: Vec<Vec<f64>> = (0..slices)
            .map(|slice| {
                let level = base + slice;
                let of_month = |month: usize| {
                    if required[month] > level {
                        f64::INFINITY
                    } else if held[month] < base {
                        0.0
                    } else {
                        (self.compared[level][month] - self.compared[level + 1][month]).max(0.0)
                    }
                };
                (0..required.len()).map(of_month).collect()
            })
            .collect();
        let one = self.slices(1);
        let (input, output) = self.slice;
        let price = |offer: usize| {
            let size = market.offers[offer].size;
            let whole = price_of(size, one.input, one.output, one.units);
            // The price of a slice before rounding, where the sides are bought apart.
            match size {
                Size::Sides {
                    input: of_input,
                    output: of_output,
                } => {
                    let side = |price: Option<Usd>, tpm: f64| {
                        price.map_or(f64::INFINITY, |price| price.dollars() * tpm / 1000.0)
                    };
                    side(of_input.per_hour_per_1k_tpm, input)
                        + side(of_output.per_hour_per_1k_tpm, output)
                }
                _ => whole.map_or(f64::INFINITY, Usd::dollars),
            }
        };
        best_counts(&saved, &terms(market, priced, price), allowed)
    }

    /// A block of so many slices, as it is sold.
    fn slices(&self, count: usize) -> Block {
        let n = count as f64;
        match self.ray {
            Ray::Units(..) => self.ray.block(n * self.slice_units()),
            Ray::Sides { .. } => {
                let side = |tpm: f64| TokensPerMinute((n * tpm - 1e-6).ceil() as u64);
                let block = Block {
                    input: side(self.slice.0),
                    output: side(self.slice.1),
                    units: 0,
                };
                sold(block, false)
            }
        }
    }

    /// The slices that a reader can make sense of, as levels below and at each: while one side is at its least and the
    /// other grows alone, a slice is no block of its own.
    pub(super) fn steps(&self) -> Vec<(usize, usize)> {
        let (last, even) = (self.levels.len() - 1, self.even_from);
        let mut steps = Vec::new();
        let mut low = 0;
        if even > 1 {
            let (first, both) = (self.levels[1], self.levels[even]);
            let near = |a: TokensPerMinute, b: TokensPerMinute| b.0 <= a.0 + a.0 / 2;
            if !near(first.input, both.input) || !near(first.output, both.output) {
                steps.push((0, 1));
                low = 1;
            }
            steps.push((low, even));
            low = even;
        }
        steps.extend((low..last).map(|low| (low, low + 1)));
        steps
    }

    /// A schedule of this family with one block of `level`.
    pub(super) fn single(
        &self,
        market: &Market<'_>,
        level: usize,
        (offer, from, terms): (usize, usize, usize),
    ) -> Schedule {
        let block = sold(self.levels[level], self.is_units);
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

impl FamilyPlan {
    /// The largest size that is held, as a place among the levels.
    pub(super) fn top(&self) -> usize {
        self.held.iter().copied().max().unwrap_or(0)
    }
}

/// What is sold, as prices by the month.
fn terms(market: &Market<'_>, priced: &[usize], per_hour: impl Fn(usize) -> f64) -> Vec<TermPrice> {
    let term = |offer: &usize| TermPrice {
        months: months_of(market.offers[*offer].term),
        per_month: per_hour(*offer) * month_hours(),
        stops: false,
    };
    priced.iter().map(term).collect()
}

/// Purchases as blocks: those that follow one another are one, held for several terms.
fn holds(
    market: &Market<'_>,
    priced: &[usize],
    mut counts: Counts,
    block: impl Fn(usize) -> Block,
) -> Vec<Hold> {
    let mut holds = Vec::new();
    for (term, offer) in priced.iter().enumerate() {
        let length = months_of(market.offers[*offer].term);
        for from in 0..counts[term].len() {
            while counts[term][from] > 0 {
                let chain: Vec<usize> = (from..counts[term].len())
                    .step_by(length)
                    .take_while(|month| counts[term][*month] > 0)
                    .collect();
                let least = chain.iter().map(|month| counts[term][*month]).min();
                let least = least.unwrap_or(1).max(1);
                for month in &chain {
                    counts[term][*month] -= least;
                }
                let Block {
                    input,
                    output,
                    units,
                } = block(least);
                holds.push(Hold {
                    offer: *offer,
                    from,
                    terms: chain.len(),
                    months: chain.len() * length,
                    input_tpm: input,
                    output_tpm: output,
                    units,
                    per_hour: price_of(market.offers[*offer].size, input, output, units),
                });
            }
        }
    }
    holds
}

/// A block as it is sold: where the sides are bought apart, in whole thousands.
pub(super) fn sold(block: Block, is_units: bool) -> Block {
    if is_units {
        return block;
    }
    let side = |tpm: TokensPerMinute| TokensPerMinute(tpm.0.div_ceil(STEP_TPM) * STEP_TPM);
    Block {
        input: side(block.input),
        output: side(block.output),
        units: 0,
    }
}

/// The purchases among counts: term, first month, how many.
fn each(counts: &Counts) -> impl Iterator<Item = (usize, usize, usize)> {
    counts.iter().enumerate().flat_map(|(term, by_month)| {
        let bought = by_month.iter().enumerate().filter(|(_, count)| **count > 0);
        bought.map(move |(from, count)| (term, from, *count))
    })
}

/// Adds a block to those that are held over the same terms.
fn merge(market: &Market<'_>, holds: &mut Vec<Hold>, hold: Hold) {
    let same = holds
        .iter_mut()
        .find(|one| (one.offer, one.from, one.terms) == (hold.offer, hold.from, hold.terms));
    let Some(one) = same else {
        holds.push(hold);
        return;
    };
    one.input_tpm.0 += hold.input_tpm.0;
    one.output_tpm.0 += hold.output_tpm.0;
    one.units += hold.units;
    let size = market.offers[one.offer].size;
    one.per_hour = price_of(size, one.input_tpm, one.output_tpm, one.units);
}
