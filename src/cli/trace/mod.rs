//! `bedload trace`: recorded traffic.

mod import;

use super::args::{TraceArgs, TraceCommand};
use super::exit::Exit;

/// Runs the verb.
pub fn run(args: &TraceArgs) -> Exit {
    match &args.command {
        TraceCommand::Import(args) => import::run(args),
    }
}
