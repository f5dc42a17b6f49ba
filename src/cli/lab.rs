//! `bedload lab`: which policy survives a spike.

use super::args::{Format, LabArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::simulate::{
    begin, manifest, now, progress, scenario_info, stopped, threads, write_runs,
};
use super::term::{Term, data, talk};
use crate::plan::lab::{LabInput, LabPolicy, SeedFigures, Tip, Verdict, Window, document, tip};
use crate::report::{self, Style};
use crate::results::{EngineInfo, LabSummary, Summary, summarise};
use crate::scenario::{Scenario, SpikeSpec};
use crate::sim::{RunSetup, VariantContext, VariantMeasures, replication_seed, run_each};
use crate::units::Micros;
use rayon::ThreadPool;

/// Seeds where neither the scenario nor the command names a number.
const SEEDS: u32 = 5;

/// Runs the verb.
pub fn run(args: &LabArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    lab(args, term).unwrap_or_else(|stopped| stopped)
}

fn lab(args: &LabArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let sets: Vec<String> = args
        .seeds
        .map(|n| format!("replications={n}"))
        .into_iter()
        .collect();
    let mut prepared = prepare(&args.scenario, &args.shared, &sets, &catalogue, book, term)?;
    if args.seeds.is_none() && prepared.loaded.scenario.replications == 1 {
        prepared.loaded.scenario.replications = SEEDS;
    }
    let (window, spike) = window(&prepared)?;
    for one in &mut prepared.assembled {
        one.setup.course = Some(window.bin());
    }
    let pool = threads(args.threads)?;
    let manifest = manifest(&prepared, &catalogue, pool.current_num_threads());
    let folder = begin(args.out.as_deref(), manifest)?;
    let found = pool.install(|| find(args, prepared, &window, &pool, term));
    let triggers: Vec<String> = spike.triggers.iter().map(ToString::to_string).collect();
    let lab = document(&LabInput {
        window: &window,
        triggers: &triggers,
        summary: &found.summary,
        policies: &found.policies,
    });
    let written = write_runs(&folder, &found.contexts, &found.measures)
        .and_then(|course| course.conclude(&folder, &found.summary, Some(&lab), false))
        .and_then(|()| Ok(folder.finish(false)?));
    let path = written.map_err(|error| stopped(&error))?;
    Ok(print(args, term, &lab, &path.display().to_string()))
}

/// The one spike that all policies meet.
fn window(prepared: &Prepared) -> Result<(Window, SpikeSpec), Stopped> {
    let invalid = |message: &str, help: &str| {
        talk(&format!("error: {message}\n  help: {help}"));
        Exit::InvalidFile
    };
    let scenario: &Scenario = &prepared.loaded.scenario;
    let mut found: Option<(Window, SpikeSpec)> = None;
    for one in &prepared.assembled {
        let name = &one.context.name;
        let variants = &scenario.variants;
        let variant = variants.iter().find(|variant| variant.name == *name);
        let Some(spike) = variant.and_then(|variant| variant.spike.clone()) else {
            return Err(invalid(
                &format!("the variant `{name}` has no spike"),
                "add `[spike]` with `at`, `length` and a trigger such as `load = 5.0`",
            ));
        };
        let window = Window {
            from: one.context.warmup,
            at: spike.at,
            release: spike.release(),
            until: one.context.duration,
        };
        if !window.is_sound() {
            return Err(invalid(
                "the spike leaves no time before it or after it",
                "let it begin after the warm-up and end before `duration`",
            ));
        }
        match &found {
            None => found = Some((window, spike)),
            Some((first, _)) if *first == window => {}
            Some(_) => {
                return Err(invalid(
                    "the variants have spikes at different times",
                    "policies are compared by what happens at the same time; choose with `--variant`",
                ));
            }
        }
    }
    found.ok_or_else(|| invalid("the scenario has no variant", "add `[[variant]]`"))
}

/// What was run.
struct Found {
    contexts: Vec<VariantContext>,
    measures: Vec<VariantMeasures>,
    summary: Summary,
    policies: Vec<LabPolicy>,
}

fn find(
    args: &LabArgs,
    prepared: Prepared,
    window: &Window,
    pool: &ThreadPool,
    term: Term,
) -> Found {
    let scenario = &prepared.loaded.scenario;
    let (setups, contexts): (Vec<RunSetup>, Vec<VariantContext>) = prepared
        .assembled
        .into_iter()
        .map(|one| (one.setup, one.context))
        .unzip();
    let bar = progress(term, setups.len() * scenario.replications as usize);
    let clock = now().1;
    let mut seeds: Vec<Vec<SeedFigures>> = vec![Vec::new(); setups.len()];
    let measures = run_each(
        &setups,
        scenario.seed,
        scenario.replications,
        &|| bar.inc(1),
        |variant, seed, run| seeds[variant].push(SeedFigures::of(seed, run, window)),
    );
    let mut policies: Vec<LabPolicy> = seeds
        .into_iter()
        .zip(&measures)
        .map(|(seeds, measures)| LabPolicy {
            seeds,
            course: measures
                .total
                .course
                .clone()
                .expect("runs of a lab are followed"),
            tip: None,
        })
        .collect();
    let all_seeds: Vec<u64> = (0..scenario.replications)
        .map(|index| replication_seed(scenario.seed, index))
        .collect();
    bar.set_message("looking for the load at which they tip");
    for (policy, setup) in policies.iter_mut().zip(&setups) {
        let ticks = || {
            bar.inc_length(1);
            bar.inc(1);
        };
        policy.tip = find_tip(args, policy, setup, window, &all_seeds, &ticks);
    }
    let wall = Micros::from_secs_f64(clock.elapsed().as_secs_f64());
    bar.finish_and_clear();
    let info = scenario_info(scenario, scenario.replications);
    let engine = EngineInfo {
        wall,
        threads: pool.current_num_threads() as u32,
    };
    let summary = summarise(&info, &contexts, &measures, engine, false);
    Found {
        contexts,
        measures,
        summary,
        policies,
    }
}

/// The load at which a policy tips, if that is wanted of it.
fn find_tip(
    args: &LabArgs,
    policy: &LabPolicy,
    setup: &RunSetup,
    window: &Window,
    seeds: &[u64],
    done: &(impl Fn() + Sync),
) -> Option<Tip> {
    let parts = policy.phases(window);
    let verdict = parts.verdict(None);
    let wanted = match verdict {
        _ if args.no_tip => false,
        Verdict::Metastable => true,
        Verdict::Recovers | Verdict::Overloaded => args.tip,
    };
    wanted.then(|| tip(setup, window, seeds, verdict, parts.before.share(), done))
}

fn print(args: &LabArgs, term: Term, lab: &LabSummary, folder: &str) -> Exit {
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let text = match args.shared.format {
        Format::Json => lab.to_json(),
        Format::Markdown => report::lab::markdown(lab, folder),
        Format::Text => report::lab::terminal(lab, style, folder),
    };
    let exit = data(&text);
    if exit == Exit::Met && !lab.policies.iter().any(|policy| policy.slo.met) {
        Exit::Missed
    } else {
        exit
    }
}
