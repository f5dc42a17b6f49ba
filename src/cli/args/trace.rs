//! The arguments of `bedload trace`.

use super::trace_import::{IMPORT_EXAMPLES, IMPORT_LONG};
use super::trace_traffic::{STATS_EXAMPLES, STATS_LONG, SYNTH_EXAMPLES, SYNTH_LONG};
use super::{ImportArgs, StatsArgs, SynthArgs};
use clap::{Args, Subcommand};

pub const TRACE_EXAMPLES: &str = "\
Examples:
  bedload trace import logs/ --out traffic
  bedload trace stats traffic/trace.csv
  bedload trace synth traffic/trace.csv --out shareable.csv";

/// `bedload trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TraceCommand,
}

/// The verbs below `trace`.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Read logs, metrics and public traces into a compact trace and a scenario that replays it
    #[command(after_help = IMPORT_EXAMPLES, after_long_help = IMPORT_LONG)]
    Import(ImportArgs),
    /// Describe recorded traffic: rate, bursts, sizes, sessions, cache reuse, what a quota saw
    #[command(after_help = STATS_EXAMPLES, after_long_help = STATS_LONG)]
    Stats(StatsArgs),
    /// Make traffic with the same statistics and none of the content, to be shared
    #[command(after_help = SYNTH_EXAMPLES, after_long_help = SYNTH_LONG)]
    Synth(SynthArgs),
}
