//! The body of an answer: why it ended, what it used, how long it took. Its text is passed over.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::lenient::{Count, Object, Text};

/// Tokens under the names of the Converse API and of Anthropic's.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Usage {
    #[serde(rename = "inputTokens")]
    input: Count,
    #[serde(rename = "outputTokens")]
    output: Count,
    #[serde(rename = "cacheReadInputTokens")]
    read: Count,
    #[serde(rename = "cacheWriteInputTokens")]
    write: Count,
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "latencyMs")]
    latency: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct InvocationMetrics {
    #[serde(rename = "inputTokenCount")]
    input: Count,
    #[serde(rename = "outputTokenCount")]
    output: Count,
    #[serde(rename = "cacheReadInputTokenCount")]
    read: Count,
    #[serde(rename = "cacheWriteInputTokenCount")]
    write: Count,
    #[serde(rename = "invocationLatency")]
    latency: Count,
    #[serde(rename = "firstByteLatency")]
    first_byte: Count,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "stopReason")]
    converse: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    usage: Object<Usage>,
    metrics: Object<Metrics>,
}

/// An answer in one piece, or one event of a stream.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "stopReason")]
    converse: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    usage: Object<Usage>,
    metrics: Object<Metrics>,
    #[serde(borrow)]
    delta: Object<Part<'a>>,
    #[serde(borrow)]
    message: Object<Part<'a>>,
    #[serde(borrow, rename = "messageStop")]
    message_stop: Object<Part<'a>>,
    #[serde(borrow)]
    metadata: Object<Part<'a>>,
    #[serde(borrow, rename = "amazon-bedrock-guardrailAction")]
    guardrail: Text<'a>,
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    invocation: Object<InvocationMetrics>,
}

/// What an answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub input: Option<u32>,
    pub output: Option<u32>,
    pub cache_read: Option<u32>,
    pub cache_write: Option<u32>,
    pub latency_ms: Option<u32>,
    pub first_byte_ms: Option<u32>,
    /// Whether a guardrail stepped in.
    pub blocked: bool,
}

impl Answer {
    fn take_usage(&mut self, usage: Usage) {
        let set = |known: &mut Option<u32>, converse: Count, anthropic: Count| {
            if let Some(count) = converse.0.or(anthropic.0) {
                *known = Some(count);
            }
        };
        set(&mut self.input, usage.input, usage.input_tokens);
        set(&mut self.output, usage.output, usage.output_tokens);
        let read = usage.cache_read_input_tokens;
        set(&mut self.cache_read, usage.read, read);
        let written = usage.cache_creation_input_tokens;
        set(&mut self.cache_write, usage.write, written);
    }

    fn take_stop(&mut self, reason: &Text<'_>) {
        self.blocked |= reason.as_str() == "guardrail_intervened";
    }

    fn take(&mut self, event: &Event<'_>) {
        self.take_stop(&event.converse);
        self.take_stop(&event.stop_reason);
        self.blocked |= event.guardrail.as_str() == "INTERVENED";
        self.take_usage(event.usage.0);
        self.latency_ms = event.metrics.0.latency.0.or(self.latency_ms);
        for inner in [
            &event.message,
            &event.delta,
            &event.message_stop,
            &event.metadata,
        ] {
            self.take_stop(&inner.0.converse);
            self.take_stop(&inner.0.stop_reason);
            self.take_usage(inner.0.usage.0);
            self.latency_ms = inner.0.metrics.0.latency.0.or(self.latency_ms);
        }
        let counted = event.invocation.0;
        self.take_usage(Usage {
            input: counted.input,
            output: counted.output,
            read: counted.read,
            write: counted.write,
            ..Usage::default()
        });
        self.latency_ms = counted.latency.0.or(self.latency_ms);
        self.first_byte_ms = counted.first_byte.0.or(self.first_byte_ms);
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(AnswerVisitor)
    }
}

struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_unit<E>(self) -> Result<Answer, E> {
        Ok(Answer::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Answer, A::Error> {
        let mut answer = Answer::default();
        while let Some(event) = seq.next_element::<Object<Event<'de>>>()? {
            answer.take(&event.0);
        }
        Ok(answer)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
        let mut answer = Answer::default();
        answer.take(&Event::deserialize(MapAccessDeserializer::new(map))?);
        Ok(answer)
    }
}
