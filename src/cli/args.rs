//! The command line.

mod trace;
mod trace_import;
mod trace_traffic;

pub use super::calibrate_args::{CalibrateArgs, ProbeArgs};
pub use trace::{TraceArgs, TraceCommand};
pub use trace_import::ImportArgs;
pub use trace_traffic::{StatsArgs, SynthArgs, TraceInput};

use crate::live::Target;
use crate::units::{PerSecond, UnitText, Usd};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, objectives met      4  the target cannot be called
  1  unexpected                5  no variant meets the SLO; worse than the baseline
  2  wrong command line        6  inconclusive: stopped by its budget, not valid, too few runs
  3  invalid scenario,         7  results damaged, or of a newer version
     profile or trace        130  interrupted, partial results kept";

/// Capacity planner and load-testing simulator for Amazon Bedrock.
///
/// Say what your traffic looks like in a scenario file; Bedload says what Bedrock's quotas,
/// latency and prices make of it, before money is spent.
#[derive(Debug, Parser)]
#[command(name = "bedload", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario in virtual time: every variant side by side
    #[command(after_help = SIMULATE_EXAMPLES, after_long_help = SIMULATE_LONG)]
    Simulate(SimulateArgs),
    /// Rank the variants of a scenario by how they come through its spike
    #[command(after_help = LAB_EXAMPLES, after_long_help = LAB_LONG)]
    Lab(LabArgs),
    /// Run a scenario live, through the AWS SDK, against a URL or Amazon Bedrock
    #[command(after_help = RUN_EXAMPLES, after_long_help = RUN_LONG)]
    Run(RunArgs),
    /// Validate scenarios; show the load against each quota and the expected cost
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Find the highest load that still meets the SLO, per variant, and what breaks first
    #[command(after_help = SEARCH_EXAMPLES, after_long_help = SEARCH_LONG)]
    Search(SearchArgs),
    /// Decide when to buy capacity, what every lever is worth, and what to ask AWS for
    #[command(after_help = PLAN_EXAMPLES, after_long_help = PLAN_LONG)]
    Plan(PlanArgs),
    /// Make a report of results: one page without network, Markdown with pictures, or JSON
    #[command(after_help = REPORT_EXAMPLES, after_long_help = REPORT_LONG)]
    Report(ReportArgs),
    /// Say whether runs are worse than a baseline, for continuous integration
    #[command(after_help = super::compare_args::EXAMPLES, after_long_help = super::compare_args::LONG)]
    Compare(super::compare_args::CompareArgs),
    /// Serve a scenario as Bedrock Runtime, for applications and load generators of any kind
    #[command(after_help = SERVE_EXAMPLES, after_long_help = SERVE_LONG)]
    Serve(ServeArgs),
    /// Fit latency profiles to measurements, and say how well they foretell later ones
    #[command(after_help = super::calibrate_args::EXAMPLES, after_long_help = super::calibrate_args::LONG)]
    Calibrate(CalibrateArgs),
    /// Find out which rules a quota follows, by sending calls that tell
    #[command(after_help = super::calibrate_args::PROBE_EXAMPLES, after_long_help = super::calibrate_args::PROBE_LONG)]
    Probe(ProbeArgs),
    /// Read recorded traffic, describe it, and make traffic like it
    #[command(after_help = trace::TRACE_EXAMPLES)]
    Trace(TraceArgs),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  bedload simulate scenarios/quickstart.toml
  bedload simulate scenarios/quickstart.toml --variant on-demand --spread
  bedload simulate chat.toml --set workload.chat.max_tokens=1024 --seed 8
  bedload simulate chat.toml --replications 20 --format json > summary.json";

const SIMULATE_LONG: &str = "\
Examples:
  bedload simulate scenarios/quickstart.toml
  bedload simulate scenarios/quickstart.toml --variant on-demand --spread
  bedload simulate chat.toml --set workload.chat.max_tokens=1024 --seed 8
  bedload simulate chat.toml --replications 20 --format json > summary.json

