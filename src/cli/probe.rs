//! `bedload probe`: which rules a quota follows, by sending calls that tell.

use super::args::{Format, ProbeArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::run::{consent, refused};
use super::run_view::LiveView;
use super::simulate::{begin, manifest, now, stopped};
use super::term::{Term, data, talk};
use crate::calibrate::probe::{
    Kind, Planned, ProbeError, Probed, Quota, Seen, findings, first, horizon, probe_of, quota_of,
    second, told, weigh,
};
use crate::calibrate::twin::{Recording, recording};
use crate::clock::avoid_huge_pages;
use crate::domain::PriceBook;
use crate::live::{self, LiveOptions, LivePlan, Stop, Target};
use crate::load::trace::moment_us;
use crate::profile::Catalogue;
use crate::report::{self, Style};
use crate::results::probe::ProbeDocument;
use crate::sim::assemble;
use crate::store::RunFolder;
use crate::units::{Micros, Moment, Usd};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Runs the verb.
pub fn run(args: &ProbeArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    verb(args, term).unwrap_or_else(|stopped| stopped)
}

fn verb(args: &ProbeArgs, term: Term) -> Result<Exit, Stopped> {
    avoid_huge_pages();
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let mut prepared = prepare(&args.scenario, &args.shared, &[], &catalogue, book, term)?;
    prepared.assembled.truncate(1);
    let assembled = prepared.assembled.first().ok_or(Exit::InvalidFile)?;
    let quota =
        quota_of(&prepared.loaded, assembled, &catalogue).map_err(|error| invalid(&error))?;
    let ground = Ground {
        prepared: &prepared,
        catalogue: &catalogue,
        book,
        quota,
    };
    let series = first(&quota);
    let later = second(&quota, Moment::ZERO, Micros::ZERO, &[]);
    let plans = [ground.plan(&series)?, ground.plan(&later)?];
    if args.target == Target::Bedrock {
        consent(args.budget, args.yes, &plans, 1)?;
    }
    announce(term, &quota, &series, &later);
    let options = options(args);
    let folder = begin(
        args.out.as_deref(),
        manifest(&prepared, &catalogue, options.threads),
    )?;
    let mut course = Course::begin(options, folder, term);
    let sent = course.all(&ground, plans);
    if let Err(stop) = sent {
        if course.seen.is_empty() {
            course.folder.discard();
        }
        return Err(stop);
    }
    finish(args, term, &ground, course)
}

fn invalid(error: &ProbeError) -> Stopped {
    talk(&format!("error: {error}"));
    Exit::InvalidFile
}

fn announce(term: Term, quota: &Quota, first: &[Planned], second: &[Planned]) {
    if term.quiet {
        return;
    }
    let seconds = |calls: &[Planned]| horizon(quota, calls).as_secs_f64().ceil();
    talk(&format!(
        "note: {} calls in {:.0} s; if the quota may start anew each minute, then {} more within {:.0} s. \
         Nothing else should use this quota meanwhile.",
        first.len(),
        seconds(first),
        second.len(),
        seconds(second) + 120.0
    ));
}

fn options(args: &ProbeArgs) -> LiveOptions {
    LiveOptions {
        target: args.target.clone(),
        sign: args.sign_with_aws,
        threads: 1,
        max_in_flight: 10_000,
        budget: args.budget,
        preflight: args.target == Target::Bedrock,
        calibrate: false,
        take_interrupts: true,
    }
}

/// What series of calls are made from.
struct Ground<'a> {
    prepared: &'a Prepared,
    catalogue: &'a Catalogue,
    book: &'a PriceBook,
    quota: Quota,
}

impl Ground<'_> {
    fn variant(&self) -> &str {
        &self.prepared.assembled[0].context.name
    }

    fn plan(&self, calls: &[Planned]) -> Result<LivePlan, Stopped> {
        let loaded = &self.prepared.loaded;
        let probe = probe_of(loaded, self.variant(), &self.quota, calls);
        let probe = probe.map_err(|error| invalid(&error))?;
        let assembled = assemble(&probe, self.catalogue, self.book).map_err(|error| {
            talk(&error.render(100, false));
            Exit::InvalidFile
        })?;
        let (Some(one), Some(variant)) = (assembled.first(), probe.scenario.variants.first())
        else {
            return Err(Exit::InvalidFile);
        };
        LivePlan::new(variant, one, self.catalogue, probe.scenario.seed).map_err(|error| {
            talk(&format!("error: {error}\n  help: {}", error.help()));
            Exit::InvalidFile
        })
    }
}

/// A probe as it goes.
struct Course {
    options: LiveOptions,
    folder: RunFolder,
    term: Term,
    clock: Instant,
    began_unix_us: i64,
    seen: Vec<Seen>,
    failed: u64,
    spent: Option<Usd>,
    stopped: Option<Stop>,
    warnings: Vec<String>,
}

impl Course {
    fn begin(options: LiveOptions, folder: RunFolder, term: Term) -> Self {
        let (stamp, clock) = now();
        Self {
            options,
            folder,
            term,
            clock,
            began_unix_us: moment_us(&stamp).unwrap_or(0),
            seen: Vec::new(),
            failed: 0,
            spent: Some(Usd::ZERO),
            stopped: None,
            warnings: Vec::new(),
        }
    }

