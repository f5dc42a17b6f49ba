//! How often the gate is wrong: its false alarms and its power, by simulation.
//!
//! Runs of 2,000 requests are drawn from 95 % LN(0, .4) and 5 % LN(ln 3, .6), all latencies of a run times
//! e^(τ·z) for the noise τ between runs. Each comparison takes k runs against k, gated on p50 and p95 with
//! every default of `bedload compare`. No timing: the program prints the table of the documentation.
//!
//! `cargo bench --bench gate` prints it; `-- 200` takes so many comparisons for each cell instead of 2,000.
//! Under `cargo test` it does a few, so that it cannot rot.
#![allow(clippy::print_stdout, reason = "it prints a table")]

use bedload::compare::{compare, default_gate};
use bedload::results::compare::{CompareSummary, Verdict};
use bedload::results::{
    BASELINE_SCHEMA, Baseline, BaselineRun, BaselineVariant, HostInfo, RunKind, RunMetrics,
    RunPercentiles,
};
use bedload::rng::Keyed;
use bedload::stats::quantile::rank;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Requests of a run.
const REQUESTS: u64 = 2000;
/// What happens to the second side.
const CHANGES: [(&str, f64, f64); 4] = [
    ("none", 1.0, 0.05),
    ("+10 % everywhere", 1.1, 0.05),
    ("+20 % everywhere", 1.2, 0.05),
    ("slow share 5 % to 8 %", 1.0, 0.08),
];

fn run(seed: u64, number: u64, noise: f64, factor: f64, slow_share: f64) -> BaselineRun {
    let draws = Keyed::new(seed, "population");
    let level = factor * (noise * Keyed::new(seed, "run").normal(number)).exp();
    let mut latencies: Vec<f64> = (0..REQUESTS)
        .map(|id| {
            let id = number * REQUESTS + id;
            let z = draws.normal(2 * id);
            let is_slow = draws.uniform(2 * id + 1) < slow_share;
            level
                * if is_slow {
                    3.0f64.ln() + 0.6 * z
                } else {
                    0.4 * z
                }
                .exp()
        })
        .collect();
    latencies.sort_unstable_by(f64::total_cmp);
    let read = |share: f64| Some(latencies[rank(share, REQUESTS) as usize - 1]);
    let all = RunMetrics {
        offered: REQUESTS,
        completed: REQUESTS,
        ttft_ms: RunPercentiles {
            p50: read(0.5),
            p95: read(0.95),
            p99: read(0.99),
            count: REQUESTS,
        },
        throttled_share: Some(0.0),
        error_share: Some(0.0),
        ..RunMetrics::default()
    };
    BaselineRun {
        source: number.to_string(),
        started_at: String::new(),
        seed: number,
        measured_s: 100.0,
        spoilt: None,
        spent_usd: Some(0.0),
        metrics: vec![
            all.clone(),
            RunMetrics {
                workload: Some("chat".to_owned()),
                ..all
            },
        ],
    }
}

fn side(runs: Vec<BaselineRun>) -> Baseline {
    Baseline {
        schema: BASELINE_SCHEMA.to_owned(),
        name: String::new(),
        created_at: String::new(),
        program_version: String::new(),
        kind: RunKind::Live,
        target: None,
        scenario: String::new(),
        host: HostInfo {
            os: String::new(),
            arch: String::new(),
            threads: 1,
        },
        profiles: Vec::new(),
        variants: vec![BaselineVariant {
            name: "base".to_owned(),
            scenario_sha256: String::new(),
            runs,
            noise: Vec::new(),
            histograms: BTreeMap::new(),
        }],
    }
}

/// Verdicts on p50, on p95 and on all.
fn verdicts(document: &CompareSummary) -> [Verdict; 3] {
    let of = |name: &str| {
        let mut metrics = document.variants[0].metrics.iter();
        let found = metrics.find(|one| one.metric == name && one.gated);
        found.and_then(|one| one.verdict).expect("it is gated")
    };
    [
        of("ttft.p50"),
        of("ttft.p95"),
        document.verdict.expect("there is a baseline"),
    ]
}

/// Shares of regressed and of inconclusive verdicts, on p50, on p95 and on all.
fn shares(k: u64, noise: f64, change: (f64, f64), comparisons: u64) -> [[f64; 2]; 3] {
    let one = |seed: u64| {
        let runs = |from: u64, factor: f64, slow: f64| {
            (from..from + k)
                .map(|number| run(seed, number, noise, factor, slow))
                .collect()
        };
        let (before, after) = (runs(0, 1.0, 0.05), runs(k, change.0, change.1));
        let compared = compare(&side(before), &side(after), &default_gate(), false);
        verdicts(&compared.expect("both sides are alike"))
    };
    let all: Vec<[Verdict; 3]> = (0..comparisons).into_par_iter().map(one).collect();
    let share = |place: usize, wanted: Verdict| {
        let count = all.iter().filter(|one| one[place] == wanted).count();
        count as f64 / comparisons as f64
    };
    [0, 1, 2].map(|place| [Verdict::Regressed, Verdict::Inconclusive].map(|one| share(place, one)))
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = arguments.iter().find_map(|word| word.parse().ok());
    let is_bench = arguments.iter().any(|word| word == "--bench");
    let comparisons: u64 = number.unwrap_or(if is_bench { 2000 } else { 2 });
    println!(
        "| change | noise | k | p50 found | p95 found | any found | p50 open | p95 open | any open |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, factor, slow) in CHANGES {
        for noise in [0.0, 0.02, 0.05] {
            for k in [3, 5, 8] {
                let [p50, p95, any] = shares(k, noise, (factor, slow), comparisons);
                println!(
                    "| {name} | {:.0} % | {k} | {:.3} | {:.3} | {:.3} | {:.2} | {:.2} | {:.2} |",
                    100.0 * noise,
                    p50[0],
                    p95[0],
                    any[0],
                    p50[1],
                    p95[1],
                    any[1]
                );
            }
        }
    }
}
