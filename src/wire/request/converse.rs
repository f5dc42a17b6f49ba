//! Bodies of `Converse` and `ConverseStream`.

use super::blocks::{Block, Choice, Message, SystemBlock, ToolBlock, ToolConfig};
use super::constraints::Violations;
use super::model_id::ModelRef;
use super::text::{Pairs, Text};
use super::{conversation, converse_checks, converse_prompt, metadata};
use crate::wire::{
    Dialect, ErrorKind, GuardrailUse, ModelCall, Refused, Tool, ToolChoice, ToolUse,
};
use serde::Deserialize;

/// A body; every field that AWS knows and that matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    pub(super) system: Option<Vec<SystemBlock<'a>>>,
    #[serde(borrow)]
    pub(super) tool_config: Option<ToolConfig<'a>>,
    #[serde(borrow)]
    inference_config: Option<InferenceConfig<'a>>,
    #[serde(borrow)]
    guardrail_config: Option<GuardrailConfig<'a>>,
    #[serde(borrow)]
    additional_model_response_field_paths: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    request_metadata: Option<Pairs<'a>>,
    #[serde(borrow)]
    performance_config: Option<PerformanceConfig<'a>>,
    #[serde(borrow)]
    service_tier: Option<ServiceTier<'a>>,
    #[serde(borrow)]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InferenceConfig<'a> {
    max_tokens: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(borrow)]
    stop_sequences: Option<Vec<Text<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GuardrailConfig<'a> {
    #[serde(borrow)]
    guardrail_identifier: Option<Text<'a>>,
    #[serde(borrow)]
    guardrail_version: Option<Text<'a>>,
    #[serde(borrow)]
    trace: Option<Text<'a>>,
    #[serde(borrow)]
    stream_processing_mode: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct PerformanceConfig<'a> {
    #[serde(borrow)]
    latency: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct ServiceTier<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig<'a> {
    #[serde(borrow)]
    text_format: Option<TextFormat<'a>>,
}

#[derive(Debug, Deserialize)]
struct TextFormat<'a> {
    #[serde(borrow)]
    structure: Option<Structure<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Structure<'a> {
    #[serde(borrow)]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Debug, Deserialize)]
struct JsonSchema<'a> {
    #[serde(borrow)]
    schema: Option<Text<'a>>,
}

/// Reads the body of `Converse` or `ConverseStream` for the model `id`.
///
/// # Errors
/// `SerializationException` for what is not JSON of the right types, `ValidationException` for
/// what the service model or the rules of a conversation forbid.
pub fn converse(id: &str, body: &[u8]) -> Result<ModelCall, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    body.into_call(id)
}

/// What is said of a body of `Converse`, `CountTokens` or `ApplyGuardrail` that cannot be read.
pub(super) fn not_json(error: &serde_json::Error) -> Refused {
    Refused::new(
        ErrorKind::Serialization,
        format!("the request body cannot be read: {error}"),
    )
}

