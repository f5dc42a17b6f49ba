//! Service latency: TTFT and time per output token from a profile, a load and two noise draws.

use super::noise::Noise;
use crate::domain::{KNOT_Z_MAX, LatencyProfile, NoiseLaw};
use crate::units::Micros;

/// Cells of the sampling table; fine enough that linear interpolation of the multiplier itself
/// is within 10⁻⁵ of the law for spreads that occur (σ ≤ 1).
const CELLS: usize = 2048;

/// A noise law tabulated for sampling without an exponential per draw.
#[derive(Clone, Debug)]
pub struct NoiseTable {
    /// Multipliers at z equally spaced over [−4, 4].
    multipliers: Vec<f64>,
    law: NoiseLaw,
}

impl NoiseTable {
    /// Tabulates `law`.
    pub fn new(law: &NoiseLaw) -> Self {
        let step = 2.0 * KNOT_Z_MAX / CELLS as f64;
        let multipliers = (0..=CELLS)
            .map(|i| law.at(i as f64 * step - KNOT_Z_MAX))
            .collect();
        Self {
            multipliers,
            law: law.clone(),
        }
    }

    /// The multiplier at standard normal `z`.
    #[inline]
    pub fn at(&self, z: f64) -> f64 {
        let position = (z + KNOT_Z_MAX) * (CELLS as f64 / (2.0 * KNOT_Z_MAX));
        if position < 0.0 || position >= CELLS as f64 {
            return self.law.at(z);
        }
        let cell = position as u32;
        let (low, high) = (
            self.multipliers[cell as usize],
            self.multipliers[cell as usize + 1],
        );
        low + (high - low) * (position - f64::from(cell))
    }
}

/// A latency profile under a given load of the service.
#[derive(Clone, Debug)]
pub struct LatencyModel {
    ttft_base_us: f64,
    ttft_per_token_us: f64,
    ttft_per_cached_token_us: f64,
    per_output_token_us: f64,
    ttft_noise: NoiseTable,
    tpot_noise: NoiseTable,
    loaded: Loaded,
}

/// The parts of the law apart, for a load that changes, in microseconds: without load, and for each unit
/// of h(ρ).
#[derive(Clone, Copy, Debug)]
struct Loaded {
    base: (f64, f64),
    per_token: (f64, f64),
    per_output: (f64, f64),
}

/// The account's own answers raise ρ no further than this: with h(ρ) = 9 a pool is as slow as it gets, and
/// refuses what is beyond. Without a bound, answers of a full pool would all but stand still. Assumed.
const FULLEST: f64 = 0.9;

/// h(ρ) = ρ/(1−ρ), the queueing part of the law, under load by others, below 1, and the account's own.
#[inline]
pub fn queueing(others: f64, own: f64) -> f64 {
    let load = (others + own).min(FULLEST.max(others));
    load / (1.0 - load)
}

/// Timing of one answer before any queueing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// From admission to the first token.
    pub ttft: Micros,
    /// Microseconds per output token after the first.
    pub per_token_us: f64,
}

/// Whole microseconds, rounded down. By way of a signed integer, which takes a processor half the time.
#[inline]
fn whole(us: f64) -> Micros {
    Micros((us as i64).max(0) as u64)
}

impl Pace {
    /// From admission to the last of `output` tokens.
    #[inline]
    pub fn total(&self, output: u32) -> Micros {
        self.ttft + whole(f64::from(output.saturating_sub(1)) * self.per_token_us)
    }
}

impl LatencyModel {
    /// The profile at load ρ = `load`, in `[0, 1)`, where h(ρ) = ρ/(1−ρ).
    ///
    /// # Panics
    /// If `load` is outside `[0, 1)`; scenario files are checked for that.
    pub fn new(profile: &LatencyProfile, load: f64) -> Self {
        assert!((0.0..1.0).contains(&load), "load {load} is outside [0, 1)");
        let h = load / (1.0 - load);
        let us = |span: Micros| span.0 as f64;
        Self {
            ttft_base_us: us(profile.ttft_base) + h * us(profile.load_base),
            ttft_per_token_us: (us(profile.ttft_per_k_input) + h * us(profile.load_per_k)) / 1000.0,
            ttft_per_cached_token_us: us(profile.ttft_per_k_cached) / 1000.0,
            per_output_token_us: us(profile.per_output_token) * (1.0 + profile.load_per_token * h),
            ttft_noise: NoiseTable::new(&profile.ttft_noise),
            tpot_noise: NoiseTable::new(&profile.tpot_noise),
            loaded: Loaded {
                base: (us(profile.ttft_base), us(profile.load_base)),
                per_token: (
                    us(profile.ttft_per_k_input) / 1000.0,
                    us(profile.load_per_k) / 1000.0,
                ),
                per_output: (
                    us(profile.per_output_token),
                    us(profile.per_output_token) * profile.load_per_token,
                ),
            },
        }
    }

