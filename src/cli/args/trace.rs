//! The arguments of `bedload trace`.

use super::ImportArgs;
use super::trace_import::{IMPORT_EXAMPLES, IMPORT_LONG};
use clap::{Args, Subcommand};

pub const TRACE_EXAMPLES: &str = "\
Examples:
  bedload trace import logs/ --out traffic";

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
}
