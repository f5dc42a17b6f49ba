//! The client brain: it sends, holds back, retries or gives up, at moments that a shell names.

use super::backoff::{RetryBucket, delay, is_retryable, max_attempts};
use super::spec::ClientPolicy;
use crate::domain::{Failure, Outcome};
use crate::units::{Micros, Moment};
use std::collections::VecDeque;

/// What to do with a request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send its first attempt.
    Send,
    /// Keep it: it waits for a free place.
    Wait,
    /// Drop it: the queue is full.
    Shed,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send another attempt at this moment.
    RetryAt(Moment),
    /// The request ends like this.
    GiveUp(Outcome),
}

/// How far a request has come. The shell keeps it with the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Attempts sent.
    pub attempts: u32,
    /// The delay before the last retry.
    pub last_delay: Micros,
    /// What the last retry cost of the retry quota.
    pub last_cost: u32,
    /// The client process that makes it.
    pub instance: u32,
}

/// The client brain of one fleet of clients that share a policy.
#[derive(Clone, Debug)]
pub struct Injector {
    policy: ClientPolicy,
    /// Requests in progress, their backoffs inside.
    in_progress: u32,
    waiting: VecDeque<u32>,
    /// One retry quota for each client process.
    buckets: Vec<RetryBucket>,
}

impl Injector {
    /// A client brain with nothing in progress.
    pub fn new(policy: ClientPolicy) -> Self {
        Self {
            policy,
            in_progress: 0,
            waiting: VecDeque::new(),
            buckets: vec![RetryBucket::new(); policy.instances as usize],
        }
    }

    /// The start of request number `seq`: instances take requests in turn.
    #[inline]
    pub fn begin(&self, seq: u64) -> Progress {
        let instance = match self.buckets.len() as u64 {
            1 => 0,
            instances => (seq % instances) as u32,
        };
        Progress {
            instance,
            ..Progress::default()
        }
    }

    /// Request `id` is due.
    #[inline]
    pub fn due(&mut self, id: u32) -> Due {
        if self
            .policy
            .concurrency
            .is_none_or(|cap| self.in_progress < cap)
        {
            self.in_progress += 1;
            return Due::Send;
        }
        if self
            .policy
            .queue
            .is_some_and(|bound| self.waiting.len() >= bound as usize)
        {
            return Due::Shed;
        }
        self.waiting.push_back(id);
        Due::Wait
    }

    /// The moment at which an attempt sent at `now` is abandoned; [`Moment::NEVER`] without limits.
    #[inline]
    pub fn gives_up_at(&self, now: Moment, intended: Moment) -> Moment {
        let timeout = self
            .policy
            .timeout
            .map_or(Moment::NEVER, |timeout| now + timeout);
        timeout.min(self.deadline(intended))
    }

    fn deadline(&self, intended: Moment) -> Moment {
        self.policy
            .deadline
            .map_or(Moment::NEVER, |deadline| intended + deadline)
    }

    /// An attempt failed at `now`; `u` is a uniform draw for the jitter.
    pub fn failed(
        &mut self,
        now: Moment,
        intended: Moment,
        progress: &mut Progress,
        failure: Failure,
        u: f64,
    ) -> Next {
        let give_up = Next::GiveUp(match failure {
            Failure::Throttled(_) => Outcome::Throttled,
            Failure::ClientTimeout => Outcome::TimedOut,
            _ => Outcome::Failed,
        });
        if now >= self.deadline(intended) {
            return Next::GiveUp(Outcome::TimedOut);
        }
        let policy = &self.policy.retry;
        if !is_retryable(failure) || progress.attempts >= max_attempts(policy) {
            return give_up;
        }
        let retry = progress.attempts.saturating_sub(1);
        let wait = delay(policy, failure, retry, progress.last_delay, u);
        // A retry that would start after the deadline cannot help anybody.
        if now + wait >= self.deadline(intended) {
            return give_up;
        }
        let bucket = &mut self.buckets[progress.instance as usize];
        let Some(cost) = bucket.pay(policy, failure) else {
            return give_up;
        };
        progress.last_cost = cost;
        progress.last_delay = wait;
        Next::RetryAt(now + wait)
    }

