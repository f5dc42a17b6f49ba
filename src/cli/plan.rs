//! `bedload plan`: when to buy capacity, what every lever is worth, and what to ask AWS for.

use super::args::{Format, PlanArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, folder_of, prepare, price_book};
use super::report::leave;
use super::simulate::{begin, manifest, now, stopped, threads};
use super::term::{Term, data};
use crate::plan::review::{Review, Stage, review};
use crate::plan::search::Sources;
use crate::report::{self, FolderFiles, Style};
use crate::results::plan::{PlanSummary, PlanVariant};
use crate::store::RunFolder;
use indicatif::{ProgressBar, ProgressStyle};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the verb.
pub fn run(args: &PlanArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    plan(args, term).unwrap_or_else(|stopped| stopped)
}

fn plan(args: &PlanArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let paths = args.paths.map(|n| format!("plan.paths={n}"));
    let sets: Vec<String> = paths.into_iter().collect();
    let prepared = prepare(&args.scenario, &args.shared, &sets, &catalogue, book, term)?;
    let pool = threads(args.threads)?;
    // The folder is made first: a place that cannot be written should not cost a plan.
    let manifest = manifest(&prepared, &catalogue, pool.current_num_threads());
    let folder = begin(args.out.as_deref(), manifest)?;
    let files = folder_of(&args.scenario);
    let bar = bar(term);
    let clock = now().1;
    let Prepared { loaded, assembled } = &prepared;
    let sources = Sources {
        loaded,
        catalogue: &catalogue,
        book,
    };
    let mut plan = pool.install(|| {
        let review_of = Review {
            assembled,
            sources,
            files: &files,
        };
        review(&review_of, !args.no_verify, &|stage| show(&bar, stage))
    });
    bar.finish_and_clear();
    plan.engine.wall_s = clock.elapsed().as_secs_f64();
    plan.engine.threads = pool.current_num_threads() as u32;
    let path = write(folder, &plan).map_err(|error| stopped(&error))?;
    Ok(print(args, term, &plan, &path))
}

fn bar(term: Term) -> ProgressBar {
    if !term.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} planning: {wide_msg}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn show(bar: &ProgressBar, stage: &Stage<'_>) {
    bar.set_message(format!("{}, {}", stage.variant, stage.doing));
}

fn write(folder: RunFolder, plan: &PlanSummary) -> Result<PathBuf, Box<dyn Error>> {
    let document = plan.to_json();
    folder.write("plan.json", document.as_bytes())?;
    let page = report::plan::markdown(plan, None);
    folder.write("plan.md", page.as_bytes())?;
    if let Some(sheet) = report::plan::quota_request(plan) {
        folder.write("quota-request.md", sheet.as_bytes())?;
    }
    let files = FolderFiles {
        plan: Some(&document),
        ..FolderFiles::default()
    };
    leave(&folder, false, files)?;
    Ok(folder.finish(false)?)
}

fn print(args: &PlanArgs, term: Term, plan: &PlanSummary, folder: &Path) -> Exit {
    let place = folder.display().to_string();
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let text = match args.shared.format {
        Format::Json => plan.to_json(),
        Format::Markdown => report::plan::markdown(plan, Some(&place)),
        Format::Text => report::plan::terminal(plan, style, &place),
    };
    let exit = data(&text);
    if exit == Exit::Met && !plan.variants.iter().any(PlanVariant::meets_slo) {
        Exit::Missed
    } else {
        exit
    }
}
