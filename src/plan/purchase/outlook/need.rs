//! What the busiest minute, or day, of each month needs.

use super::{Exhaustion, QuotaOutlook, QuotaUnit};
use crate::domain::{QuotaRules, Semantics};
use crate::plan::purchase::demand::{Demand, HOURS_OF_WEEK, WorkloadDemand};
use crate::rng::Keyed;
use crate::scenario::HorizonSpec;
use crate::stats::growth::largest_normal;
use crate::stats::quantile::interpolated;

const HOUR_S: f64 = 3600.0;
const DAY_HOURS: usize = 24;
/// Minutes of the peak hour of a week that a month of 730 hours has: 60·730/168.
const PEAK_MINUTES: f64 = 60.0 * 730.0 / 168.0;
/// The share of paths that a need has to hold for.
const CAUTIOUS: f64 = 0.95;
/// The chance of passing a limit from which more of it is asked for.
const ACCEPTED: f64 = 0.05;
/// The scatter of hours is the same for all seeds: it is independent of the paths, which have the plan's seed.
const SCATTER_SEED: u64 = 1;
/// More months than a plan has.
const STEPS: u64 = 1024;

/// The demand on one counter.
pub(super) struct Load<'a> {
    /// The demand of all workloads.
    pub demand: &'a Demand,
    /// The workloads of the counter, as places in the demand.
    pub workloads: &'a [usize],
    /// How the hours of each workload scatter about those of its typical week.
    pub scatter: &'a [f64],
    /// How quotas are enforced.
    pub rules: QuotaRules,
    /// Quota tokens per output token.
    pub burndown: u64,
}

/// The need of one month, in the unit of the quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonthNeed {
    /// Half of the paths need no more.
    pub p50: f64,
    /// 95 % of the paths need no more.
    pub p95: f64,
    /// What of the need at p95 settles; the rest is held by reservations.
    pub settled_p95: f64,
    /// Tokens that are billed in the same minute or day; 0 for requests.
    pub billed_p95: f64,
    /// The share of paths on which the need is above the limit.
    pub above: f64,
    /// The factors of the need at p95.
    pub factors: Factors,
}

/// What the need at p95 is the product of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Mean use of a typical week, at the level of the first month.
    pub mean: f64,
    /// The peak hour (for tokens per day: the peak day) over the mean.
    pub peak: f64,
    /// Growth since the first month at p95, the scatter of hours inside.
    pub growth: f64,
    /// Growth since the first month on half of the paths.
    pub growth_p50: f64,
    /// The busiest minute over its hour; 1 for tokens per day.
    pub burst: f64,
}

/// One quota's use by workload: weights per request, and the slots of a week in which it is counted.
pub(super) struct Counted<'a> {
    load: &'a Load<'a>,
    unit: QuotaUnit,
    /// What a request counts, settles and is billed, by workload of the counter.
    weights: Vec<[f64; 3]>,
    /// Requests per minute (or day) of each slot of a week, by workload of the counter.
    slots: Vec<Vec<f64>>,
    /// The peak slot while all workloads stand as in the first month.
    top: Option<usize>,
}

impl<'a> Counted<'a> {
    pub fn new(load: &'a Load<'a>, unit: QuotaUnit) -> Self {
        let each = || load.workloads.iter().map(|&i| &load.demand.workloads[i]);
        let slots = each().map(|workload| {
            let week = workload.week.iter();
            match unit {
                QuotaUnit::Tpd => {
                    let hours: Vec<f64> = week.copied().collect();
                    hours
                        .chunks(DAY_HOURS)
                        .map(|day| day.iter().sum())
                        .collect()
                }
                _ => week.map(|hour| hour * 60.0 / HOUR_S).collect(),
            }
        });
        let mut counted = Self {
            load,
            unit,
            top: None,
            weights: each()
                .map(|workload| weights(load, unit, workload))
                .collect(),
            slots: slots.collect(),
        };
        let start = counted.peak(&vec![1.0; load.workloads.len()]);
        counted.top = Some(start.slot);
        counted
    }

