//! How a minute's load scatters about that of its hour, as one function that is looked up.

use crate::cost::newsvendor::normal_quantile;
use std::f64::consts::SQRT_2;
use std::sync::LazyLock;

/// Points by which a law of scatter is laid down.
const POINTS: usize = 200;
/// Steps of the table for one unit of mean load.
const STEPS: usize = 64;
/// The most that a minute's load is told apart from the mean, as a multiple of it.
const LARGEST: f64 = 64.0;
/// The least scatter that has a law of its own, and the step from one law to the next.
const FIRST_CV: f64 = 0.01;
const LAW_STEP: f64 = 0.25;
const QUARTER_OCTAVE: f64 = 1.189_207_115_002_721;
/// Laws: none, and from 0.01 to about 5 in steps of a quarter of an octave.
const LAWS: usize = 37;

/// Normal quantiles of the middles of equal shares.
static QUANTILES: LazyLock<[f64; POINTS]> =
    LazyLock::new(|| std::array::from_fn(|i| normal_quantile((i as f64 + 0.5) / POINTS as f64)));

/// The law of a minute's load over the mean of its hour: lognormal, because loads are never negative and their
/// bursts lie above.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scatter {
    /// E min(X, c) in steps of 1/[`STEPS`] of c from 0 on; empty if nothing scatters.
    kept: Vec<f64>,
    /// Its points, equally likely, from the least on.
    points: Vec<f64>,
}

/// Laws for all scatters, since a busy hour scatters less than a quiet one.
#[derive(Clone, Debug)]
pub(super) struct Laws(Vec<Scatter>);

impl Laws {
    /// All laws; fast enough to be made for each decision.
    pub(super) fn new() -> Self {
        let law = |place: usize| match place {
            0 => Scatter::new(0.0),
            place => Scatter::new(FIRST_CV * 2f64.powf(LAW_STEP * (place - 1) as f64)),
        };
        Self((0..LAWS).map(law).collect())
    }

    /// The place of the law that is nearest to this square of the scatter, by ratio.
    #[inline]
    pub(super) fn nearest(square: f64) -> u8 {
        // Squares go in steps of half an octave; a quarter more makes the whole part the nearest. The exponent and the
        // first part of the mantissa tell it without a logarithm.
        let x = square * (QUARTER_OCTAVE / (FIRST_CV * FIRST_CV));
        if x.is_nan() || x < 0.5 {
            return 0;
        }
        let octaves = (x.to_bits() >> 52) as i64 - 1023;
        let mantissa = f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | 1f64.to_bits());
        let place = 2 * octaves + i64::from(mantissa >= SQRT_2) + 1;
        place.clamp(1, LAWS as i64 - 1) as u8
    }

    /// The law of a place.
    #[inline]
    pub(super) fn law(&self, place: u8) -> &Scatter {
        &self.0[usize::from(place)]
    }
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
        let mut points: Vec<f64> = QUANTILES.iter().map(|z| (z * sigma).exp()).collect();
        let mean = points.iter().sum::<f64>() / POINTS as f64;
        for point in &mut points {
            *point /= mean;
        }
        let steps = (points[POINTS - 1].min(LARGEST) * STEPS as f64).ceil() as usize + 1;
        // The points below c are summed as c goes up.
        let (mut below, mut count) = (0.0, 0);
        let kept = (0..=steps).map(|step| {
            let c = step as f64 / STEPS as f64;
            while points.get(count).is_some_and(|point| *point < c) {
                below += points[count];
                count += 1;
            }
            (below + c * (POINTS - count) as f64) / POINTS as f64
        });
        Self {
            kept: kept.collect(),
            points: points.clone(),
        }
    }

    /// The share of the load that capacity of `c` times its mean carries: E min(X, c).
    #[inline]
    pub(super) fn kept(&self, c: f64) -> f64 {
        if self.kept.is_empty() {
            return c.min(1.0);
        }
        let at = c * STEPS as f64;
        let step = at as usize;
        match self.kept.get(step..step.saturating_add(2)) {
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
        self.points.last().copied().unwrap_or(1.0).min(LARGEST)
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
            let values = scatter.values(10);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!((mean - 1.0).abs() < 1e-9);
        }
        let even = Scatter::new(0.0);
        assert!((even.kept(0.4) - 0.4).abs() < 1e-12 && (even.kept(7.0) - 1.0).abs() < 1e-12);
        assert!((Scatter::new(0.5).kept(1e9) - 1.0).abs() < 1e-12);
        assert!((Scatter::new(0.5).kept(f64::INFINITY) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn each_scatter_has_a_law_near_it() {
        let laws = Laws::new();
        for cv in [0.02, 0.1, 0.33, 1.0, 3.0] {
            let points = &laws.law(Laws::nearest(cv * cv)).points;
            let square = points.iter().map(|x| x * x).sum::<f64>() / POINTS as f64;
            let got = (square - 1.0).sqrt();
            // Few points cut the tail of a wide law.
            assert!(
                got < cv * 1.1 && got > cv * if cv > 1.0 { 0.5 } else { 0.8 },
                "{cv}: {got}"
            );
        }
        assert_eq!((Laws::nearest(1e-4), Laws::nearest(1.15e-4)), (1, 1));
        assert_eq!((Laws::nearest(1.4e-4), Laws::nearest(2e-4)), (2, 3));
        assert_eq!(Laws::nearest(0.0), 0);
        assert_eq!(Laws::nearest(f64::NAN), 0);
        assert_eq!(usize::from(Laws::nearest(1e9)), LAWS - 1);
    }
}
