//! Laws of gaps between arrivals, fitted by maximum likelihood, and how far they are from the data.

use statrs::function::gamma::{digamma, gamma_lr};

/// A law with a shape and a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShapeFit {
    /// The shape; 1 is the exponential law.
    pub shape: f64,
    /// The scale, in the unit of the gaps.
    pub scale: f64,
}

/// The range in which shapes are looked for.
const SHAPES: (f64, f64) = (1e-3, 1e3);

/// The gamma law of the greatest likelihood: ln k − ψ(k) = ln x̄ − mean ln x, scale x̄/k.
///
/// `None` with fewer than two gaps, one that is not positive, or all alike.
pub fn gamma_fit(gaps: &[f64]) -> Option<ShapeFit> {
    let (mean, mean_ln) = means(gaps)?;
    let wanted = mean.ln() - mean_ln;
    if wanted <= 1e-12 {
        return None;
    }
    let shape = bisect(|shape| shape.ln() - digamma(shape) > wanted);
    Some(ShapeFit {
        shape,
        scale: mean / shape,
    })
}

/// The Weibull law of the greatest likelihood: Σxᵏ ln x / Σxᵏ − 1/k = mean ln x, scale (mean xᵏ)^(1/k).
///
/// `None` with fewer than two gaps, one that is not positive, or all alike.
pub fn weibull_fit(gaps: &[f64]) -> Option<ShapeFit> {
    let (mean, mean_ln) = means(gaps)?;
    if mean.ln() - mean_ln <= 1e-12 {
        return None;
    }
    // In units of the largest gap no power overflows.
    let most = gaps.iter().copied().fold(0.0, f64::max).ln();
    let logs: Vec<f64> = gaps.iter().map(|gap| gap.ln() - most).collect();
    let shape = bisect(|shape| {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for log in &logs {
            let power = (shape * log).exp();
            sum += power;
            weighted += power * log;
        }
        weighted / sum - 1.0 / shape < mean_ln - most
    });
    let power: f64 = logs.iter().map(|log| (shape * log).exp()).sum();
    let scale = (power / logs.len() as f64).ln() / shape + most;
    Some(ShapeFit {
        shape,
        scale: scale.exp(),
    })
}

/// The distribution function of the gamma law.
pub fn gamma_cdf(fit: ShapeFit, gap: f64) -> f64 {
    if gap > 0.0 {
        gamma_lr(fit.shape, gap / fit.scale)
    } else {
        0.0
    }
}

/// The distribution function of the Weibull law; of shape 1, the exponential one.
pub fn weibull_cdf(fit: ShapeFit, gap: f64) -> f64 {
    -(-(gap / fit.scale).max(0.0).powf(fit.shape)).exp_m1()
}

/// The largest distance between a law and the sample (Kolmogorov and Smirnov). `sorted` ascends.
pub fn ks_distance(sorted: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let mut most: f64 = 0.0;
    for (index, value) in sorted.iter().enumerate() {
        let share = cdf(*value);
        most = most
            .max((share - index as f64 / n).abs())
            .max((share - (index + 1) as f64 / n).abs());
    }
    most
}

/// The arithmetic mean and the mean of logarithms.
fn means(gaps: &[f64]) -> Option<(f64, f64)> {
    let usable = gaps.len() >= 2 && gaps.iter().all(|gap| gap.is_finite() && *gap > 0.0);
    usable.then(|| {
        let n = gaps.len() as f64;
        let logs: f64 = gaps.iter().map(|gap| gap.ln()).sum();
        (gaps.iter().sum::<f64>() / n, logs / n)
    })
}

/// The shape up to which `below` holds.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = SHAPES;
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::check::shown;

    /// Quantiles of a law at even shares: a sample without chance.
    fn sample(quantile: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..20_000)
            .map(|i| quantile((f64::from(i) + 0.5) / 20_000.0))
            .collect()
    }

    #[test]
    fn the_laws_that_made_a_sample_are_found() {
        let weibull = sample(|u| 3.0 * (-(1.0 - u).ln()).powf(1.0 / 0.6848));
        let fit = weibull_fit(&weibull).unwrap();
        shown(fit.shape, 0.685, 2);
        shown(fit.scale, 3.0, 1);
        assert!(ks_distance(&weibull, |gap| weibull_cdf(fit, gap)) < 0.002);
        let exponential = sample(|u| -2.0 * (1.0 - u).ln());
        let gamma = gamma_fit(&exponential).unwrap();
        shown(gamma.shape, 1.0, 2);
        shown(gamma.scale, 2.0, 1);
        assert!(ks_distance(&exponential, |gap| gamma_cdf(gamma, gap)) < 0.002);
        // A law with a shape far from the sample's is far from it.
        let poisson = ShapeFit {
            shape: 1.0,
            scale: 3.9,
        };
        assert!(ks_distance(&weibull, |gap| weibull_cdf(poisson, gap)) > 0.1);
    }

    #[test]
    fn what_cannot_be_fitted_is_not() {
        for gaps in [
            &[][..],
            &[1.0],
            &[2.0, 2.0, 2.0],
            &[0.0, 1.0],
            &[f64::NAN, 1.0],
        ] {
            assert_eq!(gamma_fit(gaps), None, "{gaps:?}");
            assert_eq!(weibull_fit(gaps), None, "{gaps:?}");
        }
    }
}
