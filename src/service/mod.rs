//! The service brain: Bedrock's admission, settlement, capacity, latency and cache.

mod cache;
mod endpoint;
mod latency;
mod meter;
mod quota;
mod reserved;
pub mod setup;
pub mod spec;
mod units;

pub use cache::{PointCache, PrefixCache, Split};
pub use endpoint::{Call, CounterState, Endpoint, Grant, Prefix, ServedBy, ServiceTotals};
pub use latency::{LatencyModel, NoiseTable, Pace};
pub use meter::Meter;
pub use quota::{Counter, CounterLimits, QuotaReport, QuotaStats, TokenQuota};
pub use units::{PrefillQueue, SharedDecoder, Stream};
