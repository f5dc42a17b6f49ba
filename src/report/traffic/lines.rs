//! The rows of each part, as words.

use super::super::number::{count, optional, percent, time};
use crate::results::traffic::{
    ClientSkew, MinuteLoad, PrefixStats, QuotaView, SessionStats, Spread, SynthSummary, TraceStats,
};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A part of the statistics.
pub(super) struct Part {
    pub title: &'static str,
    /// Labels and values.
    pub rows: Vec<(String, String)>,
    /// A line over time, with what it shows.
    pub course: Option<(String, Vec<f64>)>,
}

/// A number with four digits.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 99_999.5 => count(value.round().abs() as u64),
        v if v >= 999.5 => format!("{value:.0}"),
        v if v >= 99.95 => format!("{value:.1}"),
        v if v >= 9.995 => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

/// A span of seconds as people say it.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => time(1000.0 * s),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

/// What matters most, in sentences.
pub(super) fn verdict(stats: &TraceStats) -> String {
    let mut text = format!("{} requests", count(stats.requests));
    if let (Some(duration), Some(rate)) = (stats.duration_s, stats.rate_rps) {
        let _ = write!(text, " in {}, {} a second", span(duration), figure(rate));
    }
    text.push('.');
    if let Some((window, peak)) = stats.peak_to_mean.get_key_value(&60) {
        let idc = stats.idc.get(window).copied().unwrap_or(1.0);
        let kind = match idc {
            v if v < 2.0 => "as even as independent requests",
            v if v < 10.0 => "a little burstier than independent requests",
            _ => "far burstier than independent requests",
        };
        let _ = write!(
            text,
            " The busiest minute has {} times the mean: {kind}.",
            figure(*peak)
        );
    }
    if let Some(over) = stats
        .quota
        .as_ref()
        .and_then(|quota| quota.reserved_over_settled)
    {
        let _ = write!(
            text,
            " Admission reserves {} times what is settled.",
            figure(over)
        );
    }
    text
}

/// How it went, in sentences.
pub(super) fn synth_verdict(synth: &SynthSummary) -> String {
    let missed = synth
        .rows
        .iter()
        .filter(|row| row.within == Some(false))
        .count();
    let close = match missed {
        0 => "every statistic that has a tolerance keeps it".to_owned(),
        n => format!(
            "{n} of {} statistics miss their tolerance",
            synth.rows.len()
        ),
    };
    format!(
        "{} requests like those of {}; {close}. No figure that was kept rests on fewer than {} requests.",
        count(synth.requests),
        synth.source,
        synth.least_support
    )
}

/// The parts that there is something to say of.
pub(super) fn parts(stats: &TraceStats) -> Vec<Part> {
    let mut parts = vec![requests(stats)];
    parts.push(Part {
        title: "Sizes",
        rows: sizes(stats),
        course: None,
    });
    let mut push = |title, rows: Vec<(String, String)>| {
        parts.push(Part {
            title,
            rows,
            course: None,
        });
    };
    if stats.prefix.is_some() || stats.cache.is_some() {
        push("Prompt cache", cache(stats));
    }
    if let Some(sessions) = &stats.sessions {
        push("Sessions", of_sessions(sessions));
    }
    let who = who(stats);
    if !who.is_empty() {
        push("Who", who);
    }
    let how = how(stats);
    if !how.is_empty() {
        push("Outcomes", how);
    }
    if let Some(quota) = &stats.quota {
        parts.push(of_quota(quota));
    }
    parts
}

fn row(label: &str, value: impl Into<String>) -> (String, String) {
    (label.to_owned(), value.into())
}

/// Figures by window, as far as people look.
fn by_window(values: &BTreeMap<u32, f64>) -> String {
    let shown = [1, 10, 60, 300, 3600];
    let one = |window: &u32| {
        let value = values.get(window)?;
        let name = match window {
            s if *s < 60 => format!("{s} s"),
            s if *s < 3600 => format!("{} min", s / 60),
            _ => "1 h".to_owned(),
        };
        Some(format!("{} ({name})", figure(*value)))
    };
    let texts: Vec<String> = shown.iter().filter_map(one).collect();
    texts.join("  ")
}

