//! How calls ended, and how long they took.

use super::spread;
use crate::load::trace::{CallEnd, Record, Recorded};
use crate::results::traffic::{BadMinute, LatencyStats, OutcomeStats};
use crate::units::Micros;
use std::collections::BTreeMap;

pub(super) fn describe(recorded: &Recorded, requests: usize) -> OutcomeStats {
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    let mut minutes: BTreeMap<u64, BadMinute> = BTreeMap::new();
    let first = recorded.calls.first().map_or(Micros::ZERO, |call| call.at);
    let minute_of = |call: &Record| (call.at - first).0 / Micros::MINUTE.0;
    for call in &recorded.calls {
        *calls.entry(call.end.name().to_owned()).or_default() += 1;
        let (throttled, failed) = match call.end {
            CallEnd::Answered | CallEnd::Blocked => continue,
            CallEnd::Throttled => (1, 0),
            CallEnd::Unavailable | CallEnd::Rejected | CallEnd::Failed | CallEnd::TimedOut => {
                (0, 1)
            }
        };
        let one = minutes.entry(minute_of(call)).or_default();
        one.throttled += throttled;
        one.failed += failed;
    }
    if !minutes.is_empty() {
        for call in &recorded.calls {
            if let Some(one) = minutes.get_mut(&minute_of(call)) {
                one.calls += 1;
            }
        }
    }
    OutcomeStats {
        calls,
        amplification: recorded.calls.len() as f64 / requests.max(1) as f64,
        bad_minutes: minutes
            .into_iter()
            .map(|(minute, one)| BadMinute { minute, ..one })
            .collect(),
    }
}

pub(super) fn latency(recorded: &Recorded) -> Option<LatencyStats> {
    let answered = || {
        recorded
            .calls
            .iter()
            .filter(|call| call.end == CallEnd::Answered)
    };
    let of = |time: fn(&Record) -> Option<Micros>| {
        spread(
            answered()
                .filter_map(time)
                .map(Micros::as_millis_f64)
                .collect(),
        )
    };
    let stats = LatencyStats {
        ttft_ms: of(|call| call.ttft),
        e2e_ms: of(|call| call.latency),
    };
    (stats != LatencyStats::default()).then_some(stats)
}
