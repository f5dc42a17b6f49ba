//! Quantile functions of samples, as knots, and how far two samples are apart.

use super::quantile::{interpolated, rank_interval};
use statrs::distribution::{ContinuousCDF, Normal};

/// The logarithms of a sample's quantiles at points equally spaced in z, with its upper tail.
#[derive(Clone, Debug, PartialEq)]
pub struct Knots {
    /// ln of the quantile at z, from −`reach` to `reach`, non-decreasing.
    pub ln_q: Vec<f64>,
    /// Hill's estimate of the index of a Pareto tail.
    pub tail_index: f64,
}

/// The largest values from which the tail is estimated: one in a hundred, and at least so many.
const LEAST_TAIL: usize = 10;
/// An index beyond which a tail is as thin as any; and one below which means do not exist.
const TAIL_INDEX: (f64, f64) = (1.05, 50.0);

/// `count` knots of the quantile function of `sorted` positive values over z in [−`reach`, `reach`].
///
/// Inside the sample quantiles are interpolated; beyond its upper end they go on as a Pareto law whose
/// index is Hill's estimate (Hill 1975) over the largest hundredth, and below its lower end with the
/// slope of the lowest tenth. `None` below 20 values, or if one is not positive.
pub fn knots(sorted: &[f64], count: usize, reach: f64) -> Option<Knots> {
    let n = sorted.len();
    if n < 20 || count < 2 || !sorted.iter().all(|&x| x > 0.0 && x.is_finite()) {
        return None;
    }
    let normal = Normal::standard();
    let tail = LEAST_TAIL.max(n.div_ceil(100));
    let threshold = sorted[n - tail - 1].ln();
    let excess: f64 = sorted[n - tail..].iter().map(|x| x.ln() - threshold).sum();
    let tail_index = (tail as f64 / excess.max(1e-12)).clamp(TAIL_INDEX.0, TAIL_INDEX.1);
    // Where the sample ends: the places of its first and last value.
    let end = normal.inverse_cdf(1.0 - 0.5 / n as f64);
    let at = |z: f64| interpolated(sorted, normal.cdf(z)).map(f64::ln);
    let (low, tenth) = (at(-end)?, at(-1.2816)?);
    let slope = ((tenth - low) / (end - 1.2816)).max(0.0);
    let last = at(end)?;
    let step = 2.0 * reach / (count - 1) as f64;
    let mut floor = f64::NEG_INFINITY;
    let ln_q = (0..count)
        .map(|i| {
            let z = i as f64 * step - reach;
            let value = if z > end {
                last + (normal.sf(end) / normal.sf(z)).ln() / tail_index
            } else if z < -end {
                low + slope * (z + end)
            } else {
                at(z)?
            };
            floor = value.max(floor);
            Some(floor)
        })
        .collect::<Option<_>>()?;
    Some(Knots { ln_q, tail_index })
}

/// The largest distance between the distributions of two sorted samples (Kolmogorov and Smirnov).
pub fn ks_distance(a: &[f64], b: &[f64]) -> Option<f64> {
    let mut most: f64 = 0.0;
    walk(a, b, |_, _, fa, fb| most = most.max((fa - fb).abs()))?;
    Some(most)
}

/// What [`ks_distance`] exceeds in one of twenty cases where both samples are of one law:
/// c·√((n + m)/(nm)) with c = √(ln 40 / 2) = 1.3581.
pub fn ks_bound(n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    (40f64.ln() / 2.0).sqrt() * ((n + m) / (n * m)).sqrt()
}

/// The mean distance between the quantiles of two sorted samples (Wasserstein).
pub fn wasserstein(a: &[f64], b: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    walk(a, b, |from, to, fa, fb| {
        sum += (to - from) * (fa - fb).abs();
    })?;
    Some(sum)
}

