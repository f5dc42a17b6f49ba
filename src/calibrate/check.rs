//! A law against later measurements.

use super::fit::{Fitted, quantiles};
use super::sample::Sample;
use crate::results::calibration::{MetricCheck, QuantileCheck};
use crate::stats::empirical::{ks_bound, ks_distance, quantile_error, sample_noise, wasserstein};
use crate::stats::quantile::{interpolated, min_samples};

/// Fewer held-out rows judge nothing.
pub const LEAST_HELD_OUT: usize = 30;
/// Draws from the law over all rows.
const DRAWS: usize = 40_000;
/// The largest errors of an accepted profile.
const BOUNDS: [(&str, f64, f64); 4] = [
    ("p50", 0.5, 0.05),
    ("p90", 0.9, 0.10),
    ("p95", 0.95, 0.10),
    ("p99", 0.99, 0.15),
];
/// A distance that is accepted whatever the number of rows.
const KS: f64 = 0.05;
/// Quantiles of a noise law from which draws are taken.
const TABLE: usize = 4096;
/// 1/φ and the reciprocal of the plastic number: steps that fill the unit interval evenly.
const STEPS: [f64; 2] = [0.618_033_988_749_894_8, 0.754_877_666_246_692_8];

/// The law against rows that it has not seen, for each time that enough of them show.
pub fn checks(law: &Fitted, rows: &[&Sample]) -> Vec<MetricCheck> {
    let table = |part: &super::Part| quantiles(&part.noise.law(), TABLE).collect::<Vec<f64>>();
    let tables = (table(&law.ttft), table(&law.tpot));
    let ttft = |row: &Sample, noise: (f64, f64)| law.ttft_ms(row) * noise.0;
    let tpot = |_: &Sample, noise: (f64, f64)| law.per_token_ms * noise.1;
    let e2e = |row: &Sample, noise: (f64, f64)| {
        law.ttft_ms(row) * noise.0 + row.later_tokens() * law.per_token_ms * noise.1
    };
    [
        metric("ttft", rows, |row| row.ttft_ms, ttft, &tables),
        metric("tpot", rows, Sample::per_token_ms, tpot, &tables),
        metric("e2e", rows, |row| row.total_ms, e2e, &tables),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Measured and drawn times of one kind.
fn metric(
    name: &str,
    rows: &[&Sample],
    time: impl Fn(&Sample) -> Option<f64>,
    draw: impl Fn(&Sample, (f64, f64)) -> f64,
    tables: &(Vec<f64>, Vec<f64>),
) -> Option<MetricCheck> {
    let found = rows.iter().filter_map(|row| time(row).map(|ms| (*row, ms)));
    let (rows, mut measured): (Vec<&Sample>, Vec<f64>) = found.unzip();
    if rows.is_empty() {
        return None;
    }
    let draws = (DRAWS / rows.len()).clamp(8, 400);
    let mut drawn = Vec::with_capacity(rows.len() * draws);
    for (i, row) in rows.iter().enumerate() {
        for k in 0..draws {
            let first = (k as f64 + 0.5) / draws as f64;
            let second = ((k as f64 + 0.5) * STEPS[0] + i as f64 * STEPS[1]).fract();
            let at = |table: &[f64], u: f64| table[((u * TABLE as f64) as usize).min(TABLE - 1)];
            drawn.push(draw(row, (at(&tables.0, first), at(&tables.1, second))));
        }
    }
    measured.sort_by(f64::total_cmp);
    drawn.sort_by(f64::total_cmp);
    Some(judged(name, &measured, &drawn))
}

fn judged(name: &str, measured: &[f64], drawn: &[f64]) -> MetricCheck {
    let n = measured.len();
    let quantiles: Vec<QuantileCheck> = BOUNDS
        .iter()
        .map(|&(percentile, share, bound)| {
            let noise = sample_noise(measured, share);
            // Only p99 may be off by what the measurement itself is.
            let bound = if share > 0.98 {
                bound.max(noise)
            } else {
                bound
            };
            QuantileCheck {
                percentile: percentile.to_owned(),
                measured_ms: interpolated(measured, share),
                fitted_ms: interpolated(drawn, share),
                error: quantile_error(drawn, measured, share),
                bound,
                noise,
                enough_rows: n as u64 >= min_samples(share),
            }
        })
        .collect();
    let ks = ks_distance(drawn, measured);
    let bound = KS.max(ks_bound(n, drawn.len()));
    let mean = measured.iter().sum::<f64>() / n as f64;
    let within = |q: &QuantileCheck| q.error.is_some_and(|error| error <= q.bound);
    MetricCheck {
        metric: name.to_owned(),
        rows: n as u64,
        passed: (n >= LEAST_HELD_OUT)
            .then(|| quantiles.iter().all(within) && ks.is_some_and(|ks| ks <= bound)),
        quantiles,
        ks,
        ks_bound: bound,
        wasserstein_over_mean: wasserstein(drawn, measured).map(|w| w / mean),
        curve: curve(measured, drawn),
    }
}

/// Percentiles at which both are drawn, measured and fitted.
fn curve(measured: &[f64], drawn: &[f64]) -> Vec<(f64, f64, f64)> {
    let shares = (1..20)
        .map(|i| f64::from(i) * 0.05)
        .chain([0.975, 0.99, 0.995, 0.999]);
    let inside = shares.filter(|share| *share <= 1.0 - 0.5 / measured.len() as f64);
    let both = |share: f64| {
        let (m, d) = (interpolated(measured, share)?, interpolated(drawn, share)?);
        Some((share, m, d))
    };
    inside.filter_map(both).collect()
}
