//! A comparison for people and for the tools that continuous integration reads.

mod annotations;
mod junit;
mod text;

pub use annotations::annotations;
pub use junit::junit;
pub use text::{markdown, terminal};

use super::number::{NONE, money, percent, time};
use crate::results::report::Unit;

/// A reading in its unit.
fn value(unit: Unit, value: Option<f64>) -> String {
    let Some(value) = value else {
        return NONE.to_owned();
    };
    match unit {
        Unit::Millis => time(value),
        Unit::Share => percent(value),
        Unit::PerSecond => format!("{value:.2}/s"),
        // Three digits that tell something, as a request costs a fraction of a cent.
        Unit::Usd if value > 0.0 && value < 0.1 => {
            let decimals = (2.0 - value.log10().floor()).clamp(0.0, 12.0) as usize;
            format!("${value:.decimals$}")
        }
        Unit::Usd | Unit::UsdPerMonth => money(Some(value)),
        _ => format!("{value:.3}"),
    }
}

/// `chat/ttft.p50`; without a workload the metric alone.
fn name(workload: Option<&str>, metric: &str) -> String {
    match workload {
        Some(workload) => format!("{workload}/{metric}"),
        None => metric.to_owned(),
    }
}
