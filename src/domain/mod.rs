//! Plain data that every floor speaks of: models, quotas, prices, latency laws, outcomes, SLOs.

mod cache;
mod guardrail;
mod latency;
mod model;
mod offer;
mod outcome;
mod price;
mod quota;
mod slo;

pub use cache::{CacheReady, CacheRules, MOST_LOOKBACK};
pub use guardrail::{ByRegion, GuardrailQuotas};
pub use latency::{KNOT_COUNT, KNOT_Z_MAX, LatencyProfile, LognormalPart, NoiseLaw, Origin};
pub use model::{
    CacheLimits, Fact, FactStatus, LatencyOptimizedQuota, MantleQuota, ModelProfile, Scope,
    ScopeKind, ScopeQuota,
};
pub use offer::{Offer, Offers};
pub use outcome::{
    CacheBoundary, CachePoint, Failure, Outcome, RefusalReason, Rejection, StopReason, StreamFault,
    Usage,
};
pub use price::{
    CacheTtl, GuardrailPrices, LongContext, ModelPrices, PriceBook, PriceTier, ReservedPrice, Term,
    TierPrices, TokenPrices, UnitPrice,
};
pub use quota::{QuotaRules, Semantics, Window};
pub use slo::{LatencyBound, LatencyMetric, Quantile, Slo};
