//! When a quota is used up, and by when to ask for more.

use crate::scenario::HorizonSpec;
use crate::units::{Date, Micros};

/// The month in which a quota is first not enough, over the paths of demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhaustion {
    /// A tenth of the paths have passed it by this month, counted from 0; `None` is not within the plan.
    pub p10: Option<usize>,
    /// Half of them.
    pub p50: Option<usize>,
    /// Nine in ten.
    pub p90: Option<usize>,
    /// The share of paths that do not pass it within the plan.
    pub never: f64,
    /// The share of paths on which each month is the first.
    pub first_in: Vec<f64>,
    /// The last day to ask for more; `None` if a tenth of the paths do not pass it within the plan.
    pub ask_by: Option<SafeDate>,
}

/// The last day on which a request is safe: the beginning of the p10 month less the lead time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SafeDate {
    /// Days after the beginning of the plan; negative if that day is over by then.
    pub in_days: i64,
    /// The day itself, where the plan has a first month.
    pub date: Option<Date>,
}

impl Exhaustion {
    /// From the first month of each path in which the need was above the limit.
    pub(super) fn new(first_above: &[Option<usize>], horizon: &HorizonSpec) -> Self {
        let months = horizon.months as usize;
        let paths = first_above.len().max(1) as f64;
        let mut counts = vec![0usize; months];
        for month in first_above.iter().flatten() {
            if let Some(count) = counts.get_mut(*month) {
                *count += 1;
            }
        }
        let by = |share: f64| {
            let wanted = share * paths;
            let mut passed = 0;
            counts.iter().position(|count| {
                passed += count;
                passed > 0 && passed as f64 >= wanted
            })
        };
        let p10 = by(0.1);
        Self {
            p10,
            p50: by(0.5),
            p90: by(0.9),
            never: first_above.iter().filter(|first| first.is_none()).count() as f64 / paths,
            first_in: counts.iter().map(|count| *count as f64 / paths).collect(),
            ask_by: p10.map(|month| SafeDate::before(month, horizon)),
        }
    }
}

impl SafeDate {
    fn before(month: usize, horizon: &HorizonSpec) -> Self {
        let lead = horizon.lead_time.0.div_ceil(Micros::DAY.0) as i64;
        let Some(start) = horizon.start else {
            let begins = month as u64 * Micros::MONTH.0 / Micros::DAY.0;
            return Self {
                in_days: begins as i64 - lead,
                date: None,
            };
        };
        let date = start.plus(month as u32).first_day().plus_days(-lead);
        Self {
            in_days: date.days_since(start.first_day()),
            date: Some(date),
        }
    }

    /// Whether it is over when the plan begins.
    pub fn is_past(&self) -> bool {
        self.in_days < 0
    }
}
