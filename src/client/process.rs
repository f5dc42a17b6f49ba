//! What one client process knows and decides for itself: its retry quota, and when it may send.

use super::backoff::RetryBucket;
use super::guards::GuardSet;
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
    guards: Option<Box<GuardSet>>,
    pacing: Pacing,
}

impl Process {
    pub(super) fn new(policy: &ClientPolicy, quotas: &[KnownQuota]) -> Self {
        Self {
            bucket: RetryBucket::new(),
            guards: GuardSet::of(policy),
            pacing: Pacing::new(policy, quotas),
        }
    }

    /// Whether it ever holds an attempt back.
    pub(super) fn is_gated(&self) -> bool {
        self.guards.is_some() || self.pacing.is_on()
    }

    /// A request began; only told where [`Process::is_gated`].
    pub(super) fn begun(&mut self, now: Moment) {
        if let Some(guards) = &mut self.guards {
            guards.begun(now);
        }
    }

    /// Whether the attempt may be sent at `now`. Guards count what they let pass, and so are asked only when the
    /// pacing has room.
    pub(super) fn pass(&mut self, now: Moment, ask: &Ask) -> Pass {
        let room_at = self.pacing.room_at(now, ask);
        if room_at > now {
            return Pass::At(room_at);
        }
        let pass = match &mut self.guards {
            Some(guards) => guards.pass(now, ask),
            None => Pass::Now,
        };
        if pass == Pass::Now {
            self.pacing.count(now, ask);
        }
        pass
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
    pub(super) fn failed(&mut self, now: Moment, failure: Failure, progress: &Progress) {
        if let Some(guards) = &mut self.guards {
            guards.heard(now, Some(failure));
        }
        self.pacing.failed(now, failure, progress.held);
    }

    /// An attempt that passed is not sent after all.
    pub(super) fn unsent(&mut self, progress: &Progress) {
        self.pacing.unsent(progress.held);
    }

    /// An attempt was cancelled because its twin was faster: what it used is not known.
    pub(super) fn cancelled(&mut self, now: Moment, progress: &Progress) {
        self.pacing
            .failed(now, Failure::ClientTimeout, progress.held);
    }

    /// A request was answered whose last retry cost `last_cost`: all that there is to know of it where nothing else
    /// counts answers.
    #[inline]
    pub(super) fn refund(&mut self, last_cost: u32) {
        self.bucket.refund(last_cost);
    }

    /// A request was answered.
    pub(super) fn succeeded(&mut self, now: Moment, progress: &Progress, heard: Heard) {
        self.refund(progress.last_cost);
        if let Some(guards) = &mut self.guards {
            guards.heard(now, None);
        }
        self.pacing.succeeded(now, progress.held, heard.usage);
    }
}