What is measured:
  ttft           from the intended start of a request to its first token, with the client's
                 queue, every retry and every backoff inside
  attempt_ttft   from the send of the attempt that answered to its first token
  e2e            the same two readings to the last token
  tpot           (e2e - ttft) / (output tokens - 1)
  attainment     share of all offered requests that completed and met every latency bound;
                 failures, timeouts and requests never sent are misses
  goodput        such requests per second
  amplification  attempts / requests
  reserved       tokens held and used against a quota within its window, max_tokens of running
                 requests inside
  used           tokens counted against it when requests have ended, by clock minute or day:
                 what a dashboard shows
  incl. lost     percentile over all offered requests: a request that got no answer counts as
                 infinitely slow (`never`)
  figures are    where latencies come from: measured, fitted to recorded calls, or assumed

Exit code: 0 if at least one variant meets its SLO (or has none), 5 if none does.";

const LAB_EXAMPLES: &str = "\
Examples:
  bedload lab scenarios/launch-spike.toml
  bedload lab scenarios/retry-storm.toml --tip
  bedload lab chat.toml --seeds 20 --variant no-retry --variant patient
  bedload lab chat.toml --format markdown > retries.md";

const LAB_LONG: &str = "\
Examples:
  bedload lab scenarios/launch-spike.toml
  bedload lab scenarios/retry-storm.toml --tip
  bedload lab chat.toml --seeds 20 --variant no-retry --variant patient
  bedload lab chat.toml --format markdown > retries.md

The scenario says in `[spike]` what hits, when and for how long; a spike in the shape of the load
counts as one too. Every variant meets the same requests, with as many seeds as the scenario has
replications, or five. They are ranked by
  comes back     whether what was good before the spike is good again in the last third after it;
                 below 95 % a policy is metastable, and last
  goodput        requests per second that completed and met every latency bound
  p99            of the time to the last token from the intended start, over all requests
  amplification  attempts / requests
in this order; what the paired differences over seeds cannot tell apart goes on to the next.

  hysteresis     good share in the last third after the release / that before the spike
  back after     from the release to the first three bins in a row in which 98 % of what was good
                 before is good again
  stable         share of seeds in which the policy has its place
  tips at        highest base load from which it comes back, found by bisection to 5 %; looked for
                 in metastable policies, and in all of them with --tip

Exit code: 0 if at least one variant meets its SLO (or has none), 5 if none does.";

const RUN_EXAMPLES: &str = "\
Examples:
  bedload run chat.toml --target http://127.0.0.1:9000
  bedload run chat.toml --target http://127.0.0.1:9000 --variant on-demand --format json
  bedload run chat.toml --target bedrock --budget '$5' --set duration=2m
  bedload run old.toml --interleave new.toml -k 5 --target http://127.0.0.1:9000 --out ab";

const RUN_LONG: &str = "\
Examples:
  bedload run chat.toml --target http://127.0.0.1:9000
  bedload run chat.toml --target http://127.0.0.1:9000 --variant on-demand --format json
  bedload run chat.toml --target bedrock --budget '$5' --set duration=2m
  bedload run old.toml --interleave new.toml -k 5 --target http://127.0.0.1:9000 --out ab

What is measured, beside what `simulate` measures:
  send lag       from the moment an attempt was due to the moment at which it went to its
                 connection; a run in which it is large is marked invalid, and so is one whose
                 generator ran out of processor time or of places on the wire
  ttft           counts to the first content of any kind: text, reasoning or tool input
  e2e            counts to the last content
  chunk gap      between pieces of content, pooled over all answers; a piece is not a token
  tokens         are those of `usage`, and of nothing else

Requests are those that `simulate` would send with the same seed, at the same moments. On Bedrock
the worst cost is printed first, and the run needs `--yes` or a confirmation. Region and
credentials are those of the AWS SDK's usual chain (AWS_PROFILE, AWS_REGION, AWS_BEARER_TOKEN_BEDROCK
and so on). Ctrl-C stops sending and waits for answers; a second one stops at once.

With -k the runs lie in folders of their own below --out, each with a seed of its own, and what they
differ by is shown. With --interleave both scenarios take turns (ABBAAB...), their runs lie in base/
and new/, and `bedload compare` judges them with its default gate.

Exit code: 0 if at least one variant meets its SLO (or has none), 5 if none does, 4 if the target
cannot be called, 6 if the budget stopped the run or its figures are not valid, 130 if it was
interrupted.";

