//! How long a plan takes: a year of five workloads, a thousand paths, and the simulation of what is recommended.
//!
//! ```text
//! cargo bench --bench plan
//! ```
//!
//! Without `--bench`, as `cargo test` calls it, it plans once with few paths.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const SCENARIO: &str = "scenarios/finance-review.toml";

fn main() {
    let full = std::env::args().any(|word| word == "--bench");
    let (paths, times) = if full { ("1000", 5) } else { ("50", 1) };
    println!("{SCENARIO}: 5 workloads, 12 months, {paths} paths of demand");
    for (name, flags) in [("with simulation", &[][..]), ("without", &["--no-verify"])] {
        for threads in ["1", "2"] {
            let mut walls: Vec<(f64, u64)> =
                (0..times).map(|_| plan(paths, threads, flags)).collect();
            walls.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (wall, runs) = walls[walls.len() / 2];
            println!("{name:<16} {threads} threads {wall:>8.2} s  {runs:>4} runs simulated");
        }
    }
}

/// Seconds of one plan as a process, and how many runs it simulated.
fn plan(paths: &str, threads: &str, flags: &[&str]) -> (f64, u64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-plan");
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .current_dir(root)
        .args(["plan", SCENARIO, "--quiet", "--format", "json"])
        .args(["--paths", paths, "--threads", threads])
        .arg("--out")
        .arg(&out)
        .args(flags)
        .output()
        .unwrap();
    let wall = begun.elapsed().as_secs_f64();
    assert!(
        matches!(output.status.code(), Some(0 | 5)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        plan["variants"][0]["demand"]["workloads"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    (wall, plan["engine"]["runs"].as_u64().unwrap())
}
