//! A whole run: connecting, calibrating, sending, draining, and what is left of it.

use super::advice::Refusal;
use super::budget::worst_case;
use super::drive::{follow_up, keep_gate, open_sources, pace};
use super::gauges::{Gauges, Snapshot};
use super::hub::Hub;
use super::log::AttemptWriter;
use super::plan::LivePlan;
use super::target::{ClientOptions, Connected, Target, connect};
use super::{calibrate, preflight};
use crate::clock::{Clock, Timer};
use crate::load::source::Source;
use crate::measure::LatencyHistogram;
use crate::results::{CalibrationSummary, LiveSummary, percentiles_of};
use crate::sim::VariantMeasures;
use crate::units::{Micros, Moment, Usd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::io::{self, Write};
use std::sync::Arc;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How a plan is run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct LiveOptions {
    /// Where calls go.
    pub target: Target,
    /// Sign calls of a URL with the credentials of the environment too.
    pub sign: bool,
    /// Threads of the generator.
    pub threads: usize,
    /// The most attempts on the wire at once.
    pub max_in_flight: usize,
    /// A hard stop before more is spent than this.
    pub budget: Option<Usd>,
    /// Send one small request first.
    pub preflight: bool,
    /// Measure what the client itself adds, before and after.
    pub calibrate: bool,
    /// Take SIGINT: the first stops sending, the second stops at once.
    pub take_interrupts: bool,
}

/// Why a run could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The target cannot be called.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A budget needs prices.
    #[error("a budget needs a price for every model, and variant `{0}` has one without")]
    NoPrice(String),
    /// The operating system refused.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The reason.
        source: io::Error,
    },
}

/// Why a run ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody interrupted it.
    Interrupted,
    /// The next attempt might have exceeded the budget.
    Budget,
}

/// What a run left.
#[derive(Debug)]
pub struct LiveRun {
    /// What was measured, in the form of a simulation.
    pub measures: VariantMeasures,
    /// What only a live run has.
    pub live: LiveSummary,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
    /// Why it ended before its time, if it did.
    pub stopped: Option<Stop>,
}

/// Descriptors that the process needs beside its connections.
const OTHER_DESCRIPTORS: u64 = 64;
/// After the last send, how long answers are waited for at most.
const LAST_ANSWERS: Micros = Micros::HOUR;
/// The same when the run was cut short.
const DRAIN: Micros = Micros::from_secs(30);
/// The largest send lag of a valid run, its largest share of TTFT, and a lag that never matters.
const MOST_LAG: Micros = Micros(5_000);
const MOST_LAG_SHARE: f64 = 0.05;
const HARMLESS_LAG: Micros = Micros(500);
/// The largest share of its processor time that a valid generator may use.
const MOST_CPU: f64 = 0.9;

/// Runs a plan and writes each attempt that ends to `log`. `watch` is called once a second.
///
/// # Errors
/// If the target cannot be called, or the system refuses what the run needs.
pub fn run(
    plan: LivePlan,
    options: &LiveOptions,
    log: Box<dyn Write + Send>,
    watch: &mut dyn FnMut(&Snapshot),
) -> Result<LiveRun, LiveError> {
    let mut builder = if options.threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(options.threads);
        builder
    };
    let runtime = builder
        .enable_all()
        .build()
        .map_err(system("start threads"))?;
    let result = runtime.block_on(whole(plan, options, log, watch));
    // Connections that still hang must not hold the process.
    runtime.shutdown_background();
    result
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> LiveError {
    move |source| LiveError::System { what, source }
}

