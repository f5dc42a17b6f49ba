//! One hour with what is held in it, simulated.

use super::hour::{Part, steady};
use super::{Held, Holding};
use crate::client::{FailureClass, FailureClasses};
use crate::domain::{LatencyBound, LatencyMetric, Quantile, Slo};
use crate::load::source::Source;
use crate::load::spec::{ArrivalSpec, TrafficSpec};
use crate::measure::Tally;
use crate::plan::Sources;
use crate::plan::preview;
use crate::plan::search::binds::binds;
use crate::plan::search::point::{Measured, Subject, Verdict as PointVerdict};
use crate::results::readings;
use crate::scenario::{FallbackStep, LaneTarget, Variant};
use crate::service::spec::{CapacitySpec, Overload, ProvisionedSpec, ReservedSpec};
use crate::sim::{Assembled, assemble};
use crate::units::{Micros, Moment, RequestsPerMinute, TokensPerDay, TokensPerMinute, Usd};

/// Before this nothing is measured: caches fill, and answers of before would still hold quota.
const WARMUP: Micros = Micros::from_secs(300);
/// Requests of one run at most, where ten minutes hold as few.
const MOST_REQUESTS: f64 = 60_000.0;
/// The least time that is measured.
const LEAST_SPAN: f64 = 600.0;
/// Seeds at first; every plan of an hour meets the same ones.
const SEEDS: u32 = 3;
/// With half of the seeds again as many times where chance leaves it open.
const ROUNDS: u32 = 2;

/// The variant that the hours are made of.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub sources: Sources<'a>,
    pub variant: &'a Variant,
    /// What has to hold.
    pub slo: &'a Slo,
    pub seed: u64,
}

/// The requests of an hour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offered {
    /// Workloads with their requests in the hour, all above zero.
    pub workloads: Vec<(String, f64)>,
    /// Which part of recorded traffic stands for it.
    pub part: Part,
}

impl Offered {
    pub(super) fn requests(&self) -> f64 {
        self.workloads.iter().map(|(_, requests)| requests).sum()
    }
}

/// What an hour gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// Requests per hour that began.
    pub requests_per_hour: f64,
    /// Whether every objective was met, as it was seen.
    pub is_met: bool,
    /// Whether chance may have decided that: with 95 % it did not if this is `false`.
    pub is_unsure: bool,
    /// The objectives one by one.
    pub objectives: Vec<Objective>,
    /// The 99th percentile of the time to the first token in milliseconds.
    pub ttft_p99_ms: Option<f64>,
    /// Requests that ended throttled over those offered.
    pub throttled_share: f64,
    /// Good requests over those offered.
    pub attainment: Option<f64>,
    /// Requests that bought capacity served, over those completed.
    pub bought_share: f64,
    /// Use of what was bought, input and output.
    pub utilisation: Option<(f64, f64)>,
    /// What was paid per token in an hour, guardrails inside.
    pub tokens_per_hour: Usd,
    /// What broke, and how that is known, where an objective was missed.
    pub binds: Option<(String, String)>,
    /// Seconds measured, over all seeds.
    pub measured: Micros,
    /// Seeds.
    pub runs: u32,
}

/// One objective of the SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Its name, such as `ttft.p99`.
    pub name: String,
    /// The bound: milliseconds of a latency, otherwise a share.
    pub bound: f64,
    /// What was seen; infinite where the quantile falls among requests without an answer.
    pub seen: Option<f64>,
    /// Whether it is a latency.
    pub is_latency: bool,
    /// Whether what was seen meets it.
    pub is_met: bool,
}

/// Simulates the hour with what is held in it; `done` is called after each run.
pub(super) fn simulate(
    stage: Stage<'_>,
    offered: &Offered,
    holding: &Holding,
    done: &(dyn Fn() + Sync),
) -> Result<Simulated, String> {
    let assembled = assembled(stage, offered, holding)?;
    let setup = &assembled.setup;
    let subject = Subject {
        setup,
        slo: stage.slo,
        seed: stage.seed,
        name: &assembled.context.name,
        trying: "",
    };
    let rate = (offered.requests() / 3600.0, true);
    let measured = subject.measure_in((SEEDS, ROUNDS), (1.0, 1.0), rate, &|| done());
    Ok(told(&measured, stage.slo, holding))
}

