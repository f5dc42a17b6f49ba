//! Texts with units as users write them: `"250ms"`, `"12/s"`, `"2M"`, `"$40"`.

use super::{Micros, PerSecond, Usd};
use thiserror::Error;

/// Why a text with a unit was refused. Each message is a fragment that fits after the value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseUnitError {
    /// There is no number at the start.
    #[error("has no number in front of the unit")]
    NoNumber,
    /// The unit is missing.
    #[error("has no unit")]
    NoUnit,
    /// The unit is not one that this quantity has.
    #[error("has the unknown unit `{0}`")]
    UnknownUnit(String),
    /// The number is below zero.
    #[error("is negative")]
    Negative,
    /// The number is infinite, NaN or beyond the range of the quantity.
    #[error("is out of range")]
    OutOfRange,
    /// A count of tokens or requests is not whole.
    #[error("is not a whole number")]
    NotWhole,
}

/// Reads one kind of quantity from its text.
pub trait UnitText: Sized {
    /// Two or three valid spellings, for help texts.
    const EXAMPLES: &'static str;

    /// Reads `text`.
    ///
    /// # Errors
    /// [`ParseUnitError`] says what is wrong with the text.
    fn parse_unit(text: &str) -> Result<Self, ParseUnitError>;
}

/// Splits `"2.5s"` into `2.5` and `"s"`.
fn split(text: &str) -> Result<(f64, &str), ParseUnitError> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(i, c)| {
            !(c.is_ascii_digit()
                || matches!(c, '.' | '_')
                || (i == 0 && matches!(c, '-' | '+'))
                || (matches!(c, 'e' | 'E') && is_exponent(&text[i + 1..])))
        })
        .map_or(text.len(), |(i, _)| i);
    let digits = text[..end].replace('_', "");
    let value: f64 = digits.parse().map_err(|_| ParseUnitError::NoNumber)?;
    if value < 0.0 {
        return Err(ParseUnitError::Negative);
    }
    if !value.is_finite() {
        return Err(ParseUnitError::OutOfRange);
    }
    Ok((value, text[end..].trim()))
}

