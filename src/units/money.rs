//! US dollars as integer pico-dollars, so that sums are exact and free of order.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

const PICO_PER_DOLLAR: i128 = 1_000_000_000_000;

/// An amount of US dollars, held in pico-dollars (10⁻¹² USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(pub i128);

/// A token price in pico-dollars per token.
///
/// One dollar per million tokens is 1,000,000 pico-dollars per token, so every
/// published price is a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PicoPerToken(pub u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount nearest to `dollars`. NaN gives zero, infinities saturate.
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * PICO_PER_DOLLAR as f64).round() as i128)
    }

    /// The amount in dollars.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / PICO_PER_DOLLAR as f64
    }

    /// The amount times a factor, rounded to the nearest pico-dollar.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as i128)
    }
}

impl PicoPerToken {
    /// The price nearest to `dollars` per million tokens.
    pub fn from_dollars_per_million(dollars: f64) -> Self {
        Self((dollars * 1e6).round() as u64)
    }

    /// Dollars per million tokens.
    pub fn dollars_per_million(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Mul<u64> for PicoPerToken {
    type Output = Usd;
    /// The price of `tokens` tokens.
    fn mul(self, tokens: u64) -> Usd {
        Usd(i128::from(self.0) * i128::from(tokens))
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Usd {
    /// Dollars with thousands separators; cents below $1,000, more digits below a cent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.dollars();
        let magnitude = dollars.abs();
        let sign = if dollars < 0.0 { "-" } else { "" };
        if magnitude != 0.0 && magnitude < 0.01 {
            return write!(f, "{sign}${magnitude:.6}");
        }
        let decimals = usize::from(magnitude < 1000.0) * 2;
        let text = format!("{magnitude:.decimals$}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        write!(f, "{sign}$")?;
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                write!(f, ",")?;
            }
            write!(f, "{digit}")?;
        }
        if fraction.is_empty() {
            Ok(())
        } else {
            write!(f, ".{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_separators() {
        let check = |dollars: f64, text: &str| {
            assert_eq!(Usd::from_dollars(dollars).to_string(), text);
        };
        check(0.0, "$0.00");
        check(12.344, "$12.34");
        check(8884.8, "$8,885");
        check(1_234_567.0, "$1,234,567");
        check(0.000_325, "$0.000325");
        check(-3.5, "-$3.50");
    }

    #[test]
    fn a_request_is_priced_exactly() {
        // 3,000 input and 400 output tokens at $3 and $15 per million: $0.015.
        let cost = PicoPerToken::from_dollars_per_million(3.0) * 3000
            + PicoPerToken::from_dollars_per_million(15.0) * 400;
        assert_eq!(cost, Usd(15_000_000_000));
    }
}
