//! One logged call in full: what a log tells beyond the start and the sizes of a request.
//!
//! [`Trace`] is what a simulation replays. A [`Recorded`] is what statistics, synthesis and calibration
//! read: outcomes, latencies, reservations and cache use as well, where the log has them.

use std::collections::BTreeMap;

use super::{Trace, TraceRow};
use crate::units::Micros;

/// Where a call went.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The Region that was called; empty if the log has none.
    pub region: String,
    /// The scope of its inference profile, such as `us` or `global`; empty for a call in the Region itself, or if
    /// the log does not tell.
    pub scope: String,
    /// The service tier, where the log names one.
    pub tier: String,
}

/// How a recorded call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallEnd {
    /// Answered in full.
    #[default]
    Answered,
    /// A guardrail stepped in.
    Blocked,
    /// Refused by a quota (429).
    Throttled,
    /// Refused for lack of capacity (503).
    Unavailable,
    /// Refused because the request was wrong (another 4xx).
    Rejected,
    /// Failed in the service (another 5xx), or its answer broke off.
    Failed,
    /// Given up by the client's clock.
    TimedOut,
}

impl CallEnd {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Blocked,
        Self::Throttled,
        Self::Unavailable,
        Self::Rejected,
        Self::Failed,
        Self::TimedOut,
    ];

    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Blocked => "blocked",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }

    /// The end of that word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.name() == name)
    }
}

/// One logged call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Start since the first call of the recording.
    pub at: Micros,
    /// Index of its model in [`Recorded::models`].
    pub model: u16,
    /// Index of its client (caller, application, key) in [`Recorded::clients`].
    pub client: u32,
    /// Index of where it went in [`Recorded::places`].
    pub place: u16,
    /// Conversation or agent run; calls without one have a number of their own.
    pub session: u32,
    /// Input tokens that were neither read from nor written to a cache.
    pub input: u32,
    /// Input tokens read from a cache.
    pub cache_read: u32,
    /// Input tokens written to a cache.
    pub cache_write: u32,
    /// Output tokens.
    pub output: u32,
    /// Output tokens that its request would have had if nothing had stopped it, where the log tells.
    pub planned_output: Option<u32>,
    /// The `max_tokens` that it asked for, where the log has it.
    pub max_tokens: Option<u32>,
    /// From its start to the first token, where the log has it.
    pub ttft: Option<Micros>,
    /// From its start to the end, where the log has it.
    pub latency: Option<Micros>,
    /// How it ended.
    pub end: CallEnd,
    /// Whether it was streamed, where the log tells.
    pub streamed: Option<bool>,
    /// Which attempt at its request it was, from 1; retries count in load on the service, not in offered load.
    pub attempt: u16,
    /// Where its prefix blocks start in [`Recorded::blocks`].
    pub blocks_start: u32,
    /// How many prefix blocks it has.
    pub blocks_len: u32,
}

impl Record {
    /// All input tokens, cached ones inside.
    pub fn input_total(&self) -> u64 {
        u64::from(self.input) + u64::from(self.cache_read) + u64::from(self.cache_write)
    }

    /// The record with no more input tokens in all than fit into 32 bits, which no prompt has.
    pub(super) fn bounded(mut self) -> Self {
        self.cache_read = self.cache_read.min(u32::MAX - self.input);
        self.cache_write = self
            .cache_write
            .min(u32::MAX - self.input - self.cache_read);
        self
    }

    /// Output tokens that its request wants: what it would have had where the log tells, or else what it had.
    pub fn output_wanted(&self) -> u32 {
        self.planned_output.unwrap_or(self.output)
    }
}

/// Logged calls in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Microseconds since 1970 of the first call; `None` if the log has no dates.
    pub origin_unix_us: Option<i64>,
    /// The calls, ascending in `at`, the first at zero.
    pub calls: Vec<Record>,
    /// Names of the models; a log without any has one empty name.
    pub models: Vec<String>,
    /// Names of the clients, salted hashes where the log has people or roles; one empty name if it has none.
    pub clients: Vec<String>,
    /// Where calls went; one empty place if the log does not tell.
    pub places: Vec<Place>,
    /// Whether `at` counts from the start of each session, because the log has no common clock. Such calls tell
    /// nothing of arrivals.
    pub session_clock: bool,
    /// Prefix block ids of all calls, one after the other.
    pub blocks: Vec<u32>,
    /// Tokens of one prefix block; zero if the log has none.
    pub block_tokens: u32,
    /// Lines that stood behind a later one; they were sorted.
    pub out_of_order: u64,
    /// Lines that hold no usable call, by reason.
    pub skipped: BTreeMap<String, u64>,
}

impl Record {
    /// Whether it stands for a request that can be sent again: a first attempt of known sizes.
    pub(super) fn is_replayed(&self) -> bool {
        self.attempt <= 1 && self.input_total() > 0 && self.output_wanted() > 0
    }
}

impl Recorded {
    /// The calls of a trace, which tells of no more than starts, sizes, sessions and prefix blocks.
    pub fn of_trace(trace: &Trace) -> Self {
        let call = |row: &TraceRow| Record {
            at: row.at,
            session: row.session,
            input: row.input,
            output: row.output,
            attempt: 1,
            blocks_start: row.blocks_start,
            blocks_len: row.blocks_len,
            ..Record::default()
        };
        Self {
            calls: trace.rows.iter().map(call).collect(),
            models: vec![String::new()],
            clients: vec![String::new()],
            places: vec![Place::default()],
            blocks: trace.blocks.clone(),
            block_tokens: trace.block_tokens,
            ..Self::default()
        }
    }

    /// The prefix blocks of a call.
    pub fn blocks_of(&self, call: &Record) -> &[u32] {
        let start = call.blocks_start as usize;
        self.blocks
            .get(start..start.saturating_add(call.blocks_len as usize))
            .unwrap_or(&[])
    }

    /// The requests behind the calls, as a simulation replays them: first attempts that had an answer, or of
    /// which the log tells what answer they would have had.
    pub fn to_trace(&self) -> Trace {
        self.to_trace_of(|_| true)
    }

    /// As [`Recorded::to_trace`], of the calls that `wanted` chooses; moments count from the first request of all.
    pub fn to_trace_of(&self, wanted: impl Fn(&Record) -> bool) -> Trace {
        let replayed = |call: &&Record| call.is_replayed();
        let first = self.calls.iter().find(replayed).map_or(0, |call| call.at.0);
        let row = |call: &Record| TraceRow {
            at: Micros(call.at.0 - first),
            input: u32::try_from(call.input_total()).unwrap_or(u32::MAX),
            output: call.output_wanted(),
            session: call.session,
            blocks_start: call.blocks_start,
            blocks_len: call.blocks_len,
        };
        let calls = self.calls.iter().filter(replayed);
        Trace {
            rows: calls.filter(|call| wanted(call)).map(row).collect(),
            blocks: self.blocks.clone(),
            block_tokens: self.block_tokens,
        }
    }
}
