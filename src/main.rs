//! The `bedload` binary.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A call through the SDK makes hundreds of small allocations; see `benches/live` for what this saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    bedload::cli::main()
}
