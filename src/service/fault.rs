//! When a fault is in force and how strongly, and the words for its kinds.

use super::spec::{FaultKind, FaultSpec, Slowness};
use crate::domain::{Failure, RefusalReason, Rejection, StreamFault};
use crate::units::{Micros, Moment};

/// The words of scenarios and of the server for each kind of fault. Delay and factors are those of
/// a fault that changes nothing.
pub const FAULT_WORDS: [(&str, FaultKind); 32] = [
    ("validation", FaultKind::Rejected(Rejection::Malformed)),
    (
        "service_quota_exceeded",
        FaultKind::Rejected(Rejection::ServiceQuota),
    ),
    ("conflict", FaultKind::Rejected(Rejection::Conflict)),
    (
        "incomplete_signature",
        FaultKind::Rejected(Rejection::IncompleteSignature),
    ),
    (
        "invalid_action",
        FaultKind::Rejected(Rejection::InvalidAction),
    ),
    (
        "not_authorized",
        FaultKind::Rejected(Rejection::NotAuthorized),
    ),
    (
        "request_expired",
        FaultKind::Rejected(Rejection::RequestExpired),
    ),
    ("access_denied", FaultKind::AccessDenied),
    (
        "expired_token",
        FaultKind::Rejected(Rejection::ExpiredToken),
    ),
    (
        "invalid_client_token",
        FaultKind::Rejected(Rejection::InvalidClientToken),
    ),
    ("not_found", FaultKind::Rejected(Rejection::NotFound)),
    (
        "form_not_filled",
        FaultKind::Rejected(Rejection::FormNotFilled),
    ),
    ("model_timeout", FaultKind::ModelTimeout),
    ("model_error", FaultKind::ModelError),
    ("throttled", FaultKind::Throttled),
    ("model_not_ready", FaultKind::NotReady),
    ("internal", FaultKind::Internal),
    ("bad_gateway", FaultKind::BadGateway),
    ("unavailable", FaultKind::Unavailable),
    ("too_many_connections", FaultKind::TooManyConnections),
    ("gateway_timeout", FaultKind::GatewayTimeout),
    ("connection_reset", FaultKind::Reset),
    ("slow_start", FaultKind::SlowStart(Micros::ZERO)),
    ("latency", FaultKind::Slow(Slowness::of(true, true))),
    ("slow_ttft", FaultKind::Slow(Slowness::of(true, false))),
    ("slow_tokens", FaultKind::Slow(Slowness::of(false, true))),
    (
        "stream_error",
        FaultKind::Stream(StreamFault::ModelStreamError),
    ),
    (
        "stream_throttled",
        FaultKind::Stream(StreamFault::Throttled),
    ),
    ("stream_internal", FaultKind::Stream(StreamFault::Internal)),
    (
        "stream_unavailable",
        FaultKind::Stream(StreamFault::Unavailable),
    ),
    ("stream_reset", FaultKind::Stream(StreamFault::Reset)),
    ("cache_flush", FaultKind::CacheFlush),
];

impl Slowness {
    const fn of(first_token: bool, tokens: bool) -> Self {
        Self {
            first_token,
            tokens,
            factor: 1.0,
            factor_to: None,
        }
    }

    /// The factor at `progress` through the window, from 0 to 1.
    pub fn at(self, progress: f64) -> f64 {
        let to = self.factor_to.unwrap_or(self.factor);
        self.factor + (to - self.factor) * progress
    }
}

impl FaultKind {
    /// Its word in a scenario.
    pub fn word(self) -> &'static str {
        let same = |known: &FaultKind| match (self, *known) {
            (Self::SlowStart(_), Self::SlowStart(_)) => true,
            (Self::Slow(a), Self::Slow(b)) => {
                (a.first_token, a.tokens) == (b.first_token, b.tokens)
            }
            (a, b) => a == b,
        };
        let row = FAULT_WORDS.iter().find(|row| same(&row.1));
        row.map_or("latency", |row| row.0)
    }

    /// The error that it is answered with; `None` for what lets a call begin.
    pub fn failure(self) -> Option<Failure> {
        Some(match self {
            Self::Unavailable => Failure::Unavailable,
            Self::TooManyConnections => Failure::TooManyConnections,
            Self::Internal => Failure::Internal,
            Self::BadGateway => Failure::BadGateway,
            Self::GatewayTimeout => Failure::GatewayTimeout,
            Self::ModelError => Failure::ModelError,
            Self::ModelTimeout => Failure::ModelTimeout,
            Self::Throttled => Failure::Throttled(RefusalReason::RequestRate),
            Self::NotReady => Failure::NotReady,
            Self::AccessDenied => Failure::Denied,
            Self::Rejected(rejection) => Failure::Rejected(rejection),
            Self::Reset => Failure::Connection,
            Self::Stream(_) | Self::SlowStart(_) | Self::Slow(_) | Self::CacheFlush => return None,
        })
    }

    /// How long its error takes where a scenario does not say. A time-out takes the time that ran
    /// out; AWS publishes neither, so both are assumptions.
    pub fn takes(self) -> Micros {
        match self {
            Self::ModelTimeout => Micros::from_secs(60),
            Self::GatewayTimeout => Micros::from_secs(30),
            _ => Micros::ZERO,
        }
    }
}

