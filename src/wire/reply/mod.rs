//! What the service answers.
//!
//! [`AnswerPlan`] says what the model would produce, [`Answer`] what of it is delivered. A whole
//! answer is written by [`write_body`], a streamed one by [`StreamWriter`]; both treat all
//! families of bodies alike. Everything is appended to a buffer of the caller's.
//!
//! Members stand in the order in which Bedrock was recorded to send them: by name in Converse,
//! in each vendor's own order in the bodies of `InvokeModel`.

mod answer;
mod control;
mod converse;
mod converse_stream;
mod draws;
mod error;
mod guardrail;
mod headers;
mod instance;
mod invoke;
mod invoke_anthropic;
mod invoke_llama;
mod invoke_nova;
mod json;
mod pattern;
mod stream;
mod words;

pub use answer::{Answer, AnswerPlan, AnswerSettings};
pub use control::{
    FoundationModel, InferenceProfile, ProfileKind, ProfilePage, write_foundation_model,
    write_foundation_models, write_inference_profile, write_inference_profiles, write_token_count,
};
pub use error::ErrorReply;
pub use guardrail::{
    GuardrailAction, GuardrailPolicies, GuardrailPolicy, GuardrailReport, GuardrailSettings,
    GuardrailSource, GuardrailVerdict, write_apply_guardrail,
};
pub use headers::{EVENT_STREAM, JSON, Operation, error_headers, reply_headers};
pub use stream::StreamWriter;

pub use crate::domain::StopReason;
use crate::domain::Usage;
use crate::wire::{Dialect, ModelCall};

/// What is known of a call when its answer ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finish<'a> {
    /// Tokens of the call; all zero where a guardrail blocked the prompt.
    pub usage: Usage,
    /// Of `usage.cache_write`, the tokens that were written for an hour.
    pub cache_write_1h: u32,
    /// Milliseconds from the arrival of the call to the end of its answer.
    pub latency_ms: u64,
    /// Milliseconds from the arrival of the call to the first byte of its answer.
    pub first_byte_ms: u64,
    /// The service tier that served; `None` where the call asked for none.
    pub service_tier: Option<&'a str>,
    /// Whether inference was latency-optimised; `None` where the call did not ask.
    pub latency_optimized: Option<bool>,
    /// What a guardrail found; `None` where the call named none.
    pub guardrail: Option<&'a GuardrailReport>,
}

impl Finish<'_> {
    /// All tokens, cached ones included, as `totalTokens` counts them in recorded answers.
    pub(crate) fn total_tokens(&self) -> u64 {
        self.usage.prompt() + u64::from(self.usage.output)
    }

    /// Tokens written to the cache for five minutes.
    pub(crate) fn cache_write_5m(&self) -> u32 {
        self.usage.cache_write.saturating_sub(self.cache_write_1h)
    }
}

/// Appends the whole body of an answer, in the family of the call.
///
/// `model_id` is the model's id as the call named it.
pub fn write_body(
    call: &ModelCall,
    model_id: &str,
    answer: &Answer,
    finish: &Finish<'_>,
    out: &mut Vec<u8>,
) {
    match call.dialect {
        Dialect::Converse => converse::write(answer, &call.response_fields, finish, out),
        Dialect::Anthropic => invoke_anthropic::write(answer, model_id, finish, out),
        Dialect::Nova => invoke_nova::write(answer, finish, out),
        Dialect::Llama => invoke_llama::write(answer, finish, out),
    }
}

#[cfg(test)]
pub(in crate::wire) mod tests;
