//! What a scenario says of the service: capacity that is bought or shared, assumptions, faults.

mod quotas;
mod regions;

pub use quotas::{
    AccountSpec, AccountWeight, CounterFilter, CounterLimit, Family, NewLimits, QuotaChange,
    QuotaSpec,
};
pub use regions::{Loss, PoolSpec, RegionsSpec, RoutingPolicy};

use super::tiers::TierSpec;
use crate::domain::{CacheRules, QuotaRules, Rejection, Scope, StreamFault, Term};
use crate::units::{Micros, Ratio, TokensPerMinute, Usd};

/// The service side of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// The source Region, where quotas are counted.
    pub region: String,
    /// What serves the traffic.
    pub capacity: CapacitySpec,
    /// How quotas are enforced.
    pub rules: QuotaRules,
    /// How the prompt cache works.
    pub cache: CacheRules,
    /// Quotas of the account where they differ from the defaults; they apply to every model.
    pub limits: QuotaLimits,
    /// Load of the shared service, ρ in `[0, 1)`, as the latency law takes it. An assumption.
    pub ambient_load: f64,
    /// Latency that a request gains when a geographic profile routes it to another Region.
    pub geo_hop: Micros,
    /// The same for the global profile.
    pub global_hop: Micros,
    /// Whether a client timeout is billed for its input and the tokens produced so far.
    pub timeouts_are_billed: bool,
    /// Latency that replaces that of every model's profile, without noise.
    pub fixed_latency: Option<FixedLatency>,
    /// Error rates.
    pub faults: Vec<FaultSpec>,
    /// What a served model says.
    pub answers: AnswerSpec,
    /// The guardrails that workloads and calls may name.
    pub guardrails: Vec<super::guardrail::GuardSpec>,
    /// What the service tiers do.
    pub tiers: TierSpec,
    /// Which runtime family is called.
    pub family: Family,
    /// Quotas beyond the limits that hold for all models.
    pub quotas: QuotaSpec,
    /// Routing and capacity of Regions; `None` draws a Region with equal odds and no limit.
    pub regions: Option<RegionsSpec>,
}

/// A latency without noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedLatency {
    /// From admission to the first token.
    pub ttft: Micros,
    /// Per output token after the first.
    pub per_token: Micros,
}

/// What a served model says. A simulation has no texts, and no use for this.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerSpec {
    /// Share of answers that use a tool when the call declares some.
    pub tool_use: Ratio,
    /// The same when the call brings the results of an earlier use.
    pub tool_use_again: Ratio,
    /// Share of answers that end at one of the caller's stop sequences.
    pub stop_sequence: Ratio,
    /// Output tokens of one chunk of a stream.
    pub chunk_tokens: u32,
    /// Bytes of text that count as one token; `None` takes the model profile's figure.
    pub bytes_per_token: Option<f64>,
    /// What a guardrail that a call names blocks.
    pub guardrail: GuardrailSpec,
}

/// A guardrail of words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailSpec {
    /// Words that are blocked, whatever their case.
    pub words: Vec<String>,
    /// What is answered when the input holds one.
    pub blocked_input: String,
    /// What is answered when the output holds one.
    pub blocked_output: String,
}

impl Default for AnswerSpec {
    /// A model that uses a tool when it can, and then answers.
    fn default() -> Self {
        Self {
            tool_use: Ratio::ONE,
            tool_use_again: Ratio::ZERO,
            stop_sequence: Ratio::ZERO,
            chunk_tokens: 1,
            bytes_per_token: None,
            guardrail: GuardrailSpec {
                words: Vec::new(),
                blocked_input: BLOCKED_INPUT.to_owned(),
                blocked_output: BLOCKED_OUTPUT.to_owned(),
            },
        }
    }
}

/// The texts that the Bedrock console proposes for a new guardrail.
pub const BLOCKED_INPUT: &str = "Sorry, the model cannot answer this question.";
/// See [`BLOCKED_INPUT`].
pub const BLOCKED_OUTPUT: &str = "Sorry, the model cannot answer this question.";

/// Quotas of the account that replace a model's defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// Tokens per minute.
    pub tpm: Option<TokensPerMinute>,
    /// Requests per minute.
    pub rpm: Option<crate::units::RequestsPerMinute>,
    /// Tokens per day.
    pub tpd: Option<crate::units::TokensPerDay>,
}

