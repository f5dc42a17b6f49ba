//! `plan.start`, `plan.months`, `plan.paths`, `plan.lead_time`.

use crate::config::{Section, unit, whole};
use crate::units::Micros;

/// From when, for how long, and with how many paths of demand a plan is made.
#[derive(Clone, Debug, PartialEq)]
pub struct HorizonSpec {
    /// Months that are planned, each of 730 hours.
    pub months: u32,
    /// Paths of demand that are drawn.
    pub paths: u32,
    /// From a request for more quota until it is granted.
    pub lead_time: Micros,
}

impl Default for HorizonSpec {
    fn default() -> Self {
        Self {
            months: 12,
            paths: 1000,
            lead_time: Micros::from_secs(14 * 86_400),
        }
    }
}

/// Reads the keys of `[plan]` about time.
pub(super) fn horizon(s: &mut Section<'_>) -> Option<HorizonSpec> {
    let months = s.or("months", whole(1..=60), 12);
    let paths = s.or("paths", whole(1..=100_000), 1000);
    let lead_time = s.or("lead_time", unit::<Micros>(), "14d");
    Some(HorizonSpec {
        months: months?,
        paths: paths?,
        lead_time: lead_time?,
    })
}
