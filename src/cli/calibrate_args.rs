//! The command line of `calibrate`.

use super::args::{Format, Shared, dollars};
use crate::live::Target;
use crate::units::Usd;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  bedload calibrate results/runs/20261123T010203Z-chat-1a2b3c4d
  bedload calibrate measured.csv --columns at=time,input=in,output=out,ttft=ttft_s,latency=e2e_s
  bedload simulate chat.toml --profiles calibrated
  bedload calibrate --twin results/runs/20261123T020304Z-chat-5e6f7a8b --profiles calibrated";

pub(super) const LONG: &str = "\
Examples:
  bedload calibrate results/runs/20261123T010203Z-chat-1a2b3c4d
  bedload calibrate measured.csv --columns at=time,input=in,output=out,ttft=ttft_s,latency=e2e_s
  bedload simulate chat.toml --profiles calibrated
  bedload calibrate --twin results/runs/20261123T020304Z-chat-5e6f7a8b --profiles calibrated

What is fitted, for each model, and apart for each Region, tier (from 100 answers) and quarter of
the day (from 200):
  first token    (base + per_k_input x input + per_k_cached x cached input) x noise, by robust
                 regression on relative residuals
  per token      per_output_token x noise, one draw for each answer
  noise          a mixture of up to three lognormal laws, or the quantiles themselves where that
                 does not describe them; below 200 answers lognormal halves through p5, p50 and p95
  whole answers  where nobody timed first tokens, both are read from whole times against tokens
Few answers keep near the profile that the model has (--start), and what they do not tell is taken
from it.

How it is judged: the law of the first 70 % of the answers against the last 30 %. It is `fitted` if
errors are at most 5 % at p50, 10 % at p90 and p95, 15 % at p99 (or what the measurement itself is
uncertain by), and the distributions agree (Kolmogorov and Smirnov); otherwise `assumed`, with the
reason.

A time column whose name does not end in _s, _ms or _us says its unit: `ttft=first:ms`. Sizes may
be sums: `input=fresh+written`.

Written: DIR/latency/NAME.toml for each law, DIR/calibration.json and DIR/calibration.md; with
--twin DIR/twin.json and DIR/twin.md.

The twin (--twin RUN) has the scenario of the run, its recorded arrivals, prompts and answers, and
the profiles; attempts, throttles and percentiles are compared.

Exit code: 0 if every law is fitted (and the twin agrees), 5 if not, 3 if a source cannot be read.";

pub(super) const PROBE_EXAMPLES: &str = "\
Examples:
  bedload probe chat.toml --target http://127.0.0.1:9000
  bedload probe chat.toml --target bedrock --budget '$2' --set quota.tpm=200k
  bedload probe chat.toml --target bedrock --variant in-region --yes";

pub(super) const PROBE_LONG: &str = "\
Examples:
  bedload probe chat.toml --target http://127.0.0.1:9000
  bedload probe chat.toml --target bedrock --budget '$2' --set quota.tpm=200k
  bedload probe chat.toml --target bedrock --variant in-region --yes

AWS does not publish how a quota forgets use and when reservations come back. The probe sends, to
the model and scope of the scenario's first workload:
  first series   a burst that fills the quota with answers that take some seconds, then one small
                 call each second for 75 s: when is there room again?
  second series  only if the quota may start anew each minute: answers that reserve much and use
                 little, under way across the next boundary, a burst behind it, and small calls
Each of the nine rules (sliding, fixed, bucket; semantics A, B, C) then tells how likely it makes
every fate, given all calls before it. The likeliest is named with its margin, and so are those that
cannot be told from it.

The quota must be the one of the account (`--set quota.tpm=...`; a wrong figure is noticed), and
nothing else should use it. A small quota makes a cheap probe. On Bedrock the worst cost of both
series is printed first, and the probe needs `--yes` or a confirmation.

Written: probe.json, probe.md and the attempts of both series, into the run's folder.

Exit code: 0 if window and semantics are told, 6 if not, 4 if the target cannot be called, 130 if it
was interrupted.";

/// `bedload probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The scenario file; its first workload and variant say what is called
    pub scenario: PathBuf,
    /// Where to send: a URL, or `bedrock` for Amazon Bedrock in the Region of the environment
    #[arg(long, value_name = "URL|bedrock", value_parser = Target::parse)]
    pub target: Target,
    /// Common flags.
    #[command(flatten)]
    pub shared: Shared,
    /// Stop before more than this is spent, such as `$2`
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget: Option<Usd>,
    /// Do not ask before money is spent
    #[arg(long, short)]
    pub yes: bool,
    /// Sign requests to a URL with the credentials of the environment, instead of made-up ones
    #[arg(long)]
    pub sign_with_aws: bool,
    /// Where to write the run's folder [default: results/runs/<time>-<scenario>-<hash>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `bedload calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Run folders, attempts.jsonl files, and CSV files with `--columns`
    pub sources: Vec<PathBuf>,
    /// Simulate the recorded run in this folder on the profiles (those that the sources give, if any are
    /// named), and set both side by side
    #[arg(long, value_name = "RUN")]
    pub twin: Option<PathBuf>,
    /// Which columns of a CSV file hold what; once for all files, or once for each source
    #[arg(long, value_name = "KEY=COLUMN,...")]
    pub columns: Vec<String>,
    /// Fit only this model (its name or its id); the model of rows that name none
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The latency profile from which fits start, or `none` [default: that of each model]
    #[arg(long, value_name = "NAME|none")]
    pub start: Option<String>,
    /// The name of the profile [default: that which the model names, which it then replaces]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where the measurements come from, for the profile [default: the names of the sources]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// Of which day the measurements are [default: of the last one, or of today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<String>,
    /// How the profile is made again, for its head
    #[arg(long, value_name = "TEXT")]
    pub command: Option<String>,
    /// Where to write profiles and findings
    #[arg(long, value_name = "DIR", default_value = "calibrated")]
    pub out: PathBuf,
    /// A folder of profiles of your own (models/, prices/, latency/) over the built-in ones
    #[arg(long = "profiles", value_name = "DIR")]
    pub profiles: Vec<PathBuf>,
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
