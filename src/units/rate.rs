//! Rates: requests per second, and the per-minute and per-day limits of quotas.

use super::tokens::write_short;
use std::fmt;

/// Requests (or arrivals) per second; finite and not negative where parsed from input.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct PerSecond(pub f64);

/// A tokens-per-minute (TPM) limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokensPerMinute(pub u64);

/// A requests-per-minute (RPM) limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestsPerMinute(pub u64);

/// A tokens-per-day (TPD) limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokensPerDay(pub u64);

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for TokensPerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_short(f, self.0)?;
        write!(f, " tokens/min")
    }
}

impl fmt::Display for RequestsPerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_short(f, self.0)?;
        write!(f, " requests/min")
    }
}

impl fmt::Display for TokensPerDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_short(f, self.0)?;
        write!(f, " tokens/day")
    }
}