async fn whole(
    plan: LivePlan,
    options: &LiveOptions,
    log: Box<dyn Write + Send>,
    watch: &mut dyn FnMut(&Snapshot),
) -> Result<LiveRun, LiveError> {
    if options.budget.is_some() && worst_case(&plan).cost.is_none() {
        return Err(LiveError::NoPrice(plan.name));
    }
    let places = places(options.max_in_flight);
    let connected = reach(&plan, options, places).await?;
    let mut interrupts = Interrupts::new(options.take_interrupts)?;
    let timer = || Timer::start(Clock::begin()).map_err(system("set a timer"));
    let before = if options.calibrate {
        calibrate::measure(&timer()?, &plan.workloads[0]).await
    } else {
        None
    };
    let names = plan.workloads.iter().map(|one| one.name.clone()).collect();
    let writer = AttemptWriter::start(log, plan.name.clone(), names);
    let until = Moment::ZERO + plan.setup.duration;
    let sources: Vec<Source> = plan
        .setup
        .workloads
        .iter()
        .map(|one| Source::new(&one.traffic, plan.seed, &one.name, until))
        .collect();
    let open = open_sources(&sources);
    let busy_before = processor_time();
    let timer = timer()?;
    let client = connected.client.clone();
    let hub = Arc::new(Hub::new(
        plan,
        client,
        timer,
        sources,
        places,
        options.budget,
    ));
    hub.start_users();
    follow_up(&hub);
    tokio::spawn(pace(Arc::clone(&hub), open));
    if hub.is_gated() {
        tokio::spawn(keep_gate(Arc::clone(&hub)));
    }
    let stopped = attend(&hub, &mut interrupts, &writer, watch).await;
    let busy = processor_time() - busy_before;
    let (measures, mut gauges, attempts) = hub.close();
    writer.write(attempts);
    writer.finish().map_err(system("write attempts.jsonl"))?;
    let calibration = match before {
        None => None,
        Some(before) => {
            let after = match stopped {
                Some(Stop::Interrupted) => None,
                _ => calibrate::measure(&hub.timer, &hub.plan.workloads[0]).await,
            };
            Some(CalibrationSummary {
                before_ms: percentiles_of(&before),
                after_ms: after.as_ref().map(percentiles_of),
            })
        }
    };
    gauges.chunk_gap = hub.gaps.lock().map(|gaps| gaps.clone()).unwrap_or_default();
    let ran_for = measures.ran_for;
    let setup = &hub.plan.setup;
    let started = match stopped {
        None => setup.duration,
        Some(_) => setup.duration.min(gauges.last_sent.since(Moment::ZERO)),
    };
    let span = Micros((started - setup.warmup).0.max(1));
    let measures = VariantMeasures::of_one(hub.plan.seed, span, measures);
    let facts = Facts {
        options,
        places,
        connected: &connected,
        cpu_share: busy / (ran_for.as_secs_f64().max(1e-6) * options.threads as f64),
        started,
        stopped,
        calibration,
        priced: hub
            .plan
            .setup
            .workloads
            .iter()
            .all(|one| !one.tariffs.is_empty()),
    };
    let (live, warnings) = summary(&gauges, &measures, facts);
    Ok(LiveRun {
        measures,
        live,
        warnings,
        stopped,
    })
}

/// Connects, and makes sure that the target can be called.
async fn reach(
    plan: &LivePlan,
    options: &LiveOptions,
    places: usize,
) -> Result<Connected, LiveError> {
    preflight::reach(&options.target)?;
    let client = ClientOptions {
        sign: options.sign,
        region: &plan.region,
        connections: places,
        retries: plan.sdk_retries,
    };
    let connected = connect(&options.target, client).await?;
    if options.preflight {
        let mut asked: Vec<&str> = Vec::new();
        for workload in &plan.workloads {
            if !asked.contains(&workload.model_id.as_str()) {
                asked.push(&workload.model_id);
                preflight::ask(&connected, &options.target, workload).await?;
            }
        }
    }
    Ok(connected)
}

