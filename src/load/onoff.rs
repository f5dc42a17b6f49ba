//! On-off traffic: a Poisson process whose rate switches between two states (MMPP(2)).
//!
//! The states last for exponential times in *real* time, so a shape changes how many requests a
//! burst holds, not how long it lasts.

use rand::Rng;
use rand_distr::{Distribution, Exp1};

use super::curve::{Cursor, RateCurve};
use super::spec::OnOffSpec;
use crate::rng::to_open_unit;

/// The two-state process in its own terms: state 0 is the burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmpp {
    /// Requests per second in each state.
    pub rates: [f64; 2],
    /// Switches per second out of each state.
    pub leave: [f64; 2],
}

impl Mmpp {
    /// From mean rate, burst factor, burst share and burst length (`methods.md` 1.5).
    pub fn of(spec: &OnOffSpec) -> Self {
        let (b, share) = (spec.burst_factor, spec.burst_share.clamp(0.0, 1.0 - 1e-12));
        debug_assert!(
            b * share < 1.0 + 1e-9,
            "burst_factor × burst_share is below 1"
        );
        // A burst lasts a microsecond at least, the resolution of time.
        let leave_burst = 1.0 / spec.burst_length.as_secs_f64().max(1e-6);
        Self {
            rates: [
                b * spec.rate.0,
                (spec.rate.0 * (1.0 - b * share) / (1.0 - share)).max(0.0),
            ],
            leave: [leave_burst, leave_burst * share / (1.0 - share)],
        }
    }

    /// Mean requests per second: (λ₁r₂ + λ₂r₁) / (r₁ + r₂).
    pub fn mean(&self) -> f64 {
        let ([l1, l2], [r1, r2]) = (self.rates, self.leave);
        (l1 * r2 + l2 * r1) / (r1 + r2)
    }

    /// Index of dispersion of counts in windows of `seconds` (Heffes & Lucantoni 1986):
    /// 1 + A(1 − (1 − e^(−st))/(st)), A = 2r₁r₂(λ₁−λ₂)² / (s²(λ₁r₂+λ₂r₁)).
    pub fn idc(&self, seconds: f64) -> f64 {
        let ([l1, l2], [r1, r2]) = (self.rates, self.leave);
        let s = r1 + r2;
        let a = 2.0 * r1 * r2 * (l1 - l2).powi(2) / (s * s * (l1 * r2 + l2 * r1));
        1.0 + a * (1.0 - -(-s * seconds).exp_m1() / (s * seconds))
    }
}

/// The running process.
#[derive(Clone, Debug)]
pub(super) struct OnOff {
    /// Rate in each state over the mean rate.
    factors: [f64; 2],
    mean_length_s: [f64; 2],
    state: usize,
    state_end_s: f64,
}

impl OnOff {
    pub(super) fn new<R: Rng>(spec: &OnOffSpec, rng: &mut R) -> Self {
        let process = Mmpp::of(spec);
        let mean = process.mean();
        let over_mean = |rate: f64| if mean > 0.0 { rate / mean } else { 0.0 };
        let in_burst = to_open_unit(rng.next_u64()) < spec.burst_share;
        let mut this = Self {
            factors: process.rates.map(over_mean),
            mean_length_s: process.leave.map(|leave| 1.0 / leave),
            state: usize::from(!in_burst),
            state_end_s: 0.0,
        };
        this.state_end_s = this.length(rng);
        this
    }

    fn length<R: Rng>(&self, rng: &mut R) -> f64 {
        let e: f64 = Exp1.sample(rng);
        // A share of zero makes the quiet state last for ever.
        (e * self.mean_length_s[self.state]).min(1e15)
    }

    /// Seconds of the next request, `None` beyond `until_s`.
    ///
    /// At a switch the gap begun is dropped and drawn anew, which is exact because the
    /// exponential law has no memory.
    pub(super) fn next<R: Rng>(
        &mut self,
        curve: &RateCurve,
        cursor: &mut Cursor,
        until_s: f64,
        rng: &mut R,
    ) -> Option<f64> {
        loop {
            let factor = self.factors[self.state];
            let start = *cursor;
            if factor > 0.0 {
                let e: f64 = Exp1.sample(rng);
                match cursor.advance(curve, e / factor) {
                    Some(time) if time < self.state_end_s => return Some(time),
                    _ => *cursor = start,
                }
            }
            if self.state_end_s >= until_s || !cursor.seek(curve, self.state_end_s) {
                return None;
            }
            self.state = 1 - self.state;
            self.state_end_s += self.length(rng);
        }
    }
}

#[cfg(test)]
mod tests;
