//! `bedload trace`: recorded traffic.

mod import;
mod input;
mod models;
mod stats;
mod synth;

use super::args::{TraceArgs, TraceCommand};
use super::exit::Exit;

/// Runs the verb.
pub fn run(args: &TraceArgs) -> Exit {
    match &args.command {
        TraceCommand::Import(args) => import::run(args),
        TraceCommand::Stats(args) => stats::run(args),
        TraceCommand::Synth(args) => synth::run(args),
    }
}
