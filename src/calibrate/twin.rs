//! A simulation beside the run that it should have foretold: the recorded arrivals and sizes, the scenario of
//! the run, latency profiles as they are now.

use super::figures::Pair;
use crate::load::spec::{ArrivalSpec, ContextSpec, ReplayScale, ReplaySessions, TraceReplay};
use crate::load::trace::{Trace, TraceRow};
use crate::measure::AttemptRecord;
use crate::results::report::Figure;
use crate::results::twin::{TWIN_SCHEMA, TwinDocument, TwinFigure, TwinVariant};
use crate::scenario::{Loaded, Variant, Workload};
use crate::sim::{RunSetup, VariantContext, replication_seed, run};
use crate::stats::empirical::sample_noise;
use crate::stats::quantile::{interpolated, min_samples};
use crate::units::Micros;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One attempt as it stands in `attempts.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The variant.
    pub variant: String,
    /// The workload.
    pub workload: String,
    /// The request's number in it.
    pub request: u64,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The whole prompt in tokens.
    pub request_input_tokens: u64,
    /// Output tokens that were wanted.
    pub request_output_tokens: u32,
    /// When the request was due.
    pub scheduled_us: u64,
    /// When the attempt was sent.
    pub sent_us: u64,
    /// When its first token came.
    pub first_token_us: Option<u64>,
    /// When it ended.
    pub done_us: u64,
    /// How it ended.
    pub end: String,
    /// Input tokens that counted, neither read from a cache nor written to it.
    #[serde(default)]
    pub input_tokens: u32,
    /// Output tokens that came.
    #[serde(default)]
    pub output_tokens: u32,
    /// The last content of a live answer.
    #[serde(default)]
    pub last_content_us: Option<u64>,
}

/// Reads `attempts.jsonl`; lines that are none are left out and counted.
pub fn recording(text: &str) -> (Vec<Recording>, u64) {
    let mut found = Vec::new();
    let mut bad = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(attempt) => found.push(attempt),
            Err(_) => bad += 1,
        }
    }
    (found, bad)
}

/// The scenario of a run with the arrivals that it recorded: variants that left attempts, and workloads that did.
///
/// Requests come when they were due, with their prompts and with the answers that they got. What made them,
/// a session or a closed loop, is not at work again.
pub fn replayed(loaded: &Loaded, recorded: &[Recording]) -> Loaded {
    let mut twin = loaded.clone();
    twin.scenario.replications = 1;
    for variant in &mut twin.scenario.variants {
        replay(variant, recorded);
    }
    twin.scenario
        .variants
        .retain(|variant| !variant.workloads.is_empty());
    twin
}

fn replay(variant: &mut Variant, recorded: &[Recording]) {
    let own: Vec<&Recording> = recorded
        .iter()
        .filter(|one| one.variant == variant.name)
        .collect();
    let mut last = 0;
    variant.workloads.retain_mut(|workload| {
        let mut requests: BTreeMap<u64, TraceRow> = BTreeMap::new();
        for one in own.iter().filter(|one| one.workload == workload.name) {
            let row = requests
                .entry(one.request)
                .or_insert_with(|| row_of(one, workload));
            // What an answer had counts more than what was wished for.
            if one.end == "answered" && one.output_tokens > 0 {
                row.output = one.output_tokens;
            }
        }
        let mut rows: Vec<TraceRow> = requests.into_values().collect();
        rows.sort_by_key(|row| row.at);
        for (number, row) in rows.iter_mut().enumerate() {
            row.session = number as u32;
        }
        last = last.max(rows.last().map_or(0, |row| row.at.0));
        let found = !rows.is_empty();
        let traffic = &mut workload.traffic;
        traffic.arrival = ArrivalSpec::Trace(TraceReplay {
            trace: Arc::new(Trace {
                rows,
                ..Trace::default()
            }),
            scale: ReplayScale::default(),
            sessions: ReplaySessions::default(),
        });
        traffic.shapes.clear();
        traffic.input = None;
        traffic.output = None;
        traffic.rank_correlation = 0.0;
        traffic.context = ContextSpec::default();
        traffic.kept = crate::units::Ratio::ONE;
        workload.thinking = None;
        found
    });
    variant.duration = Micros(last + 1_000_000);
    variant.warmup = Micros::ZERO;
}

/// A request of a recording. A prefix that the workload adds is no part of the row.
fn row_of(one: &Recording, workload: &Workload) -> TraceRow {
    let prefix = workload
        .traffic
        .prefix
        .map_or(0, |prefix| u64::from(prefix.tokens));
    let input = one.request_input_tokens.saturating_sub(prefix).max(1);
    TraceRow {
        at: Micros(one.scheduled_us),
        input: u32::try_from(input).unwrap_or(u32::MAX),
        output: one.request_output_tokens.max(1),
        ..TraceRow::default()
    }
}

/// What is compared of a run.
#[derive(Clone, Debug, Default, PartialEq)]
struct Figures {
    requests: f64,
    attempts: f64,
    throttled: f64,
    failed: f64,
    answered: f64,
    ttft_ms: Vec<f64>,
    e2e_ms: Vec<f64>,
}

impl Figures {
    /// Those of single attempts: request, due, sent, first token, last token, end.
    fn add(&mut self, one: &Recording, seen: &mut BTreeSet<(String, u64)>) {
        let key = (one.workload.clone(), one.request);
        if seen.insert(key) {
            self.requests += 1.0;
        }
        self.attempts += 1.0;
        match one.end.as_str() {
            "answered" => {
                self.answered += 1.0;
                let ms = |us: u64| us.saturating_sub(one.scheduled_us) as f64 / 1000.0;
                self.ttft_ms.extend(one.first_token_us.map(ms));
                self.e2e_ms
                    .push(ms(one.last_content_us.unwrap_or(one.done_us)));
            }
            "throttled" => self.throttled += 1.0,
            "cancelled" => {}
            _ => self.failed += 1.0,
        }
    }

    fn of<'a>(recorded: impl Iterator<Item = &'a Recording>) -> Self {
        let mut figures = Self::default();
        let mut seen = BTreeSet::new();
        for one in recorded {
            figures.add(one, &mut seen);
        }
        figures.ttft_ms.sort_by(f64::total_cmp);
        figures.e2e_ms.sort_by(f64::total_cmp);
        figures
    }
}

/// Simulated attempts in the words of a recording.
fn simulated(record: &AttemptRecord, names: &[String], seed: u32) -> Recording {
    Recording {
        variant: String::new(),
        workload: format!("{seed}/{}", names[record.workload]),
        request: record.request,
        attempt: record.attempt,
        request_input_tokens: record.request_input,
        request_output_tokens: record.request_output,
        scheduled_us: record.scheduled_at.0,
        sent_us: record.sent_at.0,
        first_token_us: record.first_token_at.map(|at| at.0),
        done_us: record.done_at.0,
        end: record.end.name().to_owned(),
        input_tokens: record.usage.input,
        output_tokens: record.usage.output,
        last_content_us: None,
    }
}

/// The largest relative errors of quantiles, wider where the recording itself is uncertain.
const QUANTILES: [(&str, f64, f64); 4] = [
    ("p50", 0.5, 0.10),
    ("p90", 0.9, 0.15),
    ("p95", 0.95, 0.15),
    ("p99", 0.99, 0.20),
];
/// The largest difference of shares.
const SHARE: f64 = 0.02;
/// The largest relative error of attempts for each request.
const ATTEMPTS: f64 = 0.05;

/// Runs the replayed variants `simulations` times each and compares.
pub fn twin(
    name: &str,
    recorded: &[Recording],
    variants: Vec<(RunSetup, VariantContext)>,
    seed: u64,
    simulations: u32,
) -> TwinDocument {
    let mut found = Vec::new();
    let mut figures = Vec::new();
    for (mut setup, context) in variants {
        setup.record_attempts = true;
        let names: Vec<String> = setup.workloads.iter().map(|one| one.name.clone()).collect();
        let mut simulation = Vec::new();
        for index in 0..simulations.max(1) {
            let measures = run(&setup, replication_seed(seed, index));
            simulation.extend(
                measures
                    .attempts
                    .iter()
                    .map(|one| simulated(one, &names, index)),
            );
        }
        let own = recorded.iter().filter(|one| one.variant == context.name);
        let (was, is) = (Figures::of(own), Figures::of(simulation.iter()));
        let rows = compared(&was, &is, f64::from(simulations.max(1)));
        let agrees = rows.iter().all(|row| row.agrees != Some(false));
        figures.extend(figure(&context.name, "ttft", &was.ttft_ms, &is.ttft_ms));
        figures.extend(figure(&context.name, "e2e", &was.e2e_ms, &is.e2e_ms));
        let latency = context
            .workloads
            .iter()
            .map(|one| (one.latency.clone(), one.latency_origin.to_string()));
        found.push(TwinVariant {
            name: context.name.clone(),
            agrees,
            latency: latency.collect(),
            figures: rows,
        });
    }
    TwinDocument {
        schema: TWIN_SCHEMA.to_owned(),
        verdict: verdict(&found),
        agrees: !found.is_empty() && found.iter().all(|variant| variant.agrees),
        run: name.to_owned(),
        simulations: simulations.max(1),
        variants: found,
        warnings: Vec::new(),
        notes: vec![
            "Both sides have the same requests, due at the same moments, with the prompts and answers of the \
             recording. Times count from the moment a request was due."
                .to_owned(),
            "Agreement is 10 % at p50, 15 % at p90 and p95, 20 % at p99, or what the recorded percentile \
             itself is uncertain by; 5 % of attempts for each request; 2 points of a share."
                .to_owned(),
        ],
        figures,
    }
}

fn compared(was: &Figures, is: &Figures, simulations: f64) -> Vec<TwinFigure> {
    let over = |a: f64, b: f64| (b > 0.0).then(|| a / b);
    let relative =
        |a: Option<f64>, b: Option<f64>| Some((b? / a.filter(|a| *a != 0.0)? - 1.0).abs());
    let mut rows = Vec::new();
    let mut push =
        |name: String, a: Option<f64>, b: Option<f64>, error: Option<f64>, bound: Option<f64>| {
            rows.push(TwinFigure {
                name,
                recorded: a,
                simulated: b,
                error,
                agrees: error.zip(bound).map(|(error, bound)| error <= bound),
                bound,
            });
        };
    let requests = (Some(was.requests), over(is.requests, simulations));
    push("requests".to_owned(), requests.0, requests.1, None, None);
    let each = |f: &Figures| over(f.attempts, f.requests);
    let (a, b) = (each(was), each(is));
    push(
        "attempts_per_request".to_owned(),
        a,
        b,
        relative(a, b),
        Some(ATTEMPTS),
    );
    for (name, pick) in [
        ("throttled_share", (|f| f.throttled) as fn(&Figures) -> f64),
        ("failed_share", |f| f.failed),
    ] {
        let share = |f: &Figures| over(pick(f), f.attempts);
        let (a, b) = (share(was), share(is));
        let error = a.zip(b).map(|(a, b)| (a - b).abs());
        push(name.to_owned(), a, b, error, Some(SHARE));
    }
    let answered = |f: &Figures| over(f.answered, f.requests);
    let (a, b) = (answered(was), answered(is));
    let error = a.zip(b).map(|(a, b)| (a - b).abs());
    push("answered_share".to_owned(), a, b, error, Some(SHARE));
    for (name, was, is) in [
        ("ttft_ms", &was.ttft_ms, &is.ttft_ms),
        ("e2e_ms", &was.e2e_ms, &is.e2e_ms),
    ] {
        for (percentile, share, bound) in QUANTILES {
            let (a, b) = (interpolated(was, share), interpolated(is, share));
            let enough = was.len() as u64 >= min_samples(share);
            let noise = sample_noise(was, share);
            let bound = enough.then_some(bound.max(noise));
            push(format!("{name}.{percentile}"), a, b, relative(a, b), bound);
        }
    }
    rows
}

fn verdict(variants: &[TwinVariant]) -> Vec<String> {
    if variants.is_empty() {
        return vec!["The run holds no attempt of a variant of its scenario.".to_owned()];
    }
    let of = |variant: &TwinVariant| {
        let figure = |name: &str| variant.figures.iter().find(|figure| figure.name == name);
        let told = [
            "ttft_ms.p50",
            "ttft_ms.p95",
            "e2e_ms.p95",
            "attempts_per_request",
        ];
        let words: Vec<String> = told
            .into_iter()
            .filter_map(|name| {
                let error = figure(name)?.error?;
                Some(format!("{name} {:.1} %", 100.0 * error))
            })
            .collect();
        if variant.agrees {
            return format!(
                "`{}`: the simulation tells what happened (off by {}).",
                variant.name,
                words.join(", ")
            );
        }
        let off = variant
            .figures
            .iter()
            .filter(|figure| figure.agrees == Some(false));
        let off: Vec<String> = off
            .map(|figure| {
                format!(
                    "{} is {} and was {}",
                    figure.name,
                    number(figure.simulated),
                    number(figure.recorded)
                )
            })
            .collect();
        format!(
            "`{}`: the simulation does not tell what happened: {}.",
            variant.name,
            off.join("; ")
        )
    };
    variants.iter().map(of).collect()
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "unknown".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.3}"),
    }
}

fn figure(variant: &str, metric: &str, was: &[f64], is: &[f64]) -> Option<Figure> {
    let shares = (1..20)
        .map(|i| f64::from(i) * 0.05)
        .chain([0.975, 0.99, 0.995, 0.999]);
    let inside = shares.filter(|share| *share <= 1.0 - 0.5 / was.len().max(1) as f64);
    let points: Vec<(f64, f64, f64)> = inside
        .filter_map(|share| Some((share, interpolated(was, share)?, interpolated(is, share)?)))
        .collect();
    if points.is_empty() {
        return None;
    }
    let pair = Pair {
        id: format!("twin-{variant}-{metric}"),
        of: variant,
        metric,
        names: ["recorded", "simulated"],
        caption: format!(
            "Percentiles of {} recorded answers and of the simulation.",
            was.len()
        ),
        variant: Some(variant),
        points: &points,
    };
    Some(pair.figure())
}
