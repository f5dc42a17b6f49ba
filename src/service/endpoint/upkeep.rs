//! What quotas owe to the passing of time: limits that change, reservations that are adjusted.
//!
//! No shell knows of it. Whatever is due is worked off, in the order of its moments and at them,
//! before the endpoint next looks at a counter, so that a simulation and a server behave alike.

use super::{Endpoint, Grant};
use crate::service::quota::{Counter, CounterLimits};
use crate::service::setup::QuotaSetup;
use crate::service::spec::{NewLimits, QuotaChange};
use crate::units::{Micros, Moment, RequestsPerMinute, TokensPerDay, TokensPerMinute};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is due, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    /// When the next thing is due.
    next: Moment,
    /// Changes of limits, the next one last.
    changes: Vec<(Moment, QuotaChange)>,
    every: Option<Micros>,
    due: BinaryHeap<Reverse<(Moment, u64, u32)>>,
    answers: Vec<Answering>,
    free: Vec<u32>,
    serial: u64,
}

/// An answer whose reservation is adjusted while it comes.
#[derive(Clone, Copy, Debug)]
struct Answering {
    /// Tells the entry of an earlier answer in this place.
    serial: u64,
    counter: usize,
    admitted_at: Moment,
    reserved: i64,
    /// What it is charged for its input, and for each output token.
    input: i64,
    burndown: i64,
    first_token_at: Moment,
    per_token_us: f64,
    done_at: Moment,
    produces: u32,
}

impl Upkeep {
    /// The upkeep of these settings, if there is any.
    pub(super) fn new(setup: &QuotaSetup, from: Moment) -> Option<Box<Self>> {
        if setup.changes.is_empty() && setup.adjust_every.is_none() {
            return None;
        }
        let mut changes: Vec<_> = setup
            .changes
            .iter()
            .map(|change| (from + change.at, change.clone()))
            .collect();
        // The sort is stable: of two changes at one moment the later in the file comes later.
        changes.sort_by_key(|(at, _)| *at);
        changes.reverse();
        let mut upkeep = Self {
            next: Moment::NEVER,
            changes,
            every: setup.adjust_every.filter(|every| *every > Micros::ZERO),
            due: BinaryHeap::new(),
            answers: Vec::new(),
            free: Vec::new(),
            serial: 0,
        };
        upkeep.look_ahead();
        Some(Box::new(upkeep))
    }

    /// When the next thing is due.
    #[inline]
    pub(super) fn next(&self) -> Moment {
        self.next
    }

    fn look_ahead(&mut self) {
        let change = self.changes.last().map_or(Moment::NEVER, |(at, _)| *at);
        let adjustment = self.due.peek().map_or(Moment::NEVER, |due| due.0.0);
        self.next = change.min(adjustment);
    }

    /// Does what is due by `now`.
    fn work_off(&mut self, now: Moment, counters: &mut [Counter]) {
        while self.next <= now {
            let at = self.next;
            if self.changes.last().is_some_and(|(due, _)| *due == at) {
                if let Some((_, change)) = self.changes.pop() {
                    apply(at, &change, counters);
                }
            } else if let Some(Reverse((_, serial, place))) = self.due.pop() {
                self.adjust(at, serial, place, counters);
            }
            self.look_ahead();
        }
    }

    /// Sets the reservation of an answer to what it would be charged if it ended at `at`.
    fn adjust(&mut self, at: Moment, serial: u64, place: u32, counters: &mut [Counter]) {
        let answer = &mut self.answers[place as usize];
        if answer.serial != serial {
            return;
        }
        let produced = (at.since(answer.first_token_at).0 as f64 / answer.per_token_us) as u32;
        let produced = produced.saturating_add(1).min(answer.produces);
        let so_far = answer.input + i64::from(produced) * answer.burndown;
        answer.reserved =
            counters[answer.counter].adjust(at, answer.admitted_at, answer.reserved, so_far);
        self.schedule(at, place);
    }

    /// Schedules the next adjustment of an answer after `at`, if it still comes then.
    fn schedule(&mut self, at: Moment, place: u32) {
        let Some(every) = self.every else { return };
        let answer = &self.answers[place as usize];
        let due = at + every;
        if due < answer.done_at {
            self.due.push(Reverse((due, answer.serial, place)));
            self.next = self.next.min(due);
        }
    }

    /// Takes up an admitted answer; `None` if reservations are not adjusted.
    pub(super) fn begin(&mut self, counter: usize, grant: &Grant, burndown: i64) -> Option<u32> {
        self.every?;
        self.serial += 1;
        let usage = grant.usage;
        let answer = Answering {
            serial: self.serial,
            counter,
            admitted_at: grant.admitted_at,
            reserved: grant.reserved,
            input: i64::from(usage.input) + i64::from(usage.cache_write),
            burndown,
            first_token_at: grant.first_token_at,
            per_token_us: grant.per_token_us,
            done_at: grant.done_at.unwrap_or(Moment::ZERO),
            produces: grant.produces(),
        };
        let place = if let Some(place) = self.free.pop() {
            self.answers[place as usize] = answer;
            place
        } else {
            self.answers.push(answer);
            self.answers.len() as u32 - 1
        };
        self.schedule(grant.first_token_at, place);
        Some(place)
    }

    /// Lets an answer go; says what is reserved for it by now.
    pub(super) fn end(&mut self, place: u32) -> i64 {
        let answer = &mut self.answers[place as usize];
        answer.serial = 0;
        self.free.push(place);
        answer.reserved
    }
}

fn apply(at: Moment, change: &QuotaChange, counters: &mut [Counter]) {
    for counter in counters {
        if !change.filter.means(&counter.model, counter.kind) {
            continue;
        }
        let now = counter.limits();
        let times = |limit: u64, factor: f64| ((limit as f64 * factor).round() as u64).max(1);
        let limits = match change.to {
            NewLimits::Set(to) => CounterLimits {
                tpm: to.tpm.unwrap_or(now.tpm),
                rpm: to.rpm.or(now.rpm),
                tpd: to.tpd.or(now.tpd),
            },
            NewLimits::Times(factor) => {
                counter.scale_output(at, factor);
                CounterLimits {
                    tpm: TokensPerMinute(times(now.tpm.0, factor)),
                    rpm: now.rpm.map(|rpm| RequestsPerMinute(times(rpm.0, factor))),
                    tpd: now.tpd.map(|tpd| TokensPerDay(times(tpd.0, factor))),
                }
            }
        };
        counter.set_limits(at, limits);
    }
}

impl Endpoint {
    /// Does what is due by `now`; called before anything looks at a counter.
    #[inline]
    pub(super) fn catch_up(&mut self, now: Moment) {
        if let Some(upkeep) = &mut self.upkeep
            && upkeep.next() <= now
        {
            upkeep.work_off(now, &mut self.counters);
        }
    }
}
