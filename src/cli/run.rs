//! `bedload run`: a scenario live, against a URL or Amazon Bedrock.

use super::args::RunArgs;
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::run_many;
use super::run_view::LiveView;
use super::simulate::{begin, manifest, now, print, scenario_info, stopped, write_runs};
use super::term::{Term, talk};
use crate::clock::avoid_huge_pages;
use crate::live::{self, LiveError, LiveOptions, LivePlan, LiveRun, Stop, Target, worst_case};
use crate::profile::Catalogue;
use crate::results::{EngineInfo, Summary, make_live, summarise};
use crate::sim::{Assembled, VariantContext, VariantMeasures};
use crate::store::RunFolder;
use crate::units::{Micros, Usd};
use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Runs the verb.
pub fn run(args: &RunArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    run_live(args, term).unwrap_or_else(|stopped| stopped)
}

fn run_live(args: &RunArgs, term: Term) -> Result<Exit, Stopped> {
    avoid_huge_pages();
    if args.interleave.is_some() || args.runs.is_some() {
        return run_many::run_many(args, term);
    }
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let mut prepared = prepare(&args.scenario, &args.shared, &[], &catalogue, book, term)?;
    choose(args, &mut prepared, term);
    let plans = plans(&prepared, &catalogue)?;
    if args.target == Target::Bedrock {
        consent(args.budget, args.yes, &plans, 1)?;
    }
    let options = options(args);
    let done = one_run(
        &prepared,
        &catalogue,
        plans,
        &options,
        args.out.as_deref(),
        term,
    )?;
    let exit = print(&args.shared, term, &done.summary, &done.path);
    Ok(match (done.stop, exit) {
        (Some(Stop::Interrupted), _) => Exit::Interrupted,
        (_, Exit::Unexpected) => Exit::Unexpected,
        (Some(Stop::Budget), _) => Exit::Inconclusive,
        (None, _) if !done.summary.valid => Exit::Inconclusive,
        (None, exit) => exit,
    })
}

/// A run with its folder.
pub(super) struct Done {
    /// Where it lies.
    pub path: PathBuf,
    /// What was measured.
    pub summary: Summary,
    /// Why it was cut short, if it was.
    pub stop: Option<Stop>,
    /// What it cost, as far as that is known.
    pub spent: Usd,
}

/// Runs the plans and stores what came of them.
pub(super) fn one_run(
    prepared: &Prepared,
    catalogue: &Catalogue,
    plans: Vec<LivePlan>,
    options: &LiveOptions,
    out: Option<&Path>,
    term: Term,
) -> Result<Done, Stopped> {
    let folder = begin(out, manifest(prepared, catalogue, options.threads))?;
    let clock = now().1;
    let mut runs = Vec::new();
    let sent = send(
        &prepared.assembled,
        plans,
        options,
        &folder,
        term,
        &mut runs,
    );
    if let Err(stopped) = sent {
        if runs.is_empty() {
            folder.discard();
        }
        return Err(stopped);
    }
    let wall = Micros::from_secs_f64(clock.elapsed().as_secs_f64());
    let stop = runs.iter().find_map(|run| run.stopped);
    let cut_short = runs.len() < prepared.assembled.len() || stop.is_some();
    let spent = runs.iter().map(|run| run.live.spent_usd.unwrap_or(0.0));
    let spent = Usd::from_dollars(spent.sum());
    let finished = finish(prepared, runs, wall, options.threads, cut_short);
    let path = write(folder, &finished, cut_short).map_err(|error| stopped(error.as_ref()))?;
    Ok(Done {
        path,
        summary: finished.summary,
        stop,
        spent,
    })
}

/// Variants that were named run one after another; otherwise only the first does, since each of
/// them takes its time and money.
pub(super) fn choose(args: &RunArgs, prepared: &mut Prepared, term: Term) {
    let all = &mut prepared.assembled;
    if !args.shared.variants.is_empty() || all.len() < 2 {
        return;
    }
    if !term.quiet {
        let names: Vec<&str> = all.iter().map(|one| one.context.name.as_str()).collect();
        talk(&format!(
            "note: running the variant `{}`; the others run with `--variant NAME`: {}",
            names[0],
            names[1..].join(", ")
        ));
    }
    all.truncate(1);
}

pub(super) fn plans(prepared: &Prepared, catalogue: &Catalogue) -> Result<Vec<LivePlan>, Stopped> {
    let scenario = &prepared.loaded.scenario;
    let plan = |one: &Assembled| {
        let of_name = |variant: &&crate::scenario::Variant| variant.name == one.context.name;
        let variant = scenario.variants.iter().find(of_name);
        let variant = variant.expect("every assembled variant is one of the scenario's");
        LivePlan::new(variant, one, catalogue, scenario.seed)
    };
    let plans: Result<Vec<_>, _> = prepared.assembled.iter().map(plan).collect();
    plans.map_err(|error| {
        talk(&format!("error: {error}\n  help: {}", error.help()));
        Exit::InvalidFile
    })
}

