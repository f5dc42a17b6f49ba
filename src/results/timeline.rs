//! `timeline.csv` and `histograms.hlog`: the files that other tools read.

use crate::measure::{HistogramError, LatencyHistogram, LogInterval, write_interval_log};
use crate::sim::VariantMeasures;
use crate::units::Micros;
use std::fmt::Write as _;

const HEADER: &str = "variant,t_s,offered,sent,attempts_throttled,completed,throttled,lost,good,\
in_system,reserved_share,settled_share,ttft_p50_ms,ttft_p99_ms,settled_minute_share\n";

/// The course of every variant, one row per interval, warm-up inside.
///
/// Counts are sums over replications; shares and the number in the system are the largest seen: `settled_share`
/// of the clock minute until a sample, `settled_minute_share` of whole clock minutes, as dashboards show them.
/// A cell is empty where nothing was answered.
pub fn timeline_csv<'a>(
    variants: impl IntoIterator<Item = (&'a str, &'a VariantMeasures)>,
) -> String {
    let mut text = HEADER.to_owned();
    for (name, measures) in variants {
        let timeline = &measures.total.timeline;
        let name = csv_cell(name);
        for (index, one) in timeline.intervals().iter().enumerate() {
            let start = timeline.width().as_secs_f64() * index as f64;
            // Without a quota in sight there is no share of one.
            let seen = !measures.total.quotas.is_empty();
            let share = |permille: u64| {
                if seen {
                    format!("{:.3}", permille as f64 / 1000.0)
                } else {
                    String::new()
                }
            };
            let ttft = |quantile: f64| {
                let time = one.ttft_quantile(quantile);
                time.map_or_else(String::new, |time| format!("{:.0}", time.as_millis_f64()))
            };
            writeln!(
                text,
                "{name},{start},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                one.offered,
                one.sent,
                one.attempts_throttled,
                one.completed,
                one.throttled,
                one.lost,
                one.good,
                one.in_system,
                share(one.reserved_permille),
                share(one.settled_permille),
                ttft(0.5),
                ttft(0.99),
                share(one.settled_minute_permille),
            )
            .expect("writing to a string cannot fail");
        }
    }
    text
}

/// A cell in quotes where a comma, a quote or a line break asks for them.
fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Every histogram of every variant as an `HdrHistogram` interval log, in microseconds.
///
/// Tags are `VARIANT/METRIC`; characters that a tag cannot carry become `_`.
///
/// # Errors
/// If a histogram does not fit the format.
pub fn histogram_log<'a>(
    variants: impl IntoIterator<Item = (&'a str, &'a VariantMeasures)>,
) -> Result<Vec<u8>, HistogramError> {
    let mut entries: Vec<(String, Micros, LatencyHistogram)> = Vec::new();
    for (name, measures) in variants {
        let all = measures.overall();
        let histograms = [
            ("ttft", all.ttft.logical()),
            ("attempt_ttft", all.ttft.attempt()),
            ("e2e", all.e2e.logical()),
            ("attempt_e2e", all.e2e.attempt()),
            ("tpot", all.tpot),
        ];
        for (metric, histogram) in histograms {
            entries.push((
                histogram_tag(name, metric),
                measures.measured_time(),
                histogram,
            ));
        }
    }
    let intervals: Vec<LogInterval<'_>> = entries
        .iter()
        .map(|(tag, length, latencies)| LogInterval {
            tag,
            start: Micros::ZERO,
            length: *length,
            latencies,
        })
        .collect();
    write_interval_log(
        &["bedload: latencies of answered requests in microseconds; the tag is variant/metric"],
        &intervals,
    )
}

/// The tag of a metric of a variant in `histograms.hlog`.
pub fn histogram_tag(variant: &str, metric: &str) -> String {
    format!("{variant}/{metric}").replace(
        |c: char| c == ',' || c.is_whitespace() || c.is_control(),
        "_",
    )
}
