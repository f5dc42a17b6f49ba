//! Statistics of recorded traffic.

mod arrivals;
mod outcomes;
mod parts;
mod prefixes;
mod quota;
mod sessions;

use crate::load::trace::{CallEnd, Record, Recorded, spearman};
use crate::results::traffic::{Spread, TRACE_STATS_SCHEMA, TraceStats};
use crate::stats::quantile::interpolated;
use crate::units::Micros;

pub(in crate::traffic) use prefixes::hits;
pub(in crate::traffic) use sessions::sessions_of;

/// What the statistics assume where a log is silent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsOptions {
    /// `max_tokens` of calls without one in the log.
    pub max_tokens: Option<u32>,
    /// Tokens of quota per output token, by the index of the model.
    pub burndown: Vec<u64>,
    /// The same for models without an entry; zero counts as one.
    pub burndown_default: u64,
}

/// Describes recorded traffic. `source` is its name for people.
pub fn stats(recorded: &Recorded, source: &str, options: &StatsOptions) -> TraceStats {
    let requests: Vec<&Record> = recorded.calls.iter().filter(is_request).collect();
    let mut stats = TraceStats {
        schema: TRACE_STATS_SCHEMA.to_owned(),
        source: source.to_owned(),
        origin_unix_us: recorded.origin_unix_us,
        requests: requests.len() as u64,
        calls: recorded.calls.len() as u64,
        skipped: recorded.skipped.clone(),
        ..TraceStats::default()
    };
    arrivals::describe(&requests, recorded, &mut stats);
    sizes(&requests, &mut stats);
    prefixes::describe(&requests, recorded, &mut stats);
    stats.models = parts::models(&requests, recorded);
    stats.clients = parts::clients(&requests, recorded);
    stats.sessions = sessions::describe(&requests);
    stats.quota = quota::describe(recorded, options);
    stats.outcomes = outcomes::describe(recorded, requests.len());
    stats.latency = outcomes::latency(recorded);
    stats
}

/// Whether a call is the first attempt at its request.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "filters hand over what iterators of references give"
)]
pub(in crate::traffic) fn is_request(call: &&Record) -> bool {
    call.attempt <= 1
}

/// Whether a call has an answer to count.
pub(in crate::traffic) fn is_answered(call: &Record) -> bool {
    call.end == CallEnd::Answered && call.output > 0 && call.input_total() > 0
}

fn sizes(requests: &[&Record], stats: &mut TraceStats) {
    let input = requests.iter().map(|call| call.input_total());
    let mut input: Vec<f64> = input.filter(|n| *n > 0).map(|n| n as f64).collect();
    input.sort_unstable_by(f64::total_cmp);
    stats.input_quantiles = quantiles(&input);
    stats.input_tokens = spread(input);
    let answered: Vec<&&Record> = requests.iter().filter(|call| is_answered(call)).collect();
    let output = answered.iter().map(|call| f64::from(call.output));
    let mut output: Vec<f64> = output.collect();
    output.sort_unstable_by(f64::total_cmp);
    stats.output_quantiles = quantiles(&output);
    stats.output_tokens = spread(output);
    let short = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
    let inputs: Vec<u32> = answered
        .iter()
        .map(|call| short(call.input_total()))
        .collect();
    let outputs: Vec<u32> = answered.iter().map(|call| call.output).collect();
    stats.rank_correlation = (answered.len() >= 3).then(|| spearman(&inputs, &outputs));
}

/// Shares at which quantiles of sizes are told, in thousandths.
const SHARES: [u32; 25] = [
    0, 10, 25, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700, 750, 800, 850,
    900, 950, 975, 990, 1000,
];

fn quantiles(sorted: &[f64]) -> Vec<(f64, f64)> {
    let shares = SHARES.map(|share| f64::from(share) / 1000.0).into_iter();
    let point = |share| Some((share, interpolated(sorted, share)?));
    shares.filter_map(point).collect()
}

/// Mean and quantiles; `None` of nothing.
pub(in crate::traffic) fn spread(mut values: Vec<f64>) -> Option<Spread> {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share| interpolated(&values, share);
    Some(Spread {
        count: values.len() as u64,
        mean: values.iter().sum::<f64>() / values.len() as f64,
        p50: at(0.5)?,
        p90: at(0.9)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
        max: at(1.0)?,
    })
}

/// Seconds.
fn seconds(span: Micros) -> f64 {
    span.as_secs_f64()
}

#[cfg(test)]
mod tests;
