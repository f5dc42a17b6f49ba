//! What is fitted apart: model, Region, tier and time of day, where there is enough of each.

use super::sample::{Sample, Samples};
use std::collections::BTreeMap;
use std::fmt;

/// A Region and tier is fitted apart from so many rows on.
const LEAST_APART: usize = 100;
/// A part of the day from so many on.
const LEAST_HOURS: usize = 200;

/// A quarter of the day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HourClass {
    /// 00:00 to 06:00.
    Night,
    /// 06:00 to 12:00.
    Morning,
    /// 12:00 to 18:00.
    Afternoon,
    /// 18:00 to 24:00.
    Evening,
}

impl HourClass {
    /// The class of a moment, microseconds since 1970.
    pub fn of(unix_us: i64) -> Self {
        match unix_us.div_euclid(3_600_000_000).rem_euclid(24) {
            0..6 => Self::Night,
            6..12 => Self::Morning,
            12..18 => Self::Afternoon,
            _ => Self::Evening,
        }
    }
}

impl fmt::Display for HourClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Night => "night",
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
        })
    }
}

/// Rows that are fitted together.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The model as the source names it.
    pub model: String,
    /// The Region or prefix, where it is fitted apart.
    pub region: Option<String>,
    /// The tier, where it is fitted apart.
    pub tier: Option<String>,
    /// The part of the day, where it is fitted apart.
    pub hours: Option<HourClass>,
    /// The rows in order of time.
    pub rows: Vec<&'a Sample>,
}

/// All rows of each model, and below them those of Regions, tiers and parts of the day that have enough
/// rows of their own.
///
/// `name` is the name under which rows count as one model, such as that of its profile.
pub fn groups(samples: &Samples, name: impl Fn(&str) -> String) -> Vec<Group<'_>> {
    let mut models: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
    for row in &samples.rows {
        models.entry(name(&row.model)).or_default().push(row);
    }
    let timed = samples.is_timed();
    let mut all = Vec::new();
    for (model, mut rows) in models {
        if timed {
            rows.sort_by_key(|row| row.at_us);
        }
        let mut places: BTreeMap<(&str, &str), Vec<&Sample>> = BTreeMap::new();
        let mut hours: BTreeMap<HourClass, Vec<&Sample>> = BTreeMap::new();
        for &row in &rows {
            let place = (row.region.as_str(), row.tier.as_str());
            places.entry(place).or_default().push(row);
            if let Some(at) = row.at_us.filter(|_| samples.dated && timed) {
                hours.entry(HourClass::of(at)).or_default().push(row);
            }
        }
        let group = |region: Option<&str>, tier: Option<&str>, hours, rows| Group {
            model: model.clone(),
            region: region.map(str::to_owned),
            tier: tier.map(str::to_owned),
            hours,
            rows,
        };
        let (one_place, one_class) = (places.len() < 2, hours.len() < 2);
        all.push(group(None, None, None, rows));
        let places = places.into_iter().filter(|_| !one_place);
        for ((region, tier), rows) in places.filter(|(_, rows)| rows.len() >= LEAST_APART) {
            all.push(group(Some(region), Some(tier), None, rows));
        }
        let hours = hours.into_iter().filter(|_| !one_class);
        for (class, rows) in hours.filter(|(_, rows)| rows.len() >= LEAST_HOURS) {
            all.push(group(None, None, Some(class), rows));
        }
    }
    all
}