impl FaultSpec {
    /// A fault of the whole run that meets every call with the same odds.
    pub fn steady(kind: FaultKind, share: crate::units::Ratio) -> Self {
        Self {
            kind,
            share,
            share_to: None,
            from: Micros::ZERO,
            until: None,
            recurs: None,
            after: kind.takes(),
            workload: None,
            model: None,
        }
    }

    /// How far its window has come at `now`, from 0 to 1; `None` outside of it. A window without
    /// an end stays at its beginning.
    #[inline]
    pub fn progress(&self, now: Moment) -> Option<f64> {
        if now.0 < self.from.0 || self.until.is_some_and(|until| now.0 >= until.0) {
            return None;
        }
        let passed = now.0 - self.from.0;
        match (self.recurs, self.until) {
            (Some(recurs), _) => {
                let passed = passed % recurs.every.0.max(1);
                (passed < recurs.length.0).then(|| passed as f64 / recurs.length.0 as f64)
            }
            (None, Some(until)) => Some(passed as f64 / (until.0 - self.from.0) as f64),
            (None, None) => Some(0.0),
        }
    }

    /// The number of the window that is open at `now`, the first being 0; `None` outside of all.
    #[inline]
    pub fn window(&self, now: Moment) -> Option<u64> {
        self.progress(now)?;
        let every = self.recurs.map_or(u64::MAX, |recurs| recurs.every.0.max(1));
        Some((now.0 - self.from.0) / every)
    }

    /// The share of calls that it meets at `progress` through its window.
    #[inline]
    pub fn share_at(&self, progress: f64) -> f64 {
        let from = self.share.get();
        self.share_to
            .map_or(from, |to| from + (to.get() - from) * progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::spec::Recurrence;
    use crate::units::Ratio;
    use proptest::prelude::*;

    fn at(seconds: f64) -> Moment {
        Moment((seconds * 1e6) as u64)
    }

    fn seconds(n: u64) -> Micros {
        Micros::from_secs(n)
    }

    #[test]
    fn every_kind_has_its_own_word() {
        for (word, kind) in FAULT_WORDS {
            assert_eq!(kind.word(), word);
        }
        let mut words: Vec<_> = FAULT_WORDS.iter().map(|row| row.0).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), FAULT_WORDS.len());
    }

    #[test]
    fn windows_recur_from_their_beginning() {
        let fault = FaultSpec {
            from: seconds(60),
            until: Some(seconds(1500)),
            recurs: Some(Recurrence {
                every: seconds(600),
                length: seconds(20),
            }),
            ..FaultSpec::steady(FaultKind::Unavailable, Ratio::ONE)
        };
        let inside = |s: f64| fault.progress(at(s)).is_some();
        assert!(!inside(59.0) && inside(60.0) && inside(79.9) && !inside(80.0));
        assert!(!inside(659.9) && inside(660.0) && inside(1260.0) && !inside(1860.0));
        assert_eq!(fault.progress(at(665.0)), Some(0.25));
    }

    #[test]
    fn shares_and_factors_go_in_a_straight_line() {
        let fault = FaultSpec {
            share: Ratio::new(0.1).unwrap(),
            share_to: Ratio::new(0.3),
            until: Some(seconds(100)),
            ..FaultSpec::steady(FaultKind::Internal, Ratio::ZERO)
        };
        let share = |s: f64| fault.share_at(fault.progress(at(s)).unwrap());
        assert!((share(0.0) - 0.1).abs() < 1e-12 && (share(50.0) - 0.2).abs() < 1e-12);
        let slow = Slowness {
            factor: 2.0,
            factor_to: Some(4.0),
            ..Slowness::of(true, true)
        };
        for (progress, factor) in [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)] {
            assert!((slow.at(progress) - factor).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn progress_is_a_share_of_the_window(
            from in 0u64..100, length in 1u64..100, every in 1u64..100, s in 0u64..400, recurs: bool,
        ) {
            let fault = FaultSpec {
                from: seconds(from),
                until: Some(seconds(from + length)),
                recurs: recurs.then(|| Recurrence { every: seconds(every), length: seconds(every.min(length)) }),
                ..FaultSpec::steady(FaultKind::Internal, Ratio::ONE)
            };
            match fault.progress(Moment(s * 1_000_000)) {
                Some(progress) => prop_assert!((0.0..1.0).contains(&progress) && s >= from && s < from + length),
                None => prop_assert!(recurs || s < from || s >= from + length),
            }
        }
    }
}
