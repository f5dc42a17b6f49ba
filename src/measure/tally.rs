//! What is counted of one workload: outcomes, attempts, latencies, tokens and dollars.
//!
//! Everything is an integer, so tallies of replications merge exactly in any order.

use super::batch::BatchTally;
use super::histogram::LatencyHistogram;
use crate::cost::Ledger;
use crate::domain::{Outcome, StopReason, Usage};

/// Attempts are told apart by number up to this many; later ones count with the last.
pub const ATTEMPTS_TOLD_APART: usize = 8;

/// Logical requests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Requests that were due.
    pub offered: u64,
    /// Answered in full.
    pub completed: u64,
    /// Given up after a quota refusal.
    pub throttled: u64,
    /// Given up after a server error.
    pub failed: u64,
    /// Given up by the client's clock.
    pub timed_out: u64,
    /// Never sent.
    pub not_sent: u64,
    /// Put off to a batch job.
    pub deferred: u64,
}

impl RequestCounts {
    /// Counts the end of a request.
    #[inline]
    pub fn end(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Throttled => &mut self.throttled,
            Outcome::Failed => &mut self.failed,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::NotSent => &mut self.not_sent,
            Outcome::Deferred => &mut self.deferred,
        } += 1;
    }

    /// Requests that ended in any way.
    pub fn ended(&self) -> u64 {
        self.completed
            + self.throttled
            + self.failed
            + self.timed_out
            + self.not_sent
            + self.deferred
    }

    fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.completed += other.completed;
        self.throttled += other.throttled;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.not_sent += other.not_sent;
        self.deferred += other.deferred;
    }
}

/// Sessions by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// Sessions that began.
    pub started: u64,
    /// All of whose turns were answered.
    pub completed: u64,
    /// That ended when a call failed; their later turns were never offered.
    pub abandoned: u64,
    /// That the run ended before.
    pub unfinished: u64,
    /// Turns that were answered to the end.
    pub turns: u64,
}

impl SessionCounts {
    fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.abandoned += other.abandoned;
        self.unfinished += other.unfinished;
        self.turns += other.turns;
    }
}

/// Wire attempts by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    /// Attempts sent.
    pub sent: u64,
    /// Refused by a quota (429).
    pub throttled: u64,
    /// Refused for lack of capacity (503).
    pub unavailable: u64,
    /// Failed otherwise (408, 424, 500).
    pub failed: u64,
    /// Abandoned by the client.
    pub timed_out: u64,
    /// What came of hedging, where the client hedges.
    pub hedges: Option<HedgeCounts>,
    /// Attempts sent, by number: first, second, …
    pub sent_by_number: [u64; ATTEMPTS_TOLD_APART],
    /// Attempts answered, by number.
    pub answered_by_number: [u64; ATTEMPTS_TOLD_APART],
}

/// Attempts of requests that were sent twice because their first token was late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HedgeCounts {
    /// Second attempts sent.
    pub sent: u64,
    /// Of these, those whose first token came first.
    pub won: u64,
    /// Attempts cancelled because the other one of their request was faster.
    pub cancelled: u64,
}

impl HedgeCounts {
    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.won += other.won;
        self.cancelled += other.cancelled;
    }
}

impl AttemptCounts {
    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.throttled += other.throttled;
        self.unavailable += other.unavailable;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        if let Some(other) = &other.hedges {
            self.hedges.get_or_insert_default().merge(other);
        }
        for i in 0..ATTEMPTS_TOLD_APART {
            self.sent_by_number[i] += other.sent_by_number[i];
            self.answered_by_number[i] += other.answered_by_number[i];
        }
    }
}

/// Tokens by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Uncached input.
    pub input: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_write: u64,
    /// Output.
    pub output: u64,
}

impl TokenCounts {
    /// Adds the tokens of one answer.
    #[inline]
    pub fn add(&mut self, usage: Usage) {
        self.input += u64::from(usage.input);
        self.cache_read += u64::from(usage.cache_read);
        self.cache_write += u64::from(usage.cache_write);
        self.output += u64::from(usage.output);
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        self.input += other.input;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.output += other.output;
    }
}

