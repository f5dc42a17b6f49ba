//! The command line of `bedload compare`.

use super::args::Format;
use crate::compare::assertion::Assertion;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

/// Examples after the short help.
pub const EXAMPLES: &str = "\
Examples:
  bedload compare main results/runs/pr --update-baseline
  bedload compare main results/runs/pr
  bedload compare main results/runs/pr --assert 'chat/ttft.p99 < 2.5s' --junit gate.xml --github
  bedload compare old/ new/1 new/2 new/3 new/4 new/5 --format markdown
  bedload compare - results/runs/pr --assert 'throttled_share < 0.1%'
  bedload compare --history results/runs";

/// The long help.
pub const LONG: &str = "\
Examples:
  bedload compare main results/runs/pr --update-baseline
  bedload compare main results/runs/pr
  bedload compare main results/runs/pr --assert 'chat/ttft.p99 < 2.5s' --junit gate.xml --github
  bedload compare old/ new/1 new/2 new/3 new/4 new/5 --format markdown
  bedload compare - results/runs/pr --assert 'throttled_share < 0.1%'
  bedload compare --history results/runs

How it judges:
  the run        is the unit: each run, or replication of a simulation, gives one reading of each
                 metric; requests of one run are not independent, so they are never pooled
  the test       Welch's on ln of the reading, one-sided; simulations of equal seeds are compared by
                 pairs (10 or more); a run or two can be tested against 20 past ones
  regressed      significant after Benjamini-Hochberg over all metrics and workloads, and worse by
                 --threshold or twice the noise floor, whichever is more
  improved       the same for the better
  same           neither, and a change of --detect would have been seen with --power
  inconclusive   anything else: it says how many more runs would settle it, and what they cost
  noise floor    95th percentile of the change between equal builds, from the baseline's own runs;
                 above half of --detect the gate does not judge
  left out       runs that were cut short or whose generator could not keep up; with such runs the
                 verdict is inconclusive at best

Metrics: ttft, attempt_ttft, e2e and tpot with .p50, .p95 and .p99; throttled_share, error_share,
attainment, goodput, cost_per_request. Latencies are those of completed requests.
Thresholds know also ttft_all, e2e_all, attempt_e2e; .p90, .p999, .mean, .max; amplification,
cost.month_usd and cost.run_usd. Of several result folders the worst counts.

Exit code: 0 if nothing regressed and every threshold holds, 5 if something regressed or a threshold
is missed, 6 if the runs cannot tell, 7 if results are damaged or of a newer version.";

/// `bedload compare`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct CompareArgs {
    /// What to compare with: a name below results/baselines, a baseline file, a run folder or a folder of run
    /// folders; `-` for none
    pub baseline: String,
    /// The runs: run folders, or folders of run folders
    pub results: Vec<PathBuf>,
    /// Fail unless this holds, such as `ttft.p99 < 2.5s` or `chat/e2e.p50 < 4s` (repeatable)
    #[arg(long = "assert", value_name = "THRESHOLD", value_parser = assertion)]
    pub assertions: Vec<Assertion>,
    /// Take only this variant (repeatable)
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<String>,
    /// Gate on these metrics instead of p50 and p95 of ttft and e2e, the shares and the cost (repeatable)
    #[arg(long = "metric", value_name = "NAME", value_parser = metric)]
    pub metrics: Vec<String>,
    /// The least change of a latency or cost that matters
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share)]
    pub threshold: f64,
    /// The change of a latency or cost that has to be seen if it is there
    #[arg(long, value_name = "SHARE", default_value = "15%", value_parser = share)]
    pub detect: f64,
    /// The least change of a share that matters, and the one that has to be seen: a third and all of this
    #[arg(long, value_name = "SHARE", default_value = "1.5%", value_parser = share)]
    pub detect_share: f64,
    /// Level of the tests, and false discovery rate over all of them
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    pub alpha: f64,
    /// The wanted probability of seeing a change of --detect
    #[arg(long, value_name = "SHARE", default_value = "90%", value_parser = share)]
    pub power: f64,
    /// Compare although the scenarios differ
    #[arg(long)]
    pub allow_different_scenario: bool,
    /// Make the results the baseline of this name, with their noise floor, instead of judging them
    #[arg(long, conflicts_with = "history")]
    pub update_baseline: bool,
    /// Measure the noise between equal builds: all runs are taken to be of one build
    #[arg(long, conflicts_with_all = ["history", "assertions"])]
    pub calibrate: bool,
    /// Runs on each side of the comparisons for which noise is measured [default: 5, or as many as there are]
    #[arg(long, short = 'k', value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub runs: Option<usize>,
    /// Show metrics over all runs named, in order of time, and where they changed for good
    #[arg(long, conflicts_with = "assertions")]
    pub history: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write `JUnit` XML to this file too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write Markdown to this file too
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write annotations for GitHub Actions to stderr, and Markdown to the job summary
    #[arg(long)]
    pub github: bool,
    /// Print results only
    #[arg(long, short)]
    pub quiet: bool,
    /// Print without colour; the variable `NO_COLOR` does the same
    #[arg(long)]
    pub no_color: bool,
}

fn assertion(text: &str) -> Result<Assertion, String> {
    Assertion::parse(text).map_err(|error| error.to_string())
}

fn metric(text: &str) -> Result<String, String> {
    if crate::compare::metric_named(text).is_some() {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = crate::compare::METRICS.iter().map(|one| one.name).collect();
    Err(format!(
        "there is no metric `{text}`; there are {}",
        known.join(", ")
    ))
}

/// `5%` or `0.05`, above 0 and below 1.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let value = match text.trim().strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    value
        .filter(|value| *value > 0.0 && *value < 1.0)
        .ok_or_else(|| format!("`{text}` is no share such as `5%` or `0.05`"))
}