/// Whether what follows an `e` is an exponent; only plain digits count, so `1e6` is a number.
fn is_exponent(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Whole counts with a decimal suffix: `"2M"`, `"300k"`, `"64000"`.
pub(super) fn parse_count(text: &str) -> Result<u64, ParseUnitError> {
    let (value, suffix) = split(text)?;
    let scale = match suffix {
        "" => 1.0,
        "k" | "K" => 1e3,
        "m" | "M" => 1e6,
        "g" | "G" | "b" | "B" => 1e9,
        other => return Err(ParseUnitError::UnknownUnit(other.to_owned())),
    };
    let count = value * scale;
    if count > 9e15 {
        return Err(ParseUnitError::OutOfRange);
    }
    // 2.3 * 1e6 is off by a rounding error, not by a part of a token.
    if (count - count.round()).abs() > 1e-6 * count.max(1.0) {
        return Err(ParseUnitError::NotWhole);
    }
    Ok(count.round() as u64)
}

impl UnitText for Micros {
    const EXAMPLES: &'static str = "`\"250ms\"`, `\"2.5s\"`, `\"1h30m\"`";

    /// Reads one or more numbers with units, each `us`, `ms`, `s`, `m`, `h`, `d` or `w`.
    fn parse_unit(text: &str) -> Result<Self, ParseUnitError> {
        let mut rest = text.trim();
        let mut total = 0.0;
        loop {
            let (value, tail) = split(rest)?;
            let end = tail
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(tail.len());
            let scale = match &tail[..end] {
                "us" | "µs" | "μs" => 1.0,
                "ms" => 1e3,
                "s" | "sec" => 1e6,
                "m" | "min" => 60e6,
                "h" => 3600e6,
                "d" => 86_400e6,
                "w" => 604_800e6,
                "" => return Err(ParseUnitError::NoUnit),
                other => return Err(ParseUnitError::UnknownUnit(other.to_owned())),
            };
            total += value * scale;
            rest = tail[end..].trim();
            if rest.is_empty() {
                break;
            }
        }
        // A century is more than any run needs and keeps sums far from overflow.
        if total > 3.2e15 {
            return Err(ParseUnitError::OutOfRange);
        }
        Ok(Self(total.round() as u64))
    }
}

impl UnitText for PerSecond {
    const EXAMPLES: &'static str = "`\"12/s\"`, `\"300/min\"`, `\"2000/h\"`";

    fn parse_unit(text: &str) -> Result<Self, ParseUnitError> {
        let (value, unit) = split(text)?;
        let per_second = match unit {
            "/s" | "rps" | "/sec" => value,
            "/m" | "/min" | "rpm" => value / 60.0,
            "/h" => value / 3600.0,
            "/d" | "/day" => value / 86_400.0,
            "" => return Err(ParseUnitError::NoUnit),
            other => return Err(ParseUnitError::UnknownUnit(other.to_owned())),
        };
        // Beyond one arrival per microsecond the clock cannot tell arrivals apart.
        if per_second > 1e6 {
            return Err(ParseUnitError::OutOfRange);
        }
        Ok(Self(per_second))
    }
}

impl UnitText for Usd {
    const EXAMPLES: &'static str = "`\"$40\"`, `\"$0.25\"`";

    fn parse_unit(text: &str) -> Result<Self, ParseUnitError> {
        let amount = text
            .trim()
            .strip_prefix('$')
            .ok_or(ParseUnitError::NoUnit)?;
        let (value, unit) =
            split(&amount.replace(',', "")).map(|(value, unit)| (value, unit.to_owned()))?;
        let scale = match unit.as_str() {
            "" => 1.0,
            "k" | "K" => 1e3,
            "M" => 1e6,
            _ => return Err(ParseUnitError::UnknownUnit(unit)),
        };
        if value * scale > 1e12 {
            return Err(ParseUnitError::OutOfRange);
        }
        Ok(Self::from_dollars(value * scale))
    }
}

macro_rules! count_text {
    ($($type:ty),*) => {$(
        impl UnitText for $type {
            const EXAMPLES: &'static str = "`2000000`, `\"2M\"`, `\"300k\"`";

            fn parse_unit(text: &str) -> Result<Self, ParseUnitError> {
                parse_count(text).map(Self)
            }
        }
    )*};
}
count_text!(
    super::Tokens,
    super::TokensPerMinute,
    super::RequestsPerMinute,
    super::TokensPerDay
);

#[cfg(test)]
mod tests {
    use super::super::{Tokens, TokensPerMinute};
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let check = |text: &str, want: Result<u64, ParseUnitError>| {
            assert_eq!(Micros::parse_unit(text).map(|m| m.0), want, "{text}");
        };
        check("250ms", Ok(250_000));
        check("2.5s", Ok(2_500_000));
        check("1h30m", Ok(5_400_000_000));
        check("1h 30m", Ok(5_400_000_000));
        check("90", Err(ParseUnitError::NoUnit));
        check("soon", Err(ParseUnitError::NoNumber));
        check("-3s", Err(ParseUnitError::Negative));
        check(
            "3 parsecs",
            Err(ParseUnitError::UnknownUnit("parsecs".into())),
        );
        check("1e30h", Err(ParseUnitError::OutOfRange));
        check("", Err(ParseUnitError::NoNumber));
    }

    #[test]
    fn rates_and_counts_and_dollars() {
        assert_eq!(PerSecond::parse_unit("12/s"), Ok(PerSecond(12.0)));
        assert_eq!(PerSecond::parse_unit("300/min"), Ok(PerSecond(5.0)));
        assert_eq!(PerSecond::parse_unit("12"), Err(ParseUnitError::NoUnit));
        assert_eq!(
            PerSecond::parse_unit("10 GB/s").unwrap_err(),
            ParseUnitError::UnknownUnit("GB/s".into())
        );
        assert_eq!(
            PerSecond::parse_unit("NaN/s"),
            Err(ParseUnitError::NoNumber)
        );
        assert_eq!(
            PerSecond::parse_unit("1e9/s"),
            Err(ParseUnitError::OutOfRange)
        );
        assert_eq!(
            TokensPerMinute::parse_unit("2.3M"),
            Ok(TokensPerMinute(2_300_000))
        );
        assert_eq!(Tokens::parse_unit("0.5"), Err(ParseUnitError::NotWhole));
        assert_eq!(Tokens::parse_unit("1e6"), Ok(Tokens(1_000_000)));
        assert_eq!(Usd::parse_unit("$40"), Ok(Usd::from_dollars(40.0)));
        assert_eq!(Usd::parse_unit("$1,250.50"), Ok(Usd::from_dollars(1250.5)));
        assert_eq!(Usd::parse_unit("40"), Err(ParseUnitError::NoUnit));
    }
}
