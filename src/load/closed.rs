//! Closed-loop traffic: users who wait for an answer, think, and ask again.
//!
//! Throughput is N/(R + Z) for N users, response time R and think time Z. A closed loop slows down
//! with the service, so its latencies must not be read as those of open traffic.

use super::arrival::{Arrival, Prefixes};
use super::sizes::{SizePair, Z_P99};
use super::spec::DurationSpec;
use crate::rng::Keyed;
use crate::units::{Micros, Moment, Ratio};

/// A law of durations, drawn by key.
#[derive(Clone, Copy, Debug)]
pub(super) struct DurationLaw {
    law: DurationSpec,
    keyed: Keyed,
}

impl DurationLaw {
    pub(super) fn new(law: DurationSpec, keyed: Keyed) -> Self {
        Self { law, keyed }
    }

    pub(super) fn draw(self, id: u64) -> Micros {
        match self.law {
            DurationSpec::Fixed(span) => span,
            DurationSpec::Exponential { mean } => {
                Micros((mean.0 as f64 * -self.keyed.uniform(id).ln()).round() as u64)
            }
            DurationSpec::Lognormal { p50, p99 } => {
                let sigma = log_ratio(p50, p99) / Z_P99;
                let factor = (sigma * self.keyed.normal(id)).exp();
                Micros((p50.0 as f64 * factor).round() as u64)
            }
        }
    }

    /// The mean in seconds.
    fn mean_s(self) -> f64 {
        match self.law {
            DurationSpec::Fixed(span) | DurationSpec::Exponential { mean: span } => {
                span.as_secs_f64()
            }
            DurationSpec::Lognormal { p50, p99 } => {
                let sigma = log_ratio(p50, p99) / Z_P99;
                p50.as_secs_f64() * (0.5 * sigma * sigma).exp()
            }
        }
    }
}

fn log_ratio(p50: Micros, p99: Micros) -> f64 {
    (p99.0.max(1) as f64 / p50.0.max(1) as f64).ln().max(0.0)
}

/// A fixed number of users. Every draw is keyed by user and turn, so it does not depend on the
/// order in which answers come.
#[derive(Clone, Debug)]
pub struct ClosedSource {
    turns: Vec<u64>,
    /// How many of them there are in this run: the first ones.
    active: u32,
    think: DurationLaw,
    phase: Keyed,
    sizes: SizePair,
    pub(super) prefixes: Prefixes,
    until: Moment,
}

impl ClosedSource {
    pub(super) fn new(
        users: u32,
        think: DurationSpec,
        sizes: SizePair,
        prefixes: Prefixes,
        (seed, workload): (u64, &str),
        until: Moment,
    ) -> Self {
        Self {
            turns: vec![0; users as usize],
            active: users,
            think: DurationLaw::new(think, Keyed::new(seed, &format!("{workload}/think"))),
            phase: Keyed::new(seed, &format!("{workload}/phase")),
            sizes,
            prefixes,
            until,
        }
    }

    /// Leaves this share of the users, to the nearest whole one and at least one.
    pub(super) fn keep(&mut self, share: Ratio) {
        let users = self.turns.len() as f64;
        self.active = ((users * share.get()).round().max(1.0) as u32).min(self.active);
    }

    /// How many users there are; they are numbered from zero.
    pub fn users(&self) -> u32 {
        self.active
    }

    /// The user's first request, a uniform part of a think time after the run begins, so that
    /// users do not start in step. `None` if that is not before the end, or there is no such user.
    pub fn first(&mut self, user: u32) -> Option<Arrival> {
        *self.turns.get_mut(user as usize)? = 0;
        let think = self.think.draw(u64::from(user)).0 as f64;
        let at = Moment((think * self.phase.uniform(u64::from(user))) as u64);
        self.arrival(u64::from(user), at)
    }

    /// The user's next request after the answer came at `done`; `None` if the run ends before.
    pub fn after(&mut self, user: u32, done: Moment) -> Option<Arrival> {
        let users = self.turns.len() as u64;
        let turn = self.turns.get_mut(user as usize)?;
        *turn += 1;
        let seq = u64::from(user) + turn.saturating_mul(users);
        let at = done + self.think.draw(seq);
        self.arrival(seq, at)
    }

    fn arrival(&self, seq: u64, at: Moment) -> Option<Arrival> {
        if at >= self.until {
            return None;
        }
        let (input, output) = self.sizes.draw(seq, (1, 1));
        Some(Arrival {
            at,
            seq,
            input,
            output,
            prefix: self.prefixes.draw(seq),
            pointed: self.prefixes.pointed(),
        })
    }

    /// Requests per second if every answer took no time. Think times below a second count as one,
    /// since answers take about that long.
    pub(super) fn rate_bound(&self) -> f64 {
        f64::from(self.active) / self.think.mean_s().max(1.0)
    }
}

#[cfg(test)]
mod tests;
