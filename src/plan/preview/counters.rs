//! The offered load against quota counters and bought capacity.

use super::offered::{Offered, Second, peak};
use super::{BoughtPreview, Level, QuotaPreview, RightSizing, WorkloadPreview};
use crate::domain::{QuotaRules, Semantics};
use crate::plan::{Headroom, LoadPoint, QuotaPoint, RightSize, headroom, sustained_rate};
use crate::service::setup::{CounterSetup, TargetSetup};
use crate::sim::Assembled;
use crate::units::{Micros, PerSecond};
use std::collections::BTreeMap;

/// A workload on a counter.
struct Part<'a> {
    offered: &'a Offered,
    target: &'a TargetSetup,
}

/// The counters of a variant with the loads that share them.
pub(super) fn quotas(
    assembled: &Assembled,
    offered: &[Offered],
    bought: Option<&BoughtPreview>,
) -> Vec<QuotaPreview> {
    let endpoint = &assembled.setup.endpoint;
    let counters = endpoint.counters.iter().enumerate();
    counters
        .filter_map(|(index, counter)| {
            let parts: Vec<Part<'_>> = offered
                .iter()
                .zip(&endpoint.targets)
                .filter(|(_, target)| target.route.counter() == Some(index))
                .map(|(offered, target)| Part { offered, target })
                .collect();
            // Those of fallbacks and routes alone have no load of their own.
            (!parts.is_empty()).then(|| counter_preview(counter, endpoint.rules, &parts, bought))
        })
        .collect()
}

