//! The arguments of `bedload trace import`.

use super::Format;
use crate::load::trace::{TimeUnit, TraceFormat};
use clap::Args;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use std::path::PathBuf;

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  bedload trace import logs/ --out traffic
  bedload trace import s3://bucket/prefix --from 2026-11-01T00 --to 2026-11-02T00 --out traffic
  bedload trace import AzureLLMInferenceTrace_code.csv --out traffic
  bedload trace import cloudwatch --model claude-haiku-4-5 --from 2026-10-01T00 --to 2026-11-01T00";

pub(super) const IMPORT_LONG: &str = "\
Examples:
  bedload trace import logs/ --out traffic
  bedload trace import s3://bucket/prefix --from 2026-11-01T00 --to 2026-11-02T00 --out traffic
  bedload trace import AzureLLMInferenceTrace_code.csv --out traffic
  bedload trace import calls.csv --at when --at-unit timestamp --input prompt --output answer \\
      --column model=model --column latency_ms=took --out calls.trace.csv
  bedload trace import cloudwatch --model claude-haiku-4-5 --from 2026-10-01T00 --to 2026-11-01T00
  bedload trace import cloudwatch metrics.json --out demand

Sources: files and folders of one format, packed with gzip or not; s3://BUCKET/PREFIX of model
invocation logs, with the credentials of the AWS SDK's usual chain; `cloudwatch`, for the metrics of
AWS/Bedrock from the service or from exported JSON or CSV files.

Prompts are never kept. Of each only sizes and salted hashes are: of its beginnings (for sessions and
for what a cache can reuse) and of its caller. The salt is random and forgotten, unless --salt gives one.

Memory is bounded whatever the size of logs: calls are sorted in runs that go to a file beside the
output (about 100 bytes a call, and 12 for each message) and is removed at the end.

A line that holds no call is counted by reason, and the first ones are shown with file and line.

Further columns of csv, jsonl and parquet files (--column KEY=NAME):
  model, client, region, max_tokens, cache_read, cache_write
  ttft_ms, latency_ms       from the start to the first token and to the end; or ttft_s, latency_s
  end                       an HTTP status, or answered, throttled, failed and so on

Exit code: 0 if calls were read, 3 if none were or, with --strict, if a line was bad, 4 if AWS could
not be called.";

/// `bedload trace import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, folders, `s3://BUCKET/PREFIX`, or `cloudwatch` with or without exported files
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// The format of the files [default: told by their first bytes]
    #[arg(long = "as", value_name = "FORMAT", value_parser = formats())]
    pub format_of_source: Option<TraceFormat>,
    /// The column or field of the start, for `csv`, `jsonl` and `parquet`
    #[arg(long, value_name = "NAME")]
    pub at: Option<String>,
    /// How that is written: s, ms, us, ns or timestamp
    #[arg(long, value_name = "UNIT", default_value = "s", value_parser = units())]
    pub at_unit: TimeUnit,
    /// The column or field of input tokens
    #[arg(long, value_name = "NAME")]
    pub input: Option<String>,
    /// The column or field of output tokens
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// The column or field of the session
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// A further column, such as `max_tokens=limit` (repeatable)
    #[arg(long = "column", value_name = "KEY=NAME", value_parser = pair)]
    pub columns: Vec<(String, String)>,
    /// Stop with exit code 3 at the first line that holds no call
    #[arg(long)]
    pub strict: bool,
    /// Hash callers and prompts with this text, so that several imports agree [default: random]
    #[arg(long, value_name = "TEXT")]
    pub salt: Option<String>,
    /// The model behind an application inference profile, by ARN or id (repeatable)
    #[arg(long = "profile", value_name = "ARN=MODEL", value_parser = pair)]
    pub profiles: Vec<(String, String)>,
    /// Only calls from this moment on, such as 2026-11-01T00 (UTC); seconds for a servegen pool
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only calls before this moment
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Tokens of one block of prompts that begin alike; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = RangedU64ValueParser::<u32>::new().range(0..=1_000_000))]
    pub block_tokens: u32,
    /// The variant of an attempts.jsonl to read [default: the first of the file]
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Models of the metrics: names of profiles or model ids (repeatable)
    #[arg(long = "model", value_name = "MODEL")]
    pub models: Vec<String>,
    /// The Region of the bucket or of the metrics [default: that of the environment]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Another endpoint than AWS's for S3 and `CloudWatch`
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The seed of what is drawn for a servegen pool
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where to write: a folder, or a file that ends in .csv or .csv.gz for the trace alone
    /// [default: results/traces/<time>]
    #[arg(long, value_name = "DIR|FILE")]
    pub out: Option<PathBuf>,
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

/// The names of the formats of traces.
pub(super) fn formats() -> impl TypedValueParser<Value = TraceFormat> {
    PossibleValuesParser::new(TraceFormat::NAMES.map(|(name, _)| name))
        .map(|name| TraceFormat::named(&name).expect("only names of formats are let in"))
}

/// The units of time columns.
const UNITS: [(&str, TimeUnit); 5] = [
    ("s", TimeUnit::Seconds),
    ("ms", TimeUnit::Millis),
    ("us", TimeUnit::Micros),
    ("ns", TimeUnit::Nanos),
    ("timestamp", TimeUnit::Timestamp),
];

/// The names of the units of time columns.
pub(super) fn units() -> impl TypedValueParser<Value = TimeUnit> {
    PossibleValuesParser::new(UNITS.map(|(name, _)| name)).map(|name| {
        let unit = UNITS.iter().find(|(known, _)| **known == name);
        unit.expect("only names of units are let in").1
    })
}

/// `KEY=VALUE`, split at its first `=`: ARNs have none.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(format!("`{text}` is not of the form KEY=VALUE")),
    }
}
