//! `plan.start`, `plan.months`, `plan.paths`, `plan.lead_time`.

use crate::config::{Section, text, unit, whole};
use crate::units::{Micros, Month};

/// From when, for how long, and with how many paths of demand a plan is made.
#[derive(Clone, Debug, PartialEq)]
pub struct HorizonSpec {
    /// The first month, where the scenario names it; otherwise months have numbers.
    pub start: Option<Month>,
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
            start: None,
            months: 12,
            paths: 1000,
            lead_time: Micros::from_secs(14 * 86_400),
        }
    }
}

/// Reads the keys of `[plan]` about time.
pub(super) fn horizon(s: &mut Section<'_>) -> Option<HorizonSpec> {
    let start = s.optional("start", text());
    // One that is wrong has been reported.
    let start = start.and_then(|text| month(s, &text));
    let months = s.or("months", whole(1..=60), 12);
    let paths = s.or("paths", whole(1..=100_000), 1000);
    let lead_time = s.or("lead_time", unit::<Micros>(), "14d");
    Some(HorizonSpec {
        start,
        months: months?,
        paths: paths?,
        lead_time: lead_time?,
    })
}

/// The month of `text`; says why if it is none.
fn month(s: &Section<'_>, text: &str) -> Option<Month> {
    let month = Month::parse(text);
    if month.is_none() {
        s.report(
            "start",
            "`start` is not a month",
            "cannot be read",
            "write the year and the month, such as `\"2027-01\"`",
        );
    }
    month
}