impl Body<'_> {
    pub(super) fn into_call(self, id: &str) -> Result<ModelCall, Refused> {
        let mut violations = Violations::default();
        self.check(&mut violations);
        violations.finish()?;
        let messages = self.messages.as_deref().unwrap_or_default();
        let system = self.system.as_deref().unwrap_or_default();
        check_rules(id, messages, system, self.tool_config.as_ref())?;
        let schema = self.output_schema();
        let prompt =
            converse_prompt::measure(id, schema, self.tool_config.as_ref(), system, messages)?;
        let guardrail = self.guardrail(system, messages)?;
        let inference = self.inference_config.as_ref();
        let paths = self.additional_model_response_field_paths.iter().flatten();
        Ok(ModelCall {
            dialect: Dialect::Converse,
            prompt,
            max_tokens: inference.and_then(|i| i.max_tokens).map(clamp),
            stop_sequences: owned(inference.and_then(|i| i.stop_sequences.as_deref())),
            guardrail,
            metadata: self
                .request_metadata
                .as_ref()
                .map(metadata::read)
                .unwrap_or_default(),
            service_tier: self
                .service_tier
                .as_ref()
                .and_then(|t| t.kind.as_ref())
                .map(|t| t.to_string()),
            latency_optimized: self.latency() == Some("optimized"),
            response_fields: paths.map(|path| path.to_string()).collect(),
            tools: self.tool_config.and_then(|config| {
                let brings = brings_results(self.messages.as_deref().unwrap_or_default());
                tool_use(config, brings)
            }),
        })
    }

    fn latency(&self) -> Option<&str> {
        self.performance_config.as_ref()?.latency.as_deref()
    }

    fn output_schema(&self) -> Option<&str> {
        let format = self.output_config.as_ref()?.text_format.as_ref()?;
        let schema = format.structure.as_ref()?.json_schema.as_ref()?;
        schema.schema.as_deref()
    }

    fn check(&self, violations: &mut Violations) {
        converse_checks::messages(violations, self.messages.as_deref().unwrap_or_default());
        converse_checks::system(violations, self.system.as_deref().unwrap_or_default());
        if let Some(inference) = &self.inference_config {
            inference.check(violations);
        }
        if let Some(config) = &self.tool_config {
            converse_checks::tools(violations, config);
        }
        if let Some(config) = &self.guardrail_config {
            config.check(violations);
        }
        if let Some(paths) = &self.additional_model_response_field_paths {
            let place = format_args!("additionalModelResponseFieldPaths");
            violations.length(paths.len(), 0, 10, place);
            for path in paths {
                violations.chars(path, 1, 256, place);
            }
        }
        if let Some(pairs) = &self.request_metadata {
            metadata::check(violations, pairs);
        }
        if let Some(latency) = self.latency() {
            let place = format_args!("performanceConfig.latency");
            violations.one_of(latency, &["standard", "optimized"], place);
        }
        if let Some(tier) = &self.service_tier {
            let place = format_args!("serviceTier.type");
            violations.required(tier.kind.is_some(), place);
            if let Some(kind) = &tier.kind {
                violations.one_of(kind, &super::invoke::SERVICE_TIERS, place);
            }
        }
    }

    fn guardrail(
        &self,
        system: &[SystemBlock<'_>],
        messages: &[Message<'_>],
    ) -> Result<Option<GuardrailUse>, Refused> {
        let Some(config) = &self.guardrail_config else {
            return Ok(None);
        };
        let id = config.guardrail_identifier.as_deref().unwrap_or_default();
        let version = config.guardrail_version.as_deref().unwrap_or_default();
        let trace = matches!(config.trace.as_deref(), Some("enabled" | "enabled_full"));
        let mut selected = false;
        let used = guardrail_use(id, version, trace, || {
            let (text, by_blocks) = converse_prompt::guarded_text(system, messages);
            selected = by_blocks;
            text
        })?;
        let mode = config.stream_processing_mode.as_deref();
        Ok(used.map(|used| GuardrailUse {
            selected,
            passes_at_once: mode.map(|mode| mode == "async"),
            ..used
        }))
    }
}

impl InferenceConfig<'_> {
    fn check(&self, violations: &mut Violations) {
        if let Some(tokens) = self.max_tokens {
            let place = format_args!("inferenceConfig.maxTokens");
            violations.range(tokens, 1, i64::from(i32::MAX), place);
        }
        if let Some(temperature) = self.temperature {
            violations.range(
                temperature,
                0.0,
                1.0,
                format_args!("inferenceConfig.temperature"),
            );
        }
        if let Some(top_p) = self.top_p {
            violations.range(top_p, 0.0, 1.0, format_args!("inferenceConfig.topP"));
        }
        if let Some(stops) = &self.stop_sequences {
            let place = format_args!("inferenceConfig.stopSequences");
            violations.length(stops.len(), 0, 2500, place);
            for (i, stop) in stops.iter().enumerate() {
                let i = i + 1;
                let place = format_args!("inferenceConfig.stopSequences.{i}.member");
                violations.length(stop.len(), 1, usize::MAX, place);
            }
        }
    }
}

