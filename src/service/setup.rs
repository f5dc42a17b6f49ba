//! What an endpoint is built from: one variant with its models resolved.

pub use super::account::{AccountSetup, Weights};
use super::guardrail::{GuardSetup, TargetGuard};
use super::quota::{Counter, CounterLimits};
pub use super::regions::{Destination, PoolSetup, RegionsSetup};
use super::spec::{FaultSpec, Overload, QuotaChange, RoutingPolicy};
use super::tiers::{OptimizedRoute, TierSpec};
use crate::domain::{CacheRules, LatencyProfile, QuotaRules, ScopeKind};
use crate::units::{Micros, TokensPerMinute};

/// The service of one variant.
#[derive(Clone, Debug)]
pub struct EndpointSetup {
    /// One target for each workload, in order, and one for each further lane of their requests.
    pub targets: Vec<TargetSetup>,
    /// The quota counters that targets refer to.
    pub counters: Vec<CounterSetup>,
    /// How quotas are enforced.
    pub rules: QuotaRules,
    /// The Reserved tier, if bought.
    pub reserved: Option<ReservedSetup>,
    /// Model units, if bought.
    pub units: Option<UnitsSetup>,
    /// The guardrails that calls may meet.
    pub guards: Vec<GuardSetup>,
    /// Injected errors.
    pub faults: Vec<FaultSpec>,
    /// Load of the shared service, in `[0, 1)`.
    pub ambient_load: f64,
    /// What the service tiers do.
    pub tiers: TierSpec,
    /// The quota counters of latency-optimised inference.
    pub optimized: Vec<CounterSetup>,
    /// Quotas beyond single counters and their limits.
    pub quotas: QuotaSetup,
    /// Routing and capacity of Regions; `None` draws a Region with equal odds, and none is ever full.
    pub regions: Option<RegionsSetup>,
    /// How the prompt cache works.
    pub cache: CacheRules,
}

impl EndpointSetup {
    /// Caches over which the calls of a prefix are spread, as long as no Region lacks capacity.
    pub fn caches_of(&self, target: &TargetSetup) -> usize {
        let policy = self.regions.as_ref().map(|regions| regions.policy);
        match policy {
            Some(RoutingPolicy::Sticky | RoutingPolicy::SourceFirst) => 1,
            _ if !self.cache.per_region => 1,
            _ => target.destinations,
        }
    }
}

/// Quotas beyond single counters and their limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaSetup {
    /// Limits that change while the service runs.
    pub changes: Vec<QuotaChange>,
    /// The account's tokens per day, where enforced.
    pub account: Option<AccountSetup>,
    /// How often reservations are adjusted, if they are.
    pub adjust_every: Option<Micros>,
    /// Output tokens per minute of each counter; empty for the runtime family, whose counters have none.
    /// The tokens per minute of the counters are then those of the input.
    pub output_tpm: Vec<TokensPerMinute>,
}

/// The service side of one workload.
#[derive(Clone, Debug)]
pub struct TargetSetup {
    /// The workload's name, which names its draws.
    pub name: String,
    /// The model's name, for faults that are limited to it.
    pub model: String,
    /// Where its calls go.
    pub route: Route,
    /// The model's latency.
    pub latency: LatencyProfile,
    /// Quota tokens per output token.
    pub burndown: u64,
    /// `max_tokens` of each call, or the model's maximum where it is unset.
    pub max_tokens: u32,
    /// The context window: longer prompts are refused.
    pub max_input: u64,
    /// The least prefix that is cached; `u32::MAX` if nothing is.
    pub cache_min: u32,
    /// Tokens of one prefix block.
    pub block_tokens: u32,
    /// Life of a cached prefix after its last use.
    pub cache_ttl: Micros,
    /// Model and scope whose caches it uses, one in each Region. Targets of the same share them for cache
    /// points, whose ids tell content; block numbers tell content of one workload only.
    pub cache_scope: String,
    /// Destination Regions, the source among them; at least 1.
    pub destinations: usize,
    /// Latency added by a Region other than the source.
    pub hop: Micros,
    /// How its model ends answers.
    pub behaviour: Behaviour,
    /// The guardrail that its calls meet, if any.
    pub guard: Option<TargetGuard>,
    /// The quota of latency-optimised inference, if the model has it.
    pub optimized: Option<OptimizedRoute>,
}

/// How a model ends answers that nothing cuts short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Behaviour {
    /// Share of answers that end with the use of a tool.
    pub tool_use: f64,
    /// Share of answers that the model's own filter ends, somewhere on their way.
    pub content_filtered: f64,
}

/// Where the calls of a workload go. Counters are indices into [`EndpointSetup::counters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Shared capacity.
    OnDemand {
        /// Its counter.
        counter: usize,
    },
    /// The Reserved tier.
    Reserved {
        /// The counter that takes the overflow, if it overflows.
        counter: Option<usize>,
    },
    /// Model units.
    Units {
        /// The counter that takes the overflow, if it overflows.
        counter: Option<usize>,
    },
    /// Jobs of batch inference: no call is made.
    Batch,
}

impl Route {
    /// The counter of the route's on-demand part.
    pub fn counter(self) -> Option<usize> {
        match self {
            Self::OnDemand { counter } => Some(counter),
            Self::Reserved { counter } | Self::Units { counter } => counter,
            Self::Batch => None,
        }
    }
}

/// One quota counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterSetup {
    /// The model's name.
    pub model: String,
    /// Which counter of the model.
    pub kind: ScopeKind,
    /// The source Region of an in-Region counter that is not the variant's: quotas are counted in it.
    pub region: Option<String>,
    /// Its limits.
    pub limits: CounterLimits,
}

impl CounterSetup {
    /// The counter, unused.
    pub fn build(&self, rules: QuotaRules) -> Counter {
        let mut counter = Counter::new(&self.model, self.kind, self.limits, rules);
        counter.region.clone_from(&self.region);
        counter
    }
}

/// The Reserved tier as bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedSetup {
    /// The model's name.
    pub model: String,
    /// Geo or global.
    pub kind: ScopeKind,
    /// Input tokens per minute.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute.
    pub output_tpm: TokensPerMinute,
    /// Reserved tokens that one output token takes: 1, or the model's burndown rate.
    pub burndown: u64,
}

/// Model units as bought.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitsSetup {
    /// Input tokens per second over all units.
    pub input_per_s: f64,
    /// Output tokens per second over all units.
    pub output_per_s: f64,
    /// The most output tokens per second of one stream.
    pub stream_per_s: f64,
    /// What happens when they are full.
    pub overload: Overload,
}
