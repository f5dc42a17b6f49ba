//! Hedging: a second attempt of a request whose first token is late.
//!
//! The shell asks after every send when the attempt is late ([`Injector::hedge_after`]), asks again when
//! that moment has come without a first token ([`Injector::may_hedge`]), and says when one of the two attempts
//! is over ([`Injector::hedge_over`]). Whose first token comes first carries the request.

use super::injector::{Ask, Injector, Progress};
use super::process::Pass;
use super::spec::{HedgeAfter, HedgePolicy};
use crate::domain::Failure;
use crate::units::{Micros, Moment};
use std::collections::VecDeque;

/// Parts of one hedge that a request can earn: shares are kept in millionths.
const ONE_HEDGE: u64 = 1_000_000;

/// What is not spent is kept for as long as so many requests take, and no longer: years of calm must not
/// buy a storm of hedges.
const EARNINGS_KEPT: u64 = 1_000;

/// A quantile is that of so many first tokens heard last.
const HEARD_KEPT: usize = 1_000;

/// Samples beyond a quantile that it takes to believe it.
const SAMPLES_BEYOND: f64 = 10.0;

/// The hedging of a fleet: each client process knows what it has sent and heard itself.
#[derive(Clone, Debug)]
pub(super) struct Hedging {
    policy: HedgePolicy,
    /// Earned by each request.
    earns: u64,
    /// By process.
    processes: Vec<Hedger>,
}

#[derive(Clone, Debug, Default)]
struct Hedger {
    /// What hedges may be paid from, in parts of one.
    purse: u64,
    /// First tokens heard, by workload.
    heard: Vec<Heard>,
}

/// The last first tokens of one workload.
#[derive(Clone, Debug, Default)]
struct Heard {
    in_turn: VecDeque<Micros>,
    sorted: Vec<Micros>,
}

impl Heard {
    fn note(&mut self, ttft: Micros) {
        if self.in_turn.len() == HEARD_KEPT
            && let Some(oldest) = self.in_turn.pop_front()
        {
            let at = self.sorted.partition_point(|one| *one < oldest);
            self.sorted.remove(at);
        }
        self.in_turn.push_back(ttft);
        let at = self.sorted.partition_point(|one| *one < ttft);
        self.sorted.insert(at, ttft);
    }

    /// The least value that a share `quantile` of the samples does not exceed; `None` while there are
    /// too few of them.
    fn quantile(&self, quantile: f64) -> Option<Micros> {
        let count = self.sorted.len();
        if (count as f64) < samples_needed(quantile) {
            return None;
        }
        let rank = (quantile * count as f64).ceil() as usize;
        self.sorted.get(rank.clamp(1, count) - 1).copied()
    }
}

/// Ten samples must lie beyond the quantile: 200 for the 95th percentile, 1,000 for the 99th.
fn samples_needed(quantile: f64) -> f64 {
    // Rounded, since 1 − 0.95 is a little more than 0.05 in binary.
    (SAMPLES_BEYOND / (1.0 - quantile)).round()
}

impl Hedging {
    pub(super) fn new(policy: HedgePolicy, instances: u32) -> Self {
        Self {
            policy,
            earns: (policy.budget * ONE_HEDGE as f64).floor() as u64,
            processes: vec![Hedger::default(); instances as usize],
        }
    }

    /// Of so many processes.
    pub(super) fn resize(&mut self, processes: usize) {
        self.processes.resize_with(processes, Hedger::default);
    }
}

impl Hedger {
    fn heard(&mut self, workload: usize) -> &mut Heard {
        if self.heard.len() <= workload {
            self.heard.resize_with(workload + 1, Heard::default);
        }
        &mut self.heard[workload]
    }
}

impl Injector {
    /// Whether late attempts are hedged at all.
    #[inline]
    pub fn is_hedging(&self) -> bool {
        self.hedging.is_some()
    }

    /// An attempt of a streamed `workload` was sent, as `progress` counts it: after how long without a first
    /// token it is late. `None` if it is never hedged.
    pub fn hedge_after(&mut self, progress: &Progress, workload: usize) -> Option<Micros> {
        let hedging = self.hedging.as_mut()?;
        let process = &mut hedging.processes[progress.instance as usize];
        if progress.attempts == 1 {
            let most = ONE_HEDGE.max(EARNINGS_KEPT * hedging.earns);
            process.purse = most.min(process.purse + hedging.earns);
        }
        match hedging.policy.after {
            HedgeAfter::Delay(delay) => Some(delay),
            HedgeAfter::Quantile(quantile) => process.heard(workload).quantile(quantile),
        }
    }

    /// The first token of an attempt came so long after its send. Of an attempt whose hedge was faster,
    /// the time that it had had until then: it is beyond any quantile that is hedged at.
    pub fn heard_first_token(&mut self, progress: &Progress, workload: usize, ttft: Micros) {
        let Some(hedging) = &mut self.hedging else {
            return;
        };
        if let HedgeAfter::Quantile(_) = hedging.policy.after {
            hedging.processes[progress.instance as usize]
                .heard(workload)
                .note(ttft);
        }
    }

