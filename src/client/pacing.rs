//! When a client process may send: a leaky bucket, AWS' ramp, or the quota as the client knows it.

mod ramp;
mod rate;
mod tokens;

use super::injector::Ask;
use super::spec::{ClientPolicy, KnownQuota, PacingSpec};
use crate::domain::{Failure, Usage};
use crate::units::Moment;
use ramp::Ramp;
use rate::LeakyBucket;
use tokens::TokenPacer;

/// What an attempt holds of the quota that its client keeps count of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Which model's quota.
    pub quota: u32,
    /// Tokens reserved.
    pub tokens: u64,
}

/// The pacing of one process.
#[derive(Clone, Debug)]
pub(super) enum Pacing {
    Off,
    Rate(LeakyBucket),
    Ramp(Ramp),
    /// One for each quota.
    Tokens(Vec<TokenPacer>),
}

impl Pacing {
    pub(super) fn new(policy: &ClientPolicy, quotas: &[KnownQuota]) -> Self {
        let processes = policy.instances;
        match &policy.pacing {
            None => Self::Off,
            Some(PacingSpec::Rate(spec)) => {
                let rate = spec.rate.0 / f64::from(processes);
                Self::Rate(LeakyBucket::new(rate, spec.burst))
            }
            Some(PacingSpec::Ramp(spec)) => Self::Ramp(Ramp::new(spec, processes)),
            Some(PacingSpec::Tokens(spec)) => {
                let pacer = |quota| TokenPacer::new(spec, quota, processes);
                Self::Tokens(quotas.iter().map(pacer).collect())
            }
        }
    }

    pub(super) fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// When there is room for the attempt: `now`, or later.
    pub(super) fn room_at(&mut self, now: Moment, ask: &Ask) -> Moment {
        match self {
            Self::Off => now,
            Self::Rate(bucket) => bucket.room_at(now),
            Self::Ramp(ramp) => ramp.room_at(now),
            Self::Tokens(pacers) => pacers
                .get_mut(ask.quota as usize)
                .map_or(now, |pacer| pacer.room_at(now, ask.reserves)),
        }
    }

    /// Counts an attempt that has room as sent.
    pub(super) fn count(&mut self, now: Moment, ask: &Ask) {
        match self {
            Self::Off => {}
            Self::Rate(bucket) => bucket.count(now),
            Self::Ramp(ramp) => ramp.count(now),
            Self::Tokens(pacers) => {
                if let Some(pacer) = pacers.get_mut(ask.quota as usize) {
                    pacer.count(now, ask.reserves);
                }
            }
        }
    }

    /// An attempt failed that held `held`.
    pub(super) fn failed(&mut self, now: Moment, failure: Failure, held: Held) {
        match self {
            // The circuit breaker stands in front: nothing was counted as sent.
            _ if failure == Failure::CircuitOpen => {}
            Self::Off | Self::Rate(_) => {}
            Self::Ramp(ramp) => ramp.failed(now, failure),
            Self::Tokens(pacers) => {
                if let Some(pacer) = pacers.get_mut(held.quota as usize) {
                    if is_refusal(failure) {
                        pacer.release(held.tokens);
                    } else {
                        // What it used is not known; what it reserved stands for it.
                        pacer.settle(now, held.tokens, held.tokens);
                    }
                }
            }
        }
    }

    /// An attempt was answered that held `held`.
    pub(super) fn succeeded(&mut self, now: Moment, held: Held, usage: Usage) {
        if let Self::Tokens(pacers) = self
            && let Some(pacer) = pacers.get_mut(held.quota as usize)
        {
            pacer.answered(now, held.tokens, usage);
        }
    }

    /// An attempt that was counted as sent was not.
    pub(super) fn unsent(&mut self, held: Held) {
        if let Self::Tokens(pacers) = self
            && let Some(pacer) = pacers.get_mut(held.quota as usize)
        {
            pacer.release(held.tokens);
        }
    }
}

/// Whether the service answered that it did nothing, so that nothing was used of a quota.
fn is_refusal(failure: Failure) -> bool {
    !matches!(
        failure,
        Failure::StreamBroken(_)
            | Failure::ClientTimeout
            | Failure::Connection
            | Failure::Internal
            | Failure::BadGateway
            | Failure::GatewayTimeout
            | Failure::ModelTimeout
            | Failure::ModelError
    )
}
