//! `summary.json`: what `simulate`, `run` and `search` hand to people and programs.
//!
//! The shape is public. Fields are only ever added; another meaning needs another major version
//! of the schema. Times are milliseconds, money is dollars, shares are in `[0, 1]` unless said
//! otherwise, and a value that is not available is `null`, never 0.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::error::ReadError;

/// The schema that this program writes.
pub const SUMMARY_SCHEMA: &str = "bedload.summary/1";

/// The results of one run of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: String,
    /// The scenario's name.
    pub scenario: String,
    /// The question that the scenario answers; may be empty.
    #[serde(default)]
    pub description: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Runs with seeds of their own, summed in each variant.
    #[serde(default = "one")]
    pub replications: u32,
    /// Whether the run was cut short.
    pub partial: bool,
    /// Whether the figures can be trusted; a live run whose generator could not keep up is not.
    pub valid: bool,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// How fast the simulation was. The only part that differs between equal runs.
    pub engine: EngineSummary,
    /// One entry per variant, in the order of the scenario.
    pub variants: Vec<VariantSummary>,
}

fn one() -> u32 {
    1
}

/// How fast the simulation was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineSummary {
    /// Requests simulated over all variants and replications, warm-up inside.
    pub requests: u64,
    /// Wall time in seconds.
    pub wall_s: f64,
    /// Requests over wall time; `null` if no time was measured.
    pub requests_per_wall_s: Option<f64>,
    /// Threads in use.
    #[serde(default)]
    pub threads: u32,
}

