//! What a schedule costs and serves, month by month, over all paths of demand.

use super::cells::{Cells, Load, Outcome};
use super::{Market, Schedule};
use rayon::prelude::*;

/// Paths that are gone through, at most, where work can wait: each week is then worked out hour by hour.
const PATHS_WITH_WAITING: usize = 240;

/// A schedule over all paths; where work can wait, over 240 that stand for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Month by month.
    pub months: Vec<MonthFigures>,
    /// Dollars paid over the whole plan.
    pub total: Spread,
    /// What a decision compares: dollars paid, and missed requests at their on-demand price, so that a refusal is no
    /// saving. The mean over paths.
    pub compared: f64,
    /// Share of all requests that are served, the mean over paths; 1 without requests.
    pub served_share: f64,
    /// The least of the months.
    pub worst_served_share: f64,
    /// Mean use of bought capacity, of the side that is used more, while it is held; `None` if none is.
    pub utilisation: Option<f64>,
    /// Dollars paid on each path.
    pub path_usd: Vec<f64>,
    /// Share of requests served on each path.
    pub path_served: Vec<f64>,
}

/// One month of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MonthFigures {
    /// Dollars paid.
    pub cost: Spread,
    /// Dollars of bought capacity.
    pub bought: f64,
    /// Mean dollars on demand.
    pub on_demand: f64,
    /// Mean dollars of batch jobs.
    pub batch: f64,
    /// Mean dollars of penalties for requests that were not served.
    pub penalty: f64,
    /// Mean requests.
    pub requests: f64,
    /// Share of them that is served.
    pub served_share: f64,
    /// Share of them that bought capacity serves.
    pub bought_share: f64,
    /// Mean use of bought capacity, of the side that is used more; `None` if none is held.
    pub utilisation: Option<f64>,
}

/// A figure over paths.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// 10th percentile.
    pub p10: f64,
    /// The median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
}

impl Spread {
    /// Of values in any order; all zero without any.
    pub fn of(values: &mut [f64]) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = values.len().saturating_sub(1);
            let place = share * last as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            let (Some(low), Some(high)) = (values.get(low), values.get(high)) else {
                return 0.0;
            };
            low + (high - low) * place.fract()
        };
        let count = values.len().max(1) as f64;
        Self {
            mean: values.iter().sum::<f64>() / count,
            p10: at(0.1),
            p50: at(0.5),
            p90: at(0.9),
        }
    }
}

/// What `schedule` costs and serves on all paths of the demand.
pub fn evaluate(market: &Market<'_>, schedule: &Schedule) -> Evaluation {
    evaluate_cells(&Cells::new(market), market, schedule)
}

/// The same where the demand has been made ready.
pub(super) fn evaluate_cells(
    cells: &Cells<'_>,
    market: &Market<'_>,
    schedule: &Schedule,
) -> Evaluation {
    let months = cells.months();
    let held: Vec<_> = (0..months)
        .map(|month| schedule.held(market.offers, month))
        .collect();
    let paths = if cells.has_patient() {
        cells.some_paths(PATHS_WITH_WAITING)
    } else {
        (0..market.demand.paths.paths).collect()
    };
    let by_path: Vec<Vec<Outcome>> = paths
        .into_par_iter()
        .map_init(Vec::<Load>::new, |loads, path| {
            let of_month = |month: usize| {
                cells.loads(path, month, loads);
                cells.outcome((path, month), loads, &held[month], schedule.headroom)
            };
            (0..months).map(of_month).collect()
        })
        .collect();
    summary(&by_path, &held)
}

fn summary(by_path: &[Vec<Outcome>], held: &[super::Capacity]) -> Evaluation {
    let weight = 1.0 / by_path.len().max(1) as f64;
    let hours = super::schedule::month_hours();
    let mut all = Outcome::default();
    let (mut used, mut held_hours) = (0.0, 0.0);
    let mut figures = Vec::with_capacity(held.len());
    for (month, capacity) in held.iter().enumerate() {
        let mut mean = Outcome::default();
        for path in by_path {
            mean.add(&path[month], weight);
        }
        all.add(&mean, 1.0);
        let mut paid: Vec<f64> = by_path.iter().map(|path| path[month].paid()).collect();
        let is_held = capacity.reserved.0 + capacity.units.0 > 0.0;
        if is_held {
            used += mean.used;
            held_hours += hours;
        }
        figures.push(MonthFigures {
            cost: Spread::of(&mut paid),
            bought: mean.bought,
            on_demand: mean.on_demand,
            batch: mean.batch,
            penalty: mean.penalty,
            requests: mean.requests,
            served_share: share(mean.served, mean.requests),
            bought_share: if mean.requests > 0.0 {
                mean.by_bought / mean.requests
            } else {
                0.0
            },
            utilisation: is_held.then(|| mean.used / hours),
        });
    }
    let sum = |path: &Vec<Outcome>| {
        let mut sum = Outcome::default();
        for month in path {
            sum.add(month, 1.0);
        }
        sum
    };
    let sums: Vec<Outcome> = by_path.iter().map(sum).collect();
    let path_usd: Vec<f64> = sums.iter().map(Outcome::paid).collect();
    Evaluation {
        total: Spread::of(&mut path_usd.clone()),
        compared: all.compared(),
        served_share: share(all.served, all.requests),
        worst_served_share: figures
            .iter()
            .map(|month| month.served_share)
            .fold(1.0, f64::min),
        utilisation: (held_hours > 0.0).then(|| used / held_hours),
        path_served: sums
            .iter()
            .map(|sum| share(sum.served, sum.requests))
            .collect(),
        path_usd,
        months: figures,
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).min(1.0)
    } else {
        1.0
    }
}
