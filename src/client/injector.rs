//! The client brain: it sends, holds back, retries or gives up, at moments that a shell names.

use super::backoff::{max_attempts, retries, retry_at};
use super::process::{Pass, Process};
use super::spec::ClientPolicy;
use crate::domain::{Failure, Outcome, Usage};
use crate::units::{Micros, Moment};
use std::collections::{BTreeSet, VecDeque};

/// What to do with a request that is due, or with its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send it.
    Send,
    /// Keep it: [`Injector::poll`] names it when its turn has come.
    Wait,
    /// Drop it: the queue is full.
    Shed,
    /// Do not send it: its client process calls nobody for now. That is a failure of the attempt,
    /// [`Failure::CircuitOpen`].
    Open,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt is due at this moment; [`Injector::again`] then says whether it is sent.
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

/// An attempt that wants to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its request.
    pub id: u32,
    /// The client process that makes it.
    pub instance: u32,
    /// Tokens that the service's quota will set aside for it, as far as a client can know; only
    /// looked at where [`Injector::is_gated`].
    pub reserves: u64,
}

/// What an answered attempt showed its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// From its send to its first token.
    pub ttft: Micros,
    /// Its tokens.
    pub usage: Usage,
}

/// The client brain of one fleet of clients that share a policy.
///
/// Places (`concurrency`) are shared by the fleet: a request takes one with its first attempt and keeps it,
/// backoffs inside, until it ends. All else belongs to single client processes.
#[derive(Clone, Debug)]
pub struct Injector {
    policy: ClientPolicy,
    /// Requests in progress, their backoffs inside.
    in_progress: u32,
    /// Requests without a place.
    waiting: VecDeque<Ask>,
    processes: Vec<Process>,
    /// Requests that got a place and may be sent.
    ready: VecDeque<(u32, Due)>,
    /// When the first of those that wait in a process may be sent, by process.
    wakes: BTreeSet<(Moment, u32)>,
    is_gated: bool,
}

impl Injector {
    /// A client brain with nothing in progress.
    pub fn new(policy: ClientPolicy) -> Self {
        let process = Process::new(&policy);
        Self {
            is_gated: process.is_gated(),
            policy,
            in_progress: 0,
            waiting: VecDeque::new(),
            processes: vec![process; policy.instances as usize],
            ready: VecDeque::new(),
            wakes: BTreeSet::new(),
        }
    }

    /// Whether anything but places can hold an attempt back.
    #[inline]
    pub fn is_gated(&self) -> bool {
        self.is_gated
    }

    /// The start of request number `seq`: instances take requests in turn.
    #[inline]
    pub fn begin(&self, seq: u64) -> Progress {
        let instance = match self.processes.len() as u64 {
            1 => 0,
            instances => (seq % instances) as u32,
        };
        Progress {
            instance,
            ..Progress::default()
        }
    }

    /// A request is due, and asks for its first attempt.
    #[inline]
    pub fn due(&mut self, now: Moment, ask: Ask) -> Due {
        if self.is_gated {
            self.processes[ask.instance as usize].begun(now);
        }
        if self.has_place() {
            self.in_progress += 1;
            return self.again(now, ask);
        }
        if self
            .policy
            .queue
            .is_some_and(|bound| self.waiting.len() >= bound as usize)
        {
            return Due::Shed;
        }
        self.waiting.push_back(ask);
        Due::Wait
    }

    /// A request that has its place asks for an attempt, since its backoff is over.
    #[inline]
    pub fn again(&mut self, now: Moment, ask: Ask) -> Due {
        if !self.is_gated {
            return Due::Send;
        }
        self.gate(now, ask)
    }

    fn gate(&mut self, now: Moment, ask: Ask) -> Due {
        let process = &mut self.processes[ask.instance as usize];
        if !process.waiting.is_empty() {
            process.waiting.push_back(ask);
            return Due::Wait;
        }
        match process.pass(now, &ask) {
            Pass::Now => Due::Send,
            Pass::Open => Due::Open,
            Pass::At(at) => {
                process.waiting.push_back(ask);
                self.wakes.insert((at, ask.instance));
                Due::Wait
            }
        }
    }

