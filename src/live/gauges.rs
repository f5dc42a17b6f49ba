//! What a live run shows while it goes, and measures of the generator itself.

use crate::measure::LatencyHistogram;
use crate::units::{Micros, Moment, Usd};

/// The state of a run at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Time since the run began.
    pub at: Moment,
    /// For how long requests start.
    pub duration: Micros,
    /// Requests that were due so far.
    pub offered: u64,
    /// Requests answered so far.
    pub completed: u64,
    /// Attempts sent so far.
    pub sent: u64,
    /// Attempts refused by a quota so far.
    pub throttled: u64,
    /// Requests that ended without an answer so far.
    pub lost: u64,
    /// Requests in the system.
    pub in_system: u64,
    /// Attempts on the wire.
    pub open: u64,
    /// TTFT of the last seconds.
    pub recent: LatencyHistogram,
    /// Dollars for tokens so far.
    pub spent: Usd,
    /// Whether no new requests are sent any more.
    pub draining: bool,
}

/// Measures that only a live run has.
#[derive(Default)]
pub(super) struct Gauges {
    /// From the moment an attempt was due to the moment at which it went to its connection; where it could not
    /// be built ahead, to the moment at which the SDK had it.
    pub send_lag: LatencyHistogram,
    /// From the send of an attempt to the first event of any kind.
    pub first_event: LatencyHistogram,
    /// From the send of an attempt to the first visible text.
    pub first_text: LatencyHistogram,
    /// Between pieces of content.
    pub chunk_gap: LatencyHistogram,
    /// TTFT since the last snapshot.
    pub recent: LatencyHistogram,
    /// Requests not sent because too many were open.
    pub crowded_out: u64,
    /// Answers without usage.
    pub without_usage: u64,
    /// Attempts whose cost is unknown: they were sent, and no usage came back.
    pub unaccounted: u64,
    /// Requests cut off when the run was stopped.
    pub cut_off: u64,
    /// Attempts sent, warm-up inside.
    pub sent: u64,
    /// Attempts refused by a quota, warm-up inside.
    pub throttled: u64,
    /// Requests that ended, warm-up inside.
    pub completed: u64,
    /// Requests that ended without an answer, warm-up inside.
    pub lost: u64,
    /// Attempts on the wire.
    pub open: u64,
    /// Most attempts on the wire at once.
    pub most_open: u64,
    /// Dollars for tokens, warm-up inside.
    pub spent: Usd,
    /// When the last attempt was sent.
    pub last_sent: Moment,
}

impl Gauges {
    /// An attempt that was due at `due` goes on the wire.
    pub(super) fn went_out(&mut self, now: Moment, due: Moment) {
        self.send_lag.record(now.since(due));
        self.sent += 1;
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        self.last_sent = now;
    }
}
