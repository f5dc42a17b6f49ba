//! What matters: the cost of a plan with each input at its p10 and its p90, the others at p50 (`methods.md` 7.6).
//!
//! Every end is decided anew with the same draws, so that a difference is that of the input. Inputs that a scenario
//! gives no spread of are taken to lie within a fifth, which is an assumption and says so.

use super::{Decision, Demand, Kind, Market, Offer, PathGrowth, Paths, Pool, Size, decide};
use crate::domain::TokenPrices;
use crate::scenario::Variant;
use crate::sim::Assembled;
use crate::units::{PicoPerToken, Usd};
use rayon::prelude::*;

/// z of the 90th percentile of a normal law.
const Z_P90: f64 = 1.281_551_565_5;
/// How far an input is taken to lie off that has no spread of its own.
const ASSUMED: f64 = 0.2;
/// The same for a growth of nothing: a percentage point a month.
const ASSUMED_GROWTH: f64 = 0.01;
/// Paths of each end. Every end has the same ones, and the differences need fewer than the sums do.
const MOST_PATHS: usize = 200;

/// What matters, the most first.
#[derive(Clone, Debug, PartialEq)]
pub struct Tornado {
    /// Dollars of the whole plan with every input at p50, as a decision compares them: missed requests count at
    /// their on-demand price.
    pub base: f64,
    /// What is decided there.
    pub verdict: Kind,
    /// The inputs, the one first that moves the cost most.
    pub bars: Vec<Bar>,
    /// Paths of demand behind each figure.
    pub paths: usize,
}

/// One input at both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name, such as `output tokens`.
    pub input: &'static str,
    /// Where its spread comes from.
    pub basis: Basis,
    /// At p10.
    pub low: End,
    /// At p90.
    pub high: End,
}

/// Where the spread of an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The scenario says how unsure it is.
    Scenario,
    /// A fifth to either side.
    Assumed,
}

impl Basis {
    /// Its name in documents: `scenario` or `assumed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Assumed => "assumed",
        }
    }
}

/// One end of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Where it lies, such as `-20 %` or `4.1 % a month`.
    pub label: String,
    /// Dollars of the whole plan, decided for this end.
    pub dollars: f64,
    /// What is decided.
    pub verdict: Kind,
}

impl Bar {
    /// The larger of the two distances from `base`, in dollars.
    pub fn reach(&self, base: f64) -> f64 {
        let off = |end: &End| (end.dollars - base).abs();
        off(&self.low).max(off(&self.high))
    }
}

/// An input that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Growth,
    Volatility,
    Volume,
    Output,
    Uncached,
    HitRatio,
    Burstiness,
    Latency,
    OfferPrice,
    OnDemandPrice,
}

impl Input {
    const ALL: [Self; 10] = [
        Self::Growth,
        Self::Volatility,
        Self::Volume,
        Self::Output,
        Self::Uncached,
        Self::HitRatio,
        Self::Burstiness,
        Self::Latency,
        Self::OfferPrice,
        Self::OnDemandPrice,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Growth => "growth",
            Self::Volatility => "volatility of growth",
            Self::Volume => "volume",
            Self::Output => "output tokens",
            Self::Uncached => "input tokens",
            Self::HitRatio => "cache hit ratio",
            Self::Burstiness => "burstiness",
            Self::Latency => "latency",
            Self::OfferPrice => "price of capacity",
            Self::OnDemandPrice => "on-demand price",
        }
    }
}

/// What is decided about with all inputs at p50.
struct Ground<'a> {
    variant: &'a Variant,
    assembled: &'a Assembled,
    market: &'a Market<'a>,
    demand: Demand,
    seed: u64,
}

/// Each input of a pool's plan at p10 and p90.
pub fn tornado(
    variant: &Variant,
    assembled: &Assembled,
    market: &Market<'_>,
    seed: u64,
) -> Tornado {
    let paths = market.demand.paths.paths.min(MOST_PATHS);
    let mut ground = Ground {
        variant,
        assembled,
        market,
        demand: market.demand.clone(),
        seed,
    };
    ground.demand.paths = ground.paths(&|_| {});
    let base = ground.decided(&ground.demand, market.offers);
    let bars: Vec<Option<Bar>> = Input::ALL
        .par_iter()
        .map(|input| ground.bar(*input))
        .collect();
    let cost = base.best.compared;
    let mut bars: Vec<Bar> = bars.into_iter().flatten().collect();
    // The sort is stable, so equals stay in the order of the list.
    bars.sort_by(|a, b| b.reach(cost).total_cmp(&a.reach(cost)));
    Tornado {
        base: cost,
        verdict: base.advice.kind,
        bars,
        paths,
    }
}