    /// What the laws of noise make of the two standard normal draws for TTFT and TPOT.
    #[inline]
    pub fn noise(&self, z: (f64, f64)) -> Noise {
        (self.ttft_noise.at(z.0), self.tpot_noise.at(z.1))
    }

    /// The timing under another load, given by its `h` = ρ/(1−ρ).
    #[inline]
    pub fn pace_under(&self, h: f64, uncached: u32, cached: u32, noise: Noise) -> Pace {
        let at = |(idle, per_h): (f64, f64)| idle + h * per_h;
        let mean = at(self.loaded.base)
            + at(self.loaded.per_token) * f64::from(uncached)
            + self.ttft_per_cached_token_us * f64::from(cached);
        Pace {
            ttft: whole(mean * noise.0),
            per_token_us: at(self.loaded.per_output) * noise.1,
        }
    }

    /// The timing of a request with `uncached` and `cached` input tokens; `z` are the two
    /// standard normal draws for TTFT and TPOT.
    #[inline]
    pub fn pace(&self, uncached: u32, cached: u32, z: (f64, f64)) -> Pace {
        self.pace_with(uncached, cached, self.noise(z))
    }

    /// The same with what [`LatencyModel::noise`] made of the draws.
    #[inline]
    pub fn pace_with(&self, uncached: u32, cached: u32, noise: Noise) -> Pace {
        let mean = self.ttft_base_us
            + self.ttft_per_token_us * f64::from(uncached)
            + self.ttft_per_cached_token_us * f64::from(cached);
        Pace {
            ttft: whole(mean * noise.0),
            per_token_us: self.per_output_token_us * noise.1,
        }
    }

    /// Microseconds per output token without noise.
    pub fn per_output_token_us(&self) -> f64 {
        self.per_output_token_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fact, Origin};

    fn profile() -> LatencyProfile {
        LatencyProfile {
            name: "test".into(),
            origin: Origin::Assumed,
            source: Fact::default(),
            ttft_base: Micros::from_millis(500),
            ttft_per_k_input: Micros::from_millis(100),
            ttft_per_k_cached: Micros::from_millis(10),
            load_base: Micros::from_millis(200),
            load_per_k: Micros::from_millis(50),
            per_output_token: Micros::from_millis(20),
            load_per_token: 0.5,
            ttft_noise: NoiseLaw::lognormal(0.4),
            tpot_noise: NoiseLaw::none(),
        }
    }

    #[test]
    fn the_form_of_the_law_holds() {
        let idle = LatencyModel::new(&profile(), 0.0).pace(2000, 1000, (0.0, 0.0));
        assert_eq!(idle.ttft, Micros::from_millis(710));
        assert_eq!(idle.total(11), Micros::from_millis(910));
        // At half load h = 1.
        let busy = LatencyModel::new(&profile(), 0.5).pace(2000, 1000, (0.0, 0.0));
        assert_eq!(busy.ttft, Micros::from_millis(1010));
        assert!((busy.per_token_us - 30_000.0).abs() < 1e-6);
    }

    #[test]
    fn the_table_agrees_with_the_law() {
        let law = NoiseLaw::lognormal(0.8);
        let table = NoiseTable::new(&law);
        for i in -500..=500 {
            let z = f64::from(i) / 100.0;
            let (got, want) = (table.at(z), (0.8 * z).exp());
            assert!(
                (got / want - 1.0).abs() < 1e-5,
                "z {z}: {got} against {want}"
            );
        }
    }
}
