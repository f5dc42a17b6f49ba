//! Price books: dated prices of token classes and of bought capacity.

use crate::units::{Micros, PicoPerToken, Tokens, TokensPerMinute, Usd};
use std::collections::BTreeMap;
use std::fmt;

use super::{Fact, Offer, Scope, ScopeKind};

/// How long a cached prefix lives after its last use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheTtl {
    /// Five minutes.
    #[default]
    FiveMinutes,
    /// One hour.
    OneHour,
}

/// Prices per token of one model in one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPrices {
    /// Input tokens that are neither read from nor written to the cache.
    pub input: PicoPerToken,
    /// Output tokens, thinking included.
    pub output: PicoPerToken,
    /// Tokens written to the cache with a life of five minutes.
    pub cache_write_5m: PicoPerToken,
    /// Tokens written to the cache with a life of one hour.
    pub cache_write_1h: PicoPerToken,
    /// Tokens read from the cache.
    pub cache_read: PicoPerToken,
    /// Higher prices for the whole request once its prompt is long.
    pub long_context: Option<Box<LongContext>>,
}

/// A step in price by prompt length; the prompt counts cached tokens too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongContext {
    /// The step applies to prompts of more than this many tokens.
    pub above: Tokens,
    /// The prices of such a request.
    pub prices: TokenPrices,
}

/// How a request is served, as far as its token prices go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PriceTier {
    /// Plain on-demand use.
    #[default]
    Standard,
    /// The Flex service tier.
    Flex,
    /// The Priority service tier.
    Priority,
    /// Batch inference.
    Batch,
    /// Latency-optimised inference.
    LatencyOptimized,
}

/// The token prices of one tier other than the standard one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierPrices {
    /// The tier; never the standard one.
    pub tier: PriceTier,
    /// Token prices by scope kind.
    pub tokens: Vec<(ScopeKind, TokenPrices)>,
    /// Token prices by profile prefix or Region that differ from those of its kind.
    pub by_prefix: Vec<(String, TokenPrices)>,
    /// Where the prices come from.
    pub source: Fact,
}

/// What the policies of a guardrail cost. A text unit is up to 1,000 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailPrices {
    /// Content filters, for each text unit.
    pub content: Usd,
    /// Denied topics, for each text unit.
    pub topics: Usd,
    /// Sensitive information found by a model, for each text unit; regular expressions are free.
    pub sensitive: Usd,
    /// Contextual grounding, for each text unit.
    pub grounding: Usd,
    /// Automated reasoning, for each text unit.
    pub reasoning: Usd,
    /// Word filters, for each text unit.
    pub words: Usd,
    /// Content filters on an image, for each image.
    pub image: Usd,
    /// Where the prices come from.
    pub source: Fact,
}

/// For how long capacity is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// By the hour, no commitment.
    Hourly,
    /// One month.
    OneMonth,
    /// Three months.
    ThreeMonths,
    /// Six months.
    SixMonths,
}

impl CacheTtl {
    /// The time that a cached prefix lives after its last use.
    pub fn span(self) -> Micros {
        match self {
            Self::FiveMinutes => Micros::from_secs(300),
            Self::OneHour => Micros::HOUR,
        }
    }
}

impl PriceTier {
    /// The tiers that have prices of their own.
    pub const OWN: [Self; 4] = [
        Self::Flex,
        Self::Priority,
        Self::Batch,
        Self::LatencyOptimized,
    ];

    /// What a model must offer for requests of this tier; nothing for the standard one.
    pub fn offer(self) -> Option<Offer> {
        match self {
            Self::Standard => None,
            Self::Flex => Some(Offer::Flex),
            Self::Priority => Some(Offer::Priority),
            Self::Batch => Some(Offer::Batch),
            Self::LatencyOptimized => Some(Offer::LatencyOptimized),
        }
    }
}

impl fmt::Display for PriceTier {
    /// The key of price books: `standard`, `flex`, `priority`, `batch`, `latency_optimized`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.offer().map_or("standard", Offer::key))
    }
}

