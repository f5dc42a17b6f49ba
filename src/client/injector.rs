//! The client brain: it sends, holds back, retries or gives up, at moments that a shell names.

use super::backoff::{max_attempts, retries, retry_at};
use super::hedge::Hedging;
use super::lanes::{LaneTable, Onward};
use super::limit::Places;
use super::pacing::Held;
use super::process::{Pass, Process};
use super::spec::{ClientPolicy, KnownQuota, PacingSpec, QueueOrder};
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
    /// Drop it: the queue is full, or it waited too long. It has no place any more.
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
    /// Attempts sent, hedges inside.
    pub attempts: u32,
    /// Of these, hedges; they use up none of the attempts that the retry policy allows.
    pub hedges: u32,
    /// The delay before the last retry.
    pub last_delay: Micros,
    /// What the last retry cost of the retry quota.
    pub last_cost: u32,
    /// The client process that makes it.
    pub instance: u32,
    /// The lane that it is on.
    pub lane: u32,
    /// Attempts that were sent before it came to its lane.
    pub before: u32,
    /// What each of its attempts reserves of the quota that clients keep count of. The shell says so before it
    /// asks, where [`Injector::is_gated`].
    pub held: Held,
}

impl Progress {
    /// Attempts on its lane that the retry policy counts: hedges are none.
    fn on_lane(&self) -> u32 {
        self.attempts - self.before - self.hedges
    }

    /// The request that has come so far, and was due at `intended`, wants to send an attempt.
    #[inline]
    pub fn ask(&self, id: u32, intended: Moment) -> Ask {
        Ask {
            id,
            instance: self.instance,
            reserves: self.held.tokens,
            quota: self.held.quota,
            intended,
        }
    }

    /// How a request ends that is dropped ([`Due::Shed`]).
    pub fn dropped_as(&self) -> Outcome {
        match self.attempts {
            0 => Outcome::NotSent,
            _ => Outcome::TimedOut,
        }
    }
}

/// An attempt that wants to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Its request.
    pub id: u32,
    /// The client process that makes it.
    pub instance: u32,
    /// Tokens that the service's quota will set aside for it, as far as a client can know; only
    /// looked at where [`Injector::is_gated`].
    pub reserves: u64,
    /// Which of the known quotas it uses; looked at likewise.
    pub quota: u32,
    /// When its request was due, from which its deadline counts.
    pub intended: Moment,
}

/// An attempt that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ask: Ask,
    since: Moment,
}

/// Attempts that their process may not send yet, in the order in which they asked.
#[derive(Clone, Debug)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// When the first of them is to be looked at again; [`Moment::NEVER`] if not by the clock.
    wakes_at: Moment,
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
    pub(super) in_progress: u32,
    places: Places,
    /// Requests without a place.
    waiting: VecDeque<Waiting>,
    pub(super) processes: Vec<Process>,
    /// Of each process one for each quota that it keeps count of, or one.
    queues: Vec<Queue>,
    /// Queues of a process.
    quotas: u32,
    /// Requests that got a place and may be sent.
    ready: VecDeque<(u32, Due)>,
    /// When the first of those that wait in a process may be sent, by queue.
    wakes: BTreeSet<(Moment, u32)>,
    pub(super) is_gated: bool,
    /// Whether nothing holds anything back, and nothing has to be kept count of but retries: the usual case, which
    /// has to be quick.
    is_plain: bool,
    pub(super) hedging: Option<Box<Hedging>>,
    lanes: LaneTable,
}

impl Injector {
    /// A client brain with nothing in progress.
    pub fn new(policy: ClientPolicy) -> Self {
        let unknown = KnownQuota {
            tpm: None,
            rpm: None,
            burndown: 1,
        };
        Self::with_quotas(policy, &[unknown])
    }