    /// The mean use of a typical week.
    pub fn mean(&self) -> f64 {
        self.mean_of(0)
    }

    /// The mean of what counts (0), settles (1) or is billed (2).
    pub fn mean_of(&self, class: usize) -> f64 {
        let each = self.slots.iter().zip(&self.weights);
        each.map(|(slots, weights)| {
            weights[class] * slots.iter().sum::<f64>() / slots.len().max(1) as f64
        })
        .sum()
    }

    /// The quota over the months.
    pub fn outlook(&self, limit: f64, code: Option<String>, horizon: &HorizonSpec) -> QuotaOutlook {
        let paths = &self.load.demand.paths;
        let start = self.peak(&vec![1.0; self.slots.len()]);
        let mut months = Vec::with_capacity(paths.months);
        let mut first_above: Vec<Option<usize>> = vec![None; paths.paths];
        for month in 0..paths.months {
            let peaks: Vec<Peak> = (0..paths.paths)
                .map(|path| self.peak(&self.factors(path, month)))
                .collect();
            for (first, peak) in first_above.iter_mut().zip(&peaks) {
                if peak.need() > limit {
                    first.get_or_insert(month);
                }
            }
            months.push(self.month(&peaks, &start, limit));
        }
        let exhaustion = Exhaustion::new(&first_above, horizon);
        let most = months.iter().map(|month| month.p95).fold(0.0, f64::max);
        let passes = months.iter().any(|month| month.above > ACCEPTED);
        QuotaOutlook {
            unit: self.unit,
            limit,
            code,
            mean: self.mean(),
            months,
            exhaustion,
            ask: (passes || most > limit).then(|| rounded_up(most)),
        }
    }

    /// The levels of the workloads on a path in a month, the scatter of their hours inside.
    fn factors(&self, path: usize, month: usize) -> Vec<f64> {
        let Load {
            demand,
            workloads,
            scatter,
            ..
        } = *self.load;
        let level = |&i: &usize| {
            let cv = scatter.get(i).copied().unwrap_or(0.0);
            let factor = demand.paths.factor(i, path, month);
            if cv <= 0.0 {
                return factor;
            }
            let keyed = Keyed::new(
                SCATTER_SEED,
                &format!("plan/hour/{}", demand.workloads[i].name),
            );
            factor * (1.0 + cv * keyed.normal(path as u64 * STEPS + month as u64)).max(0.0)
        };
        workloads.iter().map(level).collect()
    }

    /// The peak slot of a week with the workloads at these levels.
    fn peak(&self, levels: &[f64]) -> Peak {
        let slots = self.slots.first().map_or(0, Vec::len);
        let use_in = |slot: usize, class: usize| {
            let each = self.slots.iter().zip(&self.weights).zip(levels);
            each.map(|((slots, weights), level)| level * slots[slot] * weights[class])
                .sum::<f64>()
        };
        if slots == 0 {
            return Peak::default();
        }
        // Workloads that grow alike have their peak where it was.
        let alike = levels
            .iter()
            .all(|level| level.to_bits() == levels[0].to_bits());
        let at = match self.top {
            Some(top) if alike => top,
            _ => top_of(slots, |slot| use_in(slot, 0)),
        };
        let most = use_in(at, 0);
        Peak {
            slot: at,
            counted: most,
            settled: use_in(at, 1),
            billed: use_in(at, 2),
            burst: self.burst(at, levels, most),
        }
    }

