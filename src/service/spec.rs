//! What a scenario says of the service: capacity that is bought or shared, assumptions, faults.

use crate::domain::{QuotaRules, Scope, Term};
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
    /// Error rates.
    pub faults: Vec<FaultSpec>,
}

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
}

/// The kinds of server error that can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// 503.
    Unavailable,
    /// 500.
    Internal,
    /// 424.
    ModelError,
    /// 408.
    ModelTimeout,
}

/// A share of attempts that fail in a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultSpec {
    /// Which error.
    pub kind: FaultKind,
    /// Share of attempts.
    pub share: Ratio,
    /// From when on.
    pub from: Micros,
    /// Until when; `None` is the end of the run.
    pub until: Option<Micros>,
}
