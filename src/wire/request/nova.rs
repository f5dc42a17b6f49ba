//! Amazon Nova's body of `InvokeModel`: the blocks of `Converse` with names of its own around them.

use super::blocks::{Message, SystemBlock, ToolConfig};
use super::constraints::Violations;
use super::text::Text;
use super::{converse, converse_checks, converse_prompt, invoke};
use crate::wire::{CallMetadata, Dialect, ModelCall, Refused};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    system: Option<Vec<SystemBlock<'a>>>,
    #[serde(borrow)]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(borrow)]
    inference_config: Option<InferenceConfig<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    /// Nova's guide writes `maxTokens`; earlier examples wrote `max_new_tokens`.
    #[serde(alias = "max_new_tokens")]
    max_tokens: Option<i64>,
    #[serde(borrow)]
    stop_sequences: Option<Vec<Text<'a>>>,
}

/// Reads a body for the model `id`.
pub(super) fn read(
    id: &str,
    body: &[u8],
    guarded: Option<&mut String>,
) -> Result<ModelCall, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(invoke::malformed)?;
    invoke::require(&[("messages", body.messages.is_some())])?;
    let messages = body.messages.as_deref().unwrap_or_default();
    let system = body.system.as_deref().unwrap_or_default();
    let mut violations = Violations::default();
    converse_checks::messages(&mut violations, messages);
    converse_checks::system(&mut violations, system);
    if let Some(config) = &body.tool_config {
        converse_checks::tools(&mut violations, config);
    }
    violations.finish()?;
    converse::check_rules(id, messages, system, body.tool_config.as_ref())?;
    let inference = body.inference_config.as_ref();
    let max_tokens = inference.and_then(|config| config.max_tokens);
    let stops = inference.and_then(|config| config.stop_sequences.as_deref());
    let tools = body.tool_config.as_ref();
    let prompt = converse_prompt::measure(id, None, tools, system, messages)?;
    if let Some(guarded) = guarded {
        *guarded = converse_prompt::guarded_text(system, messages).0;
    }
    let brings_results = converse::brings_results(messages);
    Ok(ModelCall {
        dialect: Dialect::Nova,
        prompt,
        max_tokens: invoke::bound("inferenceConfig/maxTokens", max_tokens)?,
        stop_sequences: converse::owned(stops),
        tools: body
            .tool_config
            .and_then(|config| converse::tool_use(config, brings_results)),
        guardrail: None,
        metadata: CallMetadata::default(),
        service_tier: None,
        latency_optimized: false,
        response_fields: Vec::new(),
    })
}