/// What serves the traffic.
#[derive(Clone, Debug, PartialEq)]
pub enum CapacitySpec {
    /// Shared capacity behind quotas.
    OnDemand {
        /// In-Region, geographic or global.
        scope: Scope,
    },
    /// Provisioned Throughput: model units of a model that sells them.
    Provisioned(ProvisionedSpec),
    /// The Reserved tier: input and output tokens per minute bought apart.
    Reserved(ReservedSpec),
}

/// Provisioned Throughput.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvisionedSpec {
    /// Units bought.
    pub model_units: u32,
    /// The commitment.
    pub term: Term,
    /// Input tokens per minute that one unit sustains. AWS publishes none: a user input.
    pub unit_input_tpm: TokensPerMinute,
    /// Output tokens per minute that one unit sustains. AWS publishes none: a user input.
    pub unit_output_tpm: TokensPerMinute,
    /// Price per unit-hour, where the user states it; otherwise the price book's.
    pub unit_price_per_hour: Option<Usd>,
    /// What happens when the units are full.
    pub overload: Overload,
}

/// What happens to a request that finds bought units full.
#[derive(Clone, Debug, PartialEq)]
pub enum Overload {
    /// 429; third parties report it, AWS does not say.
    Refuse,
    /// It waits, and all streams slow down.
    Queue,
    /// It goes to on-demand capacity of this scope.
    OnDemand(Scope),
}

/// The Reserved tier.
#[derive(Clone, Debug, PartialEq)]
pub struct ReservedSpec {
    /// Geographic or global.
    pub scope: Scope,
    /// Input tokens per minute bought; cache reads are free of it.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute bought.
    pub output_tpm: TokensPerMinute,
    /// The commitment.
    pub term: Term,
    /// Whether what exceeds the reservation overflows to Standard; otherwise it is refused.
    pub overflow: bool,
    /// Whether an output token takes as many reserved tokens as its burndown rate says. AWS does
    /// not say; an assumption.
    pub burndown: bool,
}

/// The kinds of server error that can be injected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// 503.
    Unavailable,
    /// 503 with too many connections open.
    TooManyConnections,
    /// 500.
    Internal,
    /// 502.
    BadGateway,
    /// 504.
    GatewayTimeout,
    /// 424.
    ModelError,
    /// 408.
    ModelTimeout,
    /// 429 that no quota explains.
    Throttled,
    /// 429 `ModelNotReadyException`.
    NotReady,
    /// 403 `AccessDeniedException`.
    AccessDenied,
    /// Another 400, 403 or 404.
    Rejected(Rejection),
    /// The connection is closed before an answer.
    Reset,
    /// The answer breaks off after some of its tokens.
    Stream(StreamFault),
    /// The first token comes later by this much; the call succeeds.
    SlowStart(Micros),
    /// Answers take a multiple of their time; the calls succeed.
    Slow(Slowness),
    /// All prompt caches are empty when a window begins; the calls succeed.
    CacheFlush,
}

/// How much slower answers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowness {
    /// Whether the time to the first token is multiplied.
    pub first_token: bool,
    /// Whether the time per token is.
    pub tokens: bool,
    /// The factor.
    pub factor: f64,
    /// The factor at the end of the window, reached in a straight line.
    pub factor_to: Option<f64>,
}

/// A share of attempts that fail in a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// Which error.
    pub kind: FaultKind,
    /// Share of attempts.
    pub share: Ratio,
    /// The share at the end of the window, reached in a straight line.
    pub share_to: Option<Ratio>,
    /// From when on.
    pub from: Micros,
    /// Until when; `None` is the end of the run.
    pub until: Option<Micros>,
    /// Windows that recur within that span, the first at its beginning; `None` is all of it.
    pub recurs: Option<Recurrence>,
    /// How long an error takes to be answered.
    pub after: Micros,
    /// The workload whose calls it meets; `None` meets all.
    pub workload: Option<String>,
    /// The model whose calls it meets; `None` meets all.
    pub model: Option<String>,
}

/// Windows that recur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// From the beginning of one window to that of the next.
    pub every: Micros,
    /// How long one lasts.
    pub length: Micros,
}
