//! The service brain: Bedrock's admission, settlement, capacity, latency and cache.

mod account;
pub mod batch;
mod cache;
mod endpoint;
pub mod fault;
pub mod guardrail;
mod latency;
mod meter;
mod noise;
mod output;
mod quota;
#[cfg(test)]
mod reference;
mod regions;
mod reserved;
pub mod setup;
pub mod spec;
pub mod tiers;
mod units;

pub use account::{AccountQuota, Weights};
pub use cache::{PointCache, PrefixCache, Split};
pub use endpoint::{
    Call, CounterState, Endpoint, Grant, Prefix, Pressure, ServedBy, ServiceTotals,
};
pub use latency::{LatencyModel, NoiseTable, Pace};
pub use meter::Meter;
pub use noise::{KEYS_PER_REQUEST, Noise};
pub use output::{OutputBudget, Production};
pub use quota::{Counter, CounterLimits, QuotaReport, QuotaStats, TokenQuota};
pub use regions::{Placed, PoolReport, PoolStats, Regions};
pub use units::{PrefillQueue, SharedDecoder, Stream};
