//! The law of service latency: time to first token and time per output token.

use super::Fact;
use crate::units::Micros;
use statrs::function::erf::erfc;
use std::f64::consts::SQRT_2;
use std::fmt;

/// How a latency profile came about. Reports print this word beside every latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Taken from measurements of this model on Bedrock as they are.
    Measured,
    /// Parameters fitted to measurements.
    Fitted,
    /// Chosen without measurements of this model on Bedrock.
    Assumed,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Measured => "measured",
            Self::Fitted => "fitted",
            Self::Assumed => "assumed",
        })
    }
}

/// The outermost knots lie at z = ±[`KNOT_Z_MAX`].
pub const KNOT_Z_MAX: f64 = 4.0;
/// Knots of a noise table, equally spaced in z.
pub const KNOT_COUNT: usize = 65;

/// A positive multiplicative noise with a median near one.
///
/// `ln q` is stored at [`KNOT_COUNT`] points equally spaced in z = Φ⁻¹(u) over
/// [−4, 4] and is linear in between, which is exact for a lognormal law. Beyond
/// z = 4 the tail is Pareto with the given index, or goes on linearly.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseLaw {
    /// `ln q` at the knots, non-decreasing.
    pub ln_knots: Vec<f64>,
    /// The Pareto index of the tail beyond the last knot, if it has one.
    pub tail_index: Option<f64>,
}

impl NoiseLaw {
    /// No noise: always one.
    pub fn none() -> Self {
        Self {
            ln_knots: vec![0.0; KNOT_COUNT],
            tail_index: None,
        }
    }

    /// A lognormal law with median one and standard deviation `sigma` of the logarithm.
    pub fn lognormal(sigma: f64) -> Self {
        let step = 2.0 * KNOT_Z_MAX / (KNOT_COUNT - 1) as f64;
        let ln_knots = (0..KNOT_COUNT)
            .map(|i| sigma * (i as f64 * step - KNOT_Z_MAX))
            .collect();
        Self {
            ln_knots,
            tail_index: None,
        }
    }

    /// A law with median one whose logarithm spreads differently below and above it: normal halves with
    /// these standard deviations. Services are seldom much faster than usual, and often slower.
    pub fn two_sided(below: f64, above: f64) -> Self {
        let mut law = Self::lognormal(above);
        let half = KNOT_COUNT / 2;
        for (knot, lower) in law
            .ln_knots
            .iter_mut()
            .zip(Self::lognormal(below).ln_knots)
            .take(half)
        {
            *knot = lower;
        }
        law
    }

    /// A mixture of lognormal laws, turned into knots by inverting its distribution.
    ///
    /// Weights are shares of their sum; no parts give no noise.
    pub fn mixture(parts: &[LognormalPart]) -> Self {
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        if parts.is_empty() || total <= 0.0 {
            return Self::none();
        }
        let step = 2.0 * KNOT_Z_MAX / (KNOT_COUNT - 1) as f64;
        let mut floor = f64::NEG_INFINITY;
        let ln_knots = (0..KNOT_COUNT)
            .map(|i| {
                let knot = mixture_quantile(parts, total, i as f64 * step - KNOT_Z_MAX);
                // Two bisections may end a rounding error apart.
                floor = knot.max(floor);
                floor
            })
            .collect();
        Self {
            ln_knots,
            tail_index: None,
        }
    }

    /// The multiplier at the standard normal number `z`: linear in the logarithm between
    /// knots and beyond them, Pareto above the last one if the law has a tail index.
    #[inline]
    pub fn at(&self, z: f64) -> f64 {
        let Some(last) = self.ln_knots.len().checked_sub(1).filter(|&last| last > 0) else {
            return 1.0;
        };
        if let Some(index) = self.tail_index
            && z > KNOT_Z_MAX
        {
            return (self.ln_knots[last] + pareto_excess(z, index)).exp();
        }
        let position = (z + KNOT_Z_MAX) * (last as f64 / (2.0 * KNOT_Z_MAX));
        // The cast sends what lies below zero, and NaN, to zero.
        let low = (position as usize).min(last - 1);
        let (a, b) = (self.ln_knots[low], self.ln_knots[low + 1]);
        (a + (position - low as f64) * (b - a)).exp()
    }
}

/// One part of a mixture of lognormal laws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LognormalPart {
    /// Its share of the draws.
    pub weight: f64,
    /// Its median, a multiplier.
    pub median: f64,
    /// The standard deviation of its logarithm; above zero.
    pub sigma: f64,
}

/// ln of how far a Pareto tail of `index` has risen above its value at the last knot:
/// q ∝ (1 − Φ(z))^(−1/index).
#[cold]
fn pareto_excess(z: f64, index: f64) -> f64 {
    // Beyond z = 38 the probability underflows; no draw gets there.
    let survival = |z: f64| erfc(z.min(37.0) / SQRT_2);
    (survival(KNOT_Z_MAX) / survival(z)).ln() / index
}