    /// The next request whose wait is over at `now`, and whether its attempt is sent or fails at once
    /// ([`Due::Send`] or [`Due::Open`]). A shell asks until there is none, after whatever it did.
    #[inline]
    pub fn poll(&mut self, now: Moment) -> Option<(u32, Due)> {
        if self.ready.is_empty() && self.wakes.is_empty() {
            return None;
        }
        let ready = self.ready.pop_front();
        ready.or_else(|| self.poll_processes(now))
    }

    fn poll_processes(&mut self, now: Moment) -> Option<(u32, Due)> {
        while let Some(&(at, instance)) = self.wakes.first() {
            if at > now {
                return None;
            }
            self.wakes.pop_first();
            let process = &mut self.processes[instance as usize];
            let Some(&ask) = process.waiting.front() else {
                continue;
            };
            let verdict = match process.pass(now, &ask) {
                Pass::Now => Due::Send,
                Pass::Open => Due::Open,
                Pass::At(at) => {
                    self.wakes.insert((at, instance));
                    continue;
                }
            };
            process.waiting.pop_front();
            if !process.waiting.is_empty() {
                self.wakes.insert((now, instance));
            }
            return Some((ask.id, verdict));
        }
        None
    }

    /// When [`Injector::poll`] is to be asked next, if nothing else happens; [`Moment::NEVER`] if
    /// nobody waits for time to pass.
    #[inline]
    pub fn next_wake(&self) -> Moment {
        self.wakes.first().map_or(Moment::NEVER, |&(at, _)| at)
    }

    /// Empties the queues of the processes: who waited there for time to pass will not be sent.
    pub fn let_all_go(&mut self) -> Vec<u32> {
        self.wakes.clear();
        let held = self
            .processes
            .iter_mut()
            .flat_map(|one| one.waiting.drain(..));
        held.map(|ask| ask.id).collect()
    }

    fn has_place(&self) -> bool {
        self.policy
            .concurrency
            .is_none_or(|cap| self.in_progress < cap)
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
            Failure::CircuitOpen if progress.attempts == 0 => Outcome::NotSent,
            _ => Outcome::Failed,
        });
        let process = &mut self.processes[progress.instance as usize];
        process.failed(now, failure);
        let deadline = self
            .policy
            .deadline
            .map_or(Moment::NEVER, |deadline| intended + deadline);
        if now >= deadline {
            return Next::GiveUp(Outcome::TimedOut);
        }
        let policy = &self.policy.retry;
        if !retries(policy, failure) || progress.attempts >= max_attempts(policy) {
            return give_up;
        }
        let retry = progress.attempts.saturating_sub(1);
        let at = retry_at(policy, now, failure, retry, progress.last_delay, u);
        // A retry that would start after the deadline cannot help anybody.
        if at >= deadline {
            return give_up;
        }
        let Some((at, cost)) = process.pay(now, policy, failure, at) else {
            return give_up;
        };
        if at >= deadline {
            return give_up;
        }
        progress.last_cost = cost;
        progress.last_delay = at.since(now);
        Next::RetryAt(at)
    }

    /// A request was answered.
    #[inline]
    pub fn succeeded(&mut self, now: Moment, progress: &Progress, heard: Heard) {
        self.processes[progress.instance as usize].succeeded(now, progress.last_cost, heard);
    }

    /// A request ended, whatever its outcome: its place is free for one that waits, which
    /// [`Injector::poll`] then names; whether that is still worth sending, [`Injector::is_expired`] tells.
    #[inline]
    pub fn free(&mut self, now: Moment) {
        self.in_progress -= 1;
        while self.has_place()
            && let Some(ask) = self.waiting.pop_front()
        {
            self.in_progress += 1;
            match self.again(now, ask) {
                Due::Wait | Due::Shed => {}
                verdict => self.ready.push_back((ask.id, verdict)),
            }
        }
    }

    /// Whether a request that waited is past its deadline at `now`.
    pub fn is_expired(&self, now: Moment, intended: Moment) -> bool {
        now >= self.deadline(intended)
    }

    /// Requests in progress and waiting for a place.
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
            ..ClientPolicy::default()
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
        let ask = |id| Ask {
            id,
            instance: 0,
            reserves: 0,
        };
        let now = Moment::ZERO;
        assert_eq!(
            [1, 2, 3].map(|id| injector.due(now, ask(id))),
            [Due::Send, Due::Wait, Due::Shed]
        );
        injector.free(now);
        assert_eq!(injector.poll(now), Some((2, Due::Send)));
        injector.free(now);
        assert_eq!(injector.poll(now), None);
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
