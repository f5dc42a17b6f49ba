//! The command line: the only floor that reads flags and talks to people.

mod args;
mod calibrate;
mod calibrate_args;
mod check;
mod compare;
mod compare_args;
mod exit;
mod inputs;
mod lab;
mod plan;
mod probe;
mod report;
mod run;
mod run_many;
mod run_view;
mod search;
mod serve;
mod simulate;
mod term;
mod trace;
mod twin;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use exit::Exit;
use std::process::ExitCode;

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let is_usage_error = message.use_stderr();
            // Help and version go to stdout; a reader that went away is no error.
            let _ = message.print();
            return if is_usage_error {
                Exit::Usage.into()
            } else {
                Exit::Met.into()
            };
        }
    };
    let exit = match cli.command {
        Command::Simulate(args) => simulate::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "bedload", &mut script);
            term::data(&String::from_utf8_lossy(&script))
        }
    };
    exit.into()
}
