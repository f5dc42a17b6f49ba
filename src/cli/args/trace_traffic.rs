//! The arguments of `bedload trace stats` and `bedload trace synth`.

use super::Format;
use super::trace_import::{formats, units};
use crate::load::trace::{TimeUnit, TraceFormat};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const STATS_EXAMPLES: &str = "\
Examples:
  bedload trace stats requests.csv --as azure
  bedload trace stats calls.jsonl --as jsonl --at time --at-unit ms --input in --output out
  bedload trace stats traffic.csv --max-tokens 4096 --format json > stats.json
  bedload trace stats traffic.csv --scenario like-it.toml --model claude-sonnet-4-6";

pub(super) const STATS_LONG: &str = "\
Examples:
  bedload trace stats requests.csv --as azure
  bedload trace stats calls.jsonl --as jsonl --at time --at-unit ms --input in --output out
  bedload trace stats traffic.csv --max-tokens 4096 --format json > stats.json
  bedload trace stats traffic.csv --scenario like-it.toml --model claude-sonnet-4-6

What is told:
  idc            variance over mean of the requests per window; 1 for independent starts
  peak/mean      the busiest window over the mean one
  gap CV         standard deviation over mean of the gaps between starts; 1 for independent starts
  prefix reuse   share of input tokens that a prompt cache could serve: exact where the log has
                 prefix blocks, with entries that live 5 minutes or an hour after their last use
  think          from the end of an answer to the next request of its session
  reserved       what a quota of tokens per minute takes at admission, by the minute of the start:
                 input but for cache reads, and max_tokens
  settled        what is left of that in the end: the same input, and output times its burndown";

pub(super) const SYNTH_EXAMPLES: &str = "\
Examples:
  bedload trace synth requests.csv --as azure --out shareable.csv
  bedload trace synth traffic.csv --out day.csv --duration 24h --seed 5";

pub(super) const SYNTH_LONG: &str = "\
Examples:
  bedload trace synth requests.csv --as azure --out shareable.csv
  bedload trace synth traffic.csv --out day.csv --duration 24h --seed 5

What is kept, and what is not:
  starts         the requests of each minute; within it 10-second and 1-second counts in another
                 order, and starts within a second drawn anew. Minutes with fewer than ten requests
                 change places
  sizes          tables of quantiles, each point from ten requests or more without the outermost of
                 them: no size of a rare request survives. Rank correlation by a Gaussian copula
  sessions       turns, time between them and growth of the prompt, from such tables
  prefixes       how many blocks are reused, by length of the prompt, and how long after; new ids
  clients        how many requests each makes, under other names; fewer than ten are made equal
  left out       outcomes, latencies, names of clients, dates, ids, and all text

Exit code: 0, or 6 if a statistic misses its tolerance.";

/// A file of recorded traffic.
#[derive(Debug, Args)]
pub struct TraceInput {
    /// The file of recorded traffic; it may be compressed with gzip
    pub file: PathBuf,
    /// Its format [default: told from its beginning]
    #[arg(long = "as", value_name = "FORMAT", value_parser = formats())]
    pub kind: Option<TraceFormat>,
    /// The column or field of the start, for `csv` and `jsonl`
    #[arg(long, value_name = "NAME")]
    pub at: Option<String>,
    /// How that is written: s, ms, us, ns or timestamp
    #[arg(long, value_name = "UNIT", default_value = "s", value_parser = units())]
    pub at_unit: TimeUnit,
    /// The column or field of input tokens
    #[arg(long, value_name = "NAME")]
    pub input: Option<String>,
    /// The column or field of output tokens
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// The column or field of the session
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
}

/// `bedload trace stats`.
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// The recorded traffic.
    #[command(flatten)]
    pub input: TraceInput,
    /// `max_tokens` of calls whose log has none
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub max_tokens: Option<u32>,
    /// Tokens of quota that an output token uses, where the profile of the model does not tell
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    pub burndown: u64,
    /// Write a scenario that generates such traffic
    #[arg(long, value_name = "OUT")]
    pub scenario: Option<PathBuf>,
    /// The model of that scenario, where the log names none that is known
    #[arg(long, value_name = "NAME", default_value = "claude-sonnet-4-6")]
    pub model: String,
    /// Draw pictures into this folder: rate over time, burstiness, sizes, what a quota sees (SVG)
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print results only
    #[arg(long, short)]
    pub quiet: bool,
    /// Print without colour; the variable `NO_COLOR` does the same
    #[arg(long)]
    pub no_color: bool,
}

/// `bedload trace synth`.
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// The recorded traffic.
    #[command(flatten)]
    pub input: TraceInput,
    /// The trace to write
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
    /// Stop after so many requests; more than there are begin again [default: as many as there are]
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000_000))]
    pub requests: Option<u64>,
    /// Stop after this time; more than there is begins again [default: as long as it is]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// The seed of every draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print results only
    #[arg(long, short)]
    pub quiet: bool,
    /// Print without colour; the variable `NO_COLOR` does the same
    #[arg(long)]
    pub no_color: bool,
}
