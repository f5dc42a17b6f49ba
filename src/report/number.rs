//! Figures as people read them.

use crate::results::report::{Cell, Unit};
use crate::results::{Absence, Percentiles};
use crate::units::Usd;

/// Stands where a figure does not apply.
pub(super) const NONE: &str = "–";

/// A whole number with thousands separators.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A percentage: `0 %`, `0.35 %`, `4.1 %`, `41 %`.
pub(super) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    let decimals = match value {
        0.0 => 0,
        // Never round a small share down to nothing.
        v if v < 1.0 => 2,
        v if v < 10.0 => 1,
        v if v > 99.0 && v < 99.995 => 2,
        _ => 0,
    };
    format!("{value:.decimals$} %")
}

/// Milliseconds in the unit that keeps three digits.
pub(super) fn time(ms: f64) -> String {
    match ms {
        v if v < 10.0 => format!("{v:.1} ms"),
        v if v < 1000.0 => format!("{v:.0} ms"),
        v if v < 10_000.0 => format!("{:.2} s", v / 1000.0),
        v if v < 120_000.0 => format!("{:.1} s", v / 1000.0),
        v => format!("{:.1} min", v / 60_000.0),
    }
}

/// One percentile, or why there is none.
pub(super) fn percentile(of: &Percentiles, name: &str) -> String {
    match of.reading(name) {
        Ok(ms) => time(ms),
        Err(Absence::TooFew) => "too few".into(),
        Err(Absence::Never) => "never".into(),
        Err(Absence::NotApplicable) => NONE.into(),
    }
}

/// Dollars, without cents from a hundred on.
pub(super) fn money(dollars: Option<f64>) -> String {
    let Some(dollars) = dollars else {
        return "unknown".into();
    };
    if dollars.abs() < 100.0 {
        return Usd::from_dollars(dollars).to_string();
    }
    let text = Usd::from_dollars(dollars.round()).to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

pub(super) fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| NONE.into(), show)
}

/// A line of bars, each a share of `largest`.
pub fn sparkline(values: &[f64], largest: f64, width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let in_step = values.len().div_ceil(width.max(1)).max(1);
    let bar = |step: &[f64]| {
        let peak = step.iter().copied().fold(0.0, f64::max);
        let level = if largest > 0.0 { peak / largest } else { 0.0 };
        // Anything above nothing is seen.
        BARS[((level * 7.0).ceil() as usize).min(7)]
    };
    values.chunks(in_step).map(bar).collect()
}

/// A number in its unit, as tables and read-outs show it; the unit's time words are said by heads of columns.
pub(super) fn value(unit: Unit, value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value < 0.0 {
        // A share that rounds to nothing has no sign either.
        let text = self::value(unit, -value);
        let is_zero = !text.chars().any(|c| ('1'..='9').contains(&c));
        return if is_zero { text } else { format!("−{text}") };
    }
    match unit {
        Unit::Number | Unit::Text => plain(value),
        Unit::Count | Unit::Months => grouped(value.round()),
        Unit::Share => percent(value),
        Unit::Millis => time(value),
        Unit::Seconds => clock(value),
        Unit::Hours => format!("{} h", plain(value)),
        Unit::PerSecond => format!("{}/s", plain(value)),
        Unit::Tokens => tokens(value),
        Unit::TokensPerMinute => format!("{}/min", tokens(value)),
        Unit::Usd | Unit::UsdPerMonth if value >= 1e15 => format!("${value:.2e}"),
        Unit::Usd | Unit::UsdPerMonth => money(Some(value)),
    }
}

/// The same in at most three digits or so, for places with little room.
pub(super) fn short(unit: Unit, number: f64) -> String {
    let is_large = number.abs() >= 9_999.5 && number.is_finite();
    match unit {
        Unit::Usd | Unit::UsdPerMonth if is_large => {
            let sign = if number < 0.0 { "−" } else { "" };
            format!("{sign}${}", tokens(number.abs()))
        }
        Unit::Number | Unit::Count if is_large && number > 0.0 => tokens(number),
        _ => value(unit, number),
    }
}