impl Ground<'_> {
    fn decided(&self, demand: &Demand, offers: &[Offer]) -> Decision {
        decide(&Market {
            demand,
            offers,
            ..self.market.clone()
        })
    }

    /// The paths when μ is known and growth is otherwise as the scenario says, but for `change`.
    fn paths(&self, change: &dyn Fn(&mut PathGrowth)) -> Paths {
        let of_demand = self.market.demand.workloads.iter();
        let growth: Vec<PathGrowth> = of_demand
            .map(|one| {
                let mut growth = PathGrowth::of(&self.variant.plan, &one.name);
                change(&mut growth);
                growth.spec.uncertainty = 0.0;
                growth
            })
            .collect();
        let paths = &self.market.demand.paths;
        Paths::draw(
            &growth,
            paths.months,
            paths.paths.min(MOST_PATHS),
            self.seed,
        )
    }

    fn bar(&self, input: Input) -> Option<Bar> {
        let of_growth = || self.pool_growth();
        let basis = match input {
            Input::Growth if of_growth().any(|one| one.spec.uncertainty > 0.0) => Basis::Scenario,
            Input::Volatility if of_growth().all(|one| one.spec.volatility == 0.0) => return None,
            _ => Basis::Assumed,
        };
        let [low, high] = [-1.0, 1.0].map(|sign| self.end(input, sign));
        Some(Bar {
            input: input.name(),
            basis,
            low: low?,
            high: high?,
        })
    }

    fn pool_growth(&self) -> impl Iterator<Item = PathGrowth> {
        let pool = self.market.pool.workloads.iter();
        pool.filter_map(|&index| {
            let one = self.market.demand.workloads.get(index)?;
            Some(PathGrowth::of(&self.variant.plan, &one.name))
        })
    }

    /// One end: `sign` is −1 at p10 and 1 at p90. `None` if there is nothing to move.
    fn end(&self, input: Input, sign: f64) -> Option<End> {
        let times = 1.0 + sign * ASSUMED;
        let mut label = format!("{:+.0} %", 100.0 * sign * ASSUMED);
        let mut demand = self.demand.clone();
        let mut offers = self.market.offers.to_vec();
        match input {
            Input::Growth => {
                let moved = self.pool_growth().map(|one| moved_growth(&one, sign));
                label = growth_label(moved.map(|one| one.spec.per_month));
                demand.paths = self.paths(&|one| *one = moved_growth(one, sign));
            }
            Input::Volatility => demand.paths = self.paths(&|one| one.spec.volatility *= times),
            Input::OfferPrice => {
                let scaled = offers.iter_mut().map(|offer| scale_price(offer, times));
                // All of them are scaled: no short circuit.
                if scaled.filter(|has_price| *has_price).count() == 0 {
                    return None;
                }
            }
            _ => {
                let pool: &Pool = self.market.pool;
                let mut is_moved = false;
                for &index in &pool.workloads {
                    is_moved |= self.move_workload(&mut demand, index, input, times);
                }
                if !is_moved {
                    return None;
                }
            }
        }
        let decision = self.decided(&demand, &offers);
        Some(End {
            label,
            dollars: decision.best.compared,
            verdict: decision.advice.kind,
        })
    }

    /// Moves an input of one workload; `false` if it has nothing of the kind.
    fn move_workload(&self, demand: &mut Demand, index: usize, input: Input, times: f64) -> bool {
        let Some(workload) = demand.workloads.get_mut(index) else {
            return false;
        };
        let context = self.assembled.context.workloads.get(index);
        let target = self.assembled.setup.endpoint.targets.get(index);
        let prices = context.and_then(|one| one.tier_prices.as_ref().or(one.prices.as_ref()));
        let in_batch = context.and_then(|one| one.batch_prices.as_ref());
        let call = &mut workload.call;
        // What more tokens of a class cost, at list prices.
        let charge = |usd: &mut Option<Usd>,
                      prices: Option<&TokenPrices>,
                      tokens: f64,
                      of: fn(&TokenPrices) -> PicoPerToken| {
            if let (Some(usd), Some(prices)) = (usd.as_mut(), prices) {
                usd.0 += (tokens * of(prices).0 as f64).round() as i128;
            }
        };
        match input {
            Input::Volume => workload
                .week
                .iter_mut()
                .for_each(|requests| *requests *= times),
            Input::Output => {
                let more = (times - 1.0) * call.output;
                call.output += more;
                if let Some(target) = target {
                    call.settled += more * target.burndown as f64;
                    let longer = more * target.latency.per_output_token.as_secs_f64();
                    call.held = longer_by(call.held, longer);
                }
                charge(&mut call.on_demand, prices, more, |prices| prices.output);
                charge(&mut call.batch, in_batch, more, |prices| prices.output);
            }
            Input::Uncached => {
                let more = (times - 1.0) * call.input;
                call.input += more;
                call.settled += more;
                call.reserved += more;
                charge(&mut call.on_demand, prices, more, |prices| prices.input);
                charge(&mut call.batch, in_batch, more, |prices| prices.input);
            }
            Input::HitRatio => {
                let cacheable = call.cache_read + call.cache_write;
                if cacheable <= 0.0 || call.cache_read <= 0.0 {
                    return false;
                }
                let read = (call.cache_read * times).min(cacheable);
                let more = read - call.cache_read;
                call.cache_read = read;
                call.cache_write -= more;
                // Writes count in the quota and reads do not, by the documented rule.
                call.settled -= more;
                call.reserved -= more;
                charge(&mut call.on_demand, prices, more, |prices| {
                    prices.cache_read
                });
                charge(&mut call.on_demand, prices, -more, |prices| {
                    prices.cache_write_5m
                });
            }
            Input::Burstiness => workload.minute_cv *= times,
            Input::Latency => call.held.0 = (call.held.0 as f64 * times) as u64,
            Input::OnDemandPrice => call.on_demand = call.on_demand.map(|usd| usd.scaled(times)),
            Input::Growth | Input::Volatility | Input::OfferPrice => return false,
        }
        true
    }
}