fn requests(stats: &TraceStats) -> Part {
    let mut rows = vec![row("requests", count(stats.requests))];
    if stats.calls != stats.requests {
        rows.push(row("calls, retries inside", count(stats.calls)));
    }
    for (reason, lines) in &stats.skipped {
        rows.push(row(
            "lines left out",
            format!("{}: {reason}", count(*lines)),
        ));
    }
    if !stats.idc.is_empty() {
        rows.push(row("IDC", by_window(&stats.idc)));
        rows.push(row("peak / mean", by_window(&stats.peak_to_mean)));
    }
    if let Some(cv) = stats.gap_cv {
        rows.push(row("gap CV", figure(cv)));
    }
    if let Some(fit) = &stats.gap_fit {
        let text = format!(
            "gamma shape {} (KS {:.3}), Weibull shape {} (KS {:.3}), exponential (KS {:.3})",
            figure(fit.gamma_shape),
            fit.gamma_ks,
            figure(fit.weibull_shape),
            fit.weibull_ks,
            fit.exponential_ks
        );
        rows.push(row("gaps", text));
    }
    let course = stats.rate_over_time.as_ref().map(|course| {
        let peak = course.counts.iter().copied().max().unwrap_or(0);
        let label = format!(
            "requests per {}, at most {}",
            span(f64::from(course.interval_s)),
            count(peak)
        );
        (label, course.counts.iter().map(|n| *n as f64).collect())
    });
    Part {
        title: "Requests",
        rows,
        course,
    }
}

fn spread(values: &Spread, show: impl Fn(f64) -> String) -> String {
    format!(
        "mean {}  p50 {}  p90 {}  p95 {}  p99 {}  max {}",
        show(values.mean),
        show(values.p50),
        show(values.p90),
        show(values.p95),
        show(values.p99),
        show(values.max)
    )
}

fn sizes(stats: &TraceStats) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut add = |label, values: &Option<Spread>| {
        if let Some(values) = values {
            rows.push(row(label, spread(values, figure)));
        }
    };
    add("input tokens", &stats.input_tokens);
    add("output tokens", &stats.output_tokens);
    if let Some(rho) = stats.rank_correlation {
        rows.push(row("rank correlation", format!("{rho:.2}")));
    }
    rows
}

fn cache(stats: &TraceStats) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    if let Some(prefix) = &stats.prefix {
        rows.extend(of_prefix(prefix));
    }
    if let Some(cache) = &stats.cache {
        rows.push(row("read, says the log", percent(cache.read_share)));
        rows.push(row("written, says the log", percent(cache.write_share)));
        rows.push(row("calls that read", percent(cache.calls_that_read)));
    }
    rows
}

fn of_prefix(prefix: &PrefixStats) -> Vec<(String, String)> {
    let depth = |one: &crate::results::traffic::DepthReuse| {
        let share = one.reused as f64 / one.requests.max(1) as f64;
        format!("{} ({})", percent(share), one.blocks)
    };
    let depths: Vec<String> = prefix.depths.iter().map(depth).collect();
    vec![
        row("served, entries live 5 min", percent(prefix.hit_rate_5m)),
        row("served, entries live 1 h", percent(prefix.hit_rate_1h)),
        row("served, without an end", percent(prefix.hit_rate_unlimited)),
        row("reused, by blocks", depths.join("  ")),
        row("tokens of a block", count(u64::from(prefix.block_tokens))),
    ]
}

fn of_sessions(sessions: &SessionStats) -> Vec<(String, String)> {
    let mut rows = vec![
        row("sessions", count(sessions.count)),
        row("of one request", percent(sessions.single_share)),
        row("requests", spread(&sessions.turns, figure)),
    ];
    if let Some(think) = &sessions.think_s {
        rows.push(row("think", spread(think, span)));
    }
    if let Some(gap) = &sessions.gap_s {
        rows.push(row("from start to start", spread(gap, span)));
    }
    if let Some(growth) = &sessions.growth_tokens {
        rows.push(row("growth of the prompt", spread(growth, figure)));
    }
    rows.push(row(
        "first prompt",
        spread(&sessions.first_input_tokens, figure),
    ));
    rows.push(row(
        "input of a session",
        spread(&sessions.total_input_tokens, figure),
    ));
    rows
}