/// Walks over the values of both samples, with the distributions between one value and the next.
fn walk(a: &[f64], b: &[f64], mut each: impl FnMut(f64, f64, f64, f64)) -> Option<()> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let from = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => break,
        };
        while a.get(i).is_some_and(|&x| x <= from) {
            i += 1;
        }
        while b.get(j).is_some_and(|&x| x <= from) {
            j += 1;
        }
        let next = [a.get(i), b.get(j)].into_iter().flatten().copied();
        let to = next.fold(f64::INFINITY, f64::min);
        let to = if to.is_finite() { to } else { from };
        each(
            from,
            to,
            i as f64 / a.len() as f64,
            j as f64 / b.len() as f64,
        );
        if from.is_nan() {
            return None;
        }
    }
    Some(())
}

/// |q̂/q − 1| at a share of two sorted samples, the second one measured; `None` if one is empty or the
/// measured quantile is zero.
pub fn quantile_error(fitted: &[f64], measured: &[f64], share: f64) -> Option<f64> {
    let (got, want) = (interpolated(fitted, share)?, interpolated(measured, share)?);
    (want != 0.0).then(|| (got / want - 1.0).abs())
}

/// The relative half-width of a 95% interval of a quantile from `count` independent lognormal values
/// with spread `sigma`: `1.96σ·√(p(1 − p)/n)/φ(z_p)`.
pub fn quantile_noise(share: f64, sigma: f64, count: usize) -> f64 {
    use statrs::distribution::Continuous;
    let normal = Normal::standard();
    let density = normal.pdf(normal.inverse_cdf(share));
    1.96 * sigma * (share * (1.0 - share) / count.max(1) as f64).sqrt() / density
}

/// The relative half-width of a 95% interval of a quantile of `sorted` positive values, by order statistics;
/// where there are too few of them, that of a lognormal law of the same spread.
pub fn sample_noise(sorted: &[f64], share: f64) -> f64 {
    let n = sorted.len();
    let by_ranks = || {
        let ranks = rank_interval(n as u64, share, 0.95)?;
        let at = |rank: u64| sorted.get((rank as usize).checked_sub(1)?).copied();
        let middle = interpolated(sorted, share).filter(|q| *q > 0.0)?;
        Some((at(ranks.upper)? - at(ranks.lower)?) / (2.0 * middle))
    };
    by_ranks().unwrap_or_else(|| quantile_noise(share, log_spread(sorted), n))
}

/// The standard deviation of the logarithms of positive values.
pub fn log_spread(values: &[f64]) -> f64 {
    let logs: Vec<f64> = values
        .iter()
        .filter(|v| **v > 0.0)
        .map(|v| v.ln())
        .collect();
    let n = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let squares = logs.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (squares / (n - 1.0).max(1.0)).sqrt()
}

/// The ranks of values from 1, equal ones sharing their mean, for rank correlation.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let mut to = from;
        while to < order.len() && values[order[to]].total_cmp(&values[order[from]]).is_eq() {
            to += 1;
        }
        let to = to.max(from + 1);
        for &index in &order[from..to] {
            ranks[index] = (from + to + 1) as f64 / 2.0;
        }
        from = to;
    }
    ranks
}