pub(super) fn options(args: &RunArgs) -> LiveOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    LiveOptions {
        target: args.target.clone(),
        sign: args.sign_with_aws,
        threads: args.threads.unwrap_or(cores.min(4)),
        max_in_flight: args.max_in_flight,
        budget: args.budget,
        preflight: args.preflight || args.target == Target::Bedrock,
        calibrate: !args.no_calibration,
        take_interrupts: true,
    }
}

/// Says what the runs can cost at worst, each made so many times, and asks.
pub(super) fn consent(
    budget: Option<Usd>,
    yes: bool,
    plans: &[LivePlan],
    times: u32,
) -> Result<(), Stopped> {
    let mut total = Some(Usd::ZERO);
    for plan in plans {
        let worst = worst_case(plan);
        total = total.zip(worst.cost).map(|(sum, one)| sum + one);
        let cost = worst
            .cost
            .map_or_else(|| "unknown: a price is missing".to_owned(), show);
        let hedges = match worst.hedges {
            0 => String::new(),
            hedges => format!(" and {hedges} hedges"),
        };
        talk(&format!(
            "{}: {} requests, {} attempts of each{hedges} at most, every answer as long as max_tokens: {cost}",
            plan.name, worst.requests, worst.attempts
        ));
    }
    let total = total.map(|usd| usd.scaled(f64::from(times)));
    if times > 1 {
        talk(&format!("All of this {times} times."));
    }
    let total = total.map_or_else(
        || "of unknown cost".to_owned(),
        |usd| format!("up to {}", show(usd)),
    );
    talk(&match budget {
        Some(budget) => format!(
            "This run sends requests to Amazon Bedrock, {total}, stopped at {}.",
            show(budget)
        ),
        None => format!("This run sends requests to Amazon Bedrock, {total}."),
    });
    if yes {
        return Ok(());
    }
    let refuse = |why: &str| {
        talk(&format!(
            "error: {why}\n  help: say `--yes`, and `--budget '$5'` to limit it"
        ));
        Err(Exit::Usage)
    };
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return refuse("spending needs consent");
    }
    let _ = write!(io::stderr().lock(), "Type yes to go on: ");
    let mut typed = String::new();
    match io::stdin().lock().read_line(&mut typed) {
        Ok(_) if typed.trim().eq_ignore_ascii_case("yes") => Ok(()),
        _ => refuse("not confirmed"),
    }
}

fn show(usd: Usd) -> String {
    format!("${:.2}", usd.dollars())
}

/// Runs the plans one after another, until one is cut short.
fn send(
    assembled: &[Assembled],
    plans: Vec<LivePlan>,
    options: &LiveOptions,
    folder: &RunFolder,
    term: Term,
    runs: &mut Vec<LiveRun>,
) -> Result<(), Stopped> {
    let mut left = options.budget;
    for (plan, one) in plans.into_iter().zip(assembled) {
        let log = folder
            .stream("attempts.jsonl")
            .map_err(|error| stopped(&error))?;
        let mut view = LiveView::new(term, &one.context.name, left);
        let options = LiveOptions {
            budget: left,
            ..options.clone()
        };
        let result = live::run(plan, &options, Box::new(log), &mut |now| view.show(now));
        view.finish();
        let run = result.map_err(|error| refused(&error))?;
        left = left.map(|left| left - Usd::from_dollars(run.live.spent_usd.unwrap_or(0.0)));
        let is_cut_short = run.stopped.is_some();
        runs.push(run);
        if is_cut_short {
            break;
        }
    }
    Ok(())
}

pub(super) fn refused(error: &LiveError) -> Stopped {
    match error {
        LiveError::Refused(refusal) => {
            talk(&format!("error: {refusal}\n  help: {}", refusal.help()));
            Exit::TargetFailed
        }
        LiveError::NoPrice(_) => {
            talk(&format!(
                "error: {error}\n  help: leave out --budget, or add prices with --profiles"
            ));
            Exit::Usage
        }
        error => stopped(error),
    }
}

/// A run that is over.
struct Finished {
    contexts: Vec<VariantContext>,
    measures: Vec<VariantMeasures>,
    summary: Summary,
}

fn finish(
    prepared: &Prepared,
    runs: Vec<LiveRun>,
    wall: Micros,
    threads: usize,
    cut_short: bool,
) -> Finished {
    let scenario = &prepared.loaded.scenario;
    let contexts: Vec<VariantContext> = prepared
        .assembled
        .iter()
        .take(runs.len())
        .map(|one| one.context.clone())
        .collect();
    let (measures, live): (Vec<_>, Vec<_>) = runs
        .into_iter()
        .map(|run| (run.measures, (run.live, run.warnings)))
        .unzip();
    let info = scenario_info(scenario, 1);
    let engine = EngineInfo {
        wall,
        threads: threads as u32,
    };
    let mut summary = summarise(&info, &contexts, &measures, engine, cut_short);
    make_live(&mut summary, live);
    Finished {
        contexts,
        measures,
        summary,
    }
}

fn write(folder: RunFolder, finished: &Finished, partial: bool) -> Result<PathBuf, Box<dyn Error>> {
    let course = write_runs(&folder, &finished.contexts, &finished.measures)?;
    course.conclude(&folder, &finished.summary, None, partial)?;
    Ok(folder.finish(partial)?)
}