fn who(stats: &TraceStats) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let named = stats.models.iter().filter(|model| !model.name.is_empty());
    for model in named.take(8) {
        let text = format!(
            "{} of requests, mean {} in and {} out",
            percent(model.share),
            figure(model.input_mean),
            figure(model.output_mean)
        );
        rows.push((model.name.clone(), text));
    }
    if stats.models.len() > 8 {
        rows.push(row("further models", count(stats.models.len() as u64 - 8)));
    }
    if let Some(clients) = &stats.clients {
        rows.push(row("clients", of_clients(clients)));
    }
    rows
}

fn of_clients(clients: &ClientSkew) -> String {
    format!(
        "{}; the busiest makes {}, the busiest ten {}, and {} make 90 %",
        count(clients.count),
        percent(clients.top_1_share),
        percent(clients.top_10_share),
        count(clients.making_90_percent)
    )
}

fn how(stats: &TraceStats) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let outcomes = &stats.outcomes;
    if outcomes.calls.len() > 1 {
        for (end, calls) in &outcomes.calls {
            let share = *calls as f64 / stats.calls.max(1) as f64;
            rows.push(row(end, format!("{} ({})", count(*calls), percent(share))));
        }
        let worst = outcomes.bad_minutes.iter().max_by_key(|one| one.throttled);
        if let Some(worst) = worst.filter(|one| one.throttled > 0) {
            let text = format!(
                "minute {}: {} of {} calls throttled",
                worst.minute, worst.throttled, worst.calls
            );
            rows.push(row("worst minute", text));
        }
    }
    if let Some(latency) = &stats.latency {
        let mut add = |label, values: &Option<Spread>| {
            if let Some(values) = values {
                rows.push(row(label, spread(values, time)));
            }
        };
        add("to the first token", &latency.ttft_ms);
        add("to the end", &latency.e2e_ms);
    }
    rows
}

fn of_quota(quota: &QuotaView) -> Part {
    let load = |load: &MinuteLoad| {
        format!(
            "mean {}  p50 {}  p99 {}  peak {} after {}",
            figure(load.mean),
            figure(load.p50),
            figure(load.p99),
            figure(load.peak),
            span(load.peak_at_s as f64)
        )
    };
    let mut rows = Vec::new();
    let reserved = match &quota.reserved {
        Some(reserved) => load(reserved),
        None => "unknown: the log has no max_tokens; give --max-tokens".to_owned(),
    };
    rows.push(row("reserved a minute", reserved));
    rows.push(row("settled a minute", load(&quota.settled)));
    rows.push(row(
        "reserved / settled",
        optional(quota.reserved_over_settled, figure),
    ));
    let rates: Vec<String> = quota
        .burndown
        .iter()
        .map(|(model, rate)| {
            if model.is_empty() {
                format!("{rate}×")
            } else {
                format!("{model} {rate}×")
            }
        })
        .collect();
    rows.push(row("burndown of output", rates.join(", ")));
    if let Some(assumed) = quota.assumed_max_tokens {
        let text = format!(
            "{} where the log has none ({} of calls)",
            count(u64::from(assumed)),
            percent(1.0 - quota.max_tokens_known)
        );
        rows.push(row("max_tokens assumed", text));
    }
    let shown = quota.reserved.as_ref().unwrap_or(&quota.settled);
    let what = if quota.reserved.is_some() {
        "reserved"
    } else {
        "settled"
    };
    let course = (
        format!("tokens {what} a minute, at most {}", figure(shown.peak)),
        shown.course.counts.iter().map(|n| *n as f64).collect(),
    );
    Part {
        title: "What a quota sees",
        rows,
        course: Some(course),
    }
}