/// The variant of this hour: the workloads of the pool alone, at their rates, with what is held.
pub(super) fn assembled(
    stage: Stage<'_>,
    offered: &Offered,
    holding: &Holding,
) -> Result<Assembled, String> {
    let rate = offered.requests() / 3600.0;
    let span = (MOST_REQUESTS / rate).clamp(LEAST_SPAN, 3600.0);
    // Whole minutes, so that fixed windows are whole.
    let span = Micros::from_secs((span / 60.0).floor() as u64 * 60);
    let mut variant = stage.variant.clone();
    variant.duration = WARMUP + span;
    variant.warmup = WARMUP;
    variant.service.capacity = capacity(holding);
    if let Some(scope) = &holding.headroom {
        // Before all other steps: a refused request goes there at once.
        let to_scope = FallbackStep {
            to: LaneTarget {
                scope: Some(scope.clone()),
                ..LaneTarget::default()
            },
            batch: false,
            on: FailureClasses::of(&[FailureClass::Throttled]),
            after: Some(1),
            workloads: None,
        };
        variant.fallbacks.insert(0, to_scope);
    }
    let has_rate = |name: &str| offered.workloads.iter().any(|(known, _)| known == name);
    variant.workloads.retain(|one| has_rate(&one.name));
    for workload in &mut variant.workloads {
        // The pool has one scope; what is held decides which.
        workload.scope = None;
        workload.traffic = steady(&workload.traffic, variant.duration, offered.part);
    }
    let mut loaded = stage.sources.loaded.clone();
    loaded.scenario.variants = vec![variant];
    let joined = assemble(&loaded, stage.sources.catalogue, stage.sources.book)
        .map_err(|error| error.to_string())?;
    let mut one = joined
        .into_iter()
        .next()
        .ok_or_else(|| "the variant could not be put together".to_owned())?;
    to_rates(&mut one, offered, stage.seed);
    if holding.quota_factor > 1.0 {
        for counter in &mut one.setup.endpoint.counters {
            let limits = &mut counter.limits;
            let raised = |limit: u64| (limit as f64 * holding.quota_factor).ceil() as u64;
            limits.tpm.0 = raised(limits.tpm.0);
            limits.rpm = limits.rpm.map(|rpm| RequestsPerMinute(raised(rpm.0)));
            limits.tpd = limits.tpd.map(|tpd| TokensPerDay(raised(tpd.0)));
        }
    }
    Ok(one)
}

/// Sets the traffic of each workload to its rate in the hour.
fn to_rates(assembled: &mut Assembled, offered: &Offered, seed: u64) {
    let until = Moment::ZERO + assembled.setup.duration;
    let open = |traffic: &TrafficSpec| {
        !matches!(traffic.arrival, ArrivalSpec::Closed { .. }) && !traffic.has_sessions()
    };
    let workloads = &assembled.setup.workloads;
    // The rate of users and of sessions depends on how long answers take.
    let needs_preview = workloads.iter().any(|one| !open(&one.traffic));
    let seen = needs_preview.then(|| preview(assembled, seed));
    let factors: Vec<Option<f64>> = workloads
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let own = match &seen {
                Some(seen) if !open(&one.traffic) => seen.workloads[index].mean_rate.0,
                _ => Source::new(&one.traffic, seed, &one.name, until).mean_rate(),
            };
            let mut known = offered.workloads.iter();
            let wanted = known.find(|(name, _)| *name == one.name)?.1 / 3600.0;
            (own > 0.0).then(|| wanted / own)
        })
        .collect();
    for (workload, factor) in assembled.setup.workloads.iter_mut().zip(factors) {
        if let Some(factor) = factor.filter(|factor| factor.is_finite() && *factor > 0.0) {
            workload.traffic = workload.traffic.scaled(factor);
        }
    }
}