/// The results of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantSummary {
    /// Its name.
    pub name: String,
    /// Its capacity mode in a few words.
    #[serde(default)]
    pub mode: String,
    /// Logical requests by outcome.
    pub requests: RequestSummary,
    /// Attempts on the wire.
    pub attempts: AttemptSummary,
    /// Time to first token from the intended start, completed requests.
    pub ttft_ms: Percentiles,
    /// The same over all requests, those without an answer as infinite.
    pub ttft_all_ms: Percentiles,
    /// Time to first token from the send of the attempt that answered.
    pub attempt_ttft_ms: Percentiles,
    /// Time to the last token from the intended start, completed requests.
    pub e2e_ms: Percentiles,
    /// The same over all requests, those without an answer as infinite.
    #[serde(default)]
    pub e2e_all_ms: Percentiles,
    /// Time to the last token from the send of the attempt that answered.
    #[serde(default)]
    pub attempt_e2e_ms: Percentiles,
    /// Time per output token after the first, by request.
    pub tpot_ms: Percentiles,
    /// Requests per second that completed and met every latency bound.
    pub goodput_rps: Option<f64>,
    /// The verdict.
    pub slo: SloSummary,
    /// Answers cut off by `max_tokens`.
    #[serde(default)]
    pub truncated: u64,
    /// Answers that a quota of output tokens stopped early.
    #[serde(default)]
    pub stopped_early: u64,
    /// How answers ended, what was thought, and what guardrails did.
    #[serde(default)]
    pub answers: super::answers::AnswersSummary,
    /// Tokens of answered requests; quota tokens of the whole run, warm-up inside.
    pub tokens: TokenSummary,
    /// The quotas and bought capacity that the variant drew on.
    pub quota: Vec<QuotaSummary>,
    /// The pools of Regions, one entry for each model and Region; empty without routing and pools.
    #[serde(default)]
    pub regions: Vec<RegionSummary>,
    /// Which endpoints its requests went to; absent where each workload has only its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<super::lanes::LaneSummary>,
    /// What it cost.
    pub cost: CostSummary,
    /// What each feature, customer or other tag of its workloads cost; empty without tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cost_by_tag: Vec<super::tags::TagCostSummary>,
    /// Measured seconds over all replications, by which rates are taken.
    #[serde(default)]
    pub measured_s: f64,
    /// Mean number of requests in the system, waiting and backing off inside.
    #[serde(default)]
    pub mean_in_system: Option<f64>,
    /// Where the latencies come from, one entry per workload.
    #[serde(default)]
    pub latency: Vec<LatencySummary>,
    /// The workloads one by one, in the order of the scenario.
    #[serde(default)]
    pub workloads: Vec<WorkloadSummary>,
    /// Use of bought capacity; `null` if none was bought.
    #[serde(default)]
    pub prepaid: Option<PrepaidSummary>,
    /// Whether bought capacity pays; `null` if none was bought.
    #[serde(default)]
    pub break_even: Option<BreakEvenSummary>,
    /// The replications one by one.
    #[serde(default)]
    pub replications: Vec<ReplicationSummary>,
    /// Confidence intervals over replications; `null` below two.
    #[serde(default)]
    pub intervals: Option<IntervalSummary>,
    /// Load and refusals over time, in at most 60 steps.
    #[serde(default)]
    pub course: Option<CourseSummary>,
    /// The price book in force.
    #[serde(default)]
    pub price_book: Option<PriceBookSummary>,
    /// What only a run against a real endpoint has; `null` for a simulation.
    #[serde(default)]
    pub live: Option<super::live::LiveSummary>,
    /// Where its highest load lies, of which the rest of this entry tells; absent unless it was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<super::search::SearchSummary>,
    /// Choices that no source settles.
    #[serde(default)]
    pub assumptions: Vec<AssumptionSummary>,
    /// Plain remarks.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a reader should know before trusting the figures.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Logical requests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSummary {
    /// Requests that were due.
    pub offered: u64,
    /// Answered in full.
    pub completed: u64,
    /// Given up after a quota refusal.
    pub throttled: u64,
    /// Given up after a server error.
    pub failed: u64,
    /// Given up by the client's clock.
    pub timed_out: u64,
    /// Never sent.
    pub not_sent: u64,
    /// Completed, and within every latency bound of the SLO.
    #[serde(default)]
    pub good: u64,
    /// Put off to a batch job by the last fallback; absent if none was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deferred: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Attempts on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptSummary {
    /// Attempts sent.
    pub sent: u64,
    /// Refused by a quota (429).
    pub throttled: u64,
    /// Refused for lack of capacity (503).
    pub unavailable: u64,
    /// Failed otherwise.
    #[serde(default)]
    pub failed: u64,
    /// Abandoned by the client.
    #[serde(default)]
    pub timed_out: u64,
    /// Second attempts sent because the first token was late; only where the client hedges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedged: Option<u64>,
    /// Of these, those whose first token came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedges_won: Option<u64>,
    /// Attempts cancelled because the other one of their request was faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<u64>,
    /// Attempts sent over requests offered.
    pub amplification: Option<f64>,
    /// Share answered of the first attempts, of the second ones, and so on; the last entry
    /// stands for all later ones, and numbers at which nothing was answered are cut at the end.
    pub success_by_attempt: Vec<Option<f64>>,
}

/// Why a percentile is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Fewer samples than the percentile needs for a 95 % bound (29 for p90, 59 for p95, 299
    /// for p99, 2,995 for p99.9).
    TooFew,
    /// The rank falls among requests that were never answered: it is infinite.
    Never,
    /// There is no such latency, such as the first token of an answer that is not streamed.
    NotApplicable,
}

/// A latency in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Samples.
    #[serde(default)]
    pub count: u64,
    /// Why values are `null`, by field name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<String, Absence>,
}

/// The verdict on the service-level objectives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SloSummary {
    /// Whether every objective was met.
    pub met: bool,
    /// Good requests over offered ones.
    pub attainment: Option<f64>,
    /// Names of the objectives that were missed, such as `ttft.p99` or `throttled_share`.
    pub missed: Vec<String>,
    /// Latency objectives judged on fewer requests than their percentile needs.
    #[serde(default)]
    pub too_few: Vec<String>,
    /// Every objective with what was seen.
    #[serde(default)]
    pub objectives: Vec<ObjectiveSummary>,
}

/// One objective with what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveSummary {
    /// Its name.
    pub name: String,
    /// `ms` for latencies, `share` for shares.
    pub unit: String,
    /// The bound: a greatest value, but the least one for `attainment`.
    pub bound: f64,
    /// What was seen; `null` if infinite or without requests.
    pub seen: Option<f64>,
    /// Whether it was met.
    pub met: bool,
}