fn counter_preview(
    counter: &CounterSetup,
    rules: QuotaRules,
    parts: &[Part<'_>],
    bought: Option<&BoughtPreview>,
) -> QuotaPreview {
    let limits = counter.limits;
    let quota = QuotaPoint {
        tpm: limits.tpm,
        rpm: limits.rpm,
        tpd: limits.tpd,
        rules,
    };
    let (share, peak_share) = beyond(bought);
    let mut load = aggregate(parts, rules, |part| part.target.max_tokens);
    let demand = peak_demand(parts, rules, &load);
    load.rate.0 *= share;
    load.peak_rate = PerSecond((demand * peak_share).max(load.rate.0));
    let plain = peak_over(parts, |_, second| second.requests) * peak_share;
    let peak_request_rate = PerSecond(plain.max(load.rate.0));
    let mut result = headroom(&load, &quota);
    result.in_flight = share
        * parts
            .iter()
            .map(|p| p.offered.figures.in_flight)
            .sum::<f64>();
    if load.rate.0 > 0.0 {
        result.peak_in_flight = result.in_flight * peak_request_rate.0 / load.rate.0;
    }
    if let Some(rpm) = result.rpm_rate {
        result.rpm_share = Some(peak_request_rate.0 / rpm.0);
    }
    let at_peak = [Some(result.tpm_share), result.rpm_share, result.tpd_share];
    result.fits = at_peak.into_iter().flatten().all(|used| used <= 1.0);
    let at_mean = headroom(
        &LoadPoint {
            peak_rate: load.rate,
            ..load
        },
        &quota,
    );
    let tpm_only = QuotaPoint {
        rpm: None,
        tpd: None,
        ..quota
    };
    QuotaPreview {
        model: counter.model.clone(),
        kind: counter.kind,
        limits,
        source: None,
        rules,
        workloads: parts
            .iter()
            .map(|part| part.offered.figures.name.clone())
            .collect(),
        overflow: bought.is_some(),
        peak_request_rate,
        tpm_bounds: headroom(&load, &tpm_only).bounds,
        mean_held_share: at_mean.held_share,
        mean_settled_share: at_mean.settled_share,
        right_size: right_sizing(parts, rules, &quota),
        level: level(&load, &result),
        load,
        headroom: result,
    }
}

/// The share of the load that bought capacity leaves: on average, and in the busiest minute.
fn beyond(bought: Option<&BoughtPreview>) -> (f64, f64) {
    bought.map_or((1.0, 1.0), |bought| {
        let most = bought.input_share.1.max(bought.output_share.1);
        let beyond = if most > 1.0 { 1.0 - 1.0 / most } else { 0.0 };
        (bought.overflow_share, beyond)
    })
}

fn level(load: &LoadPoint, result: &Headroom) -> Level {
    let mean = if load.rate.0 > 0.0 {
        load.rate.0 / result.max_rate.0
    } else {
        0.0
    };
    let peak = result.tpm_share.max(result.rpm_share.unwrap_or(0.0));
    Level::of(mean, peak)
}

/// The loads of all parts as one: rates add up, the request is the mean one.
fn aggregate(
    parts: &[Part<'_>],
    rules: QuotaRules,
    max_tokens: impl Fn(&Part<'_>) -> u32,
) -> LoadPoint {
    let rate: f64 = parts.iter().map(|p| p.offered.figures.mean_rate.0).sum();
    let even = 1.0 / parts.len().max(1) as f64;
    let weight = |figures: &WorkloadPreview| {
        if rate > 0.0 {
            figures.mean_rate.0 / rate
        } else {
            even
        }
    };
    let mean = |value: &dyn Fn(&Part<'_>) -> f64| {
        let weighted = parts
            .iter()
            .map(|part| weight(&part.offered.figures) * value(part));
        weighted.sum::<f64>()
    };
    let reserved = |part: &Part<'_>| {
        let mut tokens = Second {
            requests: 1.0,
            ..mean_request(&part.offered.figures)
        };
        if !rules.reserve_counts_cache_read {
            tokens.cache_read = 0.0;
        }
        tokens.input + tokens.cache_read + f64::from(max_tokens(part))
    };
    let latency = |part: &Part<'_>| part.offered.figures.latency.as_secs_f64();
    // Reservation and latency may go together; what is held is the mean of their product.
    let held = mean(&|part| latency(part) * reserved(part));
    let reserved = mean(&reserved);
    LoadPoint {
        rate: PerSecond(rate),
        peak_rate: PerSecond(rate),
        uncached_input: mean(&|part| part.offered.figures.uncached_input),
        cache_write: mean(&|part| part.offered.figures.cache_write),
        cache_read: mean(&|part| part.offered.figures.cache_read),
        output: mean(&|part| part.offered.figures.billed_output),
        max_tokens: mean(&|part| f64::from(max_tokens(part))).round() as u64,
        latency: Micros::from_secs_f64(if reserved > 0.0 { held / reserved } else { 0.0 }),
        burndown: parts.first().map_or(1, |part| part.target.burndown),
    }
}

fn mean_request(figures: &WorkloadPreview) -> Second {
    Second {
        at: 0,
        requests: 1.0,
        input: figures.uncached_input + figures.cache_write,
        cache_read: figures.cache_read,
        output: figures.billed_output,
    }
}

/// What the limiter counts of a second's requests, the settled tokens of a minute and the held
/// ones together (the denominators of the closed forms).
fn demand(part: &Part<'_>, rules: QuotaRules, second: &Second) -> f64 {
    let target = part.target;
    let settled = second.input + target.burndown as f64 * second.output;
    let read = if rules.reserve_counts_cache_read {
        second.cache_read
    } else {
        0.0
    };
    let reserved = second.input + read + second.requests * f64::from(target.max_tokens);
    let latency = part.offered.figures.latency.as_secs_f64();
    60.0 * settled
        + match rules.semantics {
            Semantics::A => 0.0,
            Semantics::B => latency * reserved,
            Semantics::C => latency * (reserved - settled).max(0.0),
        }
}

/// The demand of the busiest minute, in mean requests per second.
fn peak_demand(parts: &[Part<'_>], rules: QuotaRules, load: &LoadPoint) -> f64 {
    let total: f64 = parts
        .iter()
        .map(|part| {
            let figures = &part.offered.figures;
            figures.mean_rate.0 * demand(part, rules, &mean_request(figures))
        })
        .sum();
    if total > 0.0 {
        let busiest = peak_over(parts, |part, second| demand(part, rules, second));
        load.rate.0 * busiest / total
    } else {
        0.0
    }
}

/// The largest sum over parts of a value, per second, in the busiest minute.
fn peak_over(parts: &[Part<'_>], value: impl Fn(&Part<'_>, &Second) -> f64) -> f64 {
    let mut steady = 0.0;
    let mut all: Vec<Second> = Vec::new();
    let mut span = Micros::ZERO;
    for part in parts {
        if part.offered.steady {
            let seconds = part.offered.seconds.iter();
            steady += seconds.map(|second| value(part, second)).sum::<f64>();
            continue;
        }
        span = span.max(part.offered.figures.measured_span);
        // The value takes the place of the requests, so that parts can be added up.
        all.extend(part.offered.seconds.iter().map(|second| Second {
            at: second.at,
            requests: value(part, second),
            ..Second::default()
        }));
    }
    all.sort_by_key(|second| second.at);
    let width = span.as_secs_f64().clamp(1.0, 60.0);
    steady + peak(&all, 60, |second| second.requests) / width
}

/// What p99.9 of each output as `max_tokens` would do to the counter.
fn right_sizing(parts: &[Part<'_>], rules: QuotaRules, quota: &QuotaPoint) -> Option<RightSizing> {
    let proposed = |part: &Part<'_>| {
        let p999 = part.offered.figures.output.p999;
        p999.filter(|&tokens| tokens < part.target.max_tokens)
    };
    let max_tokens: Vec<(String, u32)> = parts
        .iter()
        .filter_map(|part| Some((part.offered.figures.name.clone(), proposed(part)?)))
        .collect();
    if max_tokens.is_empty() {
        return None;
    }
    let (now, _) = sustained_rate(&aggregate(parts, rules, |p| p.target.max_tokens), quota);
    let sized = aggregate(parts, rules, |p| proposed(p).unwrap_or(p.target.max_tokens));
    let (max_rate, _) = sustained_rate(&sized, quota);
    let result = RightSize {
        max_tokens: sized.max_tokens,
        max_rate,
        gain: (now.0 > 0.0).then(|| max_rate.0 / now.0),
    };
    Some(RightSizing { max_tokens, result })
}

/// The load of one clock minute.
#[derive(Clone, Copy, Default)]
struct Minute {
    requests: f64,
    input: f64,
    output: f64,
}

impl Minute {
    fn add(&mut self, second: &Second, times: f64) {
        self.requests += times * second.requests;
        self.input += times * second.input;
        self.output += times * second.output;
    }
}

/// The load against bought capacity, clock minute by clock minute.
pub(super) fn bought(assembled: &Assembled, offered: &[Offered]) -> Option<BoughtPreview> {
    let bought = assembled.context.bought.as_ref()?;
    let mut steady = Minute::default();
    let mut minutes: BTreeMap<u64, Minute> = BTreeMap::new();
    let mut span = Micros::MINUTE;
    // Batch jobs use none of it.
    let offered = || {
        let all = offered.iter();
        all.filter(|one| one.figures.batch.is_none())
    };
    for one in offered() {
        for second in &one.seconds {
            if one.steady {
                steady.add(second, 60.0);
            } else {
                minutes.entry(second.at / 60).or_default().add(second, 1.0);
            }
        }
        if !one.steady {
            span = span.max(one.figures.measured_span);
        }
    }
    for minute in minutes.values_mut() {
        minute.requests += steady.requests;
        minute.input += steady.input;
        minute.output += steady.output;
    }
    // Each output token may take several of those bought.
    let per_output = bought.output_tpm.0 as f64 / bought.burndown.max(1) as f64;
    let (input, output) = (bought.input_tpm.0 as f64, per_output);
    let used = |minute: &Minute| (part_of(minute.input, input), part_of(minute.output, output));
    let mut peaks = used(&steady);
    let (mut requests, mut beyond) = (0.0, 0.0);
    let idle = (span.as_secs_f64() / 60.0 - minutes.len() as f64).max(0.0);
    let every = minutes.values().map(|minute| (minute, 1.0));
    for (minute, times) in every.chain([(&steady, idle)]) {
        let (by_input, by_output) = used(minute);
        peaks = (peaks.0.max(by_input), peaks.1.max(by_output));
        let most = by_input.max(by_output);
        requests += times * minute.requests;
        if most > 1.0 {
            beyond += times * minute.requests * (1.0 - 1.0 / most);
        }
    }
    let mean = |tokens: &dyn Fn(&Second) -> f64| {
        let each = offered()
            .map(|one| 60.0 * one.figures.mean_rate.0 * tokens(&mean_request(&one.figures)));
        each.sum::<f64>()
    };
    let means = (
        part_of(mean(&|second| second.input), input),
        part_of(mean(&|second| second.output), output),
    );
    let targets = &assembled.setup.endpoint.targets;
    Some(BoughtPreview {
        what: bought.what.clone(),
        input_tpm: bought.input_tpm,
        output_tpm: bought.output_tpm,
        input_share: (means.0, peaks.0),
        output_share: (means.1, peaks.1),
        overflow_share: part_of(beyond, requests),
        overflows: {
            let own = offered().count();
            let mut own = targets.iter().take(own);
            own.any(|t| t.route.counter().is_some())
        },
        level: Level::of(means.0.max(means.1), peaks.0.max(peaks.1)),
    })
}

/// A share in which nothing of nothing is nothing.
fn part_of(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}
