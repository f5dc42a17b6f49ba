//! How a minute's load scatters about that of its hour, as one function that is looked up.

use crate::cost::newsvendor::normal_quantile;

/// Points by which the law of scatter is laid down.
const POINTS: usize = 200;
/// Steps of the table for one unit of mean load.
const STEPS: usize = 64;

/// The law of a minute's load over the mean of its hour: lognormal, because loads are never negative and their
/// bursts lie above.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scatter {
    /// E min(X, c) in steps of 1/[`STEPS`] of c from 0 on; empty if nothing scatters.
    kept: Vec<f64>,
    /// Its points, equally likely, from the least on.
    points: Vec<f64>,
}

impl Scatter {
    /// Scatter with this standard deviation over the mean.
    pub(super) fn new(cv: f64) -> Self {
        if cv.is_nan() || cv < 1e-3 {
            return Self {
                kept: Vec::new(),
                points: vec![1.0],
            };
        }
        let sigma = (cv * cv).ln_1p().sqrt();
        let mut points: Vec<f64> = (0..POINTS)
            .map(|i| ((normal_quantile((i as f64 + 0.5) / POINTS as f64)) * sigma).exp())
            .collect();
        let mean = points.iter().sum::<f64>() / POINTS as f64;
        for point in &mut points {
            *point /= mean;
        }
        let largest = points[POINTS - 1].min(64.0);
        let steps = (largest * STEPS as f64).ceil() as usize + 1;
        let kept = (0..=steps)
            .map(|step| {
                let c = step as f64 / STEPS as f64;
                points.iter().map(|x| x.min(c)).sum::<f64>() / POINTS as f64
            })
            .collect();
        Self { kept, points }
    }

    /// The share of the load that capacity of `c` times its mean carries: E min(X, c).
    #[inline]
    pub(super) fn kept(&self, c: f64) -> f64 {
        if self.kept.is_empty() {
            return c.min(1.0);
        }
        let at = c * STEPS as f64;
        let step = at as usize;
        match self.kept.get(step..step + 2) {
            Some(two) => two[0] + (two[1] - two[0]) * (at - step as f64),
            None => 1.0,
        }
    }

    /// Equally likely values of X, fewer than `most` if it does not scatter.
    pub(super) fn values(&self, most: usize) -> Vec<f64> {
        if self.points.len() == 1 {
            return vec![1.0];
        }
        let block = self.points.len().div_ceil(most.max(1));
        let blocks = self.points.chunks(block);
        blocks
            .map(|points| points.iter().sum::<f64>() / points.len() as f64)
            .collect()
    }

    /// The largest value of X that is told apart.
    pub(super) fn largest(&self) -> f64 {
        self.points.last().copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_carries_what_a_lognormal_law_says() {
        // E min(X, c) of a lognormal with mean 1: Φ((ln c − σ²/2)/σ) + c·(1 − Φ((ln c + σ²/2)/σ)).
        for cv in [0.2, 0.5, 1.0] {
            let scatter = Scatter::new(cv);
            let sigma = (1.0f64 + cv * cv).ln().sqrt();
            for c in [0.3f64, 0.8, 1.0, 1.5, 2.5] {
                let z = c.ln() / sigma;
                let cdf = crate::cost::newsvendor::normal_cdf;
                let want = cdf(z - 0.5 * sigma) + c * (1.0 - cdf(z + 0.5 * sigma));
                let got = scatter.kept(c);
                assert!((got - want).abs() < 6e-3, "cv {cv}, c {c}: {got}, {want}");
            }
            let mean = scatter.values(9);
            assert!((mean.iter().sum::<f64>() / mean.len() as f64 - 1.0).abs() < 0.05);
        }
        let even = Scatter::new(0.0);
        assert!((even.kept(0.4) - 0.4).abs() < 1e-12 && (even.kept(7.0) - 1.0).abs() < 1e-12);
        assert!((Scatter::new(0.5).kept(1e9) - 1.0).abs() < 1e-12);
    }
}