/// ln of the quantile of a mixture at the standard normal number `z`, by bisection.
fn mixture_quantile(parts: &[LognormalPart], total: f64, z: f64) -> f64 {
    // In each half the smaller of the two probabilities keeps its digits.
    let sign = if z > 0.0 { 1.0 } else { -1.0 };
    let target = erfc(sign * z / SQRT_2);
    let tail = |x: f64| {
        parts
            .iter()
            .map(|part| {
                part.weight / total * erfc(sign * (x - part.median.ln()) / part.sigma / SQRT_2)
            })
            .sum::<f64>()
    };
    // The quantile lies between those of the parts.
    let own = |part: &LognormalPart| part.median.ln() + part.sigma * z;
    let mut low = parts.iter().map(own).fold(f64::INFINITY, f64::min);
    let mut high = parts.iter().map(own).fold(f64::NEG_INFINITY, f64::max);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if (tail(middle) - target) * sign > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Latency of one model, from `profiles/latency/NAME.toml`.
///
/// TTFT = (base + `per_k_input`·U + `per_k_cached`·R + h(ρ)·(`load_base` + `load_per_k`·U))·ε with U the
/// uncached and R the cached-read input in thousands of tokens, h(ρ) = ρ/(1−ρ) and ε the noise.
/// TPOT = `per_output_token`·(1 + `load_per_token`·h(ρ))·ε′, one draw of ε′ per request.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyProfile {
    /// The file's stem.
    pub name: String,
    /// Measured, fitted or assumed.
    pub origin: Origin,
    /// Where the figures come from.
    pub source: Fact,
    /// TTFT of an empty prompt on an unloaded service.
    pub ttft_base: Micros,
    /// TTFT per 1,000 uncached input tokens.
    pub ttft_per_k_input: Micros,
    /// TTFT per 1,000 input tokens read from the cache.
    pub ttft_per_k_cached: Micros,
    /// TTFT added per unit of h(ρ).
    pub load_base: Micros,
    /// TTFT added per unit of h(ρ) and 1,000 uncached input tokens.
    pub load_per_k: Micros,
    /// Time per output token.
    pub per_output_token: Micros,
    /// Relative growth of the time per output token per unit of h(ρ).
    pub load_per_token: f64,
    /// Noise of TTFT between requests.
    pub ttft_noise: NoiseLaw,
    /// Noise of TPOT between requests.
    pub tpot_noise: NoiseLaw,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64) {
        assert!((got / want - 1.0).abs() < 1e-9, "{got} is not {want}");
    }

    #[test]
    fn a_lognormal_law_is_exact_at_every_z() {
        let law = NoiseLaw::lognormal(0.35);
        for z in [-7.5, -4.0, -3.99, -1.0, 0.0, 0.017, 1.6449, 3.999, 4.0, 5.5] {
            near(law.at(z), (0.35 * z).exp());
        }
        near(NoiseLaw::none().at(2.0), 1.0);
    }

    #[test]
    fn the_halves_of_a_two_sided_law_are_lognormal() {
        let law = NoiseLaw::two_sided(0.1, 0.4);
        near(law.at(-2.0), (-0.2f64).exp());
        near(law.at(0.0), 1.0);
        near(law.at(2.0), 0.8f64.exp());
        assert!(law.ln_knots.is_sorted());
    }

    #[test]
    fn a_mixture_of_one_part_is_its_lognormal() {
        let part = LognormalPart {
            weight: 3.0,
            median: 1.5,
            sigma: 0.4,
        };
        let law = NoiseLaw::mixture(&[part]);
        for z in [-4.0, -0.3, 0.0, 2.5, 4.0] {
            near(law.at(z), 1.5 * (0.4 * z).exp());
        }
    }

    #[test]
    fn knots_of_a_mixture_invert_its_distribution() {
        // The late component takes over the upper tail; its own median is the quantile
        // at which half of it lies above: 1 - 0.04 / 2 (the body adds nothing there).
        let part = |weight, median, sigma| LognormalPart {
            weight,
            median,
            sigma,
        };
        let law = NoiseLaw::mixture(&[part(0.96, 1.0, 0.2), part(0.04, 8.0, 0.3)]);
        let z = 2.053_748_910_631_823; // Φ⁻¹(0.98)
        assert!((law.at(z) / 8.0 - 1.0).abs() < 0.02, "{}", law.at(z));
        assert!(law.ln_knots.is_sorted());
        assert!((law.at(0.0) / (0.2f64 * 0.0523).exp() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_pareto_tail_goes_on_from_the_last_knot() {
        let law = NoiseLaw {
            tail_index: Some(2.0),
            ..NoiseLaw::lognormal(0.3)
        };
        near(law.at(4.0), 1.2f64.exp());
        // P(Z > 5) / P(Z > 4) = 2.8665157e-7 / 3.1671242e-5.
        let want = 1.2f64.exp() * (3.167_124_183_311_986e-5f64 / 2.866_515_719e-7).sqrt();
        assert!((law.at(5.0) / want - 1.0).abs() < 1e-6);
        assert!(law.at(60.0).is_finite());
    }

    #[test]
    fn odd_tables_do_not_panic() {
        let short = |ln_knots| NoiseLaw {
            ln_knots,
            tail_index: Some(3.0),
        };
        near(short(vec![]).at(9.0), 1.0);
        near(short(vec![0.7]).at(9.0), 1.0);
        assert!(NoiseLaw::none().at(f64::NAN).is_nan());
    }
}
