//! `bedload search`: the highest load of every variant that still meets its SLO.

use super::args::{Format, SearchArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::simulate::{begin, manifest, now, scenario_info, stopped, threads, write_runs};
use super::term::{Term, data, talk};
use crate::domain::Slo;
use crate::plan::search::{SearchOptions, Searched, Sources, Step, search};
use crate::report::{self, Style, View};
use crate::results::{EngineInfo, Summary, summarise};
use crate::sim::{VariantContext, VariantMeasures};
use crate::store::RunFolder;
use crate::units::Micros;
use indicatif::{ProgressBar, ProgressStyle};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Runs the verb.
pub fn run(args: &SearchArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    find(args, term).unwrap_or_else(|stopped| stopped)
}

/// A search that is over.
struct Finished {
    contexts: Vec<VariantContext>,
    measures: Vec<VariantMeasures>,
    summary: Summary,
}

fn find(args: &SearchArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let sets = args
        .duration
        .as_ref()
        .map(|span| format!("duration={span}"));
    let sets: Vec<String> = sets.into_iter().collect();
    let prepared = prepare(&args.scenario, &args.shared, &sets, &catalogue, book, term)?;
    needs_objectives(&prepared)?;
    let pool = threads(args.threads)?;
    // The folder is made first: a place that cannot be written should not cost a search.
    let manifest = manifest(&prepared, &catalogue, pool.current_num_threads());
    let folder = begin(args.out.as_deref(), manifest)?;
    let sources = Sources {
        loaded: &prepared.loaded,
        catalogue: &catalogue,
        book,
    };
    let clock = now().1;
    let progress = Progress::new(term);
    let found = pool.install(|| {
        search(
            &prepared.assembled,
            sources,
            prepared.loaded.scenario.seed,
            &options(args),
            &|step| progress.show(step),
        )
    });
    progress.bar.finish_and_clear();
    let engine = EngineInfo {
        wall: Micros::from_secs_f64(clock.elapsed().as_secs_f64()),
        threads: pool.current_num_threads() as u32,
    };
    let finished = finish(args, &prepared, found, engine);
    let path = write(folder, &finished).map_err(|error| stopped(&error))?;
    Ok(print(args, term, &finished.summary, &path))
}

fn options(args: &SearchArgs) -> SearchOptions {
    SearchOptions {
        precision: args.precision,
        seeds: args.seeds,
        advice: !args.no_advice,
    }
}

/// Without an objective every load passes, and there is nothing to search for.
fn needs_objectives(prepared: &Prepared) -> Result<(), Stopped> {
    let without = prepared
        .assembled
        .iter()
        .find(|one| one.context.slo == Slo::default());
    let Some(one) = without else {
        return Ok(());
    };
    talk(&format!(
        "error: the variant `{}` has no objective, so every load passes\n  help: say what has to \
         hold, such as `[slo]` with `ttft = {{ p99 = \"4s\" }}` or `throttled_share = 0.005`",
        one.context.name
    ));
    Err(Exit::InvalidFile)
}

fn finish(
    args: &SearchArgs,
    prepared: &Prepared,
    found: Vec<Searched>,
    engine: EngineInfo,
) -> Finished {
    let scenario = &prepared.loaded.scenario;
    let contexts: Vec<VariantContext> = prepared
        .assembled
        .iter()
        .map(|one| one.context.clone())
        .collect();
    let (searches, measures): (Vec<_>, Vec<VariantMeasures>) = found
        .into_iter()
        .map(|one| (one.summary, one.measures))
        .unzip();
    let info = scenario_info(scenario, args.seeds);
    let mut summary = summarise(&info, &contexts, &measures, engine, false);
    for (variant, search) in summary.variants.iter_mut().zip(searches) {
        variant.search = Some(search.rounded());
    }
    summary.count_searches();
    Finished {
        contexts,
        measures,
        summary,
    }
}

/// How often a line is written where no terminal shows a bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What is under way: a bar on a terminal, elsewhere a plain line now and then.
///
/// How many runs it takes is not known in advance, so there is no end to show.
struct Progress {
    bar: ProgressBar,
    /// When the last line was written; `None` if none is wanted.
    last_line: Option<Mutex<Instant>>,
}

impl Progress {
    fn new(term: Term) -> Self {
        if !term.shows_progress() {
            return Self {
                bar: ProgressBar::hidden(),
                last_line: (!term.quiet).then(|| Mutex::new(now().1)),
            };
        }
        let style = ProgressStyle::with_template("{spinner} {pos} runs, {per_sec}  {wide_msg}");
        let bar = ProgressBar::new_spinner();
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            last_line: None,
        }
    }

    fn show(&self, step: &Step<'_>) {
        self.bar.inc(1);
        let words = || {
            let trying = match step.trying {
                "" => String::new(),
                change => format!(", {change}"),
            };
            format!("{} at {:.2}/s{trying}", step.variant, step.rps)
        };
        let Some(last_line) = &self.last_line else {
            self.bar.set_message(words());
            return;
        };
        // Another thread that is about to write says the same.
        if let Ok(mut last) = last_line.try_lock()
            && last.elapsed() >= LINE_EVERY
        {
            *last = now().1;
            talk(&format!(
                "searching: {} runs, {}",
                self.bar.position(),
                words()
            ));
        }
    }
}

fn write(folder: RunFolder, finished: &Finished) -> Result<PathBuf, Box<dyn Error>> {
    let course = write_runs(&folder, &finished.contexts, &finished.measures)?;
    course.conclude(&folder, &finished.summary, None, false)?;
    Ok(folder.finish(false)?)
}

fn print(args: &SearchArgs, term: Term, summary: &Summary, folder: &Path) -> Exit {
    let view = View::new(summary, Some(&folder.display().to_string()));
    let text = match args.shared.format {
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
    if exit == Exit::Met && !is_enough(args, summary) {
        Exit::Missed
    } else {
        exit
    }
}

/// Whether every variant carries what was asked for: the scenario's own load, or the rate of the flag.
fn is_enough(args: &SearchArgs, summary: &Summary) -> bool {
    summary.variants.iter().all(|variant| {
        let pass = variant.search.as_ref().and_then(|search| search.pass);
        pass.is_some_and(|pass| match args.at_least {
            Some(rate) => pass.rps >= rate.0,
            None => pass.factor >= 1.0,
        })
    })
}
