//! A span ([`Micros`]) and an instant ([`Moment`]), both in whole microseconds.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A span of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// An instant, in microseconds since the run began.
///
/// It has no relation to the wall clock; a shell decides what zero means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span, used for "never".
    pub const MAX: Self = Self(u64::MAX);
    /// One second.
    pub const SECOND: Self = Self(1_000_000);
    /// One minute, the window of Bedrock's TPM and RPM quotas.
    pub const MINUTE: Self = Self(60_000_000);
    /// One hour, the largest latency that a histogram holds.
    pub const HOUR: Self = Self(3_600_000_000);
    /// One day, the window of Bedrock's TPD quotas.
    pub const DAY: Self = Self(86_400_000_000);
    /// The accounting month of 730 hours that AWS prices use.
    pub const MONTH: Self = Self(730 * 3_600_000_000);

    /// A span of `seconds`, rounded to the nearest microsecond.
    ///
    /// Negative and NaN give zero; values beyond the range saturate.
    pub fn from_secs_f64(seconds: f64) -> Self {
        // A float-to-integer cast saturates and maps NaN to zero.
        Self((seconds * 1e6).round() as u64)
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1000)
    }

    /// A span of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The span in milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// The sum, or the longest span if it does not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Moment {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// An instant that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The span from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the start of the run.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Micros> for Moment {
    type Output = Self;
    /// Saturates at [`Moment::NEVER`].
    fn add(self, span: Micros) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Micros {
    type Output = Self;
    /// Saturates at [`Micros::MAX`].
    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = self.saturating_add(other);
    }
}

impl Sub for Micros {
    type Output = Self;
    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Micros {
    /// The largest unit that keeps the figure readable: `1h`, `2.5s`, `250ms`, `40us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
        ];
        for (size, unit) in UNITS {
            if self.0 >= size {
                return if self.0.is_multiple_of(size) {
                    write!(f, "{}{unit}", self.0 / size)
                } else if size > 1_000_000 {
                    // A mixed span reads better in the next smaller unit.
                    continue;
                } else {
                    let text = format!("{:.3}", self.0 as f64 / size as f64);
                    write!(
                        f,
                        "{}{unit}",
                        text.trim_end_matches('0').trim_end_matches('.')
                    )
                };
            }
        }
        write!(f, "{}us", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_in_the_unit_a_reader_expects() {
        let check = |micros: u64, text: &str| assert_eq!(Micros(micros).to_string(), text);
        check(0, "0us");
        check(40, "40us");
        check(250_000, "250ms");
        check(2_500_000, "2.5s");
        check(90_000_000, "90s");
        check(3_600_000_000, "1h");
        check(604_800_000_000, "7d");
    }

    #[test]
    fn odd_floats_become_spans_without_panicking() {
        assert_eq!(Micros::from_secs_f64(f64::NAN), Micros::ZERO);
        assert_eq!(Micros::from_secs_f64(-1.0), Micros::ZERO);
        assert_eq!(Micros::from_secs_f64(f64::INFINITY), Micros::MAX);
    }
}
