//! `bedload trace synth`.

use super::input;
use crate::cli::args::{Format, SynthArgs};
use crate::cli::exit::Exit;
use crate::cli::inputs::Stopped;
use crate::cli::term::{Term, data, talk};
use crate::load::trace::write_records;
use crate::report::{Style, traffic as report};
use crate::results::traffic::SynthSummary;
use crate::traffic::{SynthOptions, closeness, synth};
use crate::units::Micros;
use std::fs;

/// Runs the verb.
pub fn run(args: &SynthArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    make(args, term).unwrap_or_else(|stopped| stopped)
}

fn make(args: &SynthArgs, term: Term) -> Result<Exit, Stopped> {
    let recorded = input::read(&args.input)?;
    let duration = args
        .duration
        .map(|span| Micros::from_secs_f64(span.as_secs_f64()));
    let options = SynthOptions {
        requests: args.requests,
        duration,
        seed: args.seed,
    };
    let made = synth(&recorded, &options).map_err(|why| {
        talk(&format!("error: nothing can be made of it: {why}"));
        Exit::InvalidFile
    })?;
    let source = args.input.file.display().to_string();
    let text = write_records(
        &made,
        "synthetic: made by bedload trace synth",
        "that of the source",
    );
    fs::write(&args.out, text).map_err(|error| {
        talk(&format!(
            "error: cannot write `{}`: {error}",
            args.out.display()
        ));
        Exit::Unexpected
    })?;
    let summary = SynthSummary {
        source,
        out: args.out.display().to_string(),
        seed: args.seed,
        ..closeness(&recorded, &made)
    };
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let exit = data(&match args.format {
        Format::Json => summary.to_json(),
        Format::Markdown => report::synth_markdown(&summary),
        Format::Text => report::synth_terminal(&summary, style),
    });
    Ok(if exit == Exit::Met && !summary.within {
        Exit::Inconclusive
    } else {
        exit
    })
}
