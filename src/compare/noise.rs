//! The noise floor: what comparisons of equal builds show (`methods.md` 6.3).

use super::metrics::{METRICS, MetricSpec};
use crate::results::compare::{CalibrationRow, GateSettings};
use crate::results::{Baseline, BaselineVariant, NoiseFloor};
use crate::rng::Keyed;
use crate::stats::power::{Demand, runs_needed};
use crate::stats::quantile::nearest_rank;
use crate::stats::welch::moments;

/// Comparisons of equal builds that a floor is read from.
const COMPARISONS: u32 = 400;
/// The share of them that stay below the floor.
const SHARE: f64 = 0.95;
/// Fewest runs whose scatter says anything.
const FEWEST: usize = 3;

/// A floor on the scale of comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Floor {
    pub floor: f64,
    pub comparisons: u32,
}

/// 95th percentile of the distance between the means of `k` runs and of `k` other ones, over comparisons among
/// `readings`; `None` with fewer than three.
///
/// Where there are 2k runs or more, the two samples of a comparison share none. Where there are fewer they are
/// drawn with replacement, and spread by √(m/(m−1)), by which such draws fall short.
pub(super) fn floor(readings: &[f64], k: usize) -> Option<Floor> {
    let m = readings.len();
    if m < FEWEST || k == 0 {
        return None;
    }
    let (mean, _) = moments(readings)?;
    let keyed = Keyed::new(0, "noise-floor");
    let apart = m >= 2 * k;
    let spread = if apart {
        1.0
    } else {
        (m as f64 / (m as f64 - 1.0)).sqrt()
    };
    let mut draw = 0;
    let mut next = |below: usize| {
        draw += 1;
        keyed.below(draw, below)
    };
    let mut order: Vec<usize> = (0..m).collect();
    let mut distances: Vec<f64> = (0..COMPARISONS)
        .map(|_| {
            let mut sums = [0.0; 2];
            for (place, sum) in (0..2 * k).zip([0, 1].into_iter().cycle()) {
                let chosen = if apart {
                    order.swap(place, place + next(m - place));
                    order[place]
                } else {
                    next(m)
                };
                sums[sum] += readings[chosen] - mean;
            }
            spread * (sums[0] - sums[1]).abs() / k as f64
        })
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    Some(Floor {
        floor: nearest_rank(&distances, SHARE)?,
        comparisons: COMPARISONS,
    })
}

/// The readings of a metric, on the scale of comparison, of all runs that can be relied on; `None` if one of
/// them lacks it.
pub(super) fn readings(
    variant: &BaselineVariant,
    workload: Option<&str>,
    metric: &MetricSpec,
) -> Option<Vec<f64>> {
    let usable = variant.runs.iter().filter(|run| run.spoilt.is_none());
    let reading = |run: &crate::results::BaselineRun| {
        let of = run
            .metrics
            .iter()
            .find(|one| one.workload.as_deref() == workload)?;
        metric.scaled((metric.read)(of)?)
    };
    usable.map(reading).collect()
}

/// The scopes of a variant: its workloads, and all of them together if there are several.
pub(super) fn scopes(variant: &BaselineVariant) -> Vec<Option<&str>> {
    let Some(run) = variant.runs.first() else {
        return Vec::new();
    };
    let mut scopes: Vec<Option<&str>> = run
        .metrics
        .iter()
        .filter(|one| one.workload.is_some())
        .map(|one| one.workload.as_deref())
        .collect();
    if scopes.len() != 1 {
        scopes.push(None);
    }
    scopes
}