/// Tokens by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSummary {
    /// Uncached input.
    pub input: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_write: u64,
    /// Output.
    pub output: u64,
    /// Quota tokens reserved at admission; `null` for a single workload.
    pub quota_reserved: Option<u64>,
    /// Quota tokens charged at settlement; `null` for a single workload.
    pub quota_settled: Option<u64>,
    /// Tokens of abandoned attempts.
    #[serde(default)]
    pub wasted: u64,
}

/// One quota, or one side of bought capacity, over the whole run with its warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaSummary {
    /// `tpm`, `rpm`, `tpd`, or the side of a reservation.
    pub name: String,
    /// The model whose quota it is.
    #[serde(default)]
    pub model: String,
    /// `in-region`, `geo` or `global`; `account` for the quota of the whole account.
    pub scope: String,
    /// The source Region where it is not the variant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The limit per window.
    pub limit: u64,
    /// Largest share that admission counted, reservations inside; above 1 with debt.
    pub peak_reserved_share: Option<f64>,
    /// Largest share that a dashboard showed, in a clock window.
    pub peak_settled_share: Option<f64>,
    /// Attempts refused by it.
    pub refused: u64,
}

/// What one Region gave one model over the whole run with its warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionSummary {
    /// The Region.
    pub region: String,
    /// The model.
    pub model: String,
    /// Answers at the same time that its pool gives; `null` is any number.
    pub streams: Option<u32>,
    /// Calls that it served.
    pub calls: u64,
    /// Of those, calls that another Region had no room for.
    pub spilled: u64,
    /// Attempts refused for want of room (503).
    pub unavailable: u64,
    /// Answers that broke off because the Region was lost.
    pub broken: u64,
    /// Share of its prefix tokens that were read from its cache; `null` without any.
    pub cache_hit_share: Option<f64>,
    /// The most answers at the same time.
    pub peak_in_flight: u64,
}

/// What a variant cost.
///
/// For a workload these are its tokens only: bought capacity belongs to the variant as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostSummary {
    /// Dollars for the measured span over all replications; `null` if a price is unknown.
    pub run_usd: Option<f64>,
    /// Dollars for a month of 730 hours like the measured span.
    pub month_usd: Option<f64>,
    /// `run_usd` by class; the classes sum to it.
    pub by_class: CostClasses,
    /// `month_usd` by class; the classes sum to it.
    #[serde(default)]
    pub month_by_class: CostClasses,
}

/// Dollars by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostClasses {
    /// Uncached input tokens.
    pub input: Option<f64>,
    /// Output tokens.
    pub output: Option<f64>,
    /// Cache writes with a life of five minutes.
    pub cache_write: Option<f64>,
    /// Cache reads.
    pub cache_read: Option<f64>,
    /// Bought capacity.
    pub reserved: Option<f64>,
    /// Guardrails.
    pub guardrail: Option<f64>,
    /// Tokens of attempts that bought nothing.
    pub wasted: Option<f64>,
    /// Tokens of batch jobs.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub batch: Option<f64>,
    /// Cache writes with a life of an hour.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub cache_write_1h: Option<f64>,
    /// What tokens cost above the prices of short prompts, because their prompts are long.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub long_context: Option<f64>,
    /// Tokens of the calls of classifiers.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub classifier: Option<f64>,
    /// Fees of routers.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub router_fee: Option<f64>,
}

/// Documents without batch jobs have no such class.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the type of the field that serde fills in"
)]
fn nothing() -> Option<f64> {
    Some(0.0)
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn is_nothing(dollars: &Option<f64>) -> bool {
    *dollars == nothing()
}

/// Where the latencies of a workload come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// The workload.
    pub workload: String,
    /// The model.
    pub model: String,
    /// The latency profile.
    pub profile: String,
    /// `measured`, `fitted` or `assumed`.
    pub origin: String,
    /// Its source.
    pub source: String,
}

