//! Meta Llama's body of `InvokeModel`: one prompt with its turns written out.

use super::invoke;
use super::prompt::PromptBuilder;
use super::text::Text;
use crate::wire::{CallMetadata, Dialect, ModelCall, Refused};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    prompt: Option<Text<'a>>,
    max_gen_len: Option<i64>,
    #[serde(borrow)]
    images: Option<Vec<Text<'a>>>,
}

/// Reads a body for the model `id`.
///
/// Without `max_gen_len` the call sets no bound of its own; the model then writes at most 512
/// tokens by its documentation, which is the service's to know.
pub(super) fn read(
    id: &str,
    body: &[u8],
    guarded: Option<&mut String>,
) -> Result<ModelCall, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(invoke::malformed)?;
    invoke::require(&[("prompt", body.prompt.is_some())])?;
    let mut prompt = PromptBuilder::new(id);
    for image in body.images.iter().flatten() {
        prompt.media(image);
    }
    if let Some(text) = &body.prompt {
        prompt.text(text);
    }
    invoke::guard(guarded, body.prompt.iter());
    Ok(ModelCall {
        dialect: Dialect::Llama,
        prompt: prompt.finish()?,
        max_tokens: invoke::bound("max_gen_len", body.max_gen_len)?,
        stop_sequences: Vec::new(),
        tools: None,
        guardrail: None,
        metadata: CallMetadata::default(),
        service_tier: None,
        latency_optimized: false,
        response_fields: Vec::new(),
    })
}