/// The most attempts on the wire: what was asked for, as far as descriptors allow. The process
/// takes as many of those as the system lets it have.
fn places(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    let descriptors = match raised {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let free = descriptors
        .unwrap_or(u64::MAX)
        .saturating_sub(OTHER_DESCRIPTORS);
    wanted
        .min(usize::try_from(free).unwrap_or(usize::MAX))
        .max(1)
}

/// Seconds of processor time that the process has used.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// SIGINT, if it is taken.
struct Interrupts(Option<Signal>);

impl Interrupts {
    fn new(taken: bool) -> Result<Self, LiveError> {
        let signal = taken.then(|| signal(SignalKind::interrupt())).transpose();
        signal.map(Self).map_err(system("take interrupts"))
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// How often attempts are handed to their writer.
const HAND_ON: Micros = Micros(100_000);

/// Looks after a run until its last request has ended.
async fn attend(
    hub: &Arc<Hub>,
    interrupts: &mut Interrupts,
    writer: &AttemptWriter,
    watch: &mut dyn FnMut(&Snapshot),
) -> Option<Stop> {
    let mut interrupted = false;
    let mut give_up_at = Moment::NEVER;
    let mut hand_on_at = Moment::ZERO + HAND_ON;
    let mut watch_at = Moment::ZERO + Micros::SECOND;
    while !hub.is_done() {
        tokio::select! {
            () = hub.idle.notified() => {}
            () = hub.timer.sleep_until(hand_on_at.min(watch_at)) => {}
            () = interrupts.next() => {
                if interrupted {
                    break;
                }
                interrupted = true;
                hub.stop();
            }
        }
        let now = hub.clock.now();
        if now >= hand_on_at {
            writer.write(hub.take_attempts());
            hand_on_at = now + HAND_ON;
        }
        if now >= watch_at {
            watch(&hub.snapshot());
            watch_at = watch_at + Micros::SECOND;
        }
        if give_up_at == Moment::NEVER {
            let state = hub.lock();
            if state.stopping {
                give_up_at = now + DRAIN;
            } else if state.pacing_done && now >= Moment::ZERO + hub.plan.setup.duration {
                give_up_at = now + LAST_ANSWERS;
            }
        } else if now >= give_up_at {
            break;
        }
    }
    let over_budget = hub.lock().over_budget;
    match (interrupted, over_budget) {
        (true, _) => Some(Stop::Interrupted),
        (false, true) => Some(Stop::Budget),
        (false, false) => None,
    }
}

/// What a summary is made of beside measures.
struct Facts<'a> {
    options: &'a LiveOptions,
    places: usize,
    connected: &'a Connected,
    cpu_share: f64,
    started: Micros,
    stopped: Option<Stop>,
    calibration: Option<CalibrationSummary>,
    priced: bool,
}

fn summary(
    gauges: &Gauges,
    measures: &VariantMeasures,
    facts: Facts<'_>,
) -> (LiveSummary, Vec<String>) {
    let mut warnings = bottlenecks(gauges, measures, facts.cpu_share);
    let valid = warnings.is_empty();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            warnings.push(format!("{count} {what}"));
        }
    };
    say(
        gauges.unaccounted,
        "attempts broke off or were abandoned: what they used and cost is unknown and not counted",
    );
    say(
        gauges.without_usage,
        "answers came without usage: their tokens are not counted",
    );
    say(
        gauges.cut_off,
        "requests were cut off when the run was stopped",
    );
    match facts.stopped {
        Some(Stop::Budget) => warnings.push(
            "sending stopped: the next attempt at its worst might have exceeded the budget"
                .to_owned(),
        ),
        Some(Stop::Interrupted) => warnings.push("the run was interrupted".to_owned()),
        None => {}
    }
    // Sends that came late lengthen the time that they took.
    let sending = facts.started.max(gauges.last_sent.since(Moment::ZERO));
    let seconds = sending.as_secs_f64();
    let live = LiveSummary {
        target: facts.options.target.to_string(),
        region: facts.connected.region.clone(),
        valid,
        stopped: facts.stopped.map(|stop| match stop {
            Stop::Interrupted => "interrupted".to_owned(),
            Stop::Budget => "budget".to_owned(),
        }),
        send_lag_ms: percentiles_of(&gauges.send_lag),
        chunk_gap_ms: percentiles_of(&gauges.chunk_gap),
        first_event_ms: percentiles_of(&gauges.first_event),
        first_text_ms: percentiles_of(&gauges.first_text),
        connections_opened: facts.connected.connections.opened(),
        attempts_sent: gauges.sent,
        most_open: gauges.most_open,
        max_in_flight: facts.places as u64,
        crowded_out: gauges.crowded_out,
        without_usage: gauges.without_usage,
        unaccounted_attempts: gauges.unaccounted,
        cut_off: gauges.cut_off,
        achieved_rps: (seconds > 0.0).then(|| rounded(gauges.sent as f64 / seconds)),
        cpu_share: Some(rounded(facts.cpu_share)),
        threads: facts.options.threads as u32,
        spent_usd: facts.priced.then(|| gauges.spent.dollars()),
        calibration: facts.calibration,
    };
    (live, warnings)
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Where the generator itself was too slow for its figures to be the target's.
fn bottlenecks(gauges: &Gauges, measures: &VariantMeasures, cpu_share: f64) -> Vec<String> {
    let mut found = Vec::new();
    let lag = gauges.send_lag.quantile(0.99).unwrap_or(Micros::ZERO);
    let ttft = median_ttft(measures);
    let of_ttft = ttft.map_or(f64::INFINITY, |ttft| MOST_LAG_SHARE * ttft.as_secs_f64());
    if lag > MOST_LAG || (lag > HARMLESS_LAG && lag.as_secs_f64() > of_ttft) {
        found.push(format!(
            "requests were sent late: p99 of the lag is {:.1} ms (at most 5 ms, and 5 % of the median \
             TTFT); offer less, or use more or faster cores",
            lag.as_millis_f64()
        ));
    }
    if gauges.crowded_out > 0 {
        found.push(format!(
            "{} requests were not sent because too many were open: raise --max-in-flight or the \
             limit of open files, or offer less",
            gauges.crowded_out
        ));
    }
    if cpu_share > MOST_CPU {
        found.push(format!(
            "the generator used {:.0} % of its threads' processor time (at most 90 %): give it more \
             with --threads, or offer less",
            100.0 * cpu_share
        ));
    }
    found
}

fn median_ttft(measures: &VariantMeasures) -> Option<Micros> {
    let mut all = LatencyHistogram::new();
    for tally in &measures.total.workloads {
        all.merge(&tally.ttft.attempt());
    }
    all.quantile(0.5)
}
