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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::process::Pass;
    use crate::domain::RefusalReason;
    use crate::units::PerSecond;

    impl Ramp {
        /// Sends if there is room.
        fn pass(&mut self, now: Moment) -> Pass {
            let at = self.room_at(now);
            if at > now {
                return Pass::At(at);
            }
            self.count(now);
            Pass::Now
        }
    }

    fn per_minute(rate: f64) -> PerSecond {
        PerSecond(rate / 60.0)
    }

    fn ramp(from: f64) -> Ramp {
        let spec = RampSpec {
            target: per_minute(2000.0),
            from: per_minute(from),
            min: per_minute(400.0),
            hold: Micros::from_secs(900),
            probe: Micros::MINUTE,
            burst: 1,
        };
        Ramp::new(&spec, 1)
    }

    fn rate_at(ramp: &mut Ramp, seconds: u64) -> f64 {
        ramp.advance(Moment::ZERO + Micros::from_secs(seconds));
        (ramp.rate * 60.0 * 1e6).round() / 1e6
    }

    #[test]
    fn the_ramp_goes_as_the_example_of_aws_does() {
        let mut ramp = ramp(2000.0);
        let at = |seconds| Moment::ZERO + Micros::from_secs(seconds);
        ramp.failed(at(10), Failure::Throttled(RefusalReason::TokensPerMinute));
        assert!((rate_at(&mut ramp, 10) - 2000.0).abs() < 1e-6);
        ramp.failed(at(10), Failure::Unavailable);
        assert!((rate_at(&mut ramp, 10) - 1000.0).abs() < 1e-6);
        // Answers to what was sent before the cut, and to the new rate's first minute.
        ramp.failed(at(69), Failure::Unavailable);
        assert!((rate_at(&mut ramp, 69) - 1000.0).abs() < 1e-6);
        ramp.failed(at(70), Failure::Unavailable);
        let steps: Vec<f64> = [70, 969, 970, 1869, 1870, 2770, 3670, 9000]
            .map(|seconds| rate_at(&mut ramp, seconds))
            .to_vec();
        assert_eq!(
            steps,
            [500.0, 500.0, 750.0, 750.0, 1125.0, 1687.5, 2000.0, 2000.0]
        );
    }

    #[test]
    fn a_503_while_a_rate_is_held_starts_the_hold_again_and_there_is_a_floor() {
        let mut ramp = ramp(800.0);
        let at = |seconds| Moment::ZERO + Micros::from_secs(seconds);
        assert!((rate_at(&mut ramp, 900) - 1200.0).abs() < 1e-6);
        ramp.failed(at(1000), Failure::Unavailable);
        ramp.failed(at(1030), Failure::Unavailable);
        assert!((rate_at(&mut ramp, 1900) - 600.0).abs() < 1e-6);
        assert!((rate_at(&mut ramp, 1930) - 900.0).abs() < 1e-6);
        for minute in 40..60 {
            ramp.failed(at(minute * 60), Failure::Unavailable);
        }
        assert!((rate_at(&mut ramp, 3600) - 400.0).abs() < 1e-6);
    }

    #[test]
    fn attempts_are_spread_at_the_present_rate() {
        let mut ramp = ramp(800.0);
        assert_eq!(ramp.pass(Moment::ZERO), Pass::Now);
        assert_eq!(ramp.pass(Moment::ZERO), Pass::At(Moment(75_000)));
    }
}
