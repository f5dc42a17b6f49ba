//! Quantiles of samples: ranks, confidence, sample sizes, and the correction for omitted samples.

use statrs::distribution::{Binomial, Continuous, ContinuousCDF, DiscreteCDF, Normal};

/// The rank of the `share` quantile among `count` sorted values, counted from 1: ⌈pn⌉.
///
/// Zero if there are no values. A product that is whole but for a rounding error counts as whole,
/// so that 7% of 100 is rank 7 and not 8.
pub fn rank(share: f64, count: u64) -> u64 {
    if count == 0 {
        return 0;
    }
    let product = share * count as f64;
    let whole = product.round();
    let ceiling = if (product - whole).abs() <= 1e-12 * product.max(1.0) {
        whole
    } else {
        product.ceil()
    };
    // The cast maps NaN and negative products to zero.
    (ceiling as u64).clamp(1, count)
}

/// The value at rank ⌈pn⌉ of `sorted`; `None` if it is empty.
pub fn nearest_rank<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = rank(share, sorted.len() as u64);
    rank.checked_sub(1)
        .and_then(|index| sorted.get(index as usize).copied())
}

/// The quantile with linear interpolation at (n − 1)p, "type 7" of Hyndman & Fan 1996.
///
/// `None` if `sorted` is empty or `share` is outside `[0, 1]`.
pub fn interpolated(sorted: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    let position = share * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let fraction = position - below as f64;
    Some(sorted[below] + fraction * (sorted[above] - sorted[below]))
}

/// The fewest samples for which the largest is a 95% upper bound of the quantile: ⌈ln .05 / ln p⌉.
///
/// Below it a quantile is not reported: p90 needs 29, p95 59, p99 299, p99.9 2,995.
pub fn min_samples(share: f64) -> u64 {
    if share.is_nan() || share >= 1.0 {
        return u64::MAX;
    }
    if share <= 0.0 {
        return 1;
    }
    (0.05f64.ln() / share.ln()).ceil().max(1.0) as u64
}

/// Two ranks, counted from 1, whose values enclose a quantile with a known probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankInterval {
    /// The rank of the lower end.
    pub lower: u64,
    /// The rank of the upper end.
    pub upper: u64,
    /// P(lower ≤ Bin(n, p) ≤ upper − 1).
    pub coverage: f64,
}

/// Order-statistic confidence interval of a quantile, for independent samples only.
///
/// Equal tails: each end misses with probability at most (1 − `confidence`)/2
/// (David & Nagaraja, *Order Statistics*). `None` if there are too few samples for both ends.
pub fn rank_interval(count: u64, share: f64, confidence: f64) -> Option<RankInterval> {
    let tail = (1.0 - confidence) / 2.0;
    if count == 0 || !(share > 0.0 && share < 1.0 && tail > 0.0 && tail < 0.5) {
        return None;
    }
    let law = Binomial::new(share, count).ok()?;
    // lower − 1 is the largest x with P(Bin ≤ x) ≤ tail; upper the smallest with P(Bin ≥ u) ≤ tail.
    let lower = first(count + 1, |x| law.cdf(x) > tail);
    let upper = first(count + 1, |x| x > 0 && law.sf(x - 1) <= tail);
    if lower == 0 || upper > count {
        return None;
    }
    let coverage = law.cdf(upper - 1) - law.cdf(lower - 1);
    Some(RankInterval {
        lower,
        upper,
        coverage,
    })
}

