//! `bedload simulate`: every variant of a scenario in virtual time.

use super::args::{Format, Shared, SimulateArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::report::leave;
use super::term::{Term, data, talk};
use crate::domain::Semantics;
use crate::profile::{Catalogue, ProfileKind};
use crate::report::{self, FolderFiles, Style, View};
use crate::results::{
    self, EngineInfo, HostInfo, LabSummary, MANIFEST_SCHEMA, Manifest, ProfileUse, ScenarioInfo,
    Summary, profile_use, summarise,
};
use crate::scenario::Scenario;
use crate::sim::{Assembled, RunSetup, VariantContext, VariantMeasures, run_all};
use crate::store::RunFolder;
use crate::units::Micros;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Where runs go unless `--out` says otherwise.
const RUNS: &str = "results/runs";

/// Runs the verb.
pub fn run(args: &SimulateArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    simulate(args, term).unwrap_or_else(|stopped| stopped)
}

/// A simulation that is over.
struct Finished {
    contexts: Vec<VariantContext>,
    measures: Vec<VariantMeasures>,
    summary: Summary,
}

fn simulate(args: &SimulateArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let sets = args.replications.map(|n| format!("replications={n}"));
    let sets: Vec<String> = sets.into_iter().collect();
    let mut prepared = prepare(&args.scenario, &args.shared, &sets, &catalogue, book, term)?;
    if args.spread {
        prepared.assembled = spread(&prepared.assembled);
    }
    for one in &mut prepared.assembled {
        one.setup.record_attempts = args.attempts;
    }
    let pool = threads(args.threads)?;
    // The folder is made first: a place that cannot be written should not cost a simulation.
    let manifest = manifest(&prepared, &catalogue, pool.current_num_threads());
    let folder = begin(args.out.as_deref(), manifest)?;
    let finished = execute(prepared, &pool, term);
    let path = write(args, folder, &finished).map_err(|error| stopped(&error))?;
    Ok(print(&args.shared, term, &finished.summary, &path))
}

/// Each variant under each of the three quota semantics, with the window that goes with it.
fn spread(assembled: &[Assembled]) -> Vec<Assembled> {
    let all = [Semantics::A, Semantics::B, Semantics::C];
    let under = |one: &Assembled, semantics: Semantics| {
        let mut one = one.clone();
        one.setup.endpoint.rules.semantics = semantics;
        one.setup.endpoint.rules.token_window = semantics.default_window();
        one.context.name = format!("{} [{semantics}]", one.context.name);
        let window = semantics.default_window().to_string();
        for assumption in &mut one.context.assumptions {
            match assumption.name.as_str() {
                "quota.semantics" => assumption.value = semantics.to_string(),
                "quota.window" => assumption.value.clone_from(&window),
                _ => {}
            }
        }
        one
    };
    assembled
        .iter()
        .flat_map(|one| all.map(|semantics| under(one, semantics)))
        .collect()
}

/// The threads that a command asks for; all cores if it asks for none.
pub(super) fn threads(wanted: Option<usize>) -> Result<ThreadPool, Stopped> {
    let threads = wanted.unwrap_or(0);
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| {
            talk(&format!("error: cannot start {threads} threads: {error}"));
            Exit::Unexpected
        })
}

fn execute(prepared: Prepared, pool: &ThreadPool, term: Term) -> Finished {
    let scenario = &prepared.loaded.scenario;
    let (setups, contexts): (Vec<RunSetup>, Vec<VariantContext>) = prepared
        .assembled
        .into_iter()
        .map(|one| (one.setup, one.context))
        .unzip();
    let bar = progress(term, setups.len() * scenario.replications as usize);
    let clock = now().1;
    let measures = pool.install(|| {
        run_all(&setups, scenario.seed, scenario.replications, &|| {
            bar.inc(1);
        })
    });
    let wall = Micros::from_secs_f64(clock.elapsed().as_secs_f64());
    bar.finish_and_clear();
    let info = scenario_info(scenario, scenario.replications);
    let engine = EngineInfo {
        wall,
        threads: pool.current_num_threads() as u32,
    };
    let summary = summarise(&info, &contexts, &measures, engine, false);
    Finished {
        contexts,
        measures,
        summary,
    }
}

pub(super) fn manifest(prepared: &Prepared, catalogue: &Catalogue, threads: usize) -> Manifest {
    let scenario = &prepared.loaded.scenario;
    Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        replications: scenario.replications,
        partial: true,
        started_at: now().0,
        command: std::env::args().collect(),
        resolved_scenario: toml::to_string(&scenario.resolved).unwrap_or_default(),
        profiles: profiles(catalogue, &prepared.assembled),
        host: HostInfo {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            threads: threads as u32,
        },
    }
}

/// The wall clock as text, and a clock for spans. Results do not depend on either.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a shell; the times label the run folder"
)]
pub(super) fn now() -> (String, Instant) {
    let started_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    (started_at, Instant::now())
}

