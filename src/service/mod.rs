//! The service brain: Bedrock's admission, settlement, capacity, latency and cache.

pub mod spec;