/// What is held, as a scenario would say it.
fn capacity(holding: &Holding) -> CapacitySpec {
    match &holding.held {
        Held::Nothing { scope } => CapacitySpec::OnDemand {
            scope: scope.clone(),
        },
        Held::Reserved {
            scope,
            term,
            input_tpm,
            output_tpm,
            burndown,
        } => CapacitySpec::Reserved(ReservedSpec {
            scope: scope.clone(),
            input_tpm: *input_tpm,
            output_tpm: *output_tpm,
            term: *term,
            overflow: true,
            burndown: *burndown,
        }),
        Held::Units {
            scope,
            term,
            units,
            input_tpm,
            output_tpm,
        } => CapacitySpec::Provisioned(ProvisionedSpec {
            model_units: *units,
            term: *term,
            unit_input_tpm: *input_tpm,
            unit_output_tpm: *output_tpm,
            unit_price_per_hour: None,
            overload: Overload::OnDemand(scope.clone()),
        }),
    }
}

fn told(measured: &Measured, slo: &Slo, holding: &Holding) -> Simulated {
    let all = measured.measures.overall();
    let span = measured.measures.measured_time();
    let hours = span.as_secs_f64() / 3600.0;
    let objectives: Vec<Objective> = measured
        .objectives
        .iter()
        .map(|one| {
            let reading = &one.reading;
            Objective {
                name: reading.name.clone(),
                bound: reading.bound,
                seen: reading.seen,
                is_latency: reading.is_latency,
                // A latency that no request has cannot be missed.
                is_met: reading.seen.is_none_or(|seen| reading.is_met_by(seen)),
            }
        })
        .collect();
    let is_met = objectives.iter().all(|one| one.is_met);
    let offered = all.requests.offered.max(1) as f64;
    let spent = all.ledger.total() - all.ledger.reserved;
    let reserved = measured.setup.endpoint.reserved.as_ref();
    let burndown = reserved.map_or(1, |reserved| reserved.burndown);
    let utilisation = holding.held.sustains().map(|(input, output)| {
        let minutes = span.as_secs_f64() / 60.0;
        let used = &all.prepaid_tokens;
        let share =
            |tokens: u64, tpm: TokensPerMinute| tokens as f64 / (tpm.0.max(1) as f64 * minutes);
        (
            share(used.input + used.cache_write, input),
            share(used.output * burndown, output),
        )
    });
    Simulated {
        requests_per_hour: all.requests.offered as f64 / hours.max(1e-9),
        is_met,
        is_unsure: measured.verdict == PointVerdict::Undecided,
        ttft_p99_ms: ttft_p99(&measured.measures.total.workloads),
        throttled_share: all.requests.throttled as f64 / offered,
        attainment: measured.attainment.map(|one| one.estimate),
        bought_share: all.prepaid_requests as f64 / all.requests.completed.max(1) as f64,
        utilisation,
        tokens_per_hour: per_hour(spent, span),
        binds: (!is_met).then(|| {
            let found = binds(measured, slo);
            (found.what, found.evidence)
        }),
        measured: span,
        runs: measured.measures.replications.len() as u32,
        objectives,
    }
}

/// What an hour costs of which `span` cost so much, to the nearest pico-dollar.
fn per_hour(spent: Usd, span: Micros) -> Usd {
    let length = i128::from(span.0.max(1));
    let product = spent.0.checked_mul(i128::from(Micros::HOUR.0));
    match product {
        Some(product) => Usd((product + length / 2).div_euclid(length)),
        // Beyond 10²⁸ pico-dollars a rounding error does not matter.
        None => spent.scaled(Micros::HOUR.0 as f64 / length as f64),
    }
}

/// The 99th percentile of the time to the first token in milliseconds; infinite where more than a hundredth
/// got no answer, `None` if nothing is streamed.
fn ttft_p99(workloads: &[Tally]) -> Option<f64> {
    let bound = LatencyBound {
        metric: LatencyMetric::Ttft,
        quantile: Quantile::P99,
        at_most: Micros::MAX,
    };
    let slo = Slo {
        latency: vec![bound],
        ..Slo::default()
    };
    readings(&slo, workloads).first()?.seen
}
