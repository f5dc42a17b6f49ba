//! Regret: what a plan costs beyond the one that would have been best, had one known how demand grows.

use super::{Decision, Demand, Market, Paths, Schedule, decide, evaluate};
use rayon::prelude::*;

/// Paths of growth by which a plan is judged: how many of the paths stay below.
pub const GROWTH: [(&str, f64); 3] = [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)];

/// A plan under one path of growth.
#[derive(Clone, Debug, PartialEq)]
pub struct Regret {
    /// `p10`, `p50` or `p90` of the demand of the whole plan.
    pub growth: &'static str,
    /// Requests of the last month over those of the first.
    pub growth_factor: f64,
    /// What the plan costs.
    pub chosen: Weighed,
    /// What costs least of all that is known to serve as much, once growth is known.
    pub best: Weighed,
    /// What is held in that one.
    pub best_schedule: Schedule,
    /// What costs nothing but what is used.
    pub nothing: Weighed,
}

/// A plan on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighed {
    /// Dollars over the plan as a decision compares them: missed requests count at their on-demand price, so that
    /// a refusal is no saving.
    pub dollars: f64,
    /// Requests served over those offered.
    pub served_share: f64,
}

impl Regret {
    /// What the plan costs beyond the best one, in dollars; never below zero.
    pub fn dollars(&self) -> f64 {
        (self.chosen.dollars - self.best.dollars).max(0.0)
    }

    /// The same over what the best one costs; `None` if that is nothing.
    pub fn share(&self) -> Option<f64> {
        (self.best.dollars > 0.0).then(|| self.dollars() / self.best.dollars)
    }

    /// What buying nothing costs beyond the best plan.
    pub fn of_nothing(&self) -> f64 {
        (self.nothing.dollars - self.best.dollars).max(0.0)
    }
}

/// The chosen plan and buying nothing under slow, median and fast growth.
///
/// The best plan is what [`decide`] gives for that path alone, unless the chosen one or nothing at all turns out
/// cheaper: they are among the plans that one could have had.
pub fn regret(market: &Market<'_>, decision: &Decision) -> Vec<Regret> {
    GROWTH
        .par_iter()
        .map(|(growth, share)| {
            let path = path_at(market, *share);
            let demand = along(market.demand, path);
            let known = Market {
                demand: &demand,
                ..market.clone()
            };
            let weigh = |schedule: &Schedule| {
                let evaluation = evaluate(&known, schedule);
                Weighed {
                    dollars: evaluation.compared,
                    served_share: evaluation.served_share,
                }
            };
            let chosen = weigh(&decision.schedule);
            let nothing = weigh(&Schedule::default());
            let had_one_known = decide(&known);
            let mut best_schedule = had_one_known.schedule;
            let mut best = Weighed {
                dollars: had_one_known.best.compared,
                served_share: had_one_known.best.served_share,
            };
            for (other, schedule) in [
                (chosen, decision.schedule.clone()),
                (nothing, Schedule::default()),
            ] {
                if other.dollars < best.dollars {
                    (best, best_schedule) = (other, schedule);
                }
            }
            Regret {
                growth,
                growth_factor: growth_of(market, path),
                chosen,
                best,
                best_schedule,
                nothing,
            }
        })
        .collect()
}

/// The demand of one path alone.
fn along(demand: &Demand, path: usize) -> Demand {
    let paths = &demand.paths;
    let mut factors = Vec::with_capacity(demand.workloads.len() * paths.months);
    for workload in 0..demand.workloads.len() {
        factors.extend((0..paths.months).map(|month| paths.factor(workload, path, month)));
    }
    Demand {
        paths: Paths {
            months: paths.months,
            paths: 1,
            factors,
        },
        ..demand.clone()
    }
}

/// The pool's load of a month on a path, in dollars on demand, or in requests where a price is not known.
fn level(market: &Market<'_>, path: usize, month: usize) -> f64 {
    let workloads = market.pool.workloads.iter().filter_map(|&index| {
        let one = market.demand.workloads.get(index)?;
        let each = one.call.on_demand.map_or(1.0, crate::units::Usd::dollars);
        let requests =
            one.week.iter().sum::<f64>() * market.demand.paths.factor(index, path, month);
        Some(requests * each)
    });
    workloads.sum()
}

/// The path whose load over the whole plan has this share of the paths below it.
fn path_at(market: &Market<'_>, share: f64) -> usize {
    let paths = &market.demand.paths;
    let mut totals: Vec<(f64, usize)> = (0..paths.paths)
        .map(|path| {
            let months = (0..paths.months).map(|month| level(market, path, month));
            (months.sum(), path)
        })
        .collect();
    totals.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let rank = crate::stats::quantile::rank(share, totals.len() as u64).max(1);
    totals.get(rank as usize - 1).map_or(0, |(_, path)| *path)
}

fn growth_of(market: &Market<'_>, path: usize) -> f64 {
    let last = market.demand.paths.months.saturating_sub(1);
    let first = level(market, path, 0);
    if first > 0.0 {
        level(market, path, last) / first
    } else {
        1.0
    }
}