    /// A client brain with nothing in progress, whose processes know these quotas: [`Ask::quota`] counts them.
    pub fn with_quotas(policy: ClientPolicy, quotas: &[KnownQuota]) -> Self {
        let process = Process::new(&policy, quotas);
        let is_gated = process.is_gated();
        let queued = match policy.pacing {
            Some(PacingSpec::Tokens(_)) => quotas.len().max(1),
            _ => 1,
        };
        let queues = if is_gated {
            policy.instances as usize * queued
        } else {
            0
        };
        let queue = Queue {
            waiting: VecDeque::new(),
            wakes_at: Moment::NEVER,
        };
        Self {
            is_gated,
            is_plain: !is_gated && policy.concurrency.is_none() && policy.hedge.is_none(),
            places: Places::new(&policy),
            queues: vec![queue; queues],
            quotas: queued as u32,
            hedging: policy
                .hedge
                .map(|hedge| Box::new(Hedging::new(hedge, policy.instances))),
            policy,
            in_progress: 0,
            waiting: VecDeque::new(),
            processes: vec![process; policy.instances as usize],
            ready: VecDeque::new(),
            wakes: BTreeSet::new(),
            lanes: LaneTable::default(),
        }
    }

    /// The same with what follows on each lane, of which the first `own` are the workloads' own. Each further
    /// lane has a client of its own in each process, as an SDK has one for each endpoint: what holds one
    /// back does not hold back the others.
    ///
    /// # Panics
    /// If there are fewer lanes than own ones.
    #[must_use]
    pub fn with_lanes(mut self, own: u32, onward: Vec<Option<Onward>>) -> Self {
        self.lanes = LaneTable::new(own, onward);
        let processes = self.policy.instances as usize * self.lanes.sets() as usize;
        let fresh = self.processes[0].clone();
        self.processes.resize(processes, fresh);
        if let Some(queue) = self.queues.first().cloned() {
            self.queues.resize(processes * self.quotas as usize, queue);
        }
        if let Some(hedging) = &mut self.hedging {
            hedging.resize(processes);
        }
        self
    }

    /// Whether anything but places can hold an attempt back.
    #[inline]
    pub fn is_gated(&self) -> bool {
        self.is_gated
    }

    /// The process that makes request number `seq`: instances take requests in turn.
    #[inline]
    pub fn instance_of(&self, seq: u64) -> u32 {
        match u64::from(self.policy.instances) {
            1 => 0,
            instances => (seq % instances) as u32,
        }
    }

    /// The start of request number `seq`.
    pub fn begin(&self, seq: u64) -> Progress {
        Progress {
            instance: self.instance_of(seq),
            ..Progress::default()
        }
    }

    /// A request comes to a lane, on which its retries start anew.
    #[inline]
    pub fn enter(&self, progress: &mut Progress, lane: u32) {
        let instances = self.policy.instances;
        progress.instance = progress.instance % instances + self.lanes.set_of(lane) * instances;
        progress.lane = lane;
        progress.before = progress.attempts;
        progress.hedges = 0;
        progress.last_delay = Micros::ZERO;
        progress.last_cost = 0;
    }

    /// A request is due. Whether its first attempt is sent at once, since nothing can hold it back; if not, it
    /// has to ask: [`Injector::due`].
    #[inline]
    pub fn starts_at_once(&mut self) -> bool {
        self.in_progress += u32::from(self.is_plain);
        self.is_plain
    }