const CHECK_EXAMPLES: &str = "\
Examples:
  bedload check scenarios/*.toml --brief
  bedload check chat.toml --set capacity.on_demand.scope=global
  bedload check chat.toml --brief
  bedload check chat.toml --format json | jq '.variants[0].quotas'";

const SEARCH_EXAMPLES: &str = "\
Examples:
  bedload search scenarios/how-much.toml
  bedload search chat.toml --variant on-demand --precision 0.05 --no-advice
  bedload search chat.toml --duration 10m --at-least 12/s
  bedload search chat.toml --format json | jq '.variants[].search.pass.rps'";

const SEARCH_LONG: &str = "\
Examples:
  bedload search scenarios/how-much.toml
  bedload search chat.toml --variant on-demand --precision 0.05 --no-advice
  bedload search chat.toml --duration 10m --at-least 12/s
  bedload search chat.toml --format json | jq '.variants[].search.pass.rps'

How it searches:
  load           all workloads together, by one factor: open arrivals by rate, sessions by starts,
                 closed loops by users, replays by copies; spikes and shapes stay as they are
  arrivals       are drawn once, at the highest load, and thinned: a request that is sent at a low
                 load is the same request at a higher one
  a load passes  if every objective holds with 95 % confidence over seeds, and fails if one is missed
                 with 95 %; otherwise it gets twice the seeds, up to 16 times, and then fails
  bracket        doubled or halved from the closed forms of the quotas, then halved until both ends
                 are --precision apart; some lower loads are tried too, and the lowest failure counts
  what breaks    is counted where it fails; every advice was simulated, and searched in its turn

The other figures are those of the load that passes, or of the lowest one tried if none does.

Exit code: 0 if every chosen variant passes at the scenario's own load or above (with --at-least: at
that rate or above), 5 if one does not.";

const PLAN_EXAMPLES: &str = "\
Examples:
  bedload plan scenarios/buy-or-wait.toml
  bedload plan scenarios/case-support-bot.toml --variant opus-5
  bedload plan mix.toml --set plan.growth.per_month=0.1 --set plan.months=24
  bedload plan mix.toml --format markdown > plan.md";

const PLAN_LONG: &str = "\
Examples:
  bedload plan scenarios/buy-or-wait.toml
  bedload plan scenarios/case-support-bot.toml --variant opus-5
  bedload plan mix.toml --set plan.growth.per_month=0.1 --set plan.months=24
  bedload plan mix.toml --format markdown > plan.md

What is reckoned, for every variant:
  bill           a month of 730 hours in closed form, by workload, token class and tag
  demand         a typical week by the hour, grown along --paths paths of demand
  decision       what to hold in which month: one block of capacity after the other, each with the
                 terms that cost least over the horizon; what it does not carry goes on demand as
                 far as the quota goes
  break-even     use of the last block from which it pays, and the highest price at which it would
  frontier       cost against the share of requests served
  regret         what the plan costs more than hindsight would have, at p10 and p90 growth
  tornado        the horizon's cost with each input at p10 and p90, the others at p50
  quota          need by month, the month in which it is exhausted, the last safe date to ask
  verification   the plan and its neighbours, simulated in its mean and its busiest hour
  levers         what each `[[plan.lever]]` saves, in your order and by Shapley values

Quota need counts what admission reserves, max_tokens and burndown inside; cost counts billed
tokens. The folder holds plan.json, plan.md and quota-request.md, the figures for AWS's form.

Exit code: 0 if the simulated plan of at least one variant meets its SLO, 5 if none does.";

const REPORT_EXAMPLES: &str = "\
Examples:
  bedload report results/runs/20261123T101500Z-quickstart-4e70badc
  bedload report before/ after/ --out comparison.html
  bedload report plan/ --format markdown --out docs/capacity
  bedload report lab/ --format json | jq -r '.verdict[]'";

const REPORT_LONG: &str = "\
Examples:
  bedload report results/runs/20261123T101500Z-quickstart-4e70badc
  bedload report before/ after/ --out comparison.html
  bedload report plan/ --format markdown --out docs/capacity
  bedload report lab/ --format json | jq -r '.verdict[]'

  html           one file that opens from disk, without network and, for what matters, without
                 scripts; it prints, and is light or dark as the reader's system is. With scripts,
                 variants and series are shown and hidden, courses over time are zoomed, and prices
                 and levels are moved. `simulate`, `run`, `search`, `lab` and `plan` leave it in
                 their folder.
  markdown       report.md with figures/*.svg and *.png
  json           the document that both are drawn from, with every number unrounded

Exit code: 0, or 3 if a folder holds no result, 7 if a result is damaged or of a newer version.";

const SERVE_EXAMPLES: &str = "\
Examples:
  bedload serve scenarios/quickstart.toml
  bedload serve chat.toml --variant cross-region --listen 127.0.0.1:9000
  bedload serve chat.toml --set quota.tpm=100k --set service.latency.fixed.ttft=50ms
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9000 python my_application.py";

const SERVE_LONG: &str = "\
Examples:
  bedload serve scenarios/quickstart.toml
  bedload serve chat.toml --variant cross-region --listen 127.0.0.1:9000
  bedload serve chat.toml --set quota.tpm=100k --set service.latency.fixed.ttft=50ms
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9000 python my_application.py

Operations: Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream, CountTokens,
ApplyGuardrail; of the control plane ListFoundationModels, GetFoundationModel,
ListInferenceProfiles, GetInferenceProfile. HTTP/1.1, and HTTP/2 without TLS.

While it serves:
  GET  /_bedload/metrics   CloudWatch's metrics and the quotas, as Prometheus text
  GET  /_bedload/state     quotas reserved and settled, in flight, cache, faults, as JSON
  GET  /_bedload/health    whether it answers
  POST /_bedload/faults    replace the faults: [{\"kind\": \"unavailable\", \"share\": 0.1}]
  POST /_bedload/quotas    change a quota: {\"model\": \"nova-lite\", \"scope\": \"geo\", \"tpm\": \"2M\"}
  POST /_bedload/reset     quotas, cache and counters as at the start

Every credential is accepted unless --verify-signatures is given. Secrets are read from environment
variables and never printed.

Exit code: 0 after an interruption that let answers end, 130 after one that did not.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bedload completions bash > ~/.local/share/bash-completion/completions/bedload
  bedload completions zsh > ~/.zfunc/_bedload
  bedload completions fish > ~/.config/fish/completions/bedload.fish";

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// One JSON document.
    Json,
    /// Markdown, for a pull request or a page.
    Markdown,
}

/// What a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page.
    Html,
    /// Markdown with pictures beside it.
    Markdown,
    /// The document that the others are drawn from.
    Json,
}

/// `bedload report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders that simulate, run, search, lab or plan left; several are shown side by side
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,
    /// Where to write [default: report.html or report/ in the folder of the result, or here if there
    /// are several; JSON goes to stdout]
    #[arg(long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// What to make
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub format: ReportFormat,
    /// Do not say where it is
    #[arg(long, short)]
    pub quiet: bool,
}

/// What every verb that reads a scenario takes.
#[derive(Debug, Args)]
pub struct Shared {
    /// Override a value of the scenario, such as `client.timeout=30s` (repeatable)
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Take only this variant (repeatable)
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<String>,
    /// A folder of profiles of your own (models/, prices/, latency/) over the built-in ones
    #[arg(long = "profiles", value_name = "DIR")]
    pub profiles: Vec<PathBuf>,
    /// The price book to use, whatever the scenario names [default: the scenario's, or the latest]
    #[arg(long, value_name = "NAME")]
    pub prices: Option<String>,
    /// The seed of every draw, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print results only
    #[arg(long, short)]
    pub quiet: bool,
    /// Print without colour; the variable `NO_COLOR` does the same
    #[arg(long)]
    pub no_color: bool,
}

/// `bedload simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// Independent repetitions with seeds of their own, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub replications: Option<u32>,
    /// Run each variant under the quota semantics A, B and C, to see how much they matter
    #[arg(long)]
    pub spread: bool,
    /// Write attempts.jsonl too: each attempt of each variant's first replication
    #[arg(long)]
    pub attempts: bool,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where to write the run's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `bedload search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// How far apart the ends of the bracket may be: 0.02 is two per cent
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = precision)]
    pub precision: f64,
    /// Seeds of each load at first; the same at all loads
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<u32>::new().range(2..=1000))]
    pub seeds: u32,
    /// For how long requests start in each run, instead of the scenario's
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Fail with exit code 5 if a variant carries less than this, such as `12/s`
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub at_least: Option<PerSecond>,
    /// Do not try what would help
    #[arg(long)]
    pub no_advice: bool,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where to write the run's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `0.02`, from a tenth of a per cent to a doubling.
fn precision(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.001..=1.0).contains(&value) => Ok(value),
        _ => Err(format!("`{text}` is no share from 0.001 to 1")),
    }
}

/// `12/s` or `700/min`.
fn rate(text: &str) -> Result<PerSecond, String> {
    PerSecond::parse_unit(text)
        .map_err(|error| format!("`{text}` {error}; write it like {}", PerSecond::EXAMPLES))
}

/// `bedload plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// Paths of demand that are drawn [default: the scenario's, or 1000]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub paths: Option<u32>,
    /// Do not simulate what is recommended
    #[arg(long)]
    pub no_verify: bool,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where to write the plan's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `bedload lab`.
#[derive(Debug, Args)]
pub struct LabArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// Seeds that each policy meets [default: the scenario's replications, or 5]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub seeds: Option<u32>,
    /// Look for the load at which each policy tips, also of those that come back
    #[arg(long, conflicts_with = "no_tip")]
    pub tip: bool,
    /// Do not look for the load at which metastable policies tip
    #[arg(long)]
    pub no_tip: bool,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where to write the run's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `bedload run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Where to send: a URL, or `bedrock` for Amazon Bedrock in the Region of the environment
    #[arg(long, value_name = "URL|bedrock", value_parser = Target::parse)]
    pub target: Target,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// Take turns with this scenario, so that a drift of the service meets both, and compare the two
    #[arg(long, value_name = "NEW.toml")]
    pub interleave: Option<PathBuf>,
    /// Run so many times, with a seed for each [default: 1; 5 with --interleave]
    #[arg(long, short = 'k', value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub runs: Option<u32>,
    /// Stop before more than this is spent over all runs, such as `$5`
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget: Option<Usd>,
    /// Do not ask before money is spent
    #[arg(long, short)]
    pub yes: bool,
    /// The most attempts on the wire at once; what waits longer than a second for a place is not sent
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_in_flight: usize,
    /// Sign requests to a URL with the credentials of the environment, instead of made-up ones
    #[arg(long)]
    pub sign_with_aws: bool,
    /// Send a URL one small request first, as is always done on Bedrock
    #[arg(long)]
    pub preflight: bool,
    /// Do not measure what the client itself adds to a first token
    #[arg(long)]
    pub no_calibration: bool,
    /// Threads that send [default: all cores, at most 4]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub threads: Option<usize>,
    /// Where to write the run's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `$5`, `5` or `0.25`.
pub(super) fn dollars(text: &str) -> Result<Usd, String> {
    let number = text.trim().trim_start_matches('$');
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() && (0.0..=1e9).contains(&value) => {
            Ok(Usd::from_dollars(value))
        }
        _ => Err(format!("`{text}` is no amount of dollars such as `$5`")),
    }
}

/// `bedload check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The scenario files
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Leave out what comes first: the resolved scenario and the figures used with their sources
    #[arg(long)]
    pub brief: bool,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
}

/// `bedload serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The scenario file
    pub scenario: PathBuf,
    /// Common flags; of several variants the first is served.
    #[command(flatten)]
    pub shared: Shared,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,
    /// Threads that serve connections
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: usize,
    /// After an interruption, how long answers under way may take to end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub grace: Duration,
    /// Refuse requests that are not signed with a known key (`SigV4`) or carry no known token
    #[arg(long)]
    pub verify_signatures: bool,
    /// A known access key: its id, and the environment variable that holds its secret (repeatable)
    /// [default: the key in the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`]
    #[arg(
        long = "access-key",
        value_name = "ID:VARIABLE",
        requires = "verify_signatures"
    )]
    pub access_keys: Vec<String>,
    /// An environment variable that holds a known bearer token (repeatable)
    #[arg(
        long = "bearer-token",
        value_name = "VARIABLE",
        requires = "verify_signatures"
    )]
    pub bearer_tokens: Vec<String>,
    /// The largest request body, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 25_000_000)]
    pub max_body: usize,
    /// The largest head of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 65_536, value_parser = RangedU64ValueParser::<usize>::new().range(8_192..=16_777_216))]
    pub max_header: usize,
    /// Connections at once; more are answered 503
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_connections: usize,
    /// How long the head of a request may take to arrive, idle time before it included
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub header_timeout: Duration,
    /// How long a request body may take to arrive
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub body_timeout: Duration,
    /// How long a reader may take nothing of an answer before it is cut off
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub stall_timeout: Duration,
}
