//! Axes: where a value lies, and at which round values ticks stand.

use crate::report::number;
use crate::results::report::{Axis, Scale, Unit};

/// Beyond this the difference of two values would overflow.
const HUGE: f64 = 1e300;
/// The last percentile that the scale of nines reaches: p99.99999.
const MOST_NINES: f64 = 7.0;

/// An axis between two places of the picture.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    pub ticks: Vec<(f64, String)>,
}

impl Ruler {
    /// The axis over `values`, with about `wanted` ticks; `tight` axes end with their values, others at ticks.
    pub fn new(axis: &Axis, values: &[f64], wanted: f64, tight: bool) -> Self {
        let usable = |value: &&f64| value.is_finite() && forward(&axis.scale, **value).is_some();
        let mut ends = values.iter().filter(usable).fold(None, |ends, &value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((f64::min(low, value), f64::max(high, value)))
        });
        let given = axis
            .range
            .filter(|(low, high)| usable(&low) && usable(&high) && low < high);
        if given.is_some() {
            ends = given;
        }
        let fixed = given.is_some() || tight;
        match &axis.scale {
            Scale::Linear => linear(axis.unit, ends, wanted, fixed, given.is_some() || tight),
            Scale::Log => log(axis.unit, ends, wanted, fixed),
            Scale::Nines => nines(ends),
            Scale::Category(names) => categories(names),
        }
    }

    /// The same axis between two places.
    pub fn between(mut self, from: f64, to: f64) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Where a value lies; `None` if it has no place on this scale. It may lie beyond the ends.
    pub fn place(&self, value: f64) -> Option<f64> {
        let at = forward(&self.scale, value)?;
        let share = (at - self.low) / (self.high - self.low);
        let place = self.from + share * (self.to - self.from);
        // Backends count in 32 bits, and what is far outside is clipped anyway.
        Some(place.clamp(-1e5, 1e5))
    }

    /// Whether a value lies between the ends.
    pub fn holds(&self, value: f64) -> bool {
        let slack = 1e-9 * (self.high - self.low);
        forward(&self.scale, value)
            .is_some_and(|at| at >= self.low - slack && at <= self.high + slack)
    }

    /// The values at both ends.
    pub fn ends(&self) -> (f64, f64) {
        (
            backward(&self.scale, self.low),
            backward(&self.scale, self.high),
        )
    }

    /// The room for one category.
    pub fn slot(&self) -> f64 {
        (self.to - self.from).abs() / (self.high - self.low)
    }
}

/// The word for a scale.
pub(super) fn scale_word(scale: &Scale) -> &'static str {
    match scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
        Scale::Nines => "nines",
        Scale::Category(_) => "category",
    }
}

fn forward(scale: &Scale, value: f64) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    match scale {
        Scale::Linear | Scale::Category(_) => Some(value.clamp(-HUGE, HUGE)),
        Scale::Log => (value > 0.0).then(|| value.log10()),
        Scale::Nines => (0.0..=1.0)
            .contains(&value)
            .then(|| (-(1.0 - value).log10()).min(MOST_NINES)),
    }
}

fn backward(scale: &Scale, at: f64) -> f64 {
    match scale {
        Scale::Linear | Scale::Category(_) => at,
        Scale::Log => 10f64.powf(at),
        Scale::Nines => 1.0 - 10f64.powf(-at),
    }
}

fn ruler(scale: Scale, low: f64, high: f64, ticks: Vec<(f64, String)>) -> Ruler {
    Ruler {
        scale,
        low,
        high,
        from: 0.0,
        to: 1.0,
        ticks,
    }
}