    /// A request is due, and asks for its first attempt.
    pub fn due(&mut self, now: Moment, ask: Ask) -> Due {
        if self.starts_at_once() {
            return Due::Send;
        }
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
            let oldest = match self.policy.queue_order {
                QueueOrder::Fifo => None,
                QueueOrder::Lifo => self.waiting.pop_front(),
            };
            let Some(oldest) = oldest else {
                return Due::Shed;
            };
            self.ready.push_back((oldest.ask.id, Due::Shed));
        }
        self.waiting.push_back(Waiting { ask, since: now });
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
        let queue = self.queue_of(ask.instance, ask.quota);
        if self.queues[queue as usize].waiting.is_empty() {
            match self.processes[ask.instance as usize].pass(now, &ask) {
                Pass::Now => return Due::Send,
                Pass::Open => return Due::Open,
                Pass::At(at) => self.wake(queue, at),
            }
        }
        let waiting = &mut self.queues[queue as usize].waiting;
        waiting.push_back(Waiting { ask, since: now });
        Due::Wait
    }

    /// Whether attempts wait in front of one that asks.
    pub(super) fn has_queue(&self, ask: &Ask) -> bool {
        let queue = self.queue_of(ask.instance, ask.quota);
        !self.queues[queue as usize].waiting.is_empty()
    }

    fn queue_of(&self, instance: u32, quota: u32) -> u32 {
        instance * self.quotas + quota.min(self.quotas - 1)
    }

    /// The first of a queue is to be looked at again at this moment.
    fn wake(&mut self, queue: u32, at: Moment) {
        let before = std::mem::replace(&mut self.queues[queue as usize].wakes_at, at);
        if before < Moment::NEVER {
            self.wakes.remove(&(before, queue));
        }
        if at < Moment::NEVER {
            self.wakes.insert((at, queue));
        }
    }

    /// An attempt ended, which may let the next of its queue go.
    fn look_again(&mut self, now: Moment, progress: &Progress) {
        if self.is_gated {
            let queue = self.queue_of(progress.instance, progress.held.quota);
            if !self.queues[queue as usize].waiting.is_empty() {
                self.wake(queue, now);
            }
        }
    }

    /// The next request whose wait is over at `now`, and whether its attempt is sent, fails at once or is
    /// dropped ([`Due::Send`], [`Due::Open`] or [`Due::Shed`]). A shell asks until there is none, after whatever it did.
    #[inline]
    pub fn poll(&mut self, now: Moment) -> Option<(u32, Due)> {
        if self.ready.is_empty() && self.wakes.is_empty() {
            return None;
        }
        let ready = self.ready.pop_front();
        ready.or_else(|| self.poll_processes(now))
    }

    fn poll_processes(&mut self, now: Moment) -> Option<(u32, Due)> {
        while let Some(&(at, queue)) = self.wakes.first() {
            if at > now {
                return None;
            }
            self.wake(queue, Moment::NEVER);
            let Some(&first) = self.queues[queue as usize].waiting.front() else {
                continue;
            };
            let ask = first.ask;
            let verdict = if self.is_stale(now, &first) {
                Due::Shed
            } else {
                match self.processes[ask.instance as usize].pass(now, &ask) {
                    Pass::Now => Due::Send,
                    Pass::Open => Due::Open,
                    Pass::At(at) => {
                        self.wake(queue, at);
                        continue;
                    }
                }
            };
            let waiting = &mut self.queues[queue as usize].waiting;
            waiting.pop_front();
            if !waiting.is_empty() {
                self.wake(queue, now);
            }
            if verdict == Due::Shed {
                self.free(now);
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
        let held = self.queues.iter_mut().flat_map(|one| {
            one.wakes_at = Moment::NEVER;
            one.waiting.drain(..)
        });
        held.map(|one| one.ask.id).collect()
    }

    pub(super) fn has_place(&self) -> bool {
        self.places.has_room(self.in_progress)
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
        process.failed(now, failure, progress);
        self.places.failed(now, failure, self.in_progress);
        self.look_again(now, progress);
        let deadline = self.deadline(intended);
        if now >= deadline {
            return Next::GiveUp(Outcome::TimedOut);
        }
        let onward = self.lanes.onward(progress.lane, failure);
        let on_lane = progress.on_lane();
        let is_enough = onward
            .and_then(|onward| onward.after)
            .is_some_and(|after| on_lane >= after);
        if !is_enough && let Some(at) = self.retry(now, deadline, progress, failure, u) {
            return Next::RetryAt(at);
        }
        match onward {
            Some(onward) => self.go_on(now, progress, onward),
            None => give_up,
        }
    }

    /// When the attempt that failed is tried again on its lane, if it is.
    fn retry(
        &mut self,
        now: Moment,
        deadline: Moment,
        progress: &mut Progress,
        failure: Failure,
        u: f64,
    ) -> Option<Moment> {
        let policy = &self.policy.retry;
        let on_lane = progress.on_lane();
        if !retries(policy, failure) || on_lane >= max_attempts(policy) {
            return None;
        }
        let retry = on_lane.saturating_sub(1);
        let at = retry_at(policy, now, failure, retry, progress.last_delay, u);
        // A retry that cannot end before the deadline helps nobody.
        let expected = self.policy.expected.unwrap_or_default();
        if at + expected >= deadline {
            return None;
        }
        let process = &mut self.processes[progress.instance as usize];
        let (at, cost) = process.pay(now, policy, failure, at)?;
        if at + expected >= deadline {
            return None;
        }
        progress.last_cost = cost;
        progress.last_delay = at.since(now);
        Some(at)
    }

    /// A request goes on to the next lane, at once.
    fn go_on(&self, now: Moment, progress: &mut Progress, onward: Onward) -> Next {
        self.enter(progress, onward.lane);
        if onward.afresh {
            progress.attempts = 0;
            progress.before = 0;
        }
        if onward.defers {
            return Next::GiveUp(Outcome::Deferred);
        }
        Next::RetryAt(now)
    }

    /// A request was answered.
    #[inline]
    pub fn succeeded(&mut self, now: Moment, progress: &Progress, heard: Heard) {
        if self.is_plain {
            self.processes[progress.instance as usize].refund(progress.last_cost);
            return;
        }
        self.succeeded_within_limits(now, progress, heard);
    }

    fn succeeded_within_limits(&mut self, now: Moment, progress: &Progress, heard: Heard) {
        self.processes[progress.instance as usize].succeeded(now, progress, heard);
        self.places.succeeded(heard, self.in_progress);
        self.look_again(now, progress);
    }

    /// A request that was to be sent ends without it.
    pub fn unsent(&mut self, now: Moment, progress: &Progress) {
        self.processes[progress.instance as usize].unsent(progress);
        self.look_again(now, progress);
    }

    /// A request ended, whatever its outcome: its place is free for one that waits, which
    /// [`Injector::poll`] then names.
    #[inline]
    pub fn free(&mut self, now: Moment) {
        self.in_progress -= 1;
        if !self.is_plain {
            self.hand_on_places(now);
        }
    }

    fn hand_on_places(&mut self, now: Moment) {
        while self.has_place()
            && let Some(next) = self.next_waiting()
        {
            if self.is_stale(now, &next) {
                self.ready.push_back((next.ask.id, Due::Shed));
                continue;
            }
            self.in_progress += 1;
            match self.again(now, next.ask) {
                Due::Wait | Due::Shed => {}
                verdict => self.ready.push_back((next.ask.id, verdict)),
            }
        }
    }

    fn next_waiting(&mut self) -> Option<Waiting> {
        match self.policy.queue_order {
            QueueOrder::Fifo => self.waiting.pop_front(),
            QueueOrder::Lifo => self.waiting.pop_back(),
        }
    }

    /// Whether an attempt whose turn has come waited too long to be sent.
    fn is_stale(&self, now: Moment, waiting: &Waiting) -> bool {
        let waited = now.since(waiting.since);
        self.policy.queue_for.is_some_and(|most| waited > most)
            || self.is_expired(now, waiting.ask.intended)
    }

    /// Whether a request that waited is past its deadline at `now`, or would be when it is answered.
    pub fn is_expired(&self, now: Moment, intended: Moment) -> bool {
        now + self.policy.expected.unwrap_or_default() >= self.deadline(intended)
    }

    /// Requests in progress and waiting for a place.
    pub fn load(&self) -> (u32, usize) {
        (self.in_progress, self.waiting.len())
    }
}

#[cfg(test)]
mod limits;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::spec::{Jitter, RetryPolicy};
    use crate::domain::RefusalReason;

    const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

    fn policy(retry: RetryPolicy) -> ClientPolicy {
        ClientPolicy {
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
            ..Ask::default()
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
