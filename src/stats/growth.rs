//! Growth as a random walk of the logarithm: how it is told from a series, and when it passes a limit.
//!
//! ln D(m) = ln D(0) + μ·m + σ·√m·Z, the discrete form of geometric Brownian motion.

use statrs::distribution::{ContinuousCDF, Normal};

/// The drift of a series of levels, by steps of the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// μ: the mean change of the logarithm in a step.
    pub per_step: f64,
    /// σ: the standard deviation of that change.
    pub volatility: f64,
    /// The standard error of μ, σ/√n: what resampling the n changes with replacement gives in the limit.
    pub standard_error: f64,
    /// Changes that were seen.
    pub steps: usize,
}

/// The drift of positive levels; `None` with fewer than three, or if one is not positive.
///
/// The changes of a random walk are independent, so their mean and standard deviation estimate μ and σ.
pub fn drift(levels: &[f64]) -> Option<Drift> {
    if levels.len() < 3
        || levels
            .iter()
            .any(|level| !(*level > 0.0 && level.is_finite()))
    {
        return None;
    }
    let changes: Vec<f64> = levels
        .windows(2)
        .map(|two| (two[1] / two[0]).ln())
        .collect();
    let n = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / n;
    let squares: f64 = changes.iter().map(|x| (x - mean) * (x - mean)).sum();
    let volatility = (squares / (n - 1.0)).sqrt();
    Some(Drift {
        per_step: mean,
        volatility,
        standard_error: volatility / n.sqrt(),
        steps: changes.len(),
    })
}

/// The chance that demand is above a limit after so many months: Φ((ln(D₀/Q) + μm) / √(σ²m + u²m²)).
///
/// `level` is D₀/Q, `uncertainty` the standard deviation u of μ itself.
pub fn chance_above(level: f64, drift: f64, volatility: f64, uncertainty: f64, months: f64) -> f64 {
    let mean = level.ln() + drift * months;
    let spread = (volatility * volatility * months + (uncertainty * months).powi(2)).sqrt();
    if spread > 0.0 {
        Normal::standard().cdf(mean / spread)
    } else if mean > 0.0 {
        1.0
    } else {
        // Just at the limit is not above it, and a level of no meaning is not either.
        0.0
    }
}

/// The quantile of the largest of `n` independent standard normal numbers that is exceeded once on average:
/// z with P(Z > z) = 1/n; 0 for fewer than two.
pub fn largest_normal(n: f64) -> f64 {
    if n > 2.0 {
        Normal::standard().inverse_cdf(1.0 - 1.0 / n)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;

    #[test]
    fn chances_are_those_of_the_method() {
        for (months, want) in [(3.0, 0.0046), (6.0, 0.1410), (9.0, 0.4000), (12.0, 0.6262)] {
            shown(chance_above(0.6, 0.05, 0.08, 0.0, months), want, 4);
        }
        // An unsure drift makes the far end less sure, to either side.
        assert!(chance_above(0.6, 0.05, 0.08, 0.03, 6.0) > 0.1410);
        assert!(chance_above(0.6, 0.05, 0.08, 0.03, 12.0) < 0.6262);
        assert!(chance_above(0.5, 0.1, 0.0, 0.0, 7.0) > 0.5);
        assert!(chance_above(0.5, 0.1, 0.0, 0.0, 6.0) < 0.5);
        assert!(chance_above(0.0, 0.1, 0.1, 0.0, 6.0) < 1e-12);
    }

    #[test]
    fn a_drift_is_the_mean_of_its_changes() {
        let levels = [1.0, 1.1, 1.0, 1.21, 1.331];
        let told = drift(&levels).unwrap();
        assert!((told.per_step - 1.331f64.ln() / 4.0).abs() < 1e-12);
        let step = 1.1f64.ln();
        let mean = 0.75 * step;
        let squares = [1.0, -1.0, 2.0, 1.0].map(|x: f64| (x * step - mean).powi(2));
        let sd = (squares.iter().sum::<f64>() / 3.0).sqrt();
        assert!((told.volatility - sd).abs() < 1e-12);
        assert!((told.standard_error - sd / 2.0).abs() < 1e-12);
        assert_eq!(told.steps, 4);
        assert_eq!(drift(&[1.0, 2.0]), None);
        assert_eq!(drift(&[1.0, 0.0, 2.0]), None);
    }

    #[test]
    fn the_largest_of_many_lies_far_out() {
        shown(largest_normal(1000.0), 3.0902, 4);
        shown(largest_normal(1.0), 0.0, 4);
    }
}
