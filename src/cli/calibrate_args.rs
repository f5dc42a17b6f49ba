//! The command line of `calibrate`.

use super::args::Format;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  bedload calibrate results/runs/20261123T010203Z-chat-1a2b3c4d
  bedload calibrate measured.csv --columns at=time,input=in_tokens,output=out_tokens,ttft=ttft_s,latency=e2e_s,model=model
  bedload simulate chat.toml --profiles calibrated";

pub(super) const LONG: &str = "\
Examples:
  bedload calibrate results/runs/20261123T010203Z-chat-1a2b3c4d
  bedload calibrate measured.csv --columns at=time,input=in_tokens,output=out_tokens,ttft=ttft_s,latency=e2e_s,model=model
  bedload simulate chat.toml --profiles calibrated

What is fitted, for each model, and apart for each Region, tier (from 100 answers) and quarter of the
day (from 200):
  first token    (base + per_k_input x input + per_k_cached x cached input) x noise, by robust
                 regression on relative residuals
  per token      per_output_token x noise, one draw for each answer
  noise          a mixture of up to three lognormal laws, or the quantiles themselves where that does
                 not describe them; below 200 answers a lognormal law through p50 and p95
  whole answers  where nobody timed first tokens, both are read from whole times against tokens
Few answers keep near the profile that the model has (--start), and what they do not tell is taken
from it.

How it is judged: the law of the first 70 % of the answers against the last 30 %. It is `fitted` if
errors are at most 5 % at p50, 10 % at p90 and p95, 15 % at p99 (or what the measurement itself is
uncertain by), and the distributions agree (Kolmogorov and Smirnov); otherwise `assumed`, with the reason.

A time column whose name does not end in _s, _ms or _us says its unit: `ttft=first:ms`. Sizes may be
sums: `input=fresh+written`.

Written: DIR/latency/NAME.toml for each law, DIR/calibration.json and DIR/calibration.md.

Exit code: 0 if every law is fitted, 5 if one is not, 3 if a source cannot be read.";

/// `bedload calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Run folders, attempts.jsonl files, and CSV files with `--columns`
    pub sources: Vec<PathBuf>,
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