/// Spearman's rank correlation; `None` if one of the samples does not vary or they differ in length.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 3 {
        return None;
    }
    let (ra, rb) = (ranks(a), ranks(b));
    let mean = (a.len() + 1) as f64 / 2.0;
    let (mut both, mut va, mut vb) = (0.0, 0.0, 0.0);
    for (x, y) in ra.iter().zip(&rb) {
        let (x, y) = (x - mean, y - mean);
        both += x * y;
        va += x * x;
        vb += y * y;
    }
    (va > 0.0 && vb > 0.0).then(|| both / (va * vb).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use proptest::prelude::*;

    fn lognormal(n: u32, sigma: f64) -> Vec<f64> {
        let normal = Normal::standard();
        (0..n)
            .map(|i| (sigma * normal.inverse_cdf((f64::from(i) + 0.5) / f64::from(n))).exp())
            .collect()
    }

    #[test]
    fn the_bound_of_two_samples() {
        shown(ks_bound(2000, 2000), 0.0429, 4);
    }

    #[test]
    fn knots_of_a_lognormal_sample_are_a_line() {
        let sample = lognormal(20_000, 0.4);
        let knots = knots(&sample, 65, 4.0).unwrap();
        for (i, ln_q) in knots.ln_q.iter().enumerate() {
            let z = i as f64 * 0.125 - 4.0;
            if z.abs() < 3.6 {
                assert!((ln_q - 0.4 * z).abs() < 0.02, "z {z}: {ln_q}");
            }
        }
        assert!(knots.ln_q.is_sorted());
        assert_eq!(super::knots(&sample[..10], 65, 4.0), None);
        assert_eq!(super::knots(&[-1.0; 50], 65, 4.0), None);
    }

    #[test]
    fn a_pareto_tail_is_found() {
        // q = (1 − u)^(−1/2.5).
        let n = 10_000;
        let sample: Vec<f64> = (0..n)
            .map(|i| (1.0 - (f64::from(i) + 0.5) / f64::from(n)).powf(-1.0 / 2.5))
            .collect();
        let knots = knots(&sample, 65, 4.0).unwrap();
        assert!(
            (knots.tail_index / 2.5 - 1.0).abs() < 0.1,
            "{}",
            knots.tail_index
        );
        // P(Z > 4) = 3.167e-5.
        let want = 3.167e-5f64.powf(-1.0 / 2.5).ln();
        assert!(
            (knots.ln_q[64] / want - 1.0).abs() < 0.1,
            "{}",
            knots.ln_q[64]
        );
    }

    #[test]
    fn distances_of_small_samples() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]);
        shown(ks_distance(&a, &b).unwrap(), 0.25, 9);
        shown(wasserstein(&a, &b).unwrap(), 1.0, 9);
        shown(ks_distance(&[1.0, 1.0], &[1.0, 2.0]).unwrap(), 0.5, 9);
        assert_eq!(ks_distance(&[], &a), None);
        shown(quantile_error(&[11.0], &[10.0], 0.5).unwrap(), 0.1, 9);
        assert_eq!(quantile_error(&[1.0], &[0.0], 0.5), None);
    }

    #[test]
    fn the_noise_of_a_quantile_is_the_sample_size_turned_round() {
        // 604, 1,716 and 5,355 values give 5% at σ = .5.
        for (share, count) in [(0.5, 604), (0.95, 1716), (0.99, 5355)] {
            shown(quantile_noise(share, 0.5, count), 0.05, 3);
        }
    }

    #[test]
    fn the_noise_of_a_sample_is_near_that_of_its_law() {
        let sample = lognormal(5000, 0.4);
        for share in [0.5, 0.9, 0.95] {
            let (got, want) = (
                sample_noise(&sample, share),
                quantile_noise(share, 0.4, 5000),
            );
            assert!(
                (got / want - 1.0).abs() < 0.1,
                "{share}: {got} is not {want}"
            );
        }
        // Fifty values tell nothing of p99 by ranks.
        let few = lognormal(50, 0.4);
        let want = quantile_noise(0.99, log_spread(&few), 50);
        shown(sample_noise(&few, 0.99), want, 12);
        assert!(sample_noise(&[], 0.5).is_finite());
    }

    #[test]
    fn ranks_correlate() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        shown(
            rank_correlation(&x, &[1.0, 8.0, 27.0, 64.0, 125.0]).unwrap(),
            1.0,
            9,
        );
        shown(
            rank_correlation(&x, &[5.0, 4.0, 3.0, 2.0, 1.0]).unwrap(),
            -1.0,
            9,
        );
        assert_eq!(rank_correlation(&x, &[1.0; 5]), None);
    }

    proptest! {
        #[test]
        fn distances_are_distances(
            mut a in prop::collection::vec(0.0..100.0f64, 1..60),
            mut b in prop::collection::vec(0.0..100.0f64, 1..60),
        ) {
            a.sort_by(f64::total_cmp);
            b.sort_by(f64::total_cmp);
            let ks = ks_distance(&a, &b).unwrap();
            prop_assert!((0.0..=1.0).contains(&ks));
            prop_assert_eq!(Some(ks), ks_distance(&b, &a));
            prop_assert_eq!(ks_distance(&a, &a), Some(0.0));
            let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
            let w = wasserstein(&a, &b).unwrap();
            prop_assert!(w + 1e-9 >= (mean(&a) - mean(&b)).abs());
        }
    }
}
