//! Lanes: the endpoints that a request may be sent to, and where it goes when it has no luck on one.
//!
//! The brain knows a lane by its number. The first numbers are the workloads' own; further ones belong
//! to fallbacks, routes and classifiers. What stands behind a number, the shell knows.

use crate::domain::Failure;

/// Kinds of failures that a fallback may answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// A quota refused the attempt (429).
    Throttled,
    /// There was no capacity, or no connection to it (502, 503, 504, a model that is not ready).
    Unavailable,
    /// The client's clock ran out on the attempt.
    Timeout,
    /// The client's own circuit breaker is open.
    CircuitOpen,
    /// The service or the model failed (408, 424, 500, a stream that broke off).
    Error,
}

impl FailureClass {
    /// The class of a failure; `None` for a request that is wrong wherever it is sent.
    pub fn of(failure: Failure) -> Option<Self> {
        match failure {
            Failure::Throttled(_) => Some(Self::Throttled),
            Failure::Unavailable
            | Failure::NotReady
            | Failure::BadGateway
            | Failure::GatewayTimeout
            | Failure::TooManyConnections
            | Failure::Connection => Some(Self::Unavailable),
            Failure::ClientTimeout => Some(Self::Timeout),
            Failure::CircuitOpen => Some(Self::CircuitOpen),
            Failure::Internal
            | Failure::ModelError
            | Failure::ModelTimeout
            | Failure::StreamBroken(_) => Some(Self::Error),
            Failure::Validation | Failure::Denied | Failure::Rejected(_) => None,
        }
    }
}

/// A set of kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureClasses(u8);

impl FailureClasses {
    /// Every failure, those of no class among them.
    pub const ANY: Self = Self(u8::MAX);
    /// What another lane may do better: a quota, a capacity or a breaker of its own.
    pub const USUAL: Self = Self(
        1 << FailureClass::Throttled as u8
            | 1 << FailureClass::Unavailable as u8
            | 1 << FailureClass::CircuitOpen as u8,
    );

    /// The set of `classes`.
    pub fn of(classes: &[FailureClass]) -> Self {
        Self(classes.iter().fold(0, |set, class| set | 1 << *class as u8))
    }

    /// Whether `failure` is of one of the kinds.
    pub fn has(self, failure: Failure) -> bool {
        match FailureClass::of(failure) {
            Some(class) => self.0 & (1 << class as u8) != 0,
            None => self == Self::ANY,
        }
    }
}

/// Where a request goes that has no luck on its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onward {
    /// The next lane.
    pub lane: u32,
    /// After which failures.
    pub on: FailureClasses,
    /// After so many attempts on the lane; `None` leaves it when the retry policy gives up.
    pub after: Option<u32>,
    /// Whether the request ends there, as a record of a batch job.
    pub defers: bool,
    /// Whether its attempts are counted anew: those before were no attempts at the answer.
    pub afresh: bool,
}

/// What follows on each lane, by its number.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneTable {
    /// How many lanes are the workloads' own; 0 if there are no others.
    own: u32,
    onward: Vec<Option<Onward>>,
}

impl LaneTable {
    pub(super) fn new(own: u32, onward: Vec<Option<Onward>>) -> Self {
        Self { own, onward }
    }

    /// Sets of processes: one for all the workloads' own lanes, and one for each further lane.
    pub(super) fn sets(&self) -> u32 {
        self.onward.len() as u32 - self.own + 1
    }

    /// The set of processes that serves a lane.
    pub(super) fn set_of(&self, lane: u32) -> u32 {
        (lane + 1).saturating_sub(self.own)
    }

