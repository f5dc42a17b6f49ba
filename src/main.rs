//! The `bedload` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    bedload::cli::main()
}
