//! The hours that decide about a plan, and what its mathematics expect of them.

use super::holding::{Held, Holding};
use super::hour::Part;
use super::run::Offered;
use crate::plan::purchase::{Demand, Pool, WorkloadDemand};
use crate::units::Usd;
use statrs::distribution::{ContinuousCDF, Normal};

/// A path of growth, by how many of the paths stay below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Half of them.
    P50,
    /// 95 of 100.
    P95,
}

impl Growth {
    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
        }
    }

    fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P95 => 0.95,
        }
    }
}

/// An hour that is simulated.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    pub name: String,
    pub month: usize,
    pub growth: Growth,
    pub offered: Offered,
}

/// The first month at its usual and at its busiest hour, and at their busiest hours the busiest month, the last
/// one, and the one that is busiest when demand grows as it does in one case of twenty.
pub(super) fn chosen(demand: &Demand, pool: &Pool) -> Vec<Chosen> {
    let months = demand.paths.months;
    let last = months.saturating_sub(1);
    let (usual, busiest) = hours_of_week(demand, pool);
    let wanted = [
        (0, Growth::P50, usual, Part::Usual),
        (0, Growth::P50, busiest, Part::Busiest),
        (
            busiest_month(demand, pool, Growth::P50),
            Growth::P50,
            busiest,
            Part::Busiest,
        ),
        (last, Growth::P50, busiest, Part::Busiest),
        (
            busiest_month(demand, pool, Growth::P95),
            Growth::P95,
            busiest,
            Part::Busiest,
        ),
    ];
    let mut chosen: Vec<Chosen> = Vec::new();
    for (month, growth, hour, part) in wanted {
        let path = path_at(demand, pool, month, growth);
        let workloads = members(demand, pool).filter_map(|(index, workload)| {
            let requests = workload.week.get(hour)? * demand.paths.factor(index, path, month);
            (requests > 0.0).then(|| (workload.name.clone(), requests))
        });
        let offered = Offered {
            workloads: workloads.collect(),
            part,
        };
        // Without growth months are alike, and an even week has no busiest hour.
        let is_new = chosen
            .iter()
            .all(|known| known.offered.workloads != offered.workloads);
        if offered.workloads.is_empty() || !is_new {
            continue;
        }
        let which = if part == Part::Usual {
            "usual"
        } else {
            "busiest"
        };
        let grown = if growth == Growth::P95 {
            ", p95 growth"
        } else {
            ""
        };
        chosen.push(Chosen {
            name: format!("month {}, {which} hour{grown}", month + 1),
            month,
            growth,
            offered,
        });
    }
    chosen
}

/// What a request weighs: the quota tokens that it takes.
fn weight(workload: &WorkloadDemand) -> f64 {
    workload.call.settled.max(1.0)
}

fn members<'a>(
    demand: &'a Demand,
    pool: &'a Pool,
) -> impl Iterator<Item = (usize, &'a WorkloadDemand)> {
    let indices = pool.workloads.iter();
    let known = indices.filter_map(|&index| Some((index, demand.workloads.get(index)?)));
    // What can wait keeps out of the way of what cannot.
    known.filter(|(_, workload)| workload.deferrable.is_none())
}

/// The hour of the week whose load is nearest to the mean, and the one with the most.
fn hours_of_week(demand: &Demand, pool: &Pool) -> (usize, usize) {
    let hours = members(demand, pool)
        .map(|(_, one)| one.week.len())
        .max()
        .unwrap_or(0);
    let loads: Vec<f64> = (0..hours)
        .map(|hour| {
            let of_hour = members(demand, pool)
                .map(|(_, one)| one.week.get(hour).copied().unwrap_or(0.0) * weight(one));
            of_hour.sum()
        })
        .collect();
    let mean = loads.iter().sum::<f64>() / loads.len().max(1) as f64;
    let least_by = |off: &dyn Fn(f64) -> f64| {
        let better = |a: &usize, b: &usize| off(loads[*a]).total_cmp(&off(loads[*b]));
        (0..hours).min_by(better).unwrap_or(0)
    };
    (
        least_by(&|load| (load - mean).abs()),
        least_by(&|load| -load),
    )
}

/// The load of a month on a path, in quota tokens of a typical week.
fn level(demand: &Demand, pool: &Pool, path: usize, month: usize) -> f64 {
    let of_workload = members(demand, pool).map(|(index, one)| {
        one.week.iter().sum::<f64>() * weight(one) * demand.paths.factor(index, path, month)
    });
    of_workload.sum()
}