/// One latency in both readings: from the intended start, and of the attempt that answered.
///
/// A request that was sent at once and answered at the first attempt has the same value in both,
/// so it is recorded once; only delayed ones are recorded twice.
#[derive(Clone, Debug)]
pub struct TwoReadings {
    direct: LatencyHistogram,
    delayed_logical: LatencyHistogram,
    delayed_attempt: LatencyHistogram,
}

impl TwoReadings {
    fn new() -> Self {
        Self {
            direct: LatencyHistogram::new(),
            delayed_logical: LatencyHistogram::new(),
            delayed_attempt: LatencyHistogram::new(),
        }
    }

    /// Records a request by its two readings.
    #[inline]
    pub fn record(&mut self, logical: crate::units::Micros, attempt: crate::units::Micros) {
        if logical == attempt {
            self.direct.record(logical);
        } else {
            self.delayed_logical.record(logical);
            self.delayed_attempt.record(attempt);
        }
    }

    /// The reading from the intended start.
    pub fn logical(&self) -> LatencyHistogram {
        let mut all = self.direct.clone();
        all.merge(&self.delayed_logical);
        all
    }

    /// The reading of the attempt that answered, from its send.
    pub fn attempt(&self) -> LatencyHistogram {
        let mut all = self.direct.clone();
        all.merge(&self.delayed_attempt);
        all
    }

    fn merge(&mut self, other: &Self) {
        self.direct.merge(&other.direct);
        self.delayed_logical.merge(&other.delayed_logical);
        self.delayed_attempt.merge(&other.delayed_attempt);
    }
}

/// What a guardrail did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardrailCounts {
    /// Calls whose input it evaluated.
    pub evaluated: u64,
    /// Text units of inputs.
    pub input_units: u64,
    /// Text units of answers.
    pub output_units: u64,
    /// Inputs that it blocked.
    pub input_blocked: u64,
    /// Answers that it blocked.
    pub output_blocked: u64,
    /// Answers in which it masked something.
    pub masked: u64,
    /// Blocked answers of which the client had seen something.
    pub leaked: u64,
    /// Attempts that its quotas refused.
    pub throttled: u64,
}

impl GuardrailCounts {
    /// Whether any guardrail was met.
    pub fn is_empty(&self) -> bool {
        self.evaluated + self.throttled == 0
    }

    fn merge(&mut self, other: &Self) {
        self.evaluated += other.evaluated;
        self.input_units += other.input_units;
        self.output_units += other.output_units;
        self.input_blocked += other.input_blocked;
        self.output_blocked += other.output_blocked;
        self.masked += other.masked;
        self.leaked += other.leaked;
        self.throttled += other.throttled;
    }
}

/// What a classifier in front of the requests did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassifierCounts {
    /// Requests that it judged.
    pub judged: u64,
    /// Requests that it did not judge, since its calls failed; they went to the workload's own lane.
    pub failed: u64,
    /// Requests that it judged easy.
    pub easy: u64,
    /// Hard requests that it judged easy.
    pub misrouted: u64,
    /// Easy requests that it judged hard.
    pub overserved: u64,
}

impl ClassifierCounts {
    fn merge(&mut self, other: &Self) {
        self.judged += other.judged;
        self.failed += other.failed;
        self.easy += other.easy;
        self.misrouted += other.misrouted;
        self.overserved += other.overserved;
    }
}

