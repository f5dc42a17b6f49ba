//! The ramp that AWS recommends for new load and after 503s.

use super::rate::LeakyBucket;
use crate::client::spec::RampSpec;
use crate::domain::Failure;
use crate::units::{Micros, Moment};

/// The rate after 503s, as a share of the one before.
const CUT: f64 = 0.5;
/// The rate after a time without 503s, as a share of the one before.
const RAISE: f64 = 1.5;

/// A rate that 503s halve and that grows by half after each time without one.
///
/// Bedrock user guide, "Scaling and throughput best practices": start at the target; on 503s halve the rate until
/// requests succeed; hold for 15 minutes; raise it by half and hold again, until the target is reached. Its example:
/// 2,000, 1,000, 500, then 750, 1,125 and so on. How soon a lowered rate that still meets 503s is to be
/// lowered again is not said there; `probe` is.
#[derive(Clone, Debug)]
pub(in crate::client) struct Ramp {
    bucket: LeakyBucket,
    rate: f64,
    target: f64,
    min: f64,
    hold: Micros,
    probe: Micros,
    /// Since when there was neither a 503 nor a change.
    steady_since: Moment,
    /// When another 503 lowers the rate again.
    cuts_at: Moment,
}

impl Ramp {
    pub(super) fn new(spec: &RampSpec, processes: u32) -> Self {
        let part = |rate: f64| rate / f64::from(processes);
        let rate = part(spec.from.0);
        Self {
            bucket: LeakyBucket::new(rate, spec.burst),
            rate,
            target: part(spec.target.0),
            min: part(spec.min.0),
            hold: spec.hold,
            probe: spec.probe,
            steady_since: Moment::ZERO,
            cuts_at: Moment::ZERO,
        }
    }

    pub(super) fn room_at(&mut self, now: Moment) -> Moment {
        self.advance(now);
        self.bucket.room_at(now)
    }

    pub(super) fn count(&mut self, now: Moment) {
        self.bucket.count(now);
    }

    pub(super) fn failed(&mut self, now: Moment, failure: Failure) {
        if failure != Failure::Unavailable {
            return;
        }
        self.advance(now);
        self.steady_since = now;
        if now >= self.cuts_at {
            self.cuts_at = now + self.probe;
            self.set((self.rate * CUT).max(self.min));
        }
    }

    fn advance(&mut self, now: Moment) {
        while self.rate < self.target && now.since(self.steady_since) >= self.hold {
            self.steady_since = self.steady_since + self.hold;
            self.set((self.rate * RAISE).min(self.target));
        }
    }

    fn set(&mut self, rate: f64) {
        self.rate = rate;
        self.bucket.set_rate(rate);
    }
}