/// The results of one workload of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadSummary {
    /// Its name.
    pub name: String,
    /// Its model, by the profile's name.
    pub model: String,
    /// Logical requests by outcome.
    pub requests: RequestSummary,
    /// Attempts on the wire.
    pub attempts: AttemptSummary,
    /// As in the variant.
    pub ttft_ms: Percentiles,
    /// As in the variant.
    pub ttft_all_ms: Percentiles,
    /// As in the variant.
    pub attempt_ttft_ms: Percentiles,
    /// As in the variant.
    pub e2e_ms: Percentiles,
    /// As in the variant.
    pub e2e_all_ms: Percentiles,
    /// As in the variant.
    pub attempt_e2e_ms: Percentiles,
    /// As in the variant.
    pub tpot_ms: Percentiles,
    /// As in the variant.
    pub goodput_rps: Option<f64>,
    /// Good requests over offered ones.
    pub attainment: Option<f64>,
    /// Answers cut off by `max_tokens`.
    pub truncated: u64,
    /// Answers that a quota of output tokens stopped early.
    #[serde(default)]
    pub stopped_early: u64,
    /// How answers ended, what was thought, and what guardrails did.
    #[serde(default)]
    pub answers: super::answers::AnswersSummary,
    /// Tokens of answered requests.
    pub tokens: TokenSummary,
    /// Cost of its tokens; bought capacity belongs to the variant as a whole.
    pub cost: CostSummary,
    /// The service tier that its calls ask for, if they name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierSummary>,
    /// Its batch jobs, if its requests are collected into such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchSummary>,
    /// Its sessions; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<SessionSummary>,
    /// What its classifier did; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<super::lanes::ClassifierSummary>,
}

/// What became of calls that name a service tier or ask for latency-optimised inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierSummary {
    /// `flex`, `priority` or `latency_optimized`.
    pub asked: String,
    /// Answered requests that were served, and billed, as that.
    pub served: u64,
    /// Answered requests that were served, and billed, as standard.
    pub served_as_standard: u64,
}

/// The batch jobs of one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Jobs submitted.
    pub jobs: u64,
    /// Jobs that processed all of their records.
    pub completed_jobs: u64,
    /// Jobs that expired with some records processed.
    pub partially_completed_jobs: u64,
    /// Jobs that expired with none.
    pub expired_jobs: u64,
    /// Input files of all jobs.
    pub files: u64,
    /// Records submitted.
    pub records: u64,
    /// Mean records of a job.
    pub records_per_job: Option<f64>,
    /// From the first submission to the end of the last job, of the longest replication.
    pub makespan_s: f64,
    /// From the intended time of a record to the end of its job, in seconds; completed records.
    pub completion_s: Percentiles,
    /// Records that completed later than their deadline.
    pub late_records: u64,
    /// Records that their job had not processed when it expired.
    pub expired_records: u64,
    /// Records with an error of their own, such as a prompt beyond the context window.
    pub error_records: u64,
    /// Records that never were enough for a job.
    pub too_few_records: u64,
    /// Most jobs of the model that waited for a place at a time.
    pub waiting_peak: u64,
    /// Most jobs of the model that were submitted or in progress at a time.
    pub in_progress_peak: u64,
    /// What its records cost; `null` if a price is unknown.
    pub cost_usd: Option<f64>,
}

/// The sessions of a workload that began in the measured span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Sessions that began.
    pub started: u64,
    /// All of whose turns were answered.
    pub completed: u64,
    /// That ended when a call failed; their later turns were never offered.
    pub abandoned: u64,
    /// That the run ended before.
    pub unfinished: u64,
    /// Turns that were answered to the end.
    pub turns: u64,
}

/// Use of bought capacity in the measured span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepaidSummary {
    /// What was bought.
    pub what: String,
    /// Requests that it answered.
    pub requests: u64,
    /// Their share of all completed requests.
    pub share: Option<f64>,
    /// Uncached input tokens that it served.
    pub input: u64,
    /// Cache reads that it served.
    pub cache_read: u64,
    /// Cache writes that it served.
    pub cache_write: u64,
    /// Output tokens that it served.
    pub output: u64,
    /// Mean use of the input side over the measured span: input and cache writes over the limit.
    pub input_utilisation: Option<f64>,
    /// Mean use of the output side over the measured span.
    pub output_utilisation: Option<f64>,
}

