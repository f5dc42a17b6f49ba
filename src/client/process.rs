//! What one client process knows and decides for itself: its retry quota, and when it may send.

use super::backoff::RetryBucket;
use super::injector::{Ask, Heard, Progress};
use super::pacing::Pacing;
use super::spec::{ClientPolicy, KnownQuota, RetryPolicy};
use crate::domain::Failure;
use crate::units::Moment;

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
    pacing: Pacing,
}

impl Process {
    pub(super) fn new(policy: &ClientPolicy, quotas: &[KnownQuota]) -> Self {
        Self {
            bucket: RetryBucket::new(),
            pacing: Pacing::new(policy, quotas),
        }
    }

    /// Whether it ever holds an attempt back.
    pub(super) fn is_gated(&self) -> bool {
        self.pacing.is_on()
    }

    /// Whether the attempt may be sent at `now`. The pacing is asked last, since it counts what it lets pass.
    pub(super) fn pass(&mut self, now: Moment, ask: &Ask) -> Pass {
        self.pacing.pass(now, ask)
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
    pub(super) fn failed(&mut self, now: Moment, failure: Failure, progress: &Progress) {
        self.pacing.failed(now, failure, progress.held);
    }

    /// An attempt that passed is not sent after all.
    pub(super) fn unsent(&mut self, progress: &Progress) {
        self.pacing.unsent(progress.held);
    }

    /// A request was answered.
    #[inline]
    pub(super) fn succeeded(&mut self, now: Moment, progress: &Progress, heard: Heard) {
        self.bucket.refund(progress.last_cost);
        self.pacing.succeeded(now, progress.held, heard.usage);
    }
}