/// All that is counted of one workload, or of several merged.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Requests by outcome.
    pub requests: RequestCounts,
    /// Attempts.
    pub attempts: AttemptCounts,
    /// Time to first token; streamed requests only.
    pub ttft: TwoReadings,
    /// Time to last token.
    pub e2e: TwoReadings,
    /// Time per output token after the first; streamed answers of two tokens or more.
    pub tpot: LatencyHistogram,
    /// Requests that completed and met every latency bound of the SLO.
    pub good: u64,
    /// Answers cut short by `max_tokens`.
    pub truncated: u64,
    /// Answers that a quota of output tokens stopped early.
    pub stopped_early: u64,
    /// Billed tokens of completed requests.
    pub tokens: TokenCounts,
    /// Tokens, of any class, of attempts that were paid for and bought nothing.
    pub wasted_tokens: u64,
    /// Tokens served by capacity paid by the hour.
    pub prepaid_tokens: TokenCounts,
    /// Requests served by capacity paid by the hour.
    pub prepaid_requests: u64,
    /// Answers by the reason of their end, in the order of [`StopReason::ALL`].
    pub stops: [u64; StopReason::ALL.len()],
    /// Output tokens of completed requests that were thinking.
    pub thinking_tokens: u64,
    /// Time to the first visible text, for workloads whose model thinks.
    pub visible_ttft: Option<Box<TwoReadings>>,
    /// What the guardrail did.
    pub guardrail: GuardrailCounts,
    /// Dollars by class.
    pub ledger: Ledger,
    /// Requests answered as the service tier that they named, or by latency-optimised inference.
    pub in_tier: u64,
    /// The jobs, where requests are records of batch jobs.
    pub batch: Option<Box<BatchTally>>,
    /// Sessions, if the workload has some.
    pub sessions: Option<SessionCounts>,
    /// What a classifier did, if there is one.
    pub classifier: Option<ClassifierCounts>,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self {
            requests: RequestCounts::default(),
            attempts: AttemptCounts::default(),
            ttft: TwoReadings::new(),
            e2e: TwoReadings::new(),
            tpot: LatencyHistogram::new(),
            good: 0,
            truncated: 0,
            stopped_early: 0,
            tokens: TokenCounts::default(),
            wasted_tokens: 0,
            prepaid_tokens: TokenCounts::default(),
            prepaid_requests: 0,
            stops: [0; StopReason::ALL.len()],
            thinking_tokens: 0,
            visible_ttft: None,
            guardrail: GuardrailCounts::default(),
            ledger: Ledger::default(),
            in_tier: 0,
            batch: None,
            sessions: None,
            classifier: None,
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.requests.merge(&other.requests);
        self.attempts.merge(&other.attempts);
        self.ttft.merge(&other.ttft);
        self.e2e.merge(&other.e2e);
        self.tpot.merge(&other.tpot);
        self.good += other.good;
        self.truncated += other.truncated;
        self.stopped_early += other.stopped_early;
        self.tokens.merge(&other.tokens);
        self.wasted_tokens += other.wasted_tokens;
        self.prepaid_tokens.merge(&other.prepaid_tokens);
        self.prepaid_requests += other.prepaid_requests;
        for (mine, theirs) in self.stops.iter_mut().zip(&other.stops) {
            *mine += theirs;
        }
        self.thinking_tokens += other.thinking_tokens;
        if let Some(theirs) = &other.visible_ttft {
            self.visible_ttft
                .get_or_insert_with(|| Box::new(TwoReadings::new()))
                .merge(theirs);
        }
        self.guardrail.merge(&other.guardrail);
        self.ledger.merge(&other.ledger);
        self.in_tier += other.in_tier;
        if let Some(batch) = &other.batch {
            self.batch.get_or_insert_default().merge(batch);
        }
        if let Some(other) = &other.sessions {
            self.sessions.get_or_insert_default().merge(other);
        }
        if let Some(other) = &other.classifier {
            self.classifier.get_or_insert_default().merge(other);
        }
    }

    /// Records when the first visible text of an answer came, by its two readings.
    pub fn saw_text(&mut self, logical: crate::units::Micros, attempt: crate::units::Micros) {
        self.visible_ttft
            .get_or_insert_with(|| Box::new(TwoReadings::new()))
            .record(logical, attempt);
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}
