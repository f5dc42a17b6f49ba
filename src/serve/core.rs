//! The service brain behind a lock, and the calls that it has admitted.

use super::tally::{End, Ended, Tally};
use crate::clock::Clock;
use crate::domain::{Failure, Usage};
use crate::service::guardrail::Verdict;
use crate::service::spec::FaultSpec;
use crate::service::{Call, CounterLimits, CounterState, Endpoint, Grant, PoolReport, ServedBy};
use crate::sim::Serving;
use crate::units::{Micros, Moment};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all threads of a server share.
pub(super) struct Core {
    pub(super) clock: Clock,
    pub(super) serving: Serving,
    brain: Mutex<Brain>,
}

struct Brain {
    endpoint: Endpoint,
    /// Calls that an earlier brain admitted are none of this one's.
    generation: u32,
    began: Moment,
    tallies: Vec<Tally>,
    /// For each stream on shared units whether its last token has come.
    streams: Vec<bool>,
    free: Vec<u32>,
    /// Texts that guardrails were asked about on their own; they number the draws.
    applied: u64,
}

/// A call that was admitted and has not ended. Where it is dropped before it ends, the client has left:
/// what was produced until then is settled.
pub(super) struct Running {
    core: Arc<Core>,
    pub(super) target: usize,
    generation: u32,
    pub(super) grant: Grant,
    /// When the call arrived.
    pub(super) arrived: Moment,
    is_stream: bool,
    owner: Option<u32>,
    is_over: bool,
}

/// How far a stream on shared units has come.
pub(super) struct Progress {
    /// Output tokens so far.
    pub(super) produced: u32,
    /// Whether the last one has come.
    pub(super) is_done: bool,
    /// When to look again, at the latest.
    pub(super) look_again: Moment,
}

/// The brain as an operator sees it.
pub(super) struct Snapshot {
    pub(super) now: Moment,
    pub(super) began: Moment,
    pub(super) generation: u32,
    pub(super) counters: Vec<CounterState>,
    /// Limit and remainder of the account's tokens per day, where enforced.
    pub(super) account: Option<(u64, i64)>,
    pub(super) pools: Vec<PoolReport>,
    pub(super) in_flight: u64,
    pub(super) cached: usize,
    pub(super) faults: Vec<FaultSpec>,
    pub(super) tallies: Vec<Tally>,
}

impl Core {
    pub(super) fn new(serving: Serving, clock: Clock) -> Self {
        let brain = Brain::new(&serving);
        Self {
            clock,
            serving,
            brain: Mutex::new(brain),
        }
    }

    /// The brain and the present moment. The clock is read inside the lock, because the brain's time must
    /// never go back.
    fn lock(&self) -> (MutexGuard<'_, Brain>, Moment) {
        let brain = self.brain.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        (brain, now)
    }

    /// Admits a call that arrived at `arrived`, or refuses it.
    pub(super) fn admit(
        self: &Arc<Self>,
        call: &Call<'_>,
        arrived: Moment,
        is_stream: bool,
    ) -> Result<Running, Failure> {
        let (mut brain, now) = self.lock();
        match brain.endpoint.admit(now, call) {
            Ok(mut grant) => {
                grant.count_from(arrived, now);
                Ok(Running {
                    target: call.target,
                    generation: brain.generation,
                    core: Arc::clone(self),
                    grant,
                    arrived,
                    is_stream,
                    owner: None,
                    is_over: false,
                })
            }
            Err(failure) => {
                brain.tallies[call.target].refused(failure);
                Err(failure)
            }
        }
    }

    /// Notes a call of `target` that was refused before the brain saw it.
    pub(super) fn refused(&self, target: usize) {
        self.lock().0.tallies[target].client_errors += 1;
    }

    /// Notes a call of `target` that was answered without the model.
    pub(super) fn answered_without_model(&self, target: usize) {
        self.lock().0.tallies[target].invocations += 1;
    }

    /// Checks a text of `units` against a guardrail; what it found, and how long that takes.
    pub(super) fn apply_guardrail(
        &self,
        guardrail: usize,
        units: u32,
        side: (bool, bool),
    ) -> Result<(Verdict, Micros), Failure> {
        let (mut brain, now) = self.lock();
        let key = brain.applied;
        brain.applied += 1;
        brain
            .endpoint
            .apply_guardrail(now, (guardrail, key), units, side)
    }

    /// A fresh brain: quotas, cache and counters as at the start.
    pub(super) fn reset(&self) {
        let mut fresh = Brain::new(&self.serving);
        let (mut brain, now) = self.lock();
        fresh.generation = brain.generation.wrapping_add(1);
        fresh.began = now;
        fresh.endpoint.begin(now, &self.serving.endpoint);
        let faults = later(&self.serving.endpoint.faults, now);
        fresh.endpoint.set_faults(&faults);
        let old = std::mem::replace(&mut *brain, fresh);
        // What is large is made and dropped while others go on.
        drop(brain);
        drop(old);
    }

    /// Replaces the faults; their times count from now.
    pub(super) fn set_faults(&self, faults: &[FaultSpec]) {
        let (mut brain, now) = self.lock();
        let faults = later(faults, now);
        brain.endpoint.set_faults(&faults);
    }