/// The noise floors of every gated metric, for comparisons of `k` runs with `k` runs.
pub fn calibrate(baseline: &Baseline, k: usize, gate: &GateSettings) -> Vec<CalibrationRow> {
    let mut rows = Vec::new();
    for variant in &baseline.variants {
        for workload in scopes(variant) {
            for metric in METRICS.iter().filter(|one| is_gated(one, gate)) {
                let Some(readings) = readings(variant, workload, metric) else {
                    continue;
                };
                let Some((floor, (_, variance))) = floor(&readings, k).zip(moments(&readings))
                else {
                    continue;
                };
                let (threshold, detect) = bounds(metric, gate);
                let demand = Demand {
                    alpha: gate.alpha,
                    power: gate.power,
                    threshold,
                };
                rows.push(CalibrationRow {
                    variant: variant.name.clone(),
                    workload: workload.map(str::to_owned),
                    metric: metric.name.to_owned(),
                    relative: metric.relative,
                    floor: metric.effect(floor.floor),
                    runs: k as u32,
                    comparisons: floor.comparisons,
                    deviation: metric.effect(variance.sqrt()),
                    runs_needed: runs_needed(variance.sqrt(), detect, demand),
                });
            }
        }
    }
    rows
}

/// The baseline with its noise floors for comparisons of `k` runs with `k` runs.
#[must_use]
pub fn with_noise(mut baseline: Baseline, k: usize) -> Baseline {
    for variant in &mut baseline.variants {
        let mut noise = Vec::new();
        for workload in scopes(variant) {
            for metric in &METRICS {
                let found = readings(variant, workload, metric);
                let Some(found) = found.and_then(|readings| floor(&readings, k)) else {
                    continue;
                };
                noise.push(NoiseFloor {
                    workload: workload.map(str::to_owned),
                    metric: metric.name.to_owned(),
                    floor: found.floor,
                    runs: k as u32,
                    comparisons: found.comparisons,
                });
            }
        }
        variant.noise = noise;
    }
    baseline
}

pub(super) fn is_gated(metric: &MetricSpec, gate: &GateSettings) -> bool {
    gate.metrics.iter().any(|name| name == metric.name)
}

/// The least change that matters, and the one that has to be seen, on the scale of comparison.
pub(super) fn bounds(metric: &MetricSpec, gate: &GateSettings) -> (f64, f64) {
    if metric.relative {
        (
            metric.difference(gate.threshold),
            metric.difference(gate.detect),
        )
    } else {
        (gate.share_threshold, gate.share_detect)
    }
}

/// The floor for comparisons of `k` runs: the stored one, which shrinks with √k, or that of the runs themselves.
pub(super) fn floor_of(
    variant: &BaselineVariant,
    workload: Option<&str>,
    metric: &MetricSpec,
    readings: &[f64],
    k: usize,
) -> Option<f64> {
    let stored = variant
        .noise
        .iter()
        .find(|one| one.workload.as_deref() == workload && one.metric == metric.name);
    match stored {
        Some(one) if one.floor.is_finite() && one.floor >= 0.0 => {
            Some(one.floor * (f64::from(one.runs.max(1)) / k.max(1) as f64).sqrt())
        }
        _ => floor(readings, k).map(|found| found.floor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal readings with a standard deviation of one.
    fn normal(count: u64, seed: u64) -> Vec<f64> {
        let keyed = Keyed::new(seed, "readings");
        (0..count).map(|id| keyed.normal(id)).collect()
    }

    #[test]
    fn the_floor_is_that_of_the_normal_law() {
        // 1.96·σ·√(2/k): 1.2396 for k = 5.
        let many = floor(&normal(2000, 1), 5).unwrap().floor;
        assert!((many - 1.2396).abs() < 0.12, "{many}");
        let mean_of = |count: u64, k: usize| {
            let floors = (0..300).map(|seed| floor(&normal(count, seed), k).unwrap().floor);
            floors.sum::<f64>() / 300.0
        };
        // Five runs know their own scatter within a third or so, but not with a bias.
        let few = mean_of(5, 5);
        assert!((few - 1.2396).abs() < 0.12, "{few}");
        let twenty = mean_of(20, 5);
        assert!((twenty - 1.2396).abs() < 0.12, "{twenty}");
    }

    #[test]
    fn it_is_the_same_every_time_and_zero_without_scatter() {
        let readings = normal(12, 4);
        assert_eq!(floor(&readings, 5), floor(&readings, 5));
        assert_eq!(floor(&[2.0; 6], 3).unwrap().floor.to_bits(), 0);
        assert_eq!(floor(&[1.0, 2.0], 5), None);
        assert_eq!(floor(&[1.0, 2.0, 3.0], 0), None);
    }
}