    /// The busiest minute over its hour: 1 + z·cv.
    ///
    /// Use of a workload scatters by its own coefficient of variation at the mean rate, which shrinks with the square
    /// root of the rate; the variances of workloads add up.
    fn burst(&self, slot: usize, levels: &[f64], most: f64) -> f64 {
        if self.unit == QuotaUnit::Tpd || most <= 0.0 {
            return 1.0;
        }
        let mut variance = 0.0;
        for (place, &i) in self.load.workloads.iter().enumerate() {
            let workload = &self.load.demand.workloads[i];
            let hour = self.load.scatter.get(i).copied().unwrap_or(0.0);
            let cv2 = (workload.minute_cv * workload.minute_cv - hour * hour).max(0.0);
            let mean = self.slots[place].iter().sum::<f64>() / HOURS_OF_WEEK as f64;
            let rate = levels[place] * self.slots[place][slot];
            variance += self.weights[place][0].powi(2) * cv2 * mean * rate;
        }
        1.0 + largest_normal(PEAK_MINUTES) * variance.sqrt() / most
    }

    fn month(&self, peaks: &[Peak], start: &Peak, limit: f64) -> MonthNeed {
        let quantile = |value: &dyn Fn(&Peak) -> f64, share: f64| {
            let mut sorted: Vec<f64> = peaks.iter().map(value).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            interpolated(&sorted, share).unwrap_or(0.0)
        };
        let need = |share| quantile(&Peak::need, share);
        let level = |share| quantile(&|peak| peak.counted, share);
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
        let mean = self.mean();
        let above = peaks.iter().filter(|peak| peak.need() > limit).count();
        MonthNeed {
            p50: need(0.5),
            p95: need(CAUTIOUS),
            settled_p95: quantile(&|peak| peak.settled * peak.burst, CAUTIOUS),
            billed_p95: quantile(&|peak| peak.billed * peak.burst, CAUTIOUS),
            above: above as f64 / peaks.len().max(1) as f64,
            factors: Factors {
                mean,
                peak: ratio(start.counted, mean),
                growth: ratio(level(CAUTIOUS), start.counted),
                growth_p50: ratio(level(0.5), start.counted),
                burst: ratio(need(CAUTIOUS), level(CAUTIOUS)),
            },
        }
    }
}

/// Use in the peak slot of a week.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    slot: usize,
    counted: f64,
    settled: f64,
    billed: f64,
    burst: f64,
}

impl Peak {
    /// Use in the busiest minute.
    fn need(&self) -> f64 {
        self.counted * self.burst
    }
}

/// The first of the slots with the most use.
fn top_of(slots: usize, used: impl Fn(usize) -> f64) -> usize {
    let mut top = (0, f64::NEG_INFINITY);
    for slot in 0..slots {
        let used = used(slot);
        if used > top.1 {
            top = (slot, used);
        }
    }
    top.0
}

/// What a request of a workload counts, settles and is billed, where a minute has one.
fn weights(load: &Load<'_>, unit: QuotaUnit, workload: &WorkloadDemand) -> [f64; 3] {
    let call = &workload.call;
    let billed = call.input + call.cache_write + call.cache_read + call.output;
    // Held for L seconds of each minute; beyond a minute, several are held at once.
    let minutes = call.held.as_secs_f64() / 60.0;
    let held = match load.rules.semantics {
        Semantics::A => 0.0,
        Semantics::B => minutes * call.reserved,
        Semantics::C => minutes * (call.reserved - call.settled).max(0.0),
    };
    match unit {
        QuotaUnit::Tpm => [call.settled + held, call.settled, billed],
        QuotaUnit::Rpm => [1.0, 1.0, 0.0],
        QuotaUnit::Tpd => [call.settled, call.settled, billed],
        QuotaUnit::OutputTpm => [call.output, call.output, call.output],
    }
}

/// A limit to ask for: two digits, rounded up.
pub(super) fn rounded_up(need: f64) -> f64 {
    if need <= 0.0 {
        return 0.0;
    }
    let step = 10f64.powi((need.log10().floor() as i32 - 1).max(0));
    // A need that is round already is not raised by a rounding error.
    (need / step - 1e-9).ceil() * step
}