/// A cell of a report's table in the unit of its column.
pub fn cell(unit: Unit, cell: &Cell) -> String {
    match cell {
        Cell::Absent => NONE.to_owned(),
        Cell::Number(number) => value(unit, *number),
        Cell::Text(text) => text.clone(),
    }
}

/// Four significant digits, thousands apart, without zeros at the end.
fn plain(value: f64) -> String {
    if value >= 1000.0 {
        return grouped(value.round());
    }
    let decimals = match value {
        0.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        v if v >= 1.0 => 3,
        v => (3 - v.log10().floor() as i32).clamp(3, 9) as usize,
    };
    trimmed(&format!("{value:.decimals$}"))
}

/// A number with a point in it loses the zeros at its end.
pub(super) fn trimmed(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number of any size with thousands separators.
fn grouped(value: f64) -> String {
    if value < 1e15 {
        return count(value as u64);
    }
    format!("{value:.2e}")
}

/// Tokens in thousands, millions and billions, three digits of them.
fn tokens(value: f64) -> String {
    match value {
        v if v < 9_999.5 => grouped(v.round()),
        v if v < 999_500.0 => format!("{}K", three(v / 1e3)),
        v if v < 999_500_000.0 => format!("{}M", three(v / 1e6)),
        v if v < 1e15 => format!("{}B", three(v / 1e9)),
        v => format!("{v:.2e}"),
    }
}

/// Three digits.
fn three(value: f64) -> String {
    let decimals = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => return grouped(value.round()),
    };
    trimmed(&format!("{value:.decimals$}"))
}

/// Time since the beginning: `45 s`, `1:05 min`, `2:00 h`, `3 d 4:00 h`.
fn clock(seconds: f64) -> String {
    let whole = seconds.round();
    if seconds < 60.0 {
        return format!("{} s", plain(seconds));
    }
    if whole >= 1e12 {
        return format!("{seconds:.2e} s");
    }
    let whole = whole as u64;
    let (days, hours) = (whole / 86_400, whole / 3600 % 24);
    let (minutes, seconds) = (whole / 60 % 60, whole % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02} min"),
        (0, _) if seconds == 0 => format!("{hours}:{minutes:02} h"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02} h"),
        _ => format!("{days} d {hours}:{minutes:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_their_units() {
        let cases = [
            (Unit::Number, 0.0, "0"),
            (Unit::Number, 1.5, "1.5"),
            (Unit::Number, 0.012_345_6, "0.01235"),
            (Unit::Number, 1234.5, "1,235"),
            (Unit::Count, 43_210.0, "43,210"),
            (Unit::Share, 0.0035, "0.35 %"),
            (Unit::Share, -0.25, "−25 %"),
            (Unit::Share, -0.000_001, "0.00 %"),
            (Unit::Millis, 2480.0, "2.48 s"),
            (Unit::Seconds, 45.0, "45 s"),
            (Unit::Seconds, 65.0, "1:05 min"),
            (Unit::Seconds, 7200.0, "2:00 h"),
            (Unit::Seconds, 273_600.0, "3 d 4:00 h"),
            (Unit::Hours, 168.0, "168 h"),
            (Unit::PerSecond, 11.8, "11.8/s"),
            (Unit::Tokens, 9_999.0, "9,999"),
            (Unit::Tokens, 300_000.0, "300K"),
            (Unit::TokensPerMinute, 6_000_000.0, "6M/min"),
            (Unit::TokensPerMinute, 1_234_567.0, "1.23M/min"),
            (Unit::UsdPerMonth, 8884.8, "$8,885"),
            (Unit::Usd, -12.5, "−$12.50"),
            (Unit::Usd, f64::NAN, NONE),
        ];
        for (unit, number, text) in cases {
            assert_eq!(value(unit, number), text, "{unit:?} {number}");
        }
        assert_eq!(short(Unit::UsdPerMonth, 155_226.0), "$155K");
        assert_eq!(short(Unit::Usd, -1_234_567.0), "−$1.23M");
        assert_eq!(short(Unit::Usd, 980.0), "$980");
        let huge = [1e18, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY];
        for number in huge {
            assert!(value(Unit::Seconds, number).len() < 24);
            assert!(value(Unit::Tokens, number).len() < 24);
            assert!(value(Unit::Usd, number).len() < 24);
        }
    }
}