    /// An attempt is late: whether a second one of the same request is sent now. It takes a place of its
    /// own and passes the same gates as any attempt, but it never waits for either.
    pub fn may_hedge(&mut self, now: Moment, intended: Moment, ask: &Ask) -> bool {
        if !self.has_place() || self.is_expired(now, intended) {
            return false;
        }
        let is_queued = self.is_gated && self.has_queue(ask);
        let Some(hedging) = &mut self.hedging else {
            return false;
        };
        let purse = &mut hedging.processes[ask.instance as usize].purse;
        if *purse < ONE_HEDGE {
            return false;
        }
        if self.is_gated {
            let process = &mut self.processes[ask.instance as usize];
            if is_queued || process.pass(now, ask) != Pass::Now {
                return false;
            }
        }
        *purse -= ONE_HEDGE;
        self.in_progress += 1;
        true
    }

    /// One of the two attempts of a request that was hedged is over, and the other goes on: it failed, or was
    /// cancelled (`None`). Its place is free.
    pub fn hedge_over(&mut self, now: Moment, progress: &Progress, failure: Option<Failure>) {
        let process = &mut self.processes[progress.instance as usize];
        match failure {
            Some(failure) => process.failed(now, failure, progress),
            None => process.cancelled(now, progress),
        }
        self.free(now);
    }
}

/// The most hedges that so many requests can have.
pub fn most_hedges(policy: &HedgePolicy, requests: u64) -> u64 {
    (policy.budget * requests as f64).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::super::spec::{ClientPolicy, RetryPolicy};
    use super::*;
    use proptest::prelude::*;

    fn injector(policy: &ClientPolicy, after: HedgeAfter, budget: f64) -> Injector {
        Injector::new(ClientPolicy {
            retry: RetryPolicy::None,
            hedge: Some(HedgePolicy { after, budget }),
            ..*policy
        })
    }

    fn sent(injector: &mut Injector, seq: u64) -> (Ask, Progress) {
        let mut progress = injector.begin(seq);
        let ask = progress.ask(seq as u32, Moment::ZERO);
        injector.due(Moment::ZERO, ask);
        progress.attempts = 1;
        (ask, progress)
    }

    #[test]
    fn a_quantile_is_believed_when_ten_samples_lie_beyond_it() {
        let mut heard = Heard::default();
        for i in 0..199 {
            heard.note(Micros(1000 - i));
            assert_eq!(heard.quantile(0.95), None);
        }
        heard.note(Micros(801));
        // 801, 802, …, 1000: the 190th of 200 is the 95th percentile.
        assert_eq!(heard.quantile(0.95), Some(Micros(990)));
        assert_eq!(heard.quantile(0.5), Some(Micros(900)));
        // Old samples are forgotten, so a service that became faster is believed in the end.
        for _ in 0..HEARD_KEPT {
            heard.note(Micros(7));
        }
        assert_eq!(heard.quantile(0.99), Some(Micros(7)));
        assert_eq!(heard.sorted.len(), HEARD_KEPT);
    }

    #[test]
    fn a_hedge_takes_a_place_and_gives_it_back() {
        let places = ClientPolicy {
            concurrency: Some(2),
            ..ClientPolicy::default()
        };
        let mut injector = injector(&places, HedgeAfter::Delay(Micros::SECOND), 1.0);
        let now = Moment::ZERO;
        let (first, progress) = sent(&mut injector, 0);
        assert_eq!(injector.hedge_after(&progress, 0), Some(Micros::SECOND));
        assert!(injector.may_hedge(now, now, &first));
        assert_eq!(injector.load().0, 2);
        injector.hedge_over(now, &progress, None);
        assert_eq!(injector.load().0, 1);
        let (second, other) = sent(&mut injector, 1);
        injector.hedge_after(&other, 0);
        // Both places are taken by first attempts.
        assert!(!injector.may_hedge(now, now, &second));
    }

    #[test]
    fn nothing_is_hedged_beyond_the_deadline() {
        let deadline = ClientPolicy {
            deadline: Some(Micros::SECOND),
            ..ClientPolicy::default()
        };
        let mut injector = injector(&deadline, HedgeAfter::Delay(Micros(1)), 1.0);
        let (ask, progress) = sent(&mut injector, 0);
        injector.hedge_after(&progress, 0);
        let late = Moment::ZERO + Micros::SECOND;
        assert!(!injector.may_hedge(late, Moment::ZERO, &ask));
    }

    proptest! {
        #[test]
        fn the_budget_is_never_exceeded(
            budget in 0.001f64..1.0,
            instances in 1u32..5,
            late in prop::collection::vec(any::<bool>(), 1..3000),
        ) {
            let fleet = ClientPolicy { instances, ..ClientPolicy::default() };
            let mut injector = injector(&fleet, HedgeAfter::Delay(Micros(1)), budget);
            let mut hedges = 0u32;
            for (seq, late) in late.into_iter().enumerate() {
                let (ask, progress) = sent(&mut injector, seq as u64);
                injector.hedge_after(&progress, 0);
                if late && injector.may_hedge(Moment::ZERO, Moment::ZERO, &ask) {
                    hedges += 1;
                    injector.hedge_over(Moment::ZERO, &progress, None);
                }
                prop_assert!(f64::from(hedges) <= budget * (seq + 1) as f64);
            }
        }
    }
}