fn linear(
    unit: Unit,
    ends: Option<(f64, f64)>,
    wanted: f64,
    fixed: bool,
    keeps_low: bool,
) -> Ruler {
    let (mut low, mut high) = ends.unwrap_or((0.0, 1.0));
    (low, high) = (low.clamp(-HUGE, HUGE), high.clamp(-HUGE, HUGE));
    if !keeps_low {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    // A span that vanishes beside its values cannot be divided.
    if high - low <= 1e-9 * low.abs().max(high.abs()) {
        let around = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
        (low, high) = if low == 0.0 {
            (0.0, 1.0)
        } else {
            (low - around, high + around)
        };
    }
    let step = step(unit, (high - low) / wanted.max(1.0));
    if !fixed {
        low = (low / step + 1e-9).floor() * step;
        high = (high / step - 1e-9).ceil() * step;
    }
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    let count = (last - first).clamp(0.0, 60.0) as u32;
    let most = low.abs().max(high.abs());
    let ticks = (0..=count)
        .map(|n| (first + f64::from(n)) * step)
        .map(|at| (at, tick(unit, at, step, most)))
        .collect();
    ruler(Scale::Linear, low, high, ticks)
}

fn log(unit: Unit, ends: Option<(f64, f64)>, wanted: f64, fixed: bool) -> Ruler {
    let (low, high) = ends.unwrap_or((1.0, 10.0));
    let (mut low, mut high) = (low.log10(), high.log10());
    if high - low < 0.3 {
        let middle = f64::midpoint(low, high);
        (low, high) = (middle - 0.2, middle + 0.2);
    }
    let places: &[f64] = match high - low {
        span if span < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        span if span < 3.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let all = |low: f64, high: f64| -> Vec<f64> {
        let decades = low.floor() as i32..=high.ceil() as i32;
        let every = f64::from((high - low) as i32) / (2.0 * wanted.max(1.0));
        let every = every.ceil().max(1.0) as i32;
        let decades = decades.filter(|decade| decade.rem_euclid(every) == 0);
        decades
            .flat_map(|decade| places.iter().map(move |place| decade_of(decade) * place))
            .collect()
    };
    if !fixed {
        // To the ticks around the values.
        let ticks = all(low - 1.0, high + 1.0);
        let below = ticks
            .iter()
            .map(|tick| tick.log10())
            .filter(|&at| at <= low + 1e-9);
        let above = ticks
            .iter()
            .map(|tick| tick.log10())
            .filter(|&at| at >= high - 1e-9);
        let (least, most) = (
            below.fold(f64::MIN, f64::max),
            above.fold(f64::MAX, f64::min),
        );
        if least > f64::MIN && most < f64::MAX && least < most {
            (low, high) = (least, most);
        }
    }
    let within = |at: &f64| (low - 1e-9..=high + 1e-9).contains(&at.log10());
    let ticks = all(low, high).into_iter().filter(within);
    let ticks = ticks.map(|at| (at, tick(unit, at, at, at))).collect();
    ruler(Scale::Log, low, high, ticks)
}

fn decade_of(decade: i32) -> f64 {
    10f64.powi(decade)
}

fn nines(ends: Option<(f64, f64)>) -> Ruler {
    let scale = Scale::Nines;
    let (low, high) = ends.unwrap_or((0.5, 0.999));
    let low = forward(&scale, low).unwrap_or(0.0);
    let high = forward(&scale, high).unwrap_or(3.0).max(low + 0.5);
    let known = [
        0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999_999,
    ];
    let names = [
        "p0", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "p99.999", "p99.9999",
    ];
    let ticks = known.iter().zip(names).filter(|(share, _)| {
        let at = forward(&scale, **share).unwrap_or(0.0);
        (low - 1e-9..=high + 1e-9).contains(&at)
    });
    let ticks = ticks
        .map(|(&share, name)| (share, name.to_owned()))
        .collect();
    ruler(scale, low, high, ticks)
}

fn categories(names: &[String]) -> Ruler {
    let ticks = names.iter().enumerate();
    let ticks = ticks.map(|(n, name)| (n as f64, name.clone())).collect();
    let high = names.len().max(1) as f64 - 0.5;
    ruler(Scale::Category(Vec::new()), -0.5, high, ticks)
}

/// Steps of time in seconds, between which eyes count easily.
const TIME_STEPS: [f64; 18] = [
    10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0,
    21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0,
];

/// The round step at or above `rough`.
fn step(unit: Unit, rough: f64) -> f64 {
    let in_seconds = match unit {
        Unit::Millis => 1e-3,
        Unit::Seconds => 1.0,
        Unit::Hours => 3600.0,
        Unit::Count => return round_step(rough).max(1.0),
        Unit::Months => {
            let known = [1.0, 2.0, 3.0, 6.0, 12.0];
            return known
                .into_iter()
                .find(|&one| one >= rough)
                .unwrap_or(round_step(rough));
        }
        _ => return round_step(rough),
    };
    let seconds = rough * in_seconds;
    if seconds <= 5.0 {
        return round_step(seconds) / in_seconds;
    }
    let known = TIME_STEPS.into_iter().find(|&one| one >= seconds);
    known.unwrap_or_else(|| 86_400.0 * round_step(seconds / 86_400.0)) / in_seconds
}

/// 1, 2 or 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    if !rough.is_finite() || rough <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    let known = [1.0, 2.0, 5.0];
    let factor = known
        .into_iter()
        .find(|factor| factor * power >= rough * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// What stands at a tick: all ticks of an axis in the same unit, with the digits that its step needs.
fn tick(unit: Unit, at: f64, step: f64, most: f64) -> String {
    let at = if at.abs() < step * 1e-6 { 0.0 } else { at };
    if at < 0.0 {
        return format!("−{}", tick(unit, -at, step, most));
    }
    match unit {
        Unit::Share => format!("{} %", digits(100.0 * at, 100.0 * step)),
        Unit::Millis => of_time(at / 1000.0, step / 1000.0, most / 1000.0),
        Unit::Seconds => of_time(at, step, most),
        Unit::Usd | Unit::UsdPerMonth => format!("${}", compact(at, step, most, 1e3)),
        Unit::PerSecond => format!("{}/s", compact(at, step, most, 1e4)),
        Unit::TokensPerMinute | Unit::Tokens => compact(at, step, most, 1e3),
        Unit::Hours => format!("{} h", digits(at, step)),
        Unit::Number | Unit::Count | Unit::Months | Unit::Text => compact(at, step, most, 1e4),
    }
}

fn of_time(at: f64, step: f64, most: f64) -> String {
    let (word, size) = match most {
        most if most < 0.0005 => ("µs", 1e-6),
        most if most < 0.9995 => ("ms", 1e-3),
        most if most <= 120.0 || step < 15.0 => ("s", 1.0),
        most if most <= 3.0 * 3600.0 || step < 900.0 => ("min", 60.0),
        most if most <= 2.0 * 86_400.0 || step < 21_600.0 => ("h", 3600.0),
        _ => ("d", 86_400.0),
    };
    format!("{} {word}", digits(at / size, step / size))
}

/// Thousands, millions and billions from `from` on.
fn compact(at: f64, step: f64, most: f64, from: f64) -> String {
    let (word, size) = match most {
        most if most < from => ("", 1.0),
        most if most < 1e6 => ("K", 1e3),
        most if most < 1e9 => ("M", 1e6),
        most if most < 1e12 => ("B", 1e9),
        most if most < 1e15 => ("T", 1e12),
        _ => {
            return if at == 0.0 {
                "0".to_owned()
            } else {
                format!("{at:.1e}")
            };
        }
    };
    if at == 0.0 {
        return "0".to_owned();
    }
    format!("{}{word}", digits(at / size, step / size))
}

fn digits(value: f64, step: f64) -> String {
    let decimals = (1e-9 - step.log10().floor()).clamp(0.0, 9.0) as usize;
    // A step of 1.5 or 2.5 has a digit more than its size says.
    let finer = (step * 10f64.powi(decimals as i32)).fract() > 1e-6;
    let decimals = decimals + usize::from(finer);
    number::trimmed(&format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(unit: Unit, scale: Scale) -> Axis {
        Axis {
            unit,
            scale,
            ..Axis::default()
        }
    }

    fn ticks(unit: Unit, scale: Scale, values: &[f64], tight: bool) -> Vec<String> {
        let ruler = Ruler::new(&axis(unit, scale), values, 5.0, tight);
        ruler.ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_in_the_unit_of_the_axis() {
        let linear = |unit, most| ticks(unit, Scale::Linear, &[0.0, most], false).join(" ");
        assert_eq!(linear(Unit::Usd, 4300.0), "$0 $1K $2K $3K $4K $5K");
        assert_eq!(
            linear(Unit::Millis, 2300.0),
            "0 s 0.5 s 1 s 1.5 s 2 s 2.5 s"
        );
        assert_eq!(
            linear(Unit::Millis, 230.0),
            "0 ms 50 ms 100 ms 150 ms 200 ms 250 ms"
        );
        assert_eq!(linear(Unit::Share, 0.07), "0 % 2 % 4 % 6 % 8 %");
        assert_eq!(
            linear(Unit::Seconds, 3600.0),
            "0 min 15 min 30 min 45 min 60 min"
        );
        assert_eq!(linear(Unit::Seconds, 604_800.0), "0 d 2 d 4 d 6 d 8 d");
        assert_eq!(linear(Unit::TokensPerMinute, 6e6), "0 2M 4M 6M");
        assert_eq!(linear(Unit::Months, 12.0), "0 3 6 9 12");
        assert_eq!(
            linear(Unit::PerSecond, 0.04),
            "0/s 0.01/s 0.02/s 0.03/s 0.04/s"
        );
    }

    #[test]
    fn other_scales_have_ticks_of_their_own() {
        let log = ticks(Unit::Millis, Scale::Log, &[130.0, 18_000.0], false);
        assert_eq!(
            log.join(", "),
            "100 ms, 200 ms, 500 ms, 1 s, 2 s, 5 s, 10 s, 20 s"
        );
        let nines = ticks(Unit::Share, Scale::Nines, &[0.5, 0.9999], true);
        assert_eq!(nines.join(" "), "p50 p75 p90 p95 p99 p99.9 p99.99");
    }

    #[test]
    fn nines_are_evenly_spaced() {
        let ruler = Ruler::new(&axis(Unit::Share, Scale::Nines), &[0.9, 0.9999], 5.0, true);
        let ruler = ruler.between(0.0, 300.0);
        let at = |share: f64| ruler.place(share).unwrap();
        assert!((at(0.99) - 100.0).abs() < 1e-6 && (at(0.999) - 200.0).abs() < 1e-6);
        assert_eq!(ruler.place(1.5), None);
    }

    #[test]
    fn values_that_are_nothing_or_alike_have_a_span() {
        for values in [
            &[][..],
            &[0.0],
            &[5.0],
            &[5.0, 5.0],
            &[f64::NAN],
            &[1e308, -1e308],
        ] {
            for scale in [Scale::Linear, Scale::Log, Scale::Nines] {
                let ruler = Ruler::new(&axis(Unit::Number, scale), values, 5.0, false);
                let (low, high) = ruler.ends();
                assert!(low < high && ruler.ticks.len() < 70, "{values:?} {ruler:?}");
            }
        }
    }
}
