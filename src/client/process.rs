//! What one client process knows and decides for itself: its retry quota, and when it may send.

use super::backoff::RetryBucket;
use super::guards::GuardSet;
use super::injector::{Ask, Heard};
use super::spec::{ClientPolicy, RetryPolicy};
use crate::domain::Failure;
use crate::units::Moment;
use std::collections::VecDeque;

/// Whether a process may send an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// At once; the process counts it as sent.
    Now,
    /// Not before this moment, at which it is to be asked again.
    At(Moment),
    /// Not at all for now.
    Open,
}

/// One client process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    bucket: RetryBucket,
    guards: Option<Box<GuardSet>>,
    /// Attempts that may not be sent yet, in the order in which they asked.
    pub(super) waiting: VecDeque<Ask>,
}

impl Process {
    pub(super) fn new(policy: &ClientPolicy) -> Self {
        Self {
            bucket: RetryBucket::new(),
            guards: GuardSet::of(policy),
            waiting: VecDeque::new(),
        }
    }

    /// Whether it ever holds an attempt back.
    pub(super) fn is_gated(&self) -> bool {
        self.guards.is_some()
    }

    /// A request began; only told where [`Process::is_gated`].
    pub(super) fn begun(&mut self, now: Moment) {
        if let Some(guards) = &mut self.guards {
            guards.begun(now);
        }
    }

    /// Whether the attempt may be sent at `now`.
    pub(super) fn pass(&mut self, now: Moment, ask: &Ask) -> Pass {
        match &mut self.guards {
            Some(guards) => guards.pass(now, ask),
            None => Pass::Now,
        }
    }

    /// Pays for a retry after `failure` that its backoff puts at `at`; `None` if it may not be made, else its moment
    /// and what the retry quota charged.
    pub(super) fn pay(
        &mut self,
        now: Moment,
        policy: &RetryPolicy,
        failure: Failure,
        at: Moment,
    ) -> Option<(Moment, u32)> {
        let Some(guards) = &mut self.guards else {
            return Some((at, self.bucket.pay(policy, failure)?));
        };
        let at = guards.retry_at(now, failure, at);
        if !guards.allows_retry(now) {
            return None;
        }
        let cost = self.bucket.pay(policy, failure)?;
        guards.pay(now, at);
        Some((at, cost))
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: Moment, failure: Failure) {
        if let Some(guards) = &mut self.guards {
            guards.heard(now, Some(failure));
        }
    }

    /// A request was answered; its last retry cost `last_cost`.
    #[inline]
    pub(super) fn succeeded(&mut self, now: Moment, last_cost: u32, _heard: Heard) {
        self.bucket.refund(last_cost);
        if let Some(guards) = &mut self.guards {
            guards.heard(now, None);
        }
    }
}
