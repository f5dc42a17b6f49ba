//! The law of service latency: time to first token and time per output token.

use super::Fact;
use crate::units::Micros;
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
        Self { ln_knots: vec![0.0; KNOT_COUNT], tail_index: None }
    }

    /// A lognormal law with median one and standard deviation `sigma` of the logarithm.
    pub fn lognormal(sigma: f64) -> Self {
        let step = 2.0 * KNOT_Z_MAX / (KNOT_COUNT - 1) as f64;
        let ln_knots = (0..KNOT_COUNT).map(|i| sigma * (i as f64 * step - KNOT_Z_MAX)).collect();
        Self { ln_knots, tail_index: None }
    }

    /// The multiplier at standard normal `z`.
    #[inline]
    pub fn at(&self, z: f64) -> f64 {
        let step = 2.0 * KNOT_Z_MAX / (KNOT_COUNT - 1) as f64;
        let position = ((z + KNOT_Z_MAX) / step).clamp(0.0, (KNOT_COUNT - 1) as f64);
        let cell = (position as usize).min(KNOT_COUNT - 2);
        let (low, high) = (self.ln_knots[cell], self.ln_knots[cell + 1]);
        (low + (high - low) * (position - cell as f64)).exp()
    }
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
