//! The quota of one model as a client can keep count of it: what is reserved, and what the last minute used.

use crate::client::spec::{KnownQuota, TokenPacingSpec};
use crate::domain::Usage;
use crate::units::{Micros, Moment};
use std::collections::VecDeque;

/// The count of one process for one quota.
///
/// An attempt reserves its prompt and `max_tokens` when it is sent, and is settled when it ends with its uncached
/// prompt, its cache writes and its output times the burndown rate. It may be sent if what is reserved and
/// what the last minute settled leave room: the strictest reading of how Bedrock counts (held and settled), and
/// so one that no window that Bedrock may use refuses, as long as the fleet is the only user of the quota.
#[derive(Clone, Debug)]
pub(in crate::client) struct TokenPacer {
    tokens: Option<Minute>,
    requests: Option<Minute>,
    held: u64,
    burndown: u64,
}

impl TokenPacer {
    pub(super) fn new(spec: &TokenPacingSpec, known: &KnownQuota, processes: u32) -> Self {
        // What a process may use is rounded down, and is at least one: nothing at all would wait for ever.
        let part = |limit: u64| {
            let own = limit as f64 * spec.share / f64::from(processes);
            Minute::new((own as u64).max(1))
        };
        let tpm = spec.tpm.or(known.tpm);
        let rpm = spec.rpm.or(known.rpm);
        Self {
            tokens: tpm.map(|tpm| part(tpm.0)),
            requests: rpm.map(|rpm| part(rpm.0)),
            held: 0,
            burndown: spec.burndown.unwrap_or(known.burndown),
        }
    }

    pub(super) fn room_at(&mut self, now: Moment, reserves: u64) -> Moment {
        let mut at = now;
        if let Some(requests) = &mut self.requests {
            at = at.max(requests.room_at(now, 0, 1));
        }
        if let Some(tokens) = &mut self.tokens {
            at = at.max(tokens.room_at(now, self.held, reserves));
        }
        at
    }

    pub(super) fn count(&mut self, now: Moment, reserves: u64) {
        if let Some(requests) = &mut self.requests {
            requests.add(now, 1);
        }
        self.held += reserves;
    }

    /// An attempt used nothing.
    pub(super) fn release(&mut self, reserved: u64) {
        self.held = self.held.saturating_sub(reserved);
    }

    /// An attempt ended and counts `used`.
    pub(super) fn settle(&mut self, now: Moment, reserved: u64, used: u64) {
        self.release(reserved);
        if let Some(tokens) = &mut self.tokens {
            tokens.add(now, used);
        }
    }

    pub(super) fn answered(&mut self, now: Moment, reserved: u64, usage: Usage) {
        let input = u64::from(usage.input) + u64::from(usage.cache_write);
        let output = u64::from(usage.output).saturating_mul(self.burndown);
        self.settle(now, reserved, input.saturating_add(output));
    }
}

/// Use over a sliding minute, in slots of a tenth of a second: at most 601 of them, and use is forgotten up to a
/// slot late, which errs on the careful side.
#[derive(Clone, Debug)]
struct Minute {
    limit: u64,
    /// Use by slot, ascending; without empty ones.
    slots: VecDeque<(u64, u64)>,
    used: u64,
}

const SLOT: u64 = 100_000;
const SLOTS: u64 = Micros::MINUTE.0 / SLOT;

impl Minute {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            slots: VecDeque::new(),
            used: 0,
        }
    }

    /// When the use of a slot is forgotten: a minute after its end.
    fn forgotten_at(slot: u64) -> Moment {
        Moment((slot + 1 + SLOTS).saturating_mul(SLOT))
    }

    fn forget(&mut self, now: Moment) {
        while let Some(&(slot, used)) = self.slots.front()
            && Self::forgotten_at(slot) <= now
        {
            self.used -= used;
            self.slots.pop_front();
        }
    }

    fn add(&mut self, now: Moment, used: u64) {
        self.forget(now);
        let slot = now.0 / SLOT;
        self.used = self.used.saturating_add(used);
        match self.slots.back_mut() {
            Some((last, sum)) if *last == slot => *sum = sum.saturating_add(used),
            _ => self.slots.push_back((slot, used)),
        }
    }

    /// The first moment from `now` on with room for `wanted` beside `held`, if nothing else happens;
    /// [`Moment::NEVER`] if only the end of an attempt can make room.
    ///
    /// More than the limit has room when the quota is idle: the service decides on it.
    fn room_at(&mut self, now: Moment, held: u64, wanted: u64) -> Moment {
        self.forget(now);
        let beside = self.limit.saturating_sub(wanted);
        if held.saturating_add(self.used) <= beside {
            return now;
        }
        if held > beside {
            return Moment::NEVER;
        }
        let mut left = self.used;
        for &(slot, used) in &self.slots {
            left -= used;
            if held + left <= beside {
                return Self::forgotten_at(slot);
            }
        }
        Moment::NEVER
    }
}