impl TokenPrices {
    /// Every price times `factor`, to the nearest pico-dollar per token.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let price = |each: PicoPerToken| PicoPerToken((each.0 as f64 * factor).round() as u64);
        Self {
            input: price(self.input),
            output: price(self.output),
            cache_write_5m: price(self.cache_write_5m),
            cache_write_1h: price(self.cache_write_1h),
            cache_read: price(self.cache_read),
            long_context: self.long_context.as_ref().map(|step| {
                Box::new(LongContext {
                    above: step.above,
                    prices: step.prices.times(factor),
                })
            }),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hourly => "no commitment",
            Self::OneMonth => "1-month",
            Self::ThreeMonths => "3-month",
            Self::SixMonths => "6-month",
        })
    }
}

/// The price of the Reserved tier for one scope and term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedPrice {
    /// Geo or global.
    pub kind: ScopeKind,
    /// The commitment.
    pub term: Term,
    /// Dollars per hour for each 1,000 input tokens per minute.
    pub input_per_hour_per_1k_tpm: Usd,
    /// Dollars per hour for each 1,000 output tokens per minute.
    pub output_per_hour_per_1k_tpm: Usd,
    /// The least input that can be reserved.
    pub min_input: TokensPerMinute,
    /// The least output that can be reserved.
    pub min_output: TokensPerMinute,
    /// Where the price comes from.
    pub source: Fact,
}

/// The price of a model unit of Provisioned Throughput.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    /// The commitment.
    pub term: Term,
    /// Dollars per model unit and hour.
    pub per_hour: Usd,
    /// Where the price comes from.
    pub source: Fact,
}

/// All prices of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPrices {
    /// Token prices by scope kind.
    pub tokens: Vec<(ScopeKind, TokenPrices)>,
    /// Token prices of geographic profiles, by prefix, that differ from the geo price, and of
    /// Regions, by name, that differ from the in-Region price.
    pub by_prefix: Vec<(String, TokenPrices)>,
    /// Where the token prices come from.
    pub source: Fact,
    /// Token prices of batch, of latency-optimised inference and of the other service tiers.
    pub tiers: Vec<TierPrices>,
    /// Reserved tier prices.
    pub reserved: Vec<ReservedPrice>,
    /// Model-unit prices.
    pub units: Vec<UnitPrice>,
}

impl ModelPrices {
    /// The token prices of a scope.
    pub fn tokens_in(&self, kind: ScopeKind) -> Option<&TokenPrices> {
        self.tokens
            .iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, prices)| prices)
    }

    /// The token prices of one scope, where `eu` may cost other than `us`.
    pub fn tokens_for(&self, scope: &Scope) -> Option<&TokenPrices> {
        find(&self.tokens, &self.by_prefix, scope)
    }

    /// The token prices of one scope in a tier; `None` if the book has none.
    pub fn tokens_as(&self, tier: PriceTier, scope: &Scope) -> Option<&TokenPrices> {
        if tier == PriceTier::Standard {
            return self.tokens_for(scope);
        }
        let own = self.tiers.iter().find(|prices| prices.tier == tier)?;
        find(&own.tokens, &own.by_prefix, scope)
    }
}

fn find<'p>(
    tokens: &'p [(ScopeKind, TokenPrices)],
    by_prefix: &'p [(String, TokenPrices)],
    scope: &Scope,
) -> Option<&'p TokenPrices> {
    let own = match scope {
        Scope::Geo(name) | Scope::InRegion(name) => by_prefix.iter().find(|(p, _)| p == name),
        Scope::Global => None,
    };
    let kind = scope.kind();
    own.map(|(_, prices)| prices).or_else(|| {
        let of_kind = tokens.iter().find(|(k, _)| *k == kind);
        of_kind.map(|(_, prices)| prices)
    })
}

/// A dated file of prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    /// The file's stem, such as `2026-11-22`.
    pub name: String,
    /// The date on which the prices were read, `YYYY-MM-DD`.
    pub as_of: String,
    /// What guardrails cost, if the book says.
    pub guardrail: Option<GuardrailPrices>,
    /// Prices by model name (the stem of its profile).
    pub models: BTreeMap<String, ModelPrices>,
}