    /// Where a request on `lane` goes after `failure`, if the lane leads on.
    pub(super) fn onward(&self, lane: u32, failure: Failure) -> Option<Onward> {
        let onward = self.onward.get(lane as usize).copied().flatten();
        onward.filter(|onward| onward.on.has(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::spec::{ClientPolicy, Jitter, RetryPolicy};
    use crate::client::{Injector, Next, Progress};
    use crate::domain::{Outcome, RefusalReason, Rejection};
    use crate::units::{Micros, Moment};

    const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

    fn to(lane: u32) -> Onward {
        Onward {
            lane,
            on: FailureClasses::USUAL,
            after: None,
            defers: false,
            afresh: false,
        }
    }

    fn injector(onward: Vec<Option<Onward>>) -> Injector {
        let retry = RetryPolicy::Exponential {
            max_attempts: 2,
            base: Micros::SECOND,
            cap: Micros::from_secs(8),
            jitter: Jitter::None,
        };
        let policy = ClientPolicy {
            retry,
            deadline: Some(Micros::from_secs(60)),
            ..ClientPolicy::default()
        };
        Injector::new(policy).with_lanes(1, onward)
    }

    /// The lanes of the attempts of a request that is always refused, and how it ends.
    fn walk(injector: &mut Injector, failure: Failure) -> (Vec<u32>, Outcome) {
        let mut progress = injector.begin(0);
        let (mut now, mut lanes) = (Moment::ZERO, Vec::new());
        loop {
            progress.attempts += 1;
            lanes.push(progress.lane);
            match injector.failed(now, Moment::ZERO, &mut progress, failure, 0.5) {
                Next::RetryAt(at) => now = at,
                Next::GiveUp(outcome) => return (lanes, outcome),
            }
        }
    }

    #[test]
    fn each_lane_has_the_attempts_of_the_retry_policy() {
        let mut injector = injector(vec![Some(to(1)), Some(to(2)), None]);
        let (lanes, outcome) = walk(&mut injector, THROTTLED);
        assert_eq!(lanes, [0, 0, 1, 1, 2, 2]);
        assert_eq!(outcome, Outcome::Throttled);
    }

    #[test]
    fn a_lane_is_left_early_and_only_after_the_failures_that_are_named() {
        let early = Onward {
            after: Some(1),
            ..to(1)
        };
        let mut injector = injector(vec![Some(early), None]);
        assert_eq!(walk(&mut injector, THROTTLED).0, [0, 1, 1]);
        assert_eq!(walk(&mut injector, Failure::ClientTimeout).0, [0, 0]);
        let wrong = Failure::Rejected(Rejection::Malformed);
        assert_eq!(walk(&mut injector, wrong).0, [0]);
    }

    #[test]
    fn the_last_step_may_defer() {
        let last = Onward {
            defers: true,
            ..to(1)
        };
        let mut injector = injector(vec![Some(last), None]);
        let (lanes, outcome) = walk(&mut injector, THROTTLED);
        assert_eq!((lanes, outcome), (vec![0, 0], Outcome::Deferred));
    }

    #[test]
    fn a_new_lane_has_no_more_time_than_the_deadline_leaves() {
        let mut injector = injector(vec![Some(to(1)), None]);
        let mut progress = Progress {
            attempts: 2,
            ..Progress::default()
        };
        let late = Moment::ZERO + Micros::from_secs(60);
        let next = injector.failed(late, Moment::ZERO, &mut progress, THROTTLED, 0.5);
        assert_eq!(next, Next::GiveUp(Outcome::TimedOut));
    }

    #[test]
    fn delays_and_retry_quotas_start_anew() {
        let mut injector = injector(vec![Some(to(1)), None]);
        let mut progress = injector.begin(0);
        progress.attempts = 2;
        progress.last_delay = Micros::SECOND;
        injector.failed(Moment::ZERO, Moment::ZERO, &mut progress, THROTTLED, 0.5);
        assert_eq!((progress.lane, progress.before), (1, 2));
        assert_eq!(progress.last_delay, Micros::ZERO);
        progress.attempts = 3;
        let next = injector.failed(Moment::ZERO, Moment::ZERO, &mut progress, THROTTLED, 0.5);
        assert_eq!(next, Next::RetryAt(Moment::ZERO + Micros::SECOND));
    }
}
