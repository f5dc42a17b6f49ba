//! How much may be in flight, and how fast it is sent: plain data.

use crate::units::{Micros, PerSecond, RequestsPerMinute, TokensPerMinute};

/// How the number of places follows what answers show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdaptSpec {
    /// Additive increase, multiplicative decrease.
    Aimd(AimdSpec),
    /// The ratio of long-term to present time to first token.
    Gradient(GradientSpec),
}

/// Additive increase and multiplicative decrease: 1/limit more for each answer, a share of it kept after a
/// failure, at most once per round trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AimdSpec {
    /// Places at first.
    pub initial: u32,
    /// The fewest places; at least 1.
    pub min: u32,
    /// The share that is kept after a failure that is no throttle.
    pub failed: f64,
    /// The share that is kept after a throttle.
    pub throttled: f64,
}

/// The limit of Netflix' concurrency-limits, `Gradient2Limit`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientSpec {
    /// Places at first.
    pub initial: u32,
    /// The fewest places; at least 1.
    pub min: u32,
    /// Places that the limit keeps beyond what flows without waiting.
    pub queue_size: f64,
    /// How much longer than usual a first token may take before the limit shrinks; at least 1.
    pub tolerance: f64,
}

/// Which of the requests that wait for a place comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The oldest. A full queue drops who comes.
    #[default]
    Fifo,
    /// The newest, whose caller still waits. A full queue drops the oldest.
    Lifo,
}

/// How attempts are spread over time. Rates are those of the whole fleet, of which each process has its part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PacingSpec {
    /// A leaky bucket.
    Rate(RateSpec),
    /// The ramp that AWS recommends after 503s.
    Ramp(RampSpec),
    /// A sliding minute of the quota as a client can know it.
    Tokens(TokenPacingSpec),
}

/// A leaky bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSpec {
    /// Attempts per second of the fleet; above zero.
    pub rate: PerSecond,
    /// Attempts that a process may send at once; at least 1.
    pub burst: u32,
}

/// AWS' ramp: start at the target, half the rate after 503s until requests succeed, hold, half as much again,
/// hold, until the target is reached (Bedrock user guide, "Scaling and throughput best practices").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampSpec {
    /// The rate to reach, in attempts per second of the fleet; above zero.
    pub target: PerSecond,
    /// The rate at first; at most the target.
    pub from: PerSecond,
    /// The lowest rate; at most `from`.
    pub min: PerSecond,
    /// How long a rate must last without a 503 before it is raised.
    pub hold: Micros,
    /// How long a lowered rate is tried before another 503 lowers it again.
    pub probe: Micros,
    /// Attempts that a process may send at once; at least 1.
    pub burst: u32,
}

/// A limiter that knows what a call reserves and what it uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenPacingSpec {
    /// Tokens per minute of the fleet for each model; `None` is the quota in force when the run starts.
    pub tpm: Option<TokensPerMinute>,
    /// Requests per minute likewise; `None` is the quota in force, if there is one.
    pub rpm: Option<RequestsPerMinute>,
    /// The share of them that is used, above 0 and up to 1.
    pub share: f64,
    /// Quota tokens per output token; `None` is the model's own.
    pub burndown: Option<u64>,
}

/// What a client knows of the quota of one model that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownQuota {
    /// Tokens per minute, where calls use such a quota.
    pub tpm: Option<TokensPerMinute>,
    /// Requests per minute, where there is that quota.
    pub rpm: Option<RequestsPerMinute>,
    /// Quota tokens per output token.
    pub burndown: u64,
}
