//! The same traffic at another load.
//!
//! Two loads are compared best when they differ in as little as possible. Where requests start
//! independently of each other, the lower load is a part of the higher one: arrivals are drawn once,
//! at the highest load `h`, each with a mark `u`, and the load `l` keeps those with `u < l/h`
//! (`methods.md` 7.1). Sets of arrivals are then nested, a kept request has the sizes and latencies that
//! it has at every load, and what is measured is nearly monotone in the load.
//!
//! Dropping requests one by one would make gaps that are not exponential less bursty (or, for even ones,
//! burstier). There the same gaps are played faster or slower instead: request n is the same request at
//! every load, and never comes later at a higher one.

use super::spec::{ArrivalSpec, OnOffSpec, ReplayScale, TrafficSpec};
use crate::rng::Keyed;
use crate::units::{PerSecond, Ratio};

/// The most copies of a trace, and the most users, that a load is scaled to.
const MOST_COPIES: f64 = 4096.0;

impl TrafficSpec {
    /// The traffic with `factor` times as many starts: rates and their ends are multiplied, shapes stay.
    ///
    /// Traces and recordings are laid over each other in as many copies as needed and thinned to the
    /// rest; closed loops get more users, sessions more starts. `factor` is positive; what cannot be reached
    /// (part of a user, thousands of copies) is rounded or cut.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        debug_assert!(
            factor.is_finite() && factor > 0.0,
            "a load factor is positive"
        );
        let mut scaled = self.clone();
        match &mut scaled.arrival {
            ArrivalSpec::Constant { rate }
            | ArrivalSpec::Poisson { rate }
            | ArrivalSpec::Gamma { rate, .. }
            | ArrivalSpec::Weibull { rate, .. }
            | ArrivalSpec::OnOff(OnOffSpec { rate, .. }) => *rate = PerSecond(rate.0 * factor),
            ArrivalSpec::Ramp { from, to, .. } => {
                *from = PerSecond(from.0 * factor);
                *to = PerSecond(to.0 * factor);
            }
            ArrivalSpec::Closed { users, .. } => {
                // The cast saturates.
                *users = (f64::from(*users) * factor).round().max(1.0) as u32;
            }
            ArrivalSpec::Trace(replay) => replay.scale = copied(&replay.scale, factor),
            ArrivalSpec::Recorded(replay) => replay.scale = copied(&replay.scale, factor),
        }
        scaled
    }

    /// The traffic at `factor`, coupled to what it is at any other factor up to `ceiling`.
    ///
    /// With the same `ceiling`, the starts of a lower factor are among those of a higher one; gaps that are
    /// not exponential are played at another speed instead.
    #[must_use]
    pub fn within(&self, ceiling: f64, factor: f64) -> Self {
        debug_assert!(factor <= ceiling, "the ceiling is the highest load");
        if !self.is_thinned() {
            return self.scaled(factor);
        }
        let mut part = self.scaled(ceiling);
        let share = Ratio::new(factor / ceiling).unwrap_or(Ratio::ONE);
        part.kept = Ratio::new(self.kept.get() * share.get()).unwrap_or(Ratio::ONE);
        part
    }

    /// Whether a part of its starts is again traffic of the same kind.
    fn is_thinned(&self) -> bool {
        match &self.arrival {
            ArrivalSpec::Constant { .. }
            | ArrivalSpec::Gamma { .. }
            | ArrivalSpec::Weibull { .. } => false,
            ArrivalSpec::Poisson { .. }
            | ArrivalSpec::OnOff(_)
            | ArrivalSpec::Ramp { .. }
            | ArrivalSpec::Closed { .. }
            | ArrivalSpec::Trace(_)
            | ArrivalSpec::Recorded(_) => true,
        }
    }
}

/// As many copies as it takes, thinned to the share that is left.
fn copied(scale: &ReplayScale, factor: f64) -> ReplayScale {
    let wanted = f64::from(scale.copies) * scale.keep.get() * factor;
    // A product that is whole but for a rounding error is whole.
    let copies = (wanted - 1e-9).ceil().clamp(1.0, MOST_COPIES);
    ReplayScale {
        copies: copies as u32,
        keep: Ratio::new(wanted / copies).unwrap_or(Ratio::ONE),
        ..*scale
    }
}

/// Which starts take place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thinning {
    share: f64,
    marks: Keyed,
}

impl Thinning {
    /// Of the workload called `workload`; `None` if all starts take place.
    pub(super) fn new(kept: Ratio, seed: u64, workload: &str) -> Option<Self> {
        (kept < Ratio::ONE).then(|| Self {
            share: kept.get(),
            marks: Keyed::new(seed, &format!("{workload}/kept")),
        })
    }

    /// Whether the start with this key takes place.
    #[inline]
    pub(super) fn keeps(&self, key: u64) -> bool {
        self.marks.uniform(key) < self.share
    }
}

#[cfg(test)]
mod tests;
