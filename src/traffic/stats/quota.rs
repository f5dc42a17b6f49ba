//! What a quota of tokens per minute saw: reservations against settlements.
//!
//! Admission reserves the input but for cache reads, and `max_tokens`; the end settles the same input, and
//! the output times its burndown. Both count in the minute in which a call began. Calls that were
//! refused reserve nothing.

use super::StatsOptions;
use super::arrivals::{has_clock, interval_of};
use crate::load::trace::{CallEnd, Record, Recorded};
use crate::results::traffic::{Course, MinuteLoad, QuotaView};
use crate::stats::quantile::interpolated;
use crate::units::Micros;
use std::collections::BTreeMap;

/// The most minutes that are told apart: eight years.
const MOST_MINUTES: u64 = 1 << 22;

pub(super) fn describe(recorded: &Recorded, options: &StatsOptions) -> Option<QuotaView> {
    let counted = |call: &&Record| {
        let is_admitted = match call.end {
            CallEnd::Answered | CallEnd::Blocked | CallEnd::Failed | CallEnd::TimedOut => true,
            CallEnd::Throttled | CallEnd::Unavailable | CallEnd::Rejected => false,
        };
        is_admitted && call.input_total() > 0
    };
    let calls: Vec<&Record> = recorded.calls.iter().filter(counted).collect();
    let (first, last) = (recorded.calls.first()?.at, calls.last()?.at);
    let minute = |call: &Record| (call.at - first).0 / Micros::MINUTE.0;
    let minutes = (last - first).0 / Micros::MINUTE.0 + 1;
    if minutes > MOST_MINUTES || !has_clock(recorded) {
        return None;
    }
    let known = calls
        .iter()
        .filter(|call| call.max_tokens.is_some())
        .count();
    let mut settled = vec![0u64; minutes as usize];
    let mut reserved = vec![0u64; minutes as usize];
    let mut is_told = true;
    let default = options.burndown_default.max(1);
    let rate = |model: usize| options.burndown.get(model).copied().unwrap_or(default);
    for call in &calls {
        let at = minute(call) as usize;
        let fresh = u64::from(call.input) + u64::from(call.cache_write);
        settled[at] += fresh + u64::from(call.output) * rate(usize::from(call.model));
        match call.max_tokens.or(options.max_tokens) {
            Some(most) => reserved[at] += fresh + u64::from(most),
            None => is_told = false,
        }
    }
    let sum = |load: &[u64]| load.iter().sum::<u64>() as f64;
    let over = is_told.then(|| sum(&reserved) / sum(&settled).max(1.0));
    let models = recorded.models.iter().enumerate();
    let used = |index: usize| calls.iter().any(|call| usize::from(call.model) == index);
    let burndown: BTreeMap<String, u64> = models
        .filter(|(index, _)| used(*index))
        .map(|(index, name)| (name.clone(), rate(index)))
        .collect();
    let span = last - first;
    Some(QuotaView {
        max_tokens_known: known as f64 / calls.len() as f64,
        assumed_max_tokens: options.max_tokens.filter(|_| known < calls.len()),
        burndown,
        reserved: is_told.then(|| load(&reserved, span)).flatten(),
        settled: load(&settled, span)?,
        reserved_over_settled: over,
    })
}

fn load(minutes: &[u64], span: Micros) -> Option<MinuteLoad> {
    let mut sorted: Vec<f64> = minutes.iter().map(|n| *n as f64).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let peak = *minutes.iter().max()?;
    let at = minutes.iter().position(|n| *n == peak)? as u64;
    let width = (interval_of(span) / 60).max(1) as usize;
    let most = minutes
        .chunks(width)
        .map(|part| part.iter().copied().max().unwrap_or(0));
    Some(MinuteLoad {
        mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
        p50: interpolated(&sorted, 0.5)?,
        p99: interpolated(&sorted, 0.99)?,
        peak: peak as f64,
        peak_at_s: at * 60,
        course: Course {
            interval_s: 60 * width as u32,
            counts: most.collect(),
        },
    })
}
