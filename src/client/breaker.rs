//! The circuit breaker of one client process.

use super::backoff::is_throttling;
use super::spec::Breaker as Spec;
use super::windowed::Windowed;
use crate::domain::Failure;
use crate::units::Moment;

const CALLS: usize = 0;
const FAILURES: usize = 1;
const THROTTLES: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Nothing is sent before this moment.
    Open(Moment),
    /// A few calls may be sent.
    HalfOpen {
        sent: u32,
        succeeded: u32,
    },
}

/// A breaker and what it counts.
///
/// Calls that were sent before it opened and end while it is half-open count as probes: a breaker does not know its
/// calls apart (as in resilience4j).
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    spec: Spec,
    counts: Windowed<3>,
    state: State,
}

impl Breaker {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            spec,
            counts: Windowed::new(spec.window),
            state: State::Closed,
        }
    }

    /// Whether an attempt may be sent at `now`.
    pub(super) fn allows(&self, now: Moment) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(until) => now >= until,
            State::HalfOpen { sent, .. } => sent < self.spec.probes,
        }
    }

    /// An attempt that it allowed is sent.
    pub(super) fn sent(&mut self, now: Moment) {
        match &mut self.state {
            State::Closed => {}
            State::Open(until) => {
                if now >= *until {
                    self.state = State::HalfOpen {
                        sent: 1,
                        succeeded: 0,
                    };
                }
            }
            State::HalfOpen { sent, .. } => *sent += 1,
        }
    }

    /// An attempt ended.
    pub(super) fn heard(&mut self, now: Moment, failure: Option<Failure>) {
        let is_throttle = failure.is_some_and(is_throttling);
        let is_failure = failure.is_some_and(is_ill);
        match &mut self.state {
            State::Open(_) => {}
            State::HalfOpen { succeeded, .. } => {
                if is_failure || (is_throttle && self.spec.throttles_share.is_some()) {
                    self.open(now);
                } else {
                    *succeeded += 1;
                    if *succeeded >= self.spec.probes {
                        self.state = State::Closed;
                        self.counts.clear();
                    }
                }
            }
            State::Closed => {
                self.counts.add(now, CALLS);
                if is_failure {
                    self.counts.add(now, FAILURES);
                }
                if is_throttle {
                    self.counts.add(now, THROTTLES);
                }
                if failure.is_some() && self.is_tripped(now) {
                    self.open(now);
                }
            }
        }
    }

    fn open(&mut self, now: Moment) {
        self.state = State::Open(now + self.spec.open_for);
    }

    fn is_tripped(&mut self, now: Moment) -> bool {
        let sums = self.counts.sums(now);
        let calls = sums[CALLS];
        let beyond = |count: u64, share: f64| count as f64 >= share * calls as f64;
        calls >= u64::from(self.spec.min_calls)
            && (beyond(sums[FAILURES], self.spec.failures_share.get())
                || self
                    .spec
                    .throttles_share
                    .is_some_and(|share| beyond(sums[THROTTLES], share.get())))
    }
}

/// Whether a failure says that the service, or the way to it, is ill: a fault of the request says nothing.
fn is_ill(failure: Failure) -> bool {
    match failure {
        Failure::Unavailable
        | Failure::Internal
        | Failure::ModelError
        | Failure::ModelTimeout
        | Failure::BadGateway
        | Failure::GatewayTimeout
        | Failure::TooManyConnections
        | Failure::Connection
        | Failure::StreamBroken(_)
        | Failure::ClientTimeout => true,
        Failure::Throttled(_)
        | Failure::NotReady
        | Failure::Validation
        | Failure::Denied
        | Failure::Rejected(_)
        | Failure::CircuitOpen => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefusalReason;
    use crate::units::{Micros, Ratio};

    const THROTTLED: Option<Failure> = Some(Failure::Throttled(RefusalReason::TokensPerMinute));
    const ILL: Option<Failure> = Some(Failure::Unavailable);

    fn breaker(throttles_share: Option<f64>) -> Breaker {
        Breaker::new(Spec {
            failures_share: Ratio::new(0.5).unwrap(),
            throttles_share: throttles_share.and_then(Ratio::new),
            min_calls: 20,
            window: Micros::from_secs(10),
            open_for: Micros::from_secs(5),
            probes: 2,
        })
    }

    fn at(seconds: u64) -> Moment {
        Moment::ZERO + Micros::from_secs(seconds)
    }

    #[test]
    fn it_opens_at_half_of_twenty_calls_and_no_sooner() {
        let mut one = breaker(None);
        for _ in 0..10 {
            one.heard(at(1), None);
        }
        for _ in 0..9 {
            one.heard(at(1), ILL);
        }
        assert!(one.allows(at(1)));
        one.heard(at(1), ILL);
        assert!(!one.allows(at(1)));
        assert!(one.allows(at(6)));
    }

    #[test]
    fn old_calls_are_forgotten() {
        let mut one = breaker(None);
        for _ in 0..19 {
            one.heard(at(0), ILL);
        }
        one.heard(at(10), ILL);
        assert!(one.allows(at(10)));
    }

    #[test]
    fn probes_close_it_or_open_it_again() {
        let mut one = breaker(None);
        for _ in 0..20 {
            one.heard(at(0), ILL);
        }
        for _ in 0..2 {
            assert!(one.allows(at(5)));
            one.sent(at(5));
        }
        assert!(!one.allows(at(5)), "two probes and no more");
        one.heard(at(6), None);
        one.heard(at(6), ILL);
        assert!(!one.allows(at(10)));
        assert!(one.allows(at(11)));
        one.sent(at(11));
        one.sent(at(11));
        one.heard(at(12), None);
        one.heard(at(12), None);
        assert_eq!(one.state, State::Closed);
        // What it counted before is forgotten.
        one.heard(at(12), ILL);
        assert!(one.allows(at(12)));
    }

    #[test]
    fn throttles_open_it_only_where_that_is_asked_for() {
        let (mut deaf, mut strict) = (breaker(None), breaker(Some(0.8)));
        for _ in 0..100 {
            deaf.heard(at(0), THROTTLED);
            strict.heard(at(0), THROTTLED);
        }
        assert!(deaf.allows(at(0)));
        assert!(!strict.allows(at(0)));
    }
}
