//! What one client process knows and decides for itself: its retry quota, and when it may send.

use super::backoff::RetryBucket;
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
    /// Attempts that may not be sent yet, in the order in which they asked.
    pub(super) waiting: VecDeque<Ask>,
}

impl Process {
    pub(super) fn new(_policy: &ClientPolicy) -> Self {
        Self {
            bucket: RetryBucket::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Whether it ever holds an attempt back.
    pub(super) fn is_gated(&self) -> bool {
        false
    }

    /// Whether the attempt may be sent at `now`.
    pub(super) fn pass(&mut self, _now: Moment, _ask: &Ask) -> Pass {
        Pass::Now
    }

    /// Pays for a retry after `failure`; `None` if it may not be made, else what the retry quota charged.
    pub(super) fn pay(
        &mut self,
        _now: Moment,
        policy: &RetryPolicy,
        failure: Failure,
    ) -> Option<u32> {
        self.bucket.pay(policy, failure)
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, _now: Moment, _failure: Failure) {}

    /// An attempt was cancelled because its twin was faster.
    pub(super) fn cancelled(&mut self, _now: Moment) {}

    /// A request was answered; its last retry cost `last_cost`.
    #[inline]
    pub(super) fn succeeded(&mut self, _now: Moment, last_cost: u32, _heard: Heard) {
        self.bucket.refund(last_cost);
    }
}