    fn all(&mut self, ground: &Ground<'_>, plans: [LivePlan; 2]) -> Result<(), Stopped> {
        let [first, _] = plans;
        self.series(ground, first, "first")?;
        let found = told(&weigh(ground.quota.tpm, &self.seen));
        let boundary = found.and_then(|found| found.boundary);
        let (Some(boundary), None) = (boundary, self.stopped) else {
            return Ok(());
        };
        let at = Moment(self.clock.elapsed().as_micros() as u64);
        let calls = second(&ground.quota, at, boundary, &self.seen);
        let plan = ground.plan(&calls)?;
        self.series(ground, plan, "second")
    }

    /// Sends one series and notes what came of it.
    fn series(&mut self, ground: &Ground<'_>, plan: LivePlan, name: &str) -> Result<(), Stopped> {
        let file = self.folder.stream(&format!("attempts-{name}.jsonl"));
        let file = file.map_err(|error| stopped(&error))?;
        let kept = Kept::default();
        let both = Both {
            file,
            kept: kept.clone(),
        };
        let mut view = LiveView::new(self.term, &format!("{name} series"), self.options.budget);
        let options = self.options.clone();
        let result = live::run(plan, &options, Box::new(both), &mut |now| view.show(now));
        view.finish();
        let run = result.map_err(|error| refused(&error))?;
        // The run's clock began when it had connected: so long ago as it ran.
        let ended = self.clock.elapsed().as_micros() as u64;
        let began = ended.saturating_sub(run.measures.total.ran_for.0);
        let (attempts, _) = recording(&kept.text());
        self.note(&ground.quota, began, &attempts);
        let spent = run.live.spent_usd.map(Usd::from_dollars);
        self.spent = self.spent.zip(spent).map(|(sum, one)| sum + one);
        self.options.budget = self
            .options
            .budget
            .map(|left| left - spent.unwrap_or(Usd::ZERO));
        self.options.preflight = false;
        self.stopped = run.stopped;
        self.warnings.extend(run.warnings);
        Ok(())
    }

    fn note(&mut self, quota: &Quota, began: u64, attempts: &[Recording]) {
        let scale = counted(attempts);
        for one in attempts {
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.name() == one.workload);
            let Some(kind) = kind else { continue };
            let (_, most, _) = kind.sizes(quota);
            let admitted = match one.end.as_str() {
                "answered" => true,
                "throttled" => false,
                _ => {
                    self.failed += 1;
                    continue;
                }
            };
            let input = if admitted && one.input_tokens > 0 {
                u64::from(one.input_tokens)
            } else {
                (one.request_input_tokens as f64 * scale).round() as u64
            };
            self.seen.push(Seen {
                sent: Moment(began + one.sent_us),
                done: Moment(began + one.done_us),
                reserved: input + u64::from(most),
                settled: input + u64::from(one.output_tokens) * quota.burndown,
                admitted,
            });
        }
        self.seen.sort_by_key(|call| call.sent);
    }
}

/// Tokens that the service counts for each that was wanted, the median.
fn counted(attempts: &[Recording]) -> f64 {
    let answered = attempts
        .iter()
        .filter(|one| one.input_tokens > 0 && one.request_input_tokens > 0);
    let mut ratios: Vec<f64> = answered
        .map(|one| f64::from(one.input_tokens) / one.request_input_tokens as f64)
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(1.0)
}

/// Text that a run writes and its caller reads.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Writes to a file and keeps the text.
struct Both<W> {
    file: W,
    kept: Kept,
}

impl<W: Write> Write for Both<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn finish(
    args: &ProbeArgs,
    term: Term,
    ground: &Ground<'_>,
    course: Course,
) -> Result<Exit, Stopped> {
    let context = &ground.prepared.assembled[0].context;
    let weighed = weigh(ground.quota.tpm, &course.seen);
    let told = told(&weighed);
    let about = Probed {
        scenario: ground.prepared.loaded.scenario.name.clone(),
        variant: context.name.clone(),
        target: args.target.to_string(),
        model: context
            .workloads
            .first()
            .map_or_else(String::new, |one| one.model.clone()),
        tpm: ground.quota.tpm,
        failed: course.failed,
        spent_usd: course.spent.map(Usd::dollars),
        began_unix_us: course.began_unix_us,
        warnings: course.warnings,
    };
    let document = findings(about, &weighed, told.as_ref(), &course.seen);
    let partial = course.stopped.is_some();
    let folder = course.folder;
    let page = report::twin::probe_markdown(&document, "this folder");
    let written = folder
        .write("probe.json", document.to_json().as_bytes())
        .and_then(|()| folder.write("probe.md", page.as_bytes()))
        .and_then(|()| folder.finish(partial));
    let place = written
        .map_err(|error| stopped(&error))?
        .display()
        .to_string();
    let exit = print(args, term, &document, &place);
    Ok(match (course.stopped, exit) {
        (Some(Stop::Interrupted), _) => Exit::Interrupted,
        (_, Exit::Unexpected) => Exit::Unexpected,
        (Some(Stop::Budget), _) => Exit::Inconclusive,
        // Both the window and the semantics can be written into a scenario.
        (None, _) if document.settings.len() < 2 => Exit::Inconclusive,
        (None, exit) => exit,
    })
}

fn print(args: &ProbeArgs, term: Term, document: &ProbeDocument, place: &str) -> Exit {
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    data(&match args.shared.format {
        Format::Json => document.to_json(),
        Format::Markdown => report::twin::probe_markdown(document, place),
        Format::Text => report::twin::probe_terminal(document, style, place),
    })
}