/// Whether bought capacity pays, with the token mix of this run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakEvenSummary {
    /// What was bought.
    pub what: String,
    /// Its price for a month of 730 hours; `null` if unknown.
    pub month_usd: Option<f64>,
    /// What a month of its full use costs on demand, at this mix.
    pub full_use_month_usd: Option<f64>,
    /// The side that this mix fills first: `input` or `output`.
    pub binding: Option<String>,
    /// Mean use of that side from which the purchase pays; above 1 it never does.
    pub break_even_utilisation: Option<f64>,
    /// Mean use of that side in this run.
    pub utilisation: Option<f64>,
    /// The highest price for a month at which it pays with the use of this run.
    pub highest_paying_month_usd: Option<f64>,
    /// Whether it pays; `null` if that is not known.
    pub pays: Option<bool>,
    /// The same in one sentence.
    pub sentence: String,
}

/// One replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicationSummary {
    /// Its seed.
    pub seed: u64,
    /// Median TTFT of completed requests.
    pub ttft_p50_ms: Option<f64>,
    /// 99th percentile of it.
    pub ttft_p99_ms: Option<f64>,
    /// Share of requests that ended throttled.
    pub throttled_share: Option<f64>,
    /// Good requests per second.
    pub goodput_rps: Option<f64>,
    /// Cost of the tokens of the measured span.
    pub token_cost_usd: Option<f64>,
    /// What it reads of all workloads together, and then of each; absent in results of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<super::metrics::RunMetrics>,
}

/// 95 % intervals of Student's t over replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalSummary {
    /// The confidence.
    pub confidence: f64,
    /// Of the median TTFT, on logarithms.
    pub ttft_p50_ms: Option<Estimate>,
    /// Of the 99th percentile, on logarithms.
    pub ttft_p99_ms: Option<Estimate>,
    /// Of the share of requests that ended throttled.
    pub throttled_share: Option<Estimate>,
    /// Of the goodput.
    pub goodput_rps: Option<Estimate>,
    /// Of the token cost of one replication.
    pub token_cost_usd: Option<Estimate>,
}

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Load and refusals over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseSummary {
    /// The length of a step in seconds.
    pub step_s: f64,
    /// Requests due per second, mean over replications.
    pub offered_rps: Vec<f64>,
    /// Share of the attempts sent that a quota refused; `null` where none were sent.
    pub refused_share: Vec<Option<f64>>,
}

/// A price book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PriceBookSummary {
    /// Its name.
    pub name: String,
    /// The date on which the prices were read.
    pub as_of: String,
}

/// A choice that no source settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AssumptionSummary {
    /// The key of the setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What is known, and why this value.
    pub why: String,
}

impl Percentiles {
    /// Every value with its name, in order.
    pub fn fields(&self) -> [(&'static str, Option<f64>); 7] {
        [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
            ("mean", self.mean),
            ("max", self.max),
        ]
    }

    /// The value of a field, or why there is none.
    pub fn reading(&self, name: &str) -> Result<f64, Absence> {
        let field = self.fields().into_iter().find(|(field, _)| *field == name);
        let value = field.and_then(|(_, value)| value);
        value.ok_or_else(|| {
            let absence = self.absent.get(name).copied();
            absence.unwrap_or(Absence::NotApplicable)
        })
    }
}

impl Summary {
    /// The summary as it stands in `summary.json`: indented, with a line break at the end.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structs with string keys always serialise");
        text.push('\n');
        text
    }
}

/// Reads `summary.json`.
///
/// # Errors
/// If it is not a summary, is of a newer major version, or lacks what this version needs.
pub fn read_summary(text: &str) -> Result<Summary, ReadError> {
    super::error::expect_schema(text, SUMMARY_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(SUMMARY_SCHEMA, &error))
}
