//! Plain data that every floor speaks of: models, quotas, prices, latency laws, outcomes, SLOs.

mod cache;
mod latency;
mod model;
mod outcome;
mod price;
mod quota;
mod slo;

pub use cache::{CacheReady, CacheRules, MOST_LOOKBACK};
pub use latency::{KNOT_COUNT, KNOT_Z_MAX, LatencyProfile, LognormalPart, NoiseLaw, Origin};
pub use model::{
    CacheLimits, Fact, FactStatus, ModelProfile, Offers, Scope, ScopeKind, ScopeQuota,
};
pub use outcome::{CacheBoundary, CachePoint, Failure, Outcome, RefusalReason, StreamFault, Usage};
pub use price::{
    CacheTtl, LongContext, ModelPrices, PriceBook, ReservedPrice, Term, TokenPrices, UnitPrice,
};
pub use quota::{QuotaRules, Semantics, Window};
pub use slo::{LatencyBound, LatencyMetric, Quantile, Slo};
