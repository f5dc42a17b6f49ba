//! Demand as a document.

use super::{Demand, HOURS_OF_WEEK, PathGrowth, WorkloadDemand};
use crate::cost::capacity::HOURS_PER_MONTH;
use crate::results::plan::{
    CallSummary, DemandMonthSummary, DemandSummary, GrowthSummary, WorkloadDemandSummary,
};
use crate::scenario::{HorizonSpec, PlanSpec};
use crate::stats::quantile::interpolated;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The name of a month of a plan, such as `2027-01`, where the plan has a first one.
pub(in crate::plan::purchase) fn month_label(
    horizon: &HorizonSpec,
    month: usize,
) -> Option<String> {
    horizon
        .start
        .map(|start| start.plus(month as u32).to_string())
}

impl Demand {
    /// What it says, as part of a document; `plan` is the one that it was made from.
    pub fn summary(&self, plan: &PlanSpec) -> DemandSummary {
        let workloads = self.workloads.iter();
        let months = 0..self.paths.months;
        DemandSummary {
            workloads: workloads.map(|one| one.summary(plan)).collect(),
            paths: self.paths.paths as u32,
            months: months.map(|month| self.month(plan, month)).collect(),
            notes: self.notes.clone(),
            warnings: self.warnings.clone(),
        }
    }

    fn month(&self, plan: &PlanSpec, month: usize) -> DemandMonthSummary {
        let volumes: Vec<f64> = self
            .workloads
            .iter()
            .map(WorkloadDemand::per_month)
            .collect();
        let paths = self.paths.paths;
        let mut requests: Vec<f64> = (0..paths)
            .map(|path| {
                let each = volumes.iter().enumerate();
                each.map(|(i, volume)| volume * self.paths.factor(i, path, month))
                    .sum()
            })
            .collect();
        let mean = requests.iter().sum::<f64>() / paths.max(1) as f64;
        requests.sort_unstable_by(f64::total_cmp);
        let at = |share| interpolated(&requests, share).unwrap_or(0.0);
        DemandMonthSummary {
            month: month as u32 + 1,
            label: month_label(&plan.horizon, month),
            requests_mean: mean,
            requests_p10: at(0.1),
            requests_p50: at(0.5),
            requests_p90: at(0.9),
        }
    }
}

impl WorkloadDemand {
    /// Requests in a month of 730 hours, at the level of the first month.
    pub fn per_month(&self) -> f64 {
        self.week.iter().sum::<f64>() / HOURS_OF_WEEK as f64 * f64::from(HOURS_PER_MONTH)
    }

    fn summary(&self, plan: &PlanSpec) -> WorkloadDemandSummary {
        let total = self.week.iter().sum::<f64>();
        let mean = total / HOURS_OF_WEEK as f64;
        let mut peak = 0;
        for (hour, requests) in self.week.iter().enumerate() {
            if *requests > self.week[peak] {
                peak = hour;
            }
        }
        let peak_requests = self.week.get(peak).copied().unwrap_or(0.0);
        let growth = PathGrowth::of(plan, &self.name);
        let call = &self.call;
        let dollars = |usd: Option<crate::units::Usd>| usd.map(crate::units::Usd::dollars);
        WorkloadDemandSummary {
            name: self.name.clone(),
            model: self.model.clone(),
            scope: self.scope.to_string(),
            is_batch: self.is_batch,
            deferrable_s: self.deferrable.map(crate::units::Micros::as_secs_f64),
            requests_per_month: self.per_month(),
            mean_rps: mean / 3600.0,
            peak_rps: peak_requests / 3600.0,
            peak_hour: (peak_requests > 1.001 * mean)
                .then(|| format!("{} {:02}:00", DAYS[peak / 24 % 7], peak % 24)),
            peak_to_mean: (mean > 0.0).then(|| peak_requests / mean),
            minute_cv: self.minute_cv,
            week_requests: self.week.clone(),
            growth: GrowthSummary {
                is_own: growth.own.is_some(),
                per_month: growth.spec.per_month,
                volatility: growth.spec.volatility,
                uncertainty: growth.spec.uncertainty,
                season: growth.spec.season,
            },
            call: CallSummary {
                input_tokens: call.input,
                cache_write_tokens: call.cache_write,
                cache_read_tokens: call.cache_read,
                output_tokens: call.output,
                reserved_tokens: call.reserved,
                settled_tokens: call.settled,
                held_s: call.held.as_secs_f64(),
                on_demand_usd: dollars(call.on_demand),
                batch_usd: dollars(call.batch),
            },
        }
    }
}
