//! Builds the summary of a simulation from what its variants measured.

use super::break_even::{break_even, prepaid};
use super::figures::{Bought, Latencies, cost, dollars, over, sig};
use super::metrics::metrics;
use super::summary::{
    AssumptionSummary, AttemptSummary, CourseSummary, EngineSummary, Estimate, IntervalSummary,
    LatencySummary, PriceBookSummary, QuotaSummary, RegionSummary, ReplicationSummary,
    RequestSummary, SUMMARY_SCHEMA, SessionSummary, SloSummary, Summary, TokenSummary,
    VariantSummary, WorkloadSummary,
};
use super::verdict::judge;
use super::{lanes, offers};
use crate::cost::Ledger;
use crate::measure::{AttemptCounts, Tally};
use crate::service::{AccountQuota, PoolReport, QuotaReport};
use crate::sim::{ReplicationValues, VariantContext, VariantMeasures, WorkloadContext};
use crate::stats::intervals::{Interval, log_mean_interval, mean_interval};
use crate::units::Micros;

/// Steps of the course of a run, at most.
const COURSE_STEPS: usize = 60;
/// The confidence of intervals over replications.
const CONFIDENCE: f64 = 0.95;

/// What a summary says of its scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioInfo {
    /// Its name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub description: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Replications of each variant.
    pub replications: u32,
}

/// How the simulation was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Wall time of all runs.
    pub wall: Micros,
    /// Threads in use.
    pub threads: u32,
}

/// The summary of a simulation. `contexts` and `measures` are in the order of the variants.
///
/// Everything but [`Summary::engine`] is the same for the same scenario, seed and version.
pub fn summarise(
    scenario: &ScenarioInfo,
    contexts: &[VariantContext],
    measures: &[VariantMeasures],
    engine: EngineInfo,
    partial: bool,
) -> Summary {
    let mut warnings = Vec::new();
    if partial {
        warnings.push("the run was cut short: figures cover only what was finished".to_owned());
    }
    let mut valid = true;
    for (context, measures) in contexts.iter().zip(measures) {
        let requests = measures.overall().requests;
        if requests.offered != requests.ended() {
            valid = false;
            warnings.push(format!(
                "{}: {} requests were offered and {} ended; the figures are not valid",
                context.name,
                requests.offered,
                requests.ended()
            ));
        }
    }
    let requests = measures.iter().map(|one| one.total.simulated).sum();
    Summary {
        schema: SUMMARY_SCHEMA.into(),
        scenario: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: scenario.seed,
        replications: scenario.replications,
        partial,
        valid,
        warnings,
        engine: EngineSummary {
            requests,
            wall_s: sig(engine.wall.as_secs_f64()),
            requests_per_wall_s: over(requests as f64, engine.wall.as_secs_f64()),
            threads: engine.threads,
        },
        variants: contexts
            .iter()
            .zip(measures)
            .map(|(context, measures)| variant(context, measures))
            .collect(),
    }
}