    /// Changes the limits of the first counter that `is_meant`; the new state, if there is one.
    pub(super) fn set_limits(
        &self,
        is_meant: impl Fn(&CounterState) -> bool,
        change: impl Fn(CounterLimits) -> CounterLimits,
    ) -> Option<CounterState> {
        let (mut brain, now) = self.lock();
        let counters = brain.endpoint.counters(now);
        let index = counters.iter().position(is_meant)?;
        let limits = change(counters[index].limits);
        brain.endpoint.set_limits(now, index, limits)?;
        brain.endpoint.counters(now).into_iter().nth(index)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let (mut brain, now) = self.lock();
        Snapshot {
            now,
            began: brain.began,
            generation: brain.generation,
            counters: brain.endpoint.counters(now),
            account: brain.endpoint.account(now),
            pools: brain.endpoint.pools(now),
            in_flight: brain.endpoint.totals().in_flight,
            cached: brain.endpoint.cached(now),
            faults: brain.endpoint.faults().cloned().collect(),
            tallies: brain.tallies.clone(),
        }
    }
}

impl Brain {
    fn new(serving: &Serving) -> Self {
        Self {
            endpoint: Endpoint::new(&serving.endpoint, serving.seed),
            generation: 0,
            began: Moment::ZERO,
            tallies: vec![Tally::default(); serving.targets.len()],
            streams: Vec::new(),
            free: Vec::new(),
            applied: 0,
        }
    }

    /// Notes all streams on shared units whose last token has come.
    fn drain(&mut self, now: Moment) {
        while let Some(owner) = self.endpoint.poll(now) {
            self.streams[owner as usize] = true;
        }
    }
}

/// The same faults, their times counted from `now`.
fn later(faults: &[FaultSpec], now: Moment) -> Vec<FaultSpec> {
    let shift = Micros(now.0);
    faults
        .iter()
        .map(|fault| FaultSpec {
            from: fault.from + shift,
            until: fault.until.map(|until| until + shift),
            ..fault.clone()
        })
        .collect()
}

impl Running {
    /// The first token comes: a call on shared units joins the others.
    pub(super) fn start(&mut self) {
        if self.grant.done_at.is_some() || self.owner.is_some() {
            return;
        }
        let core = Arc::clone(&self.core);
        let (mut brain, now) = core.lock();
        if brain.generation == self.generation {
            self.join(&mut brain, now);
        }
    }

    fn join(&mut self, brain: &mut Brain, now: Moment) {
        let owner = brain.free.pop().unwrap_or_else(|| {
            brain.streams.push(false);
            brain.streams.len() as u32 - 1
        });
        brain.streams[owner as usize] = false;
        // Streams that have ended go first, as their work is no longer shared.
        brain.drain(now);
        brain
            .endpoint
            .start_stream(now, self.target, &mut self.grant, owner);
        self.owner = Some(owner);
    }

    /// How far a call on shared units has come; `step` is how often to look at least.
    pub(super) fn progress(&self, step: Micros) -> Progress {
        let (mut brain, now) = self.core.lock();
        let (true, Some(owner)) = (brain.generation == self.generation, self.owner) else {
            // The units of an earlier brain are gone: what is left comes at once.
            return Progress {
                produced: self.grant.produces(),
                is_done: true,
                look_again: now,
            };
        };
        brain.drain(now);
        let is_done = brain.streams[owner as usize];
        let produced = if is_done {
            self.grant.produces()
        } else {
            brain.endpoint.produced(now, self.target, &self.grant)
        };
        let least = now + Micros(100);
        let wake = brain.endpoint.next_wake().unwrap_or(Moment::NEVER);
        Progress {
            produced,
            is_done,
            look_again: wake.min(now + step).max(least),
        }
    }

    /// Ends the call after `output` tokens: quotas are settled. Returns the moment.
    pub(super) fn finish(&mut self, output: u32, end: End) -> Moment {
        self.is_over = true;
        let core = Arc::clone(&self.core);
        let (mut brain, now) = core.lock();
        if brain.generation == self.generation {
            self.settle(&mut brain, now, output, end);
        }
        now
    }

    fn settle(&self, brain: &mut Brain, now: Moment, output: u32, end: End) {
        brain.endpoint.settle(now, self.target, &self.grant, output);
        brain.free.extend(self.owner);
        let usage = self.grant.usage;
        let quota_tokens = match self.grant.served_by {
            ServedBy::Reserved | ServedBy::ModelUnits => 0,
            _ => {
                let burndown = self.core.serving.endpoint.targets[self.target].burndown;
                u64::from(usage.input) + u64::from(usage.cache_write) + u64::from(output) * burndown
            }
        };
        let first_token = self.is_stream.then(|| self.grant.first_seen_at().min(now));
        brain.tallies[self.target].ended(&Ended {
            end,
            usage: Usage { output, ..usage },
            quota_tokens,
            latency: now.since(self.arrived),
            first_token: first_token.map(|at| at.since(self.arrived)),
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let core = Arc::clone(&self.core);
        let (mut brain, now) = core.lock();
        if brain.generation != self.generation {
            return;
        }
        let is_due = now >= self.grant.first_token_at;
        if self.grant.done_at.is_none() && self.owner.is_none() && is_due {
            // Its first token came, and nobody had noticed yet.
            self.join(&mut brain, now);
        }
        brain.drain(now);
        let is_done = self
            .owner
            .is_some_and(|owner| brain.streams[owner as usize]);
        let produced = if is_done {
            self.grant.produces()
        } else {
            brain.endpoint.cut_short(now, self.target, &self.grant)
        };
        self.settle(&mut brain, now, produced, End::Abandoned);
    }
}
