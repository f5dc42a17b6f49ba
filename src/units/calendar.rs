//! Dates and months of the Gregorian calendar, without a time zone and without a clock.
//!
//! Algorithms: Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil` and
//! `civil_from_days`.

use std::fmt;

/// A month of a year, such as `2027-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    /// From 1 to 12.
    month: u32,
}

/// A day of the calendar, such as `2027-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

impl Month {
    /// The month `month` (1 to 12) of a year from 1970 to 9999.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        let known = (1970..=9999).contains(&year) && (1..=12).contains(&month);
        known.then_some(Self { year, month })
    }

    /// Reads `2027-01`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits =
            |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?)
    }

    /// The month that comes `months` later.
    #[must_use]
    pub fn plus(self, months: u32) -> Self {
        let count = i64::from(self.year) * 12 + i64::from(self.month) - 1 + i64::from(months);
        Self {
            // A month of a plan is never four billion months away from year 9999.
            year: count.div_euclid(12) as i32,
            month: count.rem_euclid(12) as u32 + 1,
        }
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        Date::new(i64::from(self.year), i64::from(self.month), 1)
    }
}

impl Date {
    fn new(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Self {
            days: era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468,
        }
    }

    /// Reads `2027-01-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.rsplit_once('-')?;
        let month = Month::parse(month)?;
        let day = (day.len() == 2)
            .then(|| day.parse::<u32>().ok())
            .flatten()?;
        let date = Self::new(
            i64::from(month.year),
            i64::from(month.month),
            i64::from(day),
        );
        // A day that the month does not have would be one of the next.
        (date.to_string() == text).then_some(date)
    }

    /// The day that is so many days after 1970-01-01.
    pub fn from_days(days: i64) -> Self {
        Self { days }
    }

    /// The day so many days later, or earlier if negative.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self {
            days: self.days.saturating_add(days),
        }
    }

    /// Whole days from `earlier` to this day; negative if that comes later.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.days - earlier.days
    }

    /// Year, month and day.
    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = (shifted_month + 2) % 12 + 1;
        let year = year + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }
}

impl fmt::Display for Month {
    /// `2027-01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Display for Date {
    /// `2027-01-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        for good in ["1970-01-01", "2024-02-29", "2026-11-22", "9999-12-31"] {
            assert_eq!(Date::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "2026-02-29",
            "2026-04-31",
            "2026-1-1",
            "2026-11-00",
            "2026-11",
            "2026-11-+1",
            "",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
        let day = |text| Date::parse(text).unwrap();
        assert_eq!(day("2026-11-22").days_since(day("2026-10-01")), 52);
    }

    #[test]
    fn months_are_read_added_and_shown() {
        let start = Month::parse("2027-01").unwrap();
        assert_eq!(start.to_string(), "2027-01");
        assert_eq!(start.plus(11).to_string(), "2027-12");
        assert_eq!(start.plus(12).to_string(), "2028-01");
        assert_eq!(start.plus(13).first_day().to_string(), "2028-02-01");
        for bad in [
            "2027-13",
            "2027-00",
            "27-01",
            "2027-1",
            "2027/01",
            "2027-01-01",
            "",
            "+027-01",
        ] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_go_through_leap_years_and_back() {
        let check = |days: i64, text: &str| assert_eq!(Date { days }.to_string(), text);
        check(0, "1970-01-01");
        check(-1, "1969-12-31");
        check(19_782, "2024-02-29");
        check(20_000, "2024-10-04");
        let march = Month::parse("2028-03").unwrap().first_day();
        assert_eq!(march.plus_days(-1).to_string(), "2028-02-29");
        assert_eq!(march.plus_days(-14).to_string(), "2028-02-16");
        assert_eq!(march.days_since(Date { days: 0 }), 21_244);
        for days in (-200_000..200_000).step_by(37) {
            let (year, month, day) = Date { days }.civil();
            assert_eq!(Date::new(year, month, day).days, days);
        }
    }
}
