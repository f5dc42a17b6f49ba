//! Gaps between request starts, drawn with unit mean.
//!
//! The first gap is the equilibrium one: a run begins at a random instant of a process that has
//! been going on for ever, not at an arrival, so the start is not biased (`methods.md` 1.3).

use rand::Rng;
use rand_distr::{Distribution, Exp1, Gamma};
use statrs::function::gamma::ln_gamma;

use crate::rng::to_open_unit;

/// A law of gaps with mean 1.
#[derive(Clone, Debug)]
pub struct Gaps(Law);

#[derive(Clone, Debug)]
enum Law {
    Constant,
    Exponential,
    Gamma {
        body: Gamma<f64>,
        /// 1/k for shapes k below one, which are drawn as Gamma(k + 1) · U^(1/k).
        boost: Option<f64>,
        first: Gamma<f64>,
    },
    Weibull {
        inverse_shape: f64,
        scale: f64,
        first: Gamma<f64>,
    },
}

impl Gaps {
    /// Always 1.
    pub fn constant() -> Self {
        Self(Law::Constant)
    }

    /// Exponential: Poisson arrivals.
    pub fn exponential() -> Self {
        Self(Law::Exponential)
    }

    /// Gamma with this coefficient of variation: shape 1/CV², scale CV².
    pub fn gamma(cv: f64) -> Self {
        debug_assert!(
            cv.is_finite() && cv >= 0.0,
            "a CV is finite and not negative"
        );
        if cv < 1e-6 {
            return Self::constant();
        }
        let (shape, scale) = (1.0 / (cv * cv), cv * cv);
        let boost = (shape < 1.0).then_some(1.0 / shape);
        let body_shape = if boost.is_some() { shape + 1.0 } else { shape };
        match (
            Gamma::new(body_shape, scale),
            Gamma::new(shape + 1.0, scale),
        ) {
            (Ok(body), Ok(first)) => Self(Law::Gamma { body, boost, first }),
            _ => Self::exponential(),
        }
    }

    /// Weibull with this coefficient of variation.
    pub fn weibull(cv: f64) -> Self {
        debug_assert!(
            cv.is_finite() && cv >= 0.0,
            "a CV is finite and not negative"
        );
        if cv < 1e-6 {
            return Self::constant();
        }
        let (shape, scale) = weibull_shape_scale(cv);
        match Gamma::new(1.0 + 1.0 / shape, 1.0) {
            Ok(first) => Self(Law::Weibull {
                inverse_shape: 1.0 / shape,
                scale,
                first,
            }),
            Err(_) => Self::exponential(),
        }
    }

    /// The time to the first arrival: a random part of a length-biased gap.
    pub fn first<R: Rng>(&self, rng: &mut R) -> f64 {
        let part = to_open_unit(rng.next_u64());
        match &self.0 {
            Law::Constant => part,
            Law::Exponential => Exp1.sample(rng),
            Law::Gamma { first, .. } => part * first.sample(rng),
            Law::Weibull {
                inverse_shape,
                scale,
                first,
            } => part * scale * first.sample(rng).powf(*inverse_shape),
        }
    }

    /// A further gap.
    #[inline]
    pub fn next<R: Rng>(&self, rng: &mut R) -> f64 {
        match &self.0 {
            Law::Constant => 1.0,
            Law::Exponential => Exp1.sample(rng),
            Law::Gamma { body, boost, .. } => {
                let gap = body.sample(rng);
                match boost {
                    Some(inverse) => {
                        // U^(1/k) with −ln U drawn directly, which saves a logarithm.
                        let e: f64 = Exp1.sample(rng);
                        gap * (-e * inverse).exp()
                    }
                    None => gap,
                }
            }
            Law::Weibull {
                inverse_shape,
                scale,
                ..
            } => {
                let e: f64 = Exp1.sample(rng);
                scale * e.powf(*inverse_shape)
            }
        }
    }
}

/// Shape k and scale of the unit-mean Weibull law with this coefficient of variation:
/// Γ(1+2/k) / Γ(1+1/k)² − 1 = CV², scale = 1/Γ(1+1/k).
pub fn weibull_shape_scale(cv: f64) -> (f64, f64) {
    let target = (cv * cv).ln_1p();
    let spread = |k: f64| ln_gamma(1.0 + 2.0 / k) - 2.0 * ln_gamma(1.0 + 1.0 / k);
    let shape = if cv < 1e-3 {
        // Γ cancels out here; the limit is k = π / (√6 · CV).
        std::f64::consts::PI / (6f64.sqrt() * cv)
    } else {
        let (mut low, mut high) = (1e-3f64.ln(), 1e4f64.ln());
        // Sixty halvings take an interval of sixteen to below one in 10^16.
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if spread(middle.exp()) > target {
                low = middle;
            } else {
                high = middle;
            }
        }
        (0.5 * (low + high)).exp()
    };
    (shape, (-ln_gamma(1.0 + 1.0 / shape)).exp())
}

#[cfg(test)]
mod tests;
