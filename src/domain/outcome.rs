//! What became of a request or an attempt. Refusals and failures are data, not errors.

use super::CacheTtl;

/// The end of a logical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered in full.
    Completed,
    /// Given up after a quota refusal (429).
    Throttled,
    /// Given up after a server error.
    Failed,
    /// Given up because the client's timeout or deadline passed.
    TimedOut,
    /// Never sent: the client's queue was full or the deadline passed in it.
    NotSent,
    /// Put off: not answered in time, but handed to a batch job.
    Deferred,
}

/// Which limit refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// Tokens per minute.
    TokensPerMinute,
    /// Requests per minute.
    RequestsPerMinute,
    /// Tokens per day.
    TokensPerDay,
    /// Bought capacity is full and has no overflow.
    ProvisionedCapacity,
    /// A refusal that no quota of ours explains: an injected one, or one that a live service
    /// sent with another message.
    RequestRate,
    /// Text units per second of a guardrail's policy, or its calls per second.
    Guardrail,
}

impl RefusalReason {
    /// The message that Bedrock sends with its 429
    /// (re:Post article "bedrock-throttling-error"; minorun365/agent-book#29).
    pub fn message(self) -> &'static str {
        match self {
            Self::TokensPerMinute => "Too many tokens, please wait before trying again.",
            Self::RequestsPerMinute => "Too many requests, please wait before trying again.",
            Self::TokensPerDay => "Too many tokens per day, please wait before trying again.",
            Self::ProvisionedCapacity | Self::RequestRate | Self::Guardrail => {
                "Your request rate is too high. Reduce the frequency of requests."
            }
        }
    }
}

/// Why an attempt did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// 429 `ThrottlingException`: a quota is exhausted.
    Throttled(RefusalReason),
    /// 503 `ServiceUnavailableException`: the service lacks capacity.
    Unavailable,
    /// 500 `InternalServerException`.
    Internal,
    /// 424 `ModelErrorException`; SDKs do not retry it.
    ModelError,
    /// 408 `ModelTimeoutException`; SDKs do not retry it.
    ModelTimeout,
    /// 429 `ModelNotReadyException`: the model is being loaded; SDKs retry it.
    NotReady,
    /// 400 `ValidationException`: the prompt exceeds the model's context window.
    Validation,
    /// 403 or 404: the caller may not use the model, or there is none of that id.
    Denied,
    /// 400, 403 or 404 for another fault of the request or its credentials; SDKs do not retry it.
    Rejected(Rejection),
    /// 502 of the gateway in front of the service, which the service model does not name.
    BadGateway,
    /// 504 of that gateway.
    GatewayTimeout,
    /// 503 with too many connections open.
    TooManyConnections,
    /// The connection could not be made, or was lost before an answer began.
    Connection,
    /// The stream broke off after it had begun; SDKs never retry that.
    StreamBroken(StreamFault),
    /// The client's own attempt timeout.
    ClientTimeout,
    /// The client's own circuit breaker: the attempt was not sent.
    CircuitOpen,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StopReason {
    /// The model said all it had to say.
    #[default]
    EndTurn,
    /// The model wants the result of a tool.
    ToolUse,
    /// The bound on the output was reached.
    MaxTokens,
    /// One of the caller's stop sequences came up.
    StopSequence,
    /// A guardrail blocked the prompt or the answer.
    GuardrailIntervened,
    /// The model's own filter ended the answer.
    ContentFiltered,
    /// The context window is full.
    ContextWindowExceeded,
}

impl StopReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::EndTurn,
        Self::ToolUse,
        Self::MaxTokens,
        Self::StopSequence,
        Self::GuardrailIntervened,
        Self::ContentFiltered,
        Self::ContextWindowExceeded,
    ];

    /// Its spelling in `stopReason` of Converse.
    pub fn name(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::ContentFiltered => "content_filtered",
            Self::ContextWindowExceeded => "model_context_window_exceeded",
        }
    }

    /// The reason of that spelling; one that is not known reads as an ordinary end.
    pub fn named(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|reason| reason.name() == name);
        known.unwrap_or_default()
    }
}

/// What is wrong with a request that no retry can help (user guide,
/// troubleshooting-api-error-codes, and the service model of botocore 1.44.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// 400 `ValidationException` for another reason than a long prompt.
    Malformed,
    /// 400 `ServiceQuotaExceededException`.
    ServiceQuota,
    /// 400 `ConflictException`.
    Conflict,
    /// `IncompleteSignature`.
    IncompleteSignature,
    /// 400 `InvalidAction`.
    InvalidAction,
    /// 400 `NotAuthorized`.
    NotAuthorized,
    /// 400 `RequestExpired`: the signature is too old, or the clock is wrong.
    RequestExpired,
    /// 403 `ExpiredTokenException`.
    ExpiredToken,
    /// 403 `InvalidClientTokenId`.
    InvalidClientToken,
    /// 404 `ResourceNotFoundException`.
    NotFound,
    /// 404 `FTUFormNotFilled`: the first-use form of the model's provider is missing.
    FormNotFilled,
}

/// Why a stream broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamFault {
    /// `modelStreamErrorException`.
    ModelStreamError,
    /// `throttlingException`.
    Throttled,
    /// `internalServerException`.
    Internal,
    /// `serviceUnavailableException`.
    Unavailable,
    /// The connection was lost.
    Reset,
}

/// A part of a prompt that ends in a cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePoint {
    /// Identity of the whole prompt up to here: equal ids are equal content.
    pub id: u64,
    /// Tokens since the point before, or since the beginning.
    pub tokens: u32,
    /// How long it lives in the cache after its last use.
    pub ttl: CacheTtl,
}

/// The end of a content block before a cache point, where an earlier request may have had its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheBoundary {
    /// Identity of the whole prompt up to here, in the numbering of [`CachePoint::id`].
    pub id: u64,
    /// Tokens of the whole prompt up to here.
    pub tokens: u32,
    /// Content blocks between here and the next cache point.
    pub blocks_back: u32,
}

/// Tokens of one answered attempt, as Bedrock's `usage` reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens neither read from nor written to the cache.
    pub input: u32,
    /// Input tokens read from the cache.
    pub cache_read: u32,
    /// Input tokens written to the cache.
    pub cache_write: u32,
    /// Output tokens.
    pub output: u32,
}

impl Usage {
    /// The whole prompt: `input + cache_read + cache_write`.
    pub fn prompt(self) -> u64 {
        u64::from(self.input) + u64::from(self.cache_read) + u64::from(self.cache_write)
    }
}
