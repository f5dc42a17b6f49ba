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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::process::Pass;
    use crate::units::{RequestsPerMinute, TokensPerMinute};
    use proptest::prelude::*;

    impl TokenPacer {
        /// Sends if there is room.
        fn pass(&mut self, now: Moment, reserves: u64) -> Pass {
            let at = self.room_at(now, reserves);
            if at > now {
                return Pass::At(at);
            }
            self.count(now, reserves);
            Pass::Now
        }
    }

    fn pacer(tpm: u64, rpm: Option<u64>, share: f64, processes: u32) -> TokenPacer {
        let spec = TokenPacingSpec {
            tpm: None,
            rpm: None,
            share,
            burndown: None,
        };
        let known = KnownQuota {
            tpm: Some(TokensPerMinute(tpm)),
            rpm: rpm.map(RequestsPerMinute),
            burndown: 5,
        };
        TokenPacer::new(&spec, &known, processes)
    }

    fn usage(input: u32, cache_read: u32, cache_write: u32, output: u32) -> Usage {
        Usage {
            input,
            cache_read,
            cache_write,
            output,
        }
    }

    #[test]
    fn a_call_holds_its_reservation_and_then_counts_what_it_used() {
        // The worked example of the user guide (methods 3.1): 40,000 with cache reads reserved, 9,000 used.
        let mut pacer = pacer(50_000, None, 1.0, 1);
        let now = Moment(250_000);
        assert_eq!(pacer.pass(now, 40_000), Pass::Now);
        // Only its end can make room.
        assert_eq!(pacer.pass(now, 10_001), Pass::At(Moment::NEVER));
        pacer.answered(now, 40_000, usage(3000, 4000, 1000, 1000));
        assert_eq!(pacer.pass(now, 40_000), Pass::Now);
        pacer.release(40_000);
        // 9,000 are forgotten a minute after the end of their slot.
        let forgotten = Moment(60_300_000);
        assert_eq!(pacer.pass(now, 41_001), Pass::At(forgotten));
        assert_eq!(pacer.pass(forgotten, 41_001), Pass::Now);
    }

    #[test]
    fn processes_share_and_the_share_is_kept() {
        let mut pacer = pacer(50_000, Some(40), 0.9, 3);
        assert_eq!(
            pacer.tokens.as_ref().map(|minute| minute.limit),
            Some(15_000)
        );
        let now = Moment::ZERO;
        for _ in 0..12 {
            assert_eq!(pacer.pass(now, 1), Pass::Now);
        }
        // Twelve requests a minute, whatever becomes of them.
        pacer.release(12);
        assert_eq!(pacer.pass(now, 1), Pass::At(Moment(60_100_000)));
    }

    #[test]
    fn what_exceeds_the_limit_goes_when_the_quota_is_idle() {
        let mut pacer = pacer(1000, None, 1.0, 1);
        assert_eq!(pacer.pass(Moment::ZERO, 5000), Pass::Now);
        assert_eq!(pacer.pass(Moment::ZERO, 5000), Pass::At(Moment::NEVER));
        pacer.answered(Moment::ZERO, 5000, usage(100, 0, 0, 0));
        assert_eq!(pacer.pass(Moment::ZERO, 5000), Pass::At(Moment(60_100_000)));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Wait(u64),
        Ask(u64),
        Answer(u32),
        Abandon,
        Refuse,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u64..30_000_000).prop_map(Step::Wait),
            (1u64..1200).prop_map(Step::Ask),
            (1u64..1200).prop_map(Step::Ask),
            (0u32..300).prop_map(Step::Answer),
            Just(Step::Abandon),
            Just(Step::Refuse),
        ]
    }

    /// Everything that was ever settled, looked through each time.
    #[derive(Default)]
    struct Slow {
        held: u64,
        settled: Vec<(u64, u64)>,
        sent: Vec<u64>,
    }

    impl Slow {
        fn counts(at: u64, now: u64) -> bool {
            now < (at / 100_000 + 601) * 100_000
        }

        fn has_room(&self, now: u64, wanted: u64, tpm: u64, rpm: u64) -> bool {
            let settled = self.settled.iter().filter(|(at, _)| Self::counts(*at, now));
            let used: u64 = settled.map(|(_, used)| used).sum();
            let sent = self.sent.iter().filter(|at| Self::counts(**at, now));
            self.held + used + wanted.min(tpm) <= tpm && sent.count() as u64 + 1 <= rpm
        }

        /// The first end of a slot with room; whatever is not held is forgotten after 601 of them.
        fn room_at(&self, now: u64, wanted: u64, tpm: u64, rpm: u64) -> Moment {
            let ends = (0..=602).map(|slot| (now / 100_000 + slot) * 100_000);
            let mut moments = std::iter::once(now).chain(ends.filter(|end| *end > now));
            let room = moments.find(|at| self.has_room(*at, wanted, tpm, rpm));
            room.map_or(Moment::NEVER, Moment)
        }
    }

    proptest! {
        #[test]
        fn a_pacer_is_its_slow_reference(
            steps in prop::collection::vec(step(), 1..120),
            rpm in 1u64..12,
        ) {
            let tpm = 1000;
            let (mut pacer, mut slow) = (pacer(tpm, Some(rpm), 1.0, 1), Slow::default());
            let (mut now, mut running) = (0, Vec::new());
            for step in steps {
                match step {
                    Step::Wait(us) => now += us,
                    Step::Ask(tokens) => {
                        let want = slow.room_at(now, tokens, tpm, rpm);
                        let got = match pacer.pass(Moment(now), tokens) {
                            Pass::Now => Moment(now),
                            Pass::At(at) => at,
                            Pass::Open => unreachable!("a pacer does not break circuits"),
                        };
                        prop_assert_eq!(got, want);
                        if want == Moment(now) {
                            slow.held += tokens;
                            slow.sent.push(now);
                            running.push(tokens);
                        }
                    }
                    Step::Answer(output) => if let Some(tokens) = running.pop() {
                        pacer.answered(Moment(now), tokens, usage(7, 9, 2, output));
                        slow.held -= tokens;
                        slow.settled.push((now, 9 + 5 * u64::from(output)));
                    },
                    Step::Abandon => if let Some(tokens) = running.pop() {
                        pacer.settle(Moment(now), tokens, tokens);
                        slow.held -= tokens;
                        slow.settled.push((now, tokens));
                    },
                    Step::Refuse => if let Some(tokens) = running.pop() {
                        pacer.release(tokens);
                        slow.held -= tokens;
                    },
                }
            }
            let slots = pacer.tokens.map_or(0, |minute| minute.slots.len());
            prop_assert!(slots <= 601);
        }
    }
}