impl GuardrailConfig<'_> {
    fn check(&self, violations: &mut Violations) {
        if let Some(id) = &self.guardrail_identifier {
            violations.guardrail_id(id, format_args!("guardrailConfig.guardrailIdentifier"));
        }
        if let Some(version) = &self.guardrail_version {
            let place = format_args!("guardrailConfig.guardrailVersion");
            violations.guardrail_version(version, place);
        }
        if let Some(trace) = &self.trace {
            let allowed = ["enabled", "disabled", "enabled_full"];
            violations.one_of(trace, &allowed, format_args!("guardrailConfig.trace"));
        }
        if let Some(mode) = &self.stream_processing_mode {
            let place = format_args!("guardrailConfig.streamProcessingMode");
            violations.one_of(mode, &["sync", "async"], place);
        }
    }
}

/// Checks what the service model cannot say.
pub(super) fn check_rules(
    id: &str,
    messages: &[Message<'_>],
    system: &[SystemBlock<'_>],
    tools: Option<&ToolConfig<'_>>,
) -> Result<(), Refused> {
    // Recorded: Titan answered a conversation of two user messages.
    let merges = ModelRef::parse(id)
        .model_id()
        .is_some_and(|model| model.starts_with("amazon.titan"));
    conversation::check_system(system)?;
    if let Some(config) = tools {
        conversation::check_tools(config)?;
    }
    conversation::check(messages, tools, merges)
}

/// Whether the last user message carries the result of a tool.
pub(super) fn brings_results(messages: &[Message<'_>]) -> bool {
    let last = messages
        .iter()
        .rfind(|message| conversation::role(message) == "user");
    last.and_then(|message| message.content.as_deref())
        .unwrap_or_default()
        .iter()
        .any(|block| matches!(block, Block::ToolResult(_)))
}

/// The tools that a model may ask its caller to run; none if there are only tools of the service.
pub(super) fn tool_use(config: ToolConfig<'_>, brings_results: bool) -> Option<ToolUse> {
    let tools: Vec<Tool> = config
        .tools?
        .into_iter()
        .filter_map(|tool| match tool {
            ToolBlock::Spec(spec) => Some(Tool {
                name: spec.name?.to_string(),
                schema: spec.input_schema?.json?,
            }),
            _ => None,
        })
        .collect();
    let choice = match config.tool_choice {
        Some(Choice::Any(_)) => ToolChoice::Any,
        Some(Choice::Tool(tool)) => ToolChoice::Named(tool.name?.to_string()),
        Some(Choice::Auto(_) | Choice::Unset) | None => ToolChoice::Auto,
    };
    (!tools.is_empty()).then_some(ToolUse {
        tools,
        choice,
        brings_results,
    })
}

/// The guardrail `id` in `version`; an empty id names none.
pub(super) fn guardrail_use(
    id: &str,
    version: &str,
    trace: bool,
    text: impl FnOnce() -> String,
) -> Result<Option<GuardrailUse>, Refused> {
    if id.is_empty() {
        return Ok(None);
    }
    if version.is_empty() {
        return Err(Refused::validation(
            "A guardrail identifier was given without a guardrail version.",
        ));
    }
    Ok(Some(GuardrailUse {
        id: id.to_owned(),
        version: version.to_owned(),
        trace,
        text: text(),
        ..GuardrailUse::default()
    }))
}

/// A bound on tokens that was checked to be positive.
pub(super) fn clamp(tokens: i64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

pub(super) fn owned(texts: Option<&[Text<'_>]>) -> Vec<String> {
    let texts = texts.unwrap_or_default().iter();
    texts.map(|text| text.to_string()).collect()
}
