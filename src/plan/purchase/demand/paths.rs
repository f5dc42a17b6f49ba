//! Paths along which demand grows.
//!
//! The logarithm of demand is a random walk with drift: ln D(m) = ln D(0) + μ·m + σ·W(m), where W is the sum of
//! m independent standard normal steps, so that the months of one path belong together and W(m) is √m·Z. How
//! unsure μ is goes into each path: its own μ is μ + u·Z.

use super::Paths;
use crate::load::hourly::Hourly;
use crate::rng::Keyed;
use crate::scenario::{GrowthSpec, PlanSpec};
use crate::stats::growth::{Drift, drift};

/// More months than a plan has, to give each step of each path a number of its own.
const STEPS: u64 = 1024;

/// How one workload grows, and which draws are its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PathGrowth {
    /// How it grows.
    pub spec: GrowthSpec,
    /// The workload, if it grows by itself; workloads without growth of their own go up and down together.
    pub own: Option<String>,
}

impl PathGrowth {
    /// The growth of the workload `name` in a plan: its own, or else the plan's; where the scenario gives none, that
    /// of its series of hours, if that is long enough.
    pub fn of(plan: &PlanSpec, name: &str) -> Self {
        let workload = plan.workload(name);
        let own = workload.and_then(|plan| plan.growth.clone());
        let told = || {
            let series = &workload?.hourly.as_ref()?.series;
            (!plan.growth_is_given).then(|| told_by(series).map(|(spec, _)| spec))?
        };
        let own = own.or_else(told);
        Self {
            own: own.is_some().then(|| name.to_owned()),
            spec: own.unwrap_or_else(|| plan.growth.clone()),
        }
    }
}

/// Growth by the month as a series of hours tells it, and the drift of its means of four weeks from which it is
/// told; `None` with less than three months, or if four weeks have nothing.
///
/// A month of 730 hours has 730/672 times the drift of four weeks, and √(730/672) times the volatility.
pub(super) fn told_by(series: &Hourly) -> Option<(GrowthSpec, Drift)> {
    const MONTH: f64 = 730.0 / 672.0;
    let told = drift(&series.four_weeks())?;
    let growth = GrowthSpec {
        per_month: (told.per_step * MONTH).exp_m1(),
        volatility: told.volatility * MONTH.sqrt(),
        uncertainty: told.standard_error * MONTH,
        season: Vec::new(),
    };
    Some((growth, told))
}

impl Paths {
    /// Draws the paths of workloads, in their order.
    ///
    /// Draws belong to the seed, the workload (if it has growth of its own), the path and the month: other growth
    /// leaves them as they are, and so does a longer plan or more paths. Every second path takes the draws of the
    /// one before it with the other sign (antithetic variates; Hammersley & Morton 1956), so that medians are
    /// exact and means need fewer paths.
    pub fn draw(growth: &[PathGrowth], months: usize, paths: usize, seed: u64) -> Self {
        let mut factors = Vec::with_capacity(growth.len() * paths * months);
        for one in growth {
            let purpose = match &one.own {
                None => "plan/growth".to_owned(),
                Some(name) => format!("plan/growth/{name}"),
            };
            let keyed = Keyed::new(seed, &purpose);
            for path in 0..paths {
                one.spec.walk(keyed, path as u64, months, &mut factors);
            }
        }
        Self {
            months,
            paths,
            factors,
        }
    }

    /// The factor of a workload on a path in a month.
    pub fn factor(&self, workload: usize, path: usize, month: usize) -> f64 {
        self.factors[(workload * self.paths + path) * self.months + month]
    }

    /// The mean factor of a workload in a month, over paths.
    pub fn mean_factor(&self, workload: usize, month: usize) -> f64 {
        let sum: f64 = (0..self.paths)
            .map(|path| self.factor(workload, path, month))
            .sum();
        sum / self.paths as f64
    }
}

impl GrowthSpec {
    /// μ: the drift of the logarithm in a month.
    pub fn drift(&self) -> f64 {
        self.per_month.ln_1p()
    }

    /// The factor of the season in a month, that of the first one being 1.
    pub fn season_in(&self, month: usize) -> f64 {
        match self.season.first() {
            None => 1.0,
            Some(first) => self.season[month % self.season.len()] / first,
        }
    }

    /// Appends the factors of one path.
    fn walk(&self, keyed: Keyed, path: u64, months: usize, factors: &mut Vec<f64>) {
        let sign = if path.is_multiple_of(2) { 1.0 } else { -1.0 };
        let draw = |step: u64| sign * keyed.normal(path / 2 * STEPS + step);
        let drift = self.drift() + self.uncertainty * draw(0);
        let mut walked = 0.0;
        for month in 0..months {
            if month > 0 {
                walked += draw(month as u64);
            }
            let log = drift * month as f64 + self.volatility * walked;
            factors.push(log.exp() * self.season_in(month));
        }
    }
}