fn variant(context: &VariantContext, measures: &VariantMeasures) -> VariantSummary {
    let all = measures.overall();
    let measured = measures.measured_time();
    let latencies = Latencies::of(&measures.total.workloads);
    let bought = match &context.bought {
        None => Bought::Nothing,
        Some(capacity) => capacity.per_hour.map_or(Bought::Unpriced, Bought::PerHour),
    };
    let prices_known = context
        .workloads
        .iter()
        .zip(&measures.total.workloads)
        .all(|(workload, tally)| priced(workload, tally, context, measures));
    let own = workload("", "", &all, &latencies, None, measured);
    let slo = judge(&context.slo, &all, &latencies);
    let prepaid = context
        .bought
        .as_ref()
        .map(|bought| prepaid(bought, &all, measured));
    let break_even = context
        .bought
        .as_ref()
        .zip(prepaid.as_ref())
        .map(|(bought, prepaid)| break_even(context, measures, bought, prepaid));
    VariantSummary {
        name: context.name.clone(),
        mode: context.mode.clone(),
        requests: own.requests,
        attempts: own.attempts,
        ttft_ms: own.ttft_ms,
        ttft_all_ms: own.ttft_all_ms,
        attempt_ttft_ms: own.attempt_ttft_ms,
        e2e_ms: own.e2e_ms,
        e2e_all_ms: own.e2e_all_ms,
        attempt_e2e_ms: own.attempt_e2e_ms,
        tpot_ms: own.tpot_ms,
        goodput_rps: own.goodput_rps,
        truncated: own.truncated,
        stopped_early: own.stopped_early,
        answers: own.answers,
        tokens: TokenSummary {
            quota_reserved: Some(saturated(measures.total.totals.reserved)),
            quota_settled: Some(saturated(measures.total.totals.settled)),
            ..own.tokens
        },
        quota: measures.total.quotas.iter().map(quota).collect(),
        regions: measures.total.pools.iter().map(region).collect(),
        lanes: lanes::lanes(context, measures),
        cost: cost(prices_known.then_some(&all.ledger), bought, measured),
        cost_by_tag: super::tags::by_tag(context, measures),
        measured_s: sig(measured.as_secs_f64()),
        mean_in_system: (measures.total.simulated > 0)
            .then(|| sig(measures.total.mean_in_system())),
        latency: context.workloads.iter().map(latency).collect(),
        workloads: workloads(context, measures),
        prepaid,
        break_even,
        replications: replications(context, measures),
        intervals: intervals(&measures.replications),
        course: course(context, measures),
        price_book: Some(PriceBookSummary {
            name: context.price_book.0.clone(),
            as_of: context.price_book.1.clone(),
        }),
        live: None,
        search: None,
        assumptions: {
            let own = context.assumptions.iter().map(|one| AssumptionSummary {
                name: one.name.clone(),
                value: one.value.clone(),
                why: one.why.clone(),
            });
            own.chain(super::account::not_enforced(context, &all, measured))
                .collect()
        },
        notes: context.notes.clone(),
        warnings: warnings(context, &all, &latencies, &slo),
        slo,
    }
}