/// The first number in `0..end` for which a predicate that turns true once holds, or `end`.
fn first(end: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Samples needed for a 95% interval of relative half-width `half_width` around a quantile.
///
/// `n = (1.96σ / (ε·φ(z_p)))²·p(1 − p)` for independent lognormal values with spread `sigma`.
/// `None` unless all arguments are positive and `share` is below 1.
pub fn samples_for_half_width(share: f64, sigma: f64, half_width: f64) -> Option<u64> {
    if !(share > 0.0 && share < 1.0 && sigma > 0.0 && half_width > 0.0) {
        return None;
    }
    let normal = Normal::standard();
    let density = normal.pdf(normal.inverse_cdf(share));
    let root = 1.96 * sigma / (half_width * density);
    Some((root * root * share * (1.0 - share)).ceil() as u64)
}

/// A latency and those that a closed loop did not send while it waited: v, v − i, v − 2i, … ≥ i.
///
/// The expected-interval correction of `HdrHistogram` (Tene) for imported closed-loop logs.
/// An `interval` of zero adds nothing.
pub fn with_omitted(value: u64, interval: u64) -> impl Iterator<Item = u64> {
    let mut next = Some(value);
    std::iter::from_fn(move || {
        let current = next?;
        next = current
            .checked_sub(interval)
            .filter(|&rest| interval > 0 && rest >= interval);
        Some(current)
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    #[test]
    fn ranks_are_ceilings_without_rounding_errors() {
        let check = |share, count, want| assert_eq!(rank(share, count), want, "{share} of {count}");
        check(0.07, 100, 7);
        check(0.95, 1000, 950);
        check(0.999, 1000, 999);
        check(0.999, 1001, 1000);
        check(0.5, 1, 1);
        check(0.0, 5, 1);
        check(1.0, 5, 5);
        check(0.5, 0, 0);
        check(f64::NAN, 5, 1);
    }

    #[test]
    fn interpolation_is_type_seven() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        shown(interpolated(&values, 0.95).unwrap(), 95.05, 9);
        assert_eq!(interpolated(&[], 0.5), None);
        assert_eq!(interpolated(&values, 1.5), None);
        assert_eq!(nearest_rank(&values, 0.95), Some(95.0));
        assert_eq!(nearest_rank::<u64>(&[], 0.5), None);
    }

    #[test]
    fn smallest_samples_per_quantile() {
        let check = |share, want| assert_eq!(min_samples(share), want, "{share}");
        check(0.9, 29);
        check(0.95, 59);
        check(0.99, 299);
        check(0.999, 2995);
        check(0.5, 5);
        check(0.0, 1);
        check(1.0, u64::MAX);
    }

    #[test]
    fn order_statistic_intervals() {
        let check = |count, share, lower, upper, coverage| {
            let interval = rank_interval(count, share, 0.95).unwrap();
            assert_eq!((interval.lower, interval.upper), (lower, upper));
            shown(interval.coverage, coverage, 4);
        };
        check(100, 0.5, 40, 61, 0.9648);
        check(1000, 0.95, 936, 964, 0.9581);
        check(1000, 0.99, 983, 997, 0.9761);
        check(10_000, 0.99, 9880, 9920, 0.9558);
        check(100_000, 0.999, 99_880, 99_920, 0.9548);
        assert_eq!(rank_interval(50, 0.99, 0.95), None);
        assert_eq!(rank_interval(0, 0.5, 0.95), None);
        assert_eq!(rank_interval(100, f64::NAN, 0.95), None);
    }

    #[test]
    fn sample_sizes_for_a_half_width() {
        for (sigma, half_width, want) in [
            (0.5, 0.05, [604, 1716, 5355, 33_851]),
            (1.0, 0.10, [604, 1716, 5355, 33_851]),
            (0.3, 0.10, [55, 155, 482, 3047]),
        ] {
            for (share, want) in [0.5, 0.95, 0.99, 0.999].into_iter().zip(want) {
                assert_eq!(samples_for_half_width(share, sigma, half_width), Some(want));
            }
        }
        assert_eq!(samples_for_half_width(0.5, 0.0, 0.1), None);
    }

    #[test]
    fn omitted_samples_are_put_back() {
        // 100 a second at 1 ms for 100 s, then one stall of 100 s; in microseconds.
        let naive: Vec<u64> = std::iter::repeat_n(1_000, 10_000)
            .chain([100_000_000])
            .collect();
        let mean = |values: &[u64]| values.iter().sum::<u64>() as f64 / values.len() as f64;
        assert_eq!(naive.len(), 10_001);
        shown(mean(&naive) / 1e3, 11.0, 1);

        let mut corrected: Vec<u64> = naive
            .iter()
            .flat_map(|&value| with_omitted(value, 10_000))
            .collect();
        corrected.sort_unstable();
        assert_eq!(corrected.len(), 20_000);
        // The exact mean is 25.0030 s.
        shown(mean(&corrected) / 1e6, 25.003, 3);
        assert_eq!(nearest_rank(&corrected, 0.5), Some(1_000));
        assert_eq!(nearest_rank(&corrected, 0.75), Some(50_000_000));

        // HdrHistogram's own correction agrees within its resolution.
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        for &value in &naive {
            histogram.record_correct(value, 10_000).unwrap();
        }
        assert_eq!(histogram.len(), 20_000);
        assert!((histogram.mean() / 25.003e6 - 1.0).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn nearest_rank_has_the_share_at_or_below(
            mut values in prop::collection::vec(0u32..1000, 1..200), share in 0.001..1.0f64,
        ) {
            values.sort_unstable();
            let value = nearest_rank(&values, share).unwrap();
            let at_or_below = values.iter().filter(|&&v| v <= value).count() as f64;
            let below = values.iter().filter(|&&v| v < value).count() as f64;
            let target = share * values.len() as f64;
            prop_assert!(at_or_below >= target - 1e-9 && below < target + 1e-9);
        }

        #[test]
        fn rank_intervals_cover_what_they_promise(
            count in 1u64..20_000, share in 0.01..0.99f64, confidence in 0.5..0.999f64,
        ) {
            if let Some(interval) = rank_interval(count, share, confidence) {
                prop_assert!(interval.coverage >= confidence - 1e-9);
                prop_assert!(1 <= interval.lower && interval.lower < interval.upper);
                prop_assert!(interval.upper <= count);
            }
        }
    }
}
