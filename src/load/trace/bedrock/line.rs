//! One line of a model invocation log.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::error::RowProblem;
use super::super::lenient::{Count, Object, Text};
use super::super::record::CallEnd;
use super::super::stamp::timestamp_ns;
use super::answer::Answer;
use super::prompt::{Piece, Prompt};
use crate::units::Micros;

/// Why a line holds no call. The texts are the keys of [`super::super::Recorded::skipped`].
pub(super) mod reason {
    pub const CUT: &str = "the JSON object is cut off";
    pub const NOT_JSON: &str = "not JSON";
    pub const NOT_A_RECORD: &str = "JSON, but no record of an invocation log";
    pub const NO_TIME: &str = "no time stamp that can be read";
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input<'a> {
    #[serde(rename = "inputBodyJson")]
    body: Option<Object<Prompt>>,
    #[serde(borrow, rename = "inputBodyS3Path")]
    path: Text<'a>,
    #[serde(rename = "inputTokenCount")]
    tokens: Count,
    #[serde(rename = "cacheReadInputTokenCount")]
    read: Count,
    #[serde(rename = "cacheWriteInputTokenCount")]
    write: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output<'a> {
    #[serde(rename = "outputBodyJson")]
    body: Option<Answer>,
    #[serde(borrow, rename = "outputBodyS3Path")]
    path: Text<'a>,
    #[serde(rename = "outputTokenCount")]
    tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "schemaType")]
    schema: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
    #[serde(borrow, rename = "requestId")]
    request_id: Text<'a>,
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow, rename = "modelId")]
    model_id: Text<'a>,
    #[serde(borrow)]
    identity: Object<Identity<'a>>,
    #[serde(borrow, rename = "errorCode")]
    error_code: Text<'a>,
    #[serde(borrow, rename = "serviceTier")]
    tier: Text<'a>,
    #[serde(borrow)]
    input: Object<Input<'a>>,
    #[serde(borrow)]
    output: Object<Output<'a>>,
    /// The record itself, where a tool of `CloudWatch` wrapped it.
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, rename = "@message")]
    at_message: Text<'a>,
}

/// The bodies of a call, or what stands for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bodies {
    /// The pieces of its prompt, in the order in which models read them.
    pub pieces: Vec<Piece>,
    /// How many of them stand before the messages: tools and the system prompt.
    pub fixed: usize,
    /// The largest answer that it asked for.
    pub max_tokens: Option<u32>,
    /// Tools that it offered.
    pub tools: u32,
    /// Bytes of its system prompt.
    pub system_bytes: u64,
    /// Whether the body of the request was there to read.
    pub has_input: bool,
    /// Whether that of the answer was.
    pub has_output: bool,
}

/// One call as its line tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedCall<'a> {
    /// Microseconds since 1970 of its time stamp.
    pub at_us: i64,
    /// Its request id; empty if the line has none.
    pub request_id: Cow<'a, str>,
    /// Model id or ARN as it was called.
    pub model_id: Cow<'a, str>,
    /// The Region that was called.
    pub region: Cow<'a, str>,
    /// The service tier, where the line names one.
    pub tier: Cow<'a, str>,
    /// The caller's ARN; empty if the line has none.
    pub identity: Cow<'a, str>,
    /// Whether the operation streams, where the line names it.
    pub streamed: Option<bool>,
    /// Input tokens outside the cache.
    pub input: Option<u32>,
    /// Input tokens read from the cache.
    pub cache_read: u32,
    /// Input tokens written to the cache.
    pub cache_write: u32,
    /// Output tokens.
    pub output: Option<u32>,
    /// From its start to the first byte.
    pub ttft: Option<Micros>,
    /// From its start to the end.
    pub latency: Option<Micros>,
    /// How it ended.
    pub end: CallEnd,
    /// Its bodies.
    pub bodies: Bodies,
    /// Where its request lies, if it was too large for the line.
    pub input_path: Cow<'a, str>,
    /// Where its answer lies.
    pub output_path: Cow<'a, str>,
}

/// Reads one line.
///
/// # Errors
/// Why it holds no call; the line number is the caller's to add.
pub fn parse_line(text: &str) -> Result<LoggedCall<'_>, RowProblem> {
    match serde_json::from_str::<Line<'_>>(without_stamp(text)) {
        Ok(line) => match line.wrapped() {
            // The text within is another text than the line, so it cannot be borrowed from.
            Some(inner) => parse_line(&inner).map(LoggedCall::into_owned),
            None => line.call(text),
        },
        Err(error) if error.is_eof() => Err(RowProblem::new(
            reason::CUT,
            "finish or remove the line; the file may not have been copied whole",
        )
        .value(text)),
        Err(error) => Err(RowProblem::new(
            reason::NOT_JSON,
            format!(
                "give one record per line; this one stops making sense at column {}",
                error.column()
            ),
        )
        .value(text)),
    }
}

/// The record behind the time stamp that `CloudWatch` puts before each line of an export.
fn without_stamp(text: &str) -> &str {
    match text.split_once(' ') {
        Some((stamp, rest)) if rest.starts_with('{') && timestamp_ns(stamp).is_some() => rest,
        _ => text,
    }
}

