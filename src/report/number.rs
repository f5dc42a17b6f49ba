//! Figures as people read them.

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