fn saturated(tokens: u128) -> u64 {
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// Whether the cost of every token that was paid for is known.
pub(super) fn priced(
    workload: &WorkloadContext,
    tally: &Tally,
    context: &VariantContext,
    measures: &VariantMeasures,
) -> bool {
    let own = workload.prices.is_some()
        || (tally.requests.completed == tally.prepaid_requests && tally.wasted_tokens == 0);
    own && lanes::are_priced(context, measures, &workload.name)
}

fn workloads(context: &VariantContext, measures: &VariantMeasures) -> Vec<WorkloadSummary> {
    context
        .workloads
        .iter()
        .zip(&measures.total.workloads)
        .map(|(workload_context, tally)| {
            let mut summary = workload(
                &workload_context.name,
                &workload_context.model,
                tally,
                &Latencies::of(std::slice::from_ref(tally)),
                priced(workload_context, tally, context, measures).then_some(&tally.ledger),
                measures.measured_time(),
            );
            summary.tier = offers::tier(workload_context, tally);
            summary.batch = offers::batch(tally, summary.cost.by_class.batch);
            if context.bought.is_some() {
                summary.cost.by_class.reserved = None;
                summary.cost.month_by_class.reserved = None;
            }
            summary
        })
        .collect()
}

fn workload(
    name: &str,
    model: &str,
    tally: &Tally,
    latencies: &Latencies,
    ledger: Option<&Ledger>,
    measured: Micros,
) -> WorkloadSummary {
    let counts = &tally.requests;
    WorkloadSummary {
        name: name.to_owned(),
        model: model.to_owned(),
        requests: RequestSummary {
            offered: counts.offered,
            completed: counts.completed,
            throttled: counts.throttled,
            failed: counts.failed,
            timed_out: counts.timed_out,
            not_sent: counts.not_sent,
            deferred: counts.deferred,
            good: tally.good,
        },
        attempts: attempts(&tally.attempts, counts.offered),
        ttft_ms: latencies.ttft.completed(),
        ttft_all_ms: latencies.ttft.all(),
        attempt_ttft_ms: latencies.attempt_ttft.completed(),
        e2e_ms: latencies.e2e.completed(),
        e2e_all_ms: latencies.e2e.all(),
        attempt_e2e_ms: latencies.attempt_e2e.completed(),
        tpot_ms: latencies.tpot.completed(),
        goodput_rps: over(tally.good as f64, measured.as_secs_f64()),
        attainment: over(tally.good as f64, counts.offered as f64),
        truncated: tally.truncated,
        stopped_early: tally.stopped_early,
        answers: super::answers::answers(tally),
        tokens: TokenSummary {
            input: tally.tokens.input,
            cache_read: tally.tokens.cache_read,
            cache_write: tally.tokens.cache_write,
            output: tally.tokens.output,
            quota_reserved: None,
            quota_settled: None,
            wasted: tally.wasted_tokens,
        },
        cost: cost(ledger, Bought::Nothing, measured),
        tier: None,
        batch: None,
        sessions: tally.sessions.map(|counts| SessionSummary {
            started: counts.started,
            completed: counts.completed,
            abandoned: counts.abandoned,
            unfinished: counts.unfinished,
            turns: counts.turns,
        }),
        classifier: lanes::classifier(tally),
    }
}

fn attempts(counts: &AttemptCounts, offered: u64) -> AttemptSummary {
    let known = counts.answered_by_number.iter().rposition(|&n| n > 0);
    let success_by_attempt = counts
        .answered_by_number
        .iter()
        .zip(&counts.sent_by_number)
        .take(known.map_or(0, |last| last + 1))
        .map(|(&answered, &sent)| over(answered as f64, sent as f64))
        .collect();
    AttemptSummary {
        sent: counts.sent,
        throttled: counts.throttled,
        unavailable: counts.unavailable,
        failed: counts.failed,
        timed_out: counts.timed_out,
        hedged: counts.hedges.map(|hedges| hedges.sent),
        hedges_won: counts.hedges.map(|hedges| hedges.won),
        cancelled: counts.hedges.map(|hedges| hedges.cancelled),
        amplification: over(counts.sent as f64, offered as f64),
        success_by_attempt,
    }
}

fn quota(report: &QuotaReport) -> QuotaSummary {
    let share = |peak: u64| over(peak as f64, report.limit as f64);
    QuotaSummary {
        name: report.name.to_owned(),
        model: report.model.clone(),
        scope: if report.name == AccountQuota::NAME {
            "account".to_owned()
        } else {
            report.kind.to_string()
        },
        region: report.region.clone(),
        limit: report.limit,
        peak_reserved_share: share(report.stats.peak_reserved),
        peak_settled_share: share(report.stats.peak_settled),
        refused: report.stats.refused,
    }
}

fn region(report: &PoolReport) -> RegionSummary {
    let stats = &report.stats;
    let prefix = stats.cache_read + stats.cache_write;
    RegionSummary {
        region: report.region.clone(),
        model: report.model.clone(),
        streams: report.streams,
        calls: stats.calls,
        spilled: stats.spilled,
        unavailable: stats.unavailable,
        broken: stats.broken,
        cache_hit_share: over(stats.cache_read as f64, prefix as f64),
        peak_in_flight: stats.peak,
    }
}

fn latency(workload: &WorkloadContext) -> LatencySummary {
    LatencySummary {
        workload: workload.name.clone(),
        model: workload.model.clone(),
        profile: workload.latency.clone(),
        origin: workload.latency_origin.to_string(),
        source: workload.latency_source.clone(),
    }
}

/// The replications one by one, with what each reads of its workloads.
fn replications(context: &VariantContext, measures: &VariantMeasures) -> Vec<ReplicationSummary> {
    let workloads = context.workloads.iter();
    let priced: Vec<bool> = workloads
        .clone()
        .zip(&measures.total.workloads)
        .map(|(workload, tally)| priced(workload, tally, context, measures))
        .collect();
    let names: Vec<&str> = workloads.map(|one| one.name.as_str()).collect();
    let seconds = measures.span.as_secs_f64();
    let all = measures.replications.iter();
    all.map(|values| ReplicationSummary {
        metrics: metrics(&values.figures, &names, &priced, seconds),
        ..replication(values)
    })
    .collect()
}

fn replication(values: &ReplicationValues) -> ReplicationSummary {
    let finite = |value: f64| value.is_finite().then(|| sig(value));
    ReplicationSummary {
        seed: values.seed,
        ttft_p50_ms: values.ttft_p50.map(|time| sig(time.as_millis_f64())),
        ttft_p99_ms: values.ttft_p99.map(|time| sig(time.as_millis_f64())),
        throttled_share: finite(values.throttled_share),
        goodput_rps: finite(values.goodput_rps),
        token_cost_usd: Some(dollars(values.token_cost)),
        metrics: Vec::new(),
    }
}

fn intervals(replications: &[ReplicationValues]) -> Option<IntervalSummary> {
    if replications.len() < 2 {
        return None;
    }
    let of = |value: &dyn Fn(&ReplicationValues) -> Option<f64>| {
        let values = replications.iter().map(value);
        values.collect::<Option<Vec<f64>>>()
    };
    let estimate = |interval: Interval| Estimate {
        estimate: sig(interval.estimate),
        low: sig(interval.low),
        high: sig(interval.high),
    };
    let logarithmic = |values: Option<Vec<f64>>| {
        values
            .and_then(|values| log_mean_interval(&values, CONFIDENCE))
            .map(estimate)
    };
    let plain = |values: Option<Vec<f64>>| {
        values
            .and_then(|values| mean_interval(&values, CONFIDENCE))
            .map(estimate)
    };
    Some(IntervalSummary {
        confidence: CONFIDENCE,
        ttft_p50_ms: logarithmic(of(&|one| one.ttft_p50.map(Micros::as_millis_f64))),
        ttft_p99_ms: logarithmic(of(&|one| one.ttft_p99.map(Micros::as_millis_f64))),
        throttled_share: plain(of(&|one| Some(one.throttled_share))),
        goodput_rps: plain(of(&|one| {
            one.goodput_rps.is_finite().then_some(one.goodput_rps)
        })),
        token_cost_usd: plain(of(&|one| Some(one.token_cost.dollars()))),
    })
}

/// Load and refusals while requests still started, in equal steps.
fn course(context: &VariantContext, measures: &VariantMeasures) -> Option<CourseSummary> {
    let timeline = &measures.total.timeline;
    let width = timeline.width();
    let started = context.duration.0.div_ceil(width.0.max(1)) as usize;
    let intervals = timeline.intervals();
    let intervals = &intervals[..started.min(intervals.len())];
    if intervals.is_empty() {
        return None;
    }
    let in_step = intervals.len().div_ceil(COURSE_STEPS);
    let replications = measures.replications.len().max(1) as f64;
    let (mut offered_rps, mut refused_share) = (Vec::new(), Vec::new());
    for step in intervals.chunks(in_step) {
        let sum = |of: fn(&crate::measure::Interval) -> u64| step.iter().map(of).sum::<u64>();
        let seconds = width.as_secs_f64() * step.len() as f64 * replications;
        offered_rps.push(sig(sum(|one| one.offered) as f64 / seconds));
        let sent = sum(|one| one.sent) as f64;
        refused_share.push(over(sum(|one| one.attempts_throttled) as f64, sent));
    }
    Some(CourseSummary {
        step_s: sig(width.as_secs_f64() * in_step as f64),
        offered_rps,
        refused_share,
    })
}

fn warnings(
    context: &VariantContext,
    all: &Tally,
    latencies: &Latencies,
    slo: &SloSummary,
) -> Vec<String> {
    let mut warnings = context.warnings.clone();
    if all.requests.offered == 0 {
        warnings.push("no request was offered in the measured span".to_owned());
    } else if !slo.too_few.is_empty() {
        warnings.push(format!(
            "{} judged on fewer requests than the percentile needs: run longer or with more \
             replications",
            slo.too_few.join(", ")
        ));
    }
    let clamped = latencies.e2e.finite.clamped();
    if clamped > 0 {
        warnings.push(format!(
            "{clamped} requests took more than an hour and count as an hour"
        ));
    }
    warnings
}