fn longer_by(held: crate::units::Micros, seconds: f64) -> crate::units::Micros {
    crate::units::Micros::from_secs_f64((held.as_secs_f64() + seconds).max(0.0))
}

/// The growth at one end: where the scenario says how unsure it is, p10 or p90 of that law.
fn moved_growth(growth: &PathGrowth, sign: f64) -> PathGrowth {
    let mut moved = growth.clone();
    let spec = &mut moved.spec;
    if spec.uncertainty > 0.0 {
        spec.per_month = (spec.drift() + sign * Z_P90 * spec.uncertainty).exp_m1();
    } else if spec.per_month == 0.0 {
        spec.per_month = sign * ASSUMED_GROWTH;
    } else {
        // The larger growth is the high end, also of demand that shrinks.
        spec.per_month += sign * ASSUMED * spec.per_month.abs();
    }
    moved
}

fn growth_label(per_month: impl Iterator<Item = f64>) -> String {
    let mut known: Vec<String> = Vec::new();
    for one in per_month {
        let text = format!("{:+.1} %", 100.0 * one);
        if !known.contains(&text) {
            known.push(text);
        }
    }
    format!("{} a month", known.join(", "))
}

/// Scales what an offer costs; `false` if it has no price.
fn scale_price(offer: &mut Offer, times: f64) -> bool {
    let scale = |price: &mut Option<Usd>| {
        *price = price.map(|usd| usd.scaled(times));
        price.is_some()
    };
    match &mut offer.size {
        Size::Sides { input, output } => {
            let of_input = scale(&mut input.per_hour_per_1k_tpm);
            scale(&mut output.per_hour_per_1k_tpm) && of_input
        }
        Size::Units { per_hour, .. } => scale(per_hour),
        Size::Headroom { .. } => false,
    }
}