pub(super) fn progress(term: Term, runs: usize) -> ProgressBar {
    if !term.shows_progress() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} simulating {bar:30} {pos}/{len} runs {eta} {msg}");
    let bar = ProgressBar::new(runs as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Every profile that the variants rest on, once each.
fn profiles(catalogue: &Catalogue, assembled: &[Assembled]) -> Vec<ProfileUse> {
    let (mut models, mut latencies, mut books): (BTreeSet<_>, BTreeSet<_>, BTreeSet<_>) =
        Default::default();
    let guarded = assembled
        .iter()
        .any(|one| !one.setup.endpoint.guards.is_empty());
    let quotas = catalogue.latest_guardrails().filter(|_| guarded);
    let guardrails: BTreeSet<_> = quotas
        .map(|quotas| quotas.name.clone())
        .into_iter()
        .collect();
    let note = |names: &mut BTreeSet<String>, name: &str| names.insert(name.to_owned());
    for one in assembled {
        note(&mut books, &one.context.price_book.0);
        for workload in &one.context.workloads {
            note(&mut models, &workload.model);
            note(&mut latencies, &workload.latency);
        }
    }
    [
        (ProfileKind::Model, models),
        (ProfileKind::Latency, latencies),
        (ProfileKind::Prices, books),
        (ProfileKind::Guardrails, guardrails),
    ]
    .iter()
    .flat_map(|(kind, names)| {
        names
            .iter()
            .filter_map(|name| profile_use(catalogue, *kind, name))
    })
    .collect()
}

pub(super) fn begin(out: Option<&Path>, manifest: Manifest) -> Result<RunFolder, Stopped> {
    let folder = if let Some(out) = out {
        RunFolder::create_at(out, manifest)
    } else {
        let timestamp = manifest.started_at.replace(['-', ':'], "");
        RunFolder::create(Path::new(RUNS), &timestamp, manifest)
    };
    folder.map_err(|error| stopped(&error))
}

fn write(
    args: &SimulateArgs,
    folder: RunFolder,
    finished: &Finished,
) -> Result<PathBuf, Box<dyn Error>> {
    let course = write_runs(&folder, &finished.contexts, &finished.measures)?;
    if args.attempts {
        let named = || finished.contexts.iter().zip(&finished.measures);
        let attempts = named().map(|(context, measures)| {
            let workloads = context
                .workloads
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            (context.name.as_str(), workloads, measures)
        });
        folder.write(
            "attempts.jsonl",
            results::attempts_jsonl(attempts).as_bytes(),
        )?;
    }
    course.conclude(&folder, &finished.summary, None, false)?;
    Ok(folder.finish(false)?)
}

/// What a summary says of its scenario, of which each variant was run so many times.
pub(super) fn scenario_info(scenario: &Scenario, replications: u32) -> ScenarioInfo {
    ScenarioInfo {
        name: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: scenario.seed,
        replications,
    }
}

/// The files that every simulation leaves.
pub(super) fn write_runs(
    folder: &RunFolder,
    contexts: &[VariantContext],
    measures: &[VariantMeasures],
) -> Result<Course, Box<dyn Error>> {
    let named = contexts.iter().map(|context| context.name.as_str());
    let runs = || named.clone().zip(measures);
    let course = Course {
        timeline: results::timeline_csv(runs()),
        histograms: results::histogram_log(runs())?,
    };
    folder.write("timeline.csv", course.timeline.as_bytes())?;
    folder.write("histograms.hlog", &course.histograms)?;
    Ok(course)
}

/// What [`write_runs`] wrote, for the report on it.
pub(super) struct Course {
    timeline: String,
    histograms: Vec<u8>,
}

impl Course {
    /// Writes the conclusions from the runs, and the page that shows them all.
    pub(super) fn conclude(
        &self,
        folder: &RunFolder,
        summary: &Summary,
        lab: Option<&LabSummary>,
        partial: bool,
    ) -> Result<(), Box<dyn Error>> {
        let summary = summary.to_json();
        folder.write("summary.json", summary.as_bytes())?;
        let lab = lab.map(LabSummary::to_json);
        if let Some(lab) = &lab {
            folder.write("lab.json", lab.as_bytes())?;
        }
        let files = FolderFiles {
            summary: Some(&summary),
            lab: lab.as_deref(),
            timeline: Some(&self.timeline),
            histograms: Some(&self.histograms),
            ..FolderFiles::default()
        };
        leave(folder, partial, files)
    }
}

pub(super) fn stopped(error: &dyn std::fmt::Display) -> Stopped {
    talk(&format!("error: {error}"));
    Exit::Unexpected
}

pub(super) fn print(shared: &Shared, term: Term, summary: &Summary, folder: &Path) -> Exit {
    let view = View::new(summary, Some(&folder.display().to_string()));
    let text = match shared.format {
        Format::Json => summary.to_json(),
        Format::Markdown => report::markdown(&view),
        Format::Text => report::terminal(
            &view,
            Style {
                color: term.colour,
                width: term.width,
            },
        ),
    };
    let exit = data(&text);
    let any_met = summary.variants.iter().any(|variant| variant.slo.met);
    if exit == Exit::Met && !any_met {
        Exit::Missed
    } else {
        exit
    }
}
