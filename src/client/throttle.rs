//! Client-side throttling: a process refuses a share of its own attempts while the service refuses many.

use super::spec::AdaptiveThrottle;
use super::windowed::Windowed;
use crate::domain::Failure;
use crate::rng::Keyed;
use crate::units::Moment;

const REQUESTS: usize = 0;
const ACCEPTED: usize = 1;

/// What the process remembers.
///
/// An attempt counts as a request when its end is known, not when it is sent: answers take so long that
/// otherwise a process that has just begun would hold all of its own calls for refused. Its draws depend on the process
/// and the number of the attempt, not on the seed of the scenario.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    spec: AdaptiveThrottle,
    counts: Windowed<2>,
    draws: Keyed,
    drawn: u64,
}

impl Throttle {
    pub(super) fn new(spec: AdaptiveThrottle) -> Self {
        Self {
            spec,
            counts: Windowed::new(spec.window),
            draws: Keyed::new(0, "client/adaptive-throttle"),
            drawn: 0,
        }
    }

    /// The probability with which an attempt is refused at `now`.
    pub(super) fn refuses(&mut self, now: Moment) -> f64 {
        let [requests, accepted] = self.counts.sums(now).map(|count| count as f64);
        ((requests - self.spec.k * accepted) / (requests + 1.0)).max(0.0)
    }

    /// Whether an attempt of process `instance` may be sent; one that may not counts as a request.
    pub(super) fn allows(&mut self, now: Moment, instance: u32) -> bool {
        let refuses = self.refuses(now);
        if refuses <= 0.0 {
            return true;
        }
        let key = (u64::from(instance) << 40) | self.drawn;
        self.drawn = (self.drawn + 1) & ((1 << 40) - 1);
        let allowed = self.draws.uniform(key) >= refuses;
        if !allowed {
            self.counts.add(now, REQUESTS);
        }
        allowed
    }

    /// An attempt was answered, or failed.
    pub(super) fn heard(&mut self, now: Moment, failure: Option<Failure>) {
        self.counts.add(now, REQUESTS);
        let is_refusal = matches!(
            failure,
            Some(
                Failure::Throttled(_)
                    | Failure::NotReady
                    | Failure::Unavailable
                    | Failure::TooManyConnections
                    | Failure::BadGateway
                    | Failure::GatewayTimeout
                    | Failure::Connection
                    | Failure::ClientTimeout
                    | Failure::Internal
            )
        );
        if !is_refusal {
            self.counts.add(now, ACCEPTED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Micros;

    fn throttle() -> Throttle {
        Throttle::new(AdaptiveThrottle {
            k: 2.0,
            window: Micros::from_secs(120),
        })
    }

    #[test]
    fn the_probability_is_that_of_the_formula() {
        let mut throttle = throttle();
        let now = Moment::ZERO;
        for _ in 0..10 {
            throttle.heard(now, None);
        }
        assert_eq!(throttle.refuses(now), 0.0);
        for _ in 0..30 {
            throttle.heard(now, Some(Failure::Unavailable));
        }
        // (40 - 2 × 10) / 41
        assert!((throttle.refuses(now) - 20.0 / 41.0).abs() < 1e-12);
        assert_eq!(throttle.refuses(Moment(120_000_000)), 0.0);
    }

    #[test]
    fn a_busy_service_gets_twice_what_it_takes() {
        // A hundred attempts a second, of which it takes the first ten that come: 2 × 10 are sent on.
        let mut throttle = throttle();
        let (mut sent, mut second, mut taken) = (0u32, 0, 0);
        for id in 0..60_000u64 {
            let now = Moment(id * 10_000);
            if now.0 / 1_000_000 > second {
                (second, taken) = (now.0 / 1_000_000, 0);
            }
            if !throttle.allows(now, 3) {
                continue;
            }
            sent += u32::from(second >= 300);
            let takes = taken < 10;
            taken += u32::from(takes);
            throttle.heard(now, (!takes).then_some(Failure::Unavailable));
        }
        let rate = f64::from(sent) / 300.0;
        assert!((rate / 20.0 - 1.0).abs() < 0.1, "{rate} a second");
    }
}