impl<'a> Line<'a> {
    fn wrapped(&self) -> Option<Cow<'a, str>> {
        let has_record = !self.timestamp.0.is_empty() || !self.model_id.0.is_empty();
        let wrapped = [&self.at_message, &self.message];
        let inner = wrapped
            .into_iter()
            .find(|text| text.0.trim_start().starts_with('{'))?;
        (!has_record || self.model_id.0.is_empty()).then(|| inner.0.clone())
    }

    fn call(self, text: &str) -> Result<LoggedCall<'a>, RowProblem> {
        let known = matches!(self.schema.as_str(), "" | "ModelInvocationLog");
        if !known || self.model_id.0.is_empty() {
            return Err(RowProblem::new(
                reason::NOT_A_RECORD,
                "a record has a `modelId` and the `schemaType` ModelInvocationLog",
            )
            .value(text));
        }
        let at_us = timestamp_ns(self.timestamp.as_str())
            .and_then(|ns| i64::try_from(ns.div_euclid(1000)).ok())
            .ok_or_else(|| {
                RowProblem::new(
                    reason::NO_TIME,
                    "a record has a time like 2026-11-01T12:00:00Z",
                )
                .field("timestamp")
                .value(self.timestamp.as_str())
            })?;
        let (input, output) = (self.input.0, self.output.0);
        let answer = output.body.unwrap_or_default();
        let streamed = match self.operation.as_str() {
            "" => None,
            name => Some(name.ends_with("Stream")),
        };
        let millis = |ms: u32| Micros::from_millis(u64::from(ms));
        let mut call = LoggedCall {
            at_us,
            request_id: self.request_id.0,
            model_id: self.model_id.0,
            region: self.region.0,
            tier: self.tier.0,
            identity: self.identity.0.arn.0,
            streamed,
            input: input.tokens.0.or(answer.input),
            cache_read: input.read.0.or(answer.cache_read).unwrap_or(0),
            cache_write: input.write.0.or(answer.cache_write).unwrap_or(0),
            output: output.tokens.0.or(answer.output),
            ttft: answer.first_byte_ms.map(millis),
            latency: answer.latency_ms.map(millis),
            end: end_of(self.error_code.as_str(), answer.blocked),
            bodies: Bodies {
                has_output: output.body.is_some(),
                ..Bodies::default()
            },
            input_path: input.path.0,
            output_path: output.path.0,
        };
        if let Some(prompt) = input.body {
            call.take_prompt(&prompt.0);
        }
        Ok(call)
    }
}

impl LoggedCall<'_> {
    fn into_owned(self) -> LoggedCall<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        LoggedCall {
            request_id: owned(self.request_id),
            model_id: owned(self.model_id),
            region: owned(self.region),
            tier: owned(self.tier),
            identity: owned(self.identity),
            input_path: owned(self.input_path),
            output_path: owned(self.output_path),
            at_us: self.at_us,
            streamed: self.streamed,
            input: self.input,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            output: self.output,
            ttft: self.ttft,
            latency: self.latency,
            end: self.end,
            bodies: self.bodies,
        }
    }

    fn take_prompt(&mut self, prompt: &Prompt) {
        let (pieces, fixed) = prompt.pieces();
        self.bodies = Bodies {
            pieces,
            fixed,
            max_tokens: prompt.max_tokens(),
            tools: prompt.tools() as u32,
            system_bytes: prompt.system_bytes(),
            has_input: true,
            has_output: self.bodies.has_output,
        };
    }

    /// Takes the request's body from where it lies apart; `false` if it is not JSON.
    pub fn take_input_body(&mut self, bytes: &[u8]) -> bool {
        match serde_json::from_slice::<Object<Prompt>>(bytes) {
            Ok(prompt) => {
                self.take_prompt(&prompt.0);
                true
            }
            Err(_) => false,
        }
    }

    /// Takes the answer's body from where it lies apart; `false` if it is not JSON.
    pub fn take_output_body(&mut self, bytes: &[u8]) -> bool {
        let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else {
            return false;
        };
        let millis = |ms: u32| Micros::from_millis(u64::from(ms));
        self.bodies.has_output = true;
        self.ttft = self.ttft.or(answer.first_byte_ms.map(millis));
        self.latency = self.latency.or(answer.latency_ms.map(millis));
        self.output = self.output.or(answer.output);
        if answer.blocked && self.end == CallEnd::Answered {
            self.end = CallEnd::Blocked;
        }
        true
    }
}

/// How a call ended, by its error code and by what its answer says of guardrails.
fn end_of(error_code: &str, blocked: bool) -> CallEnd {
    match error_code.rsplit(['.', '#']).next().unwrap_or_default() {
        "" if blocked => CallEnd::Blocked,
        "" => CallEnd::Answered,
        "ThrottlingException" | "TooManyRequestsException" => CallEnd::Throttled,
        "ServiceUnavailableException" | "ModelNotReadyException" => CallEnd::Unavailable,
        "ValidationException"
        | "AccessDeniedException"
        | "ResourceNotFoundException"
        | "ConflictException"
        | "ServiceQuotaExceededException" => CallEnd::Rejected,
        _ => CallEnd::Failed,
    }
}
