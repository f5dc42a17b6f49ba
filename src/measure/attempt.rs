//! Attempts as rows of their own, for `attempts.jsonl`.

use crate::domain::{Failure, Usage};
use crate::units::Moment;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Answered in full.
    Answered,
    /// Cancelled by the client, because the other attempt of a hedged request was faster.
    Cancelled,
    /// Refused or failed by the service, or abandoned by the client.
    Failed(Failure),
}

/// One attempt from its send to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The workload, an index into the variant's.
    pub workload: usize,
    /// The request's number in the workload.
    pub request: u64,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The request's whole prompt in tokens.
    pub request_input: u64,
    /// Output tokens that the request would have if nothing stopped it.
    pub request_output: u32,
    /// When the request was due.
    pub scheduled_at: Moment,
    /// When the attempt was sent.
    pub sent_at: Moment,
    /// When its first token came, if one did.
    pub first_token_at: Option<Moment>,
    /// When it ended.
    pub done_at: Moment,
    /// How it ended.
    pub end: AttemptEnd,
    /// Its tokens; nothing for one that was refused.
    pub usage: Usage,
}

impl AttemptEnd {
    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Failed(Failure::Throttled(_)) => "throttled",
            Self::Failed(Failure::Unavailable) => "unavailable",
            Self::Failed(Failure::Internal) => "internal_error",
            Self::Failed(Failure::ModelError) => "model_error",
            Self::Failed(Failure::ModelTimeout) => "model_timeout",
            Self::Failed(Failure::Validation) => "validation_error",
            Self::Failed(Failure::ClientTimeout) => "client_timeout",
            Self::Failed(Failure::NotReady) => "model_not_ready",
            Self::Failed(Failure::Denied) => "denied",
            Self::Failed(Failure::Rejected(_)) => "rejected",
            Self::Failed(Failure::BadGateway) => "bad_gateway",
            Self::Failed(Failure::GatewayTimeout) => "gateway_timeout",
            Self::Failed(Failure::TooManyConnections) => "too_many_connections",
            Self::Failed(Failure::Connection) => "connection_error",
            Self::Failed(Failure::StreamBroken(_)) => "stream_broken",
            Self::Failed(Failure::CircuitOpen) => "circuit_open",
        }
    }
}