/// The path that a month is at when so many of the paths stay below it.
pub(super) fn path_at(demand: &Demand, pool: &Pool, month: usize, growth: Growth) -> usize {
    let mut levels: Vec<(f64, usize)> = (0..demand.paths.paths)
        .map(|path| (level(demand, pool, path, month), path))
        .collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let rank = crate::stats::quantile::rank(growth.share(), levels.len() as u64);
    let at = usize::try_from(rank.max(1)).unwrap_or(1) - 1;
    levels.get(at).map_or(0, |(_, path)| *path)
}

fn busiest_month(demand: &Demand, pool: &Pool, growth: Growth) -> usize {
    let at = |month: usize| level(demand, pool, path_at(demand, pool, month, growth), month);
    let months = (0..demand.paths.months).map(|month| (at(month), month));
    // The first of equals.
    let busiest = months.reduce(|best, one| if one.0 > best.0 { one } else { best });
    busiest.map_or(0, |(_, month)| month)
}

/// Tokens per minute that the hour's requests take of bought capacity: input and output. Cache reads are free of
/// the Reserved tier, and not of model units.
pub(super) fn tokens_per_minute(demand: &Demand, offered: &Offered, held: &Held) -> (f64, f64) {
    let reads = if matches!(held, Held::Units { .. }) {
        1.0
    } else {
        0.0
    };
    let mut need = (0.0, 0.0);
    for (workload, requests) in calls(demand, offered) {
        let call = &workload.call;
        let input = call.input + call.cache_write + reads * call.cache_read;
        need.0 += requests / 60.0 * input;
        need.1 += requests / 60.0 * workload.call.output;
    }
    need
}

/// Tokens per minute, in and out, that the busiest of the hours takes of the Reserved tier.
pub(super) fn most_needed(demand: &Demand, pool: &Pool) -> (f64, f64) {
    let nothing = Held::Nothing {
        scope: pool.scope.clone(),
    };
    let needs = chosen(demand, pool);
    let needs = needs
        .iter()
        .map(|hour| tokens_per_minute(demand, &hour.offered, &nothing));
    needs.fold(
        (0.0, 0.0),
        |most, one| if one.0 > most.0 { one } else { most },
    )
}

fn calls<'a>(
    demand: &'a Demand,
    offered: &'a Offered,
) -> impl Iterator<Item = (&'a WorkloadDemand, f64)> {
    offered.workloads.iter().filter_map(|(name, requests)| {
        let known = demand.workloads.iter().find(|one| one.name == *name)?;
        Some((known, *requests))
    })
}

/// What the mathematics of a plan say is paid per token: the hour's requests on demand, but for those that what
/// is held serves.
pub(super) fn expected_tokens(
    demand: &Demand,
    offered: &Offered,
    holding: &Holding,
) -> Option<Usd> {
    let beyond = holding.held.sustains().map(|(input, output)| {
        let need = tokens_per_minute(demand, offered, &holding.held);
        let covers = |tpm: u64, need: f64| {
            if need > 0.0 {
                tpm as f64 / need
            } else {
                f64::INFINITY
            }
        };
        let cover = covers(input.0, need.0).min(covers(output.0, need.1));
        overflow_share(cover, minute_cv(demand, offered))
    });
    let mut sum = Usd::ZERO;
    for (workload, requests) in calls(demand, offered) {
        let price = workload.call.on_demand?;
        sum += price.scaled(requests * beyond.unwrap_or(1.0));
    }
    Some(sum)
}

/// How the minutes of all workloads together scatter, if they do so independently.
fn minute_cv(demand: &Demand, offered: &Offered) -> f64 {
    let (mut mean, mut variance) = (0.0, 0.0);
    for (workload, requests) in calls(demand, offered) {
        let own = requests * weight(workload);
        mean += own;
        variance += (own * workload.minute_cv).powi(2);
    }
    if mean > 0.0 {
        variance.sqrt() / mean
    } else {
        0.0
    }
}

/// The share of a load beyond capacity of `cover` times its mean, minutes being lognormal about it with σ² =
/// ln(1 + cv²): 1 − Φ((ln c − σ²/2)/σ) − c·(1 − Φ((ln c + σ²/2)/σ)).
fn overflow_share(cover: f64, cv: f64) -> f64 {
    if !cover.is_finite() {
        return 0.0;
    }
    if cv < 1e-3 || cover <= 0.0 {
        return (1.0 - cover).clamp(0.0, 1.0);
    }
    let sigma = (cv * cv).ln_1p().sqrt();
    let (z, half) = (cover.ln() / sigma, 0.5 * sigma);
    let normal = Normal::standard();
    (normal.sf(z - half) - cover * normal.sf(z + half)).clamp(0.0, 1.0)
}
