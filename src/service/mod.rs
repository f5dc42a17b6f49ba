//! The service brain: Bedrock's admission, settlement, capacity, latency and cache.

pub mod batch;
mod cache;
mod endpoint;
pub mod fault;
pub mod guardrail;
mod latency;
mod meter;
mod quota;
mod reserved;
pub mod setup;
pub mod spec;
pub mod tiers;
mod units;

pub use cache::{PointCache, PrefixCache};
pub use endpoint::{Call, CounterState, Endpoint, Grant, Prefix, ServedBy, ServiceTotals};
pub use latency::{LatencyModel, NoiseTable, Pace};
pub use meter::Meter;
pub use quota::{Counter, CounterLimits, QuotaReport, QuotaStats, TokenQuota};
pub use units::{PrefillQueue, SharedDecoder, Stream};