    /// A request was answered.
    #[inline]
    pub fn succeeded(&mut self, progress: &Progress) {
        self.buckets[progress.instance as usize].refund(progress.last_cost);
    }

    /// A request ended, whatever its outcome: its place is free. Returns the request that takes
    /// it, and whether that one is still worth sending; one past its deadline is not, and its
    /// place is free again.
    #[inline]
    pub fn free(&mut self) -> Option<u32> {
        self.in_progress -= 1;
        let next = self.waiting.pop_front()?;
        self.in_progress += 1;
        Some(next)
    }

    /// Whether a request that waited is past its deadline at `now`.
    pub fn is_expired(&self, now: Moment, intended: Moment) -> bool {
        now >= self.deadline(intended)
    }

    /// Requests in progress and waiting.
    pub fn load(&self) -> (u32, usize) {
        (self.in_progress, self.waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::spec::{Jitter, RetryPolicy};
    use crate::domain::RefusalReason;

    const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

    fn policy(retry: RetryPolicy) -> ClientPolicy {
        ClientPolicy {
            timeout: None,
            deadline: None,
            concurrency: None,
            queue: None,
            instances: 1,
            retry,
        }
    }

    fn exponential(max_attempts: u32) -> RetryPolicy {
        RetryPolicy::Exponential {
            max_attempts,
            base: Micros::SECOND,
            cap: Micros::from_secs(8),
            jitter: Jitter::None,
        }
    }

    #[test]
    fn attempts_are_bounded_and_delays_grow() {
        let mut injector = Injector::new(policy(exponential(4)));
        let mut progress = Progress {
            attempts: 1,
            ..Progress::default()
        };
        let mut waits = Vec::new();
        loop {
            let next = injector.failed(Moment::ZERO, Moment::ZERO, &mut progress, THROTTLED, 0.5);
            match next {
                Next::RetryAt(at) => waits.push(at.since(Moment::ZERO)),
                Next::GiveUp(outcome) => break assert_eq!(outcome, Outcome::Throttled),
            }
            progress.attempts += 1;
        }
        assert_eq!(waits, [1, 2, 4].map(Micros::from_secs));
    }

    #[test]
    fn a_retry_beyond_the_deadline_is_not_made() {
        let deadline = Some(Micros::from_secs(3));
        let mut injector = Injector::new(ClientPolicy {
            deadline,
            ..policy(exponential(9))
        });
        let mut progress = Progress {
            attempts: 2,
            ..Progress::default()
        };
        let at = Moment::ZERO + Micros::from_millis(1500);
        let next = injector.failed(at, Moment::ZERO, &mut progress, THROTTLED, 0.5);
        assert_eq!(next, Next::GiveUp(Outcome::Throttled));
    }

    #[test]
    fn a_cap_queues_and_a_full_queue_sheds() {
        let limits = ClientPolicy {
            concurrency: Some(1),
            queue: Some(1),
            ..policy(RetryPolicy::None)
        };
        let mut injector = Injector::new(limits);
        assert_eq!(
            [1, 2, 3].map(|id| injector.due(id)),
            [Due::Send, Due::Wait, Due::Shed]
        );
        assert_eq!(injector.free(), Some(2));
        assert_eq!(injector.free(), None);
        assert_eq!(injector.load(), (0, 0));
    }

    #[test]
    fn model_errors_are_final() {
        let mut injector = Injector::new(policy(exponential(4)));
        let mut progress = Progress {
            attempts: 1,
            ..Progress::default()
        };
        for failure in [Failure::ModelError, Failure::ModelTimeout] {
            let next = injector.failed(Moment::ZERO, Moment::ZERO, &mut progress, failure, 0.5);
            assert_eq!(next, Next::GiveUp(Outcome::Failed));
        }
    }
}
