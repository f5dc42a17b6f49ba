//! `InvokeModel` and its streaming form: headers, and which vendor's body it is.

use super::constraints::Violations;
use super::converse::guardrail_use;
use super::model_id::ModelRef;
use super::text::{Pairs, Text};
use super::{anthropic, llama, metadata, nova};
use crate::wire::{CallMetadata, Dialect, ModelCall, Refused};
use http::HeaderMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt::{Display, Write};

/// The names of the service tiers.
pub(super) const SERVICE_TIERS: [&str; 4] = ["priority", "default", "flex", "reserved"];

/// The largest body that the service model allows, in bytes.
pub const MAX_BODY_BYTES: usize = 25_000_000;

/// Reads `InvokeModel` or its streaming form, in the dialect of the model's vendor.
///
/// Pass the id of the model behind a profile or resource ARN where the service knows it. Where `id`
/// does not tell the vendor, the fields of the body do. Bodies of Anthropic's Messages, Amazon Nova
/// and Meta Llama are read; other vendors' are refused in a sentence of this project, since an
/// answer in the wrong shape would only confuse the caller.
///
/// # Errors
/// `ValidationException`.
pub fn invoke(id: &str, headers: &HeaderMap, body: &[u8]) -> Result<ModelCall, Refused> {
    if body.len() > MAX_BODY_BYTES {
        let mut violations = Violations::default();
        violations.length(body.len(), 0, MAX_BODY_BYTES, format_args!("body"));
        violations.finish()?;
    }
    let options = Options::read(headers)?;
    let mut text = String::new();
    let wants_text = options.guardrail_id.is_some_and(|id| !id.is_empty());
    let guarded = wants_text.then_some(&mut text);
    let mut call = match dialect(id, body)? {
        Dialect::Nova => nova::read(id, body, guarded),
        Dialect::Llama => llama::read(id, body, guarded),
        Dialect::Anthropic | Dialect::Converse => anthropic::read(id, body, guarded),
    }?;
    call.guardrail = guardrail_use(
        options.guardrail_id.unwrap_or_default(),
        options.guardrail_version.unwrap_or_default(),
        options.trace,
        || text,
    )?;
    if let Some(guardrail) = &mut call.guardrail {
        guardrail.passes_at_once = passes_at_once(body);
    }
    call.metadata = options.metadata;
    call.service_tier = options.service_tier.map(str::to_owned);
    call.latency_optimized = options.latency_optimized;
    Ok(call)
}

/// `streamProcessingMode` of a body's `amazon-bedrock-guardrailConfig`, which stands beside the
/// model's own fields.
fn passes_at_once(body: &[u8]) -> Option<bool> {
    #[derive(Deserialize)]
    struct Beside {
        #[serde(rename = "amazon-bedrock-guardrailConfig")]
        config: Option<Config>,
    }
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "streamProcessingMode")]
        mode: Option<String>,
    }
    let beside: Beside = serde_json::from_slice(body).ok()?;
    let mode = beside.config?.mode?;
    Some(mode.eq_ignore_ascii_case("asynchronous"))
}

/// What is said of a body that does not fit its vendor's schema.
pub(super) fn malformed(what: impl Display) -> Refused {
    Refused::validation(format!(
        "Malformed input request: {what}, please reformat your input and try again."
    ))
}

/// The missing ones among required keys, as a JSON schema validator lists them.
pub(super) fn require(keys: &[(&str, bool)]) -> Result<(), Refused> {
    let mut missing = String::new();
    for (key, _) in keys.iter().filter(|(_, is_there)| !is_there) {
        // Writing into a String cannot fail.
        let _ = write!(missing, "#: required key [{key}] not found");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(malformed(missing))
}

/// A bound on output tokens within what the vendor allows.
pub(super) fn bound(key: &str, tokens: Option<i64>) -> Result<Option<u32>, Refused> {
    match tokens {
        None => Ok(None),
        Some(tokens) if tokens < 1 => Err(malformed(format_args!(
            "#/{key}: {tokens} is not greater or equal to 1"
        ))),
        Some(tokens) => Ok(Some(super::converse::clamp(tokens))),
    }
}

/// The keys that tell the bodies of the vendors apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signs {
    anthropic_version: Option<IgnoredAny>,
    #[serde(rename = "inferenceConfig")]
    inference_config: Option<IgnoredAny>,
    #[serde(rename = "schemaVersion")]
    schema_version: Option<IgnoredAny>,
    max_gen_len: Option<IgnoredAny>,
    max_tokens: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    messages: Option<IgnoredAny>,
}

fn dialect(id: &str, body: &[u8]) -> Result<Dialect, Refused> {
    let model = ModelRef::parse(id);
    if let Some(model) = model.model_id() {
        return match model {
            _ if model.starts_with("anthropic.") => Ok(Dialect::Anthropic),
            _ if model.starts_with("amazon.nova") => Ok(Dialect::Nova),
            _ if model.starts_with("meta.") => Ok(Dialect::Llama),
            _ => Err(foreign(model)),
        };
    }
    let signs: Signs = serde_json::from_slice(body).map_err(malformed)?;
    if signs.anthropic_version.is_some() {
        Ok(Dialect::Anthropic)
    } else if signs.schema_version.is_some() || signs.inference_config.is_some() {
        Ok(Dialect::Nova)
    } else if signs.max_gen_len.is_some() {
        Ok(Dialect::Llama)
    } else if signs.messages.is_none() && signs.prompt.is_some() {
        // Llama's bound may be left out; another vendor's bound has another name.
        if signs.max_tokens.is_some() {
            Err(foreign(id))
        } else {
            Ok(Dialect::Llama)
        }
    } else {
        // Claude is by far the most called, and its reader says best what is missing.
        Ok(Dialect::Anthropic)
    }
}

/// The refusal of a vendor whose bodies are not read; the sentence is this project's.
fn foreign(model: &str) -> Refused {
    Refused::validation(format!(
        "InvokeModel bodies are read for Anthropic, Amazon Nova and Meta Llama, not for `{model}`; \
         use Converse."
    ))
}

/// What the headers ask for.
struct Options<'h> {
    guardrail_id: Option<&'h str>,
    guardrail_version: Option<&'h str>,
    trace: bool,
    service_tier: Option<&'h str>,
    latency_optimized: bool,
    metadata: CallMetadata,
}

impl<'h> Options<'h> {
    fn read(headers: &'h HeaderMap) -> Result<Self, Refused> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut violations = Violations::default();
        let guardrail_id = text("x-amzn-bedrock-guardrailidentifier");
        if let Some(id) = guardrail_id {
            violations.guardrail_id(id, format_args!("guardrailIdentifier"));
        }
        let guardrail_version = text("x-amzn-bedrock-guardrailversion");
        if let Some(version) = guardrail_version {
            violations.guardrail_version(version, format_args!("guardrailVersion"));
        }
        let trace = text("x-amzn-bedrock-trace");
        if let Some(trace) = trace {
            let allowed = ["ENABLED", "DISABLED", "ENABLED_FULL"];
            violations.one_of(trace, &allowed, format_args!("trace"));
        }
        let service_tier = text("x-amzn-bedrock-service-tier");
        if let Some(tier) = service_tier {
            violations.one_of(tier, &SERVICE_TIERS, format_args!("serviceTier"));
        }
        let latency = text("x-amzn-bedrock-performanceconfig-latency");
        if let Some(latency) = latency {
            let place = format_args!("performanceConfigLatency");
            violations.one_of(latency, &["standard", "optimized"], place);
        }
        let pairs = headers.get("x-amzn-bedrock-request-metadata");
        let metadata = pairs.map(|value| request_metadata(&mut violations, value.as_bytes()));
        violations.finish()?;
        Ok(Self {
            guardrail_id,
            guardrail_version,
            trace: matches!(trace, Some("ENABLED" | "ENABLED_FULL")),
            service_tier,
            latency_optimized: latency == Some("optimized"),
            metadata: metadata.transpose()?.unwrap_or_default(),
        })
    }
}

fn request_metadata(violations: &mut Violations, json: &[u8]) -> Result<CallMetadata, Refused> {
    violations.length(json.len(), 0, 8500, format_args!("requestMetadata"));
    let pairs: Pairs<'_> = serde_json::from_slice(json).map_err(|error| {
        Refused::validation(format!(
            "The request metadata header is not a JSON object of strings: {error}"
        ))
    })?;
    metadata::check(violations, &pairs);
    Ok(metadata::read(&pairs))
}

/// Texts joined by line feeds into `guarded`, if a guardrail wants them.
pub(super) fn guard<'t>(guarded: Option<&mut String>, texts: impl Iterator<Item = &'t Text<'t>>) {
    let Some(guarded) = guarded else { return };
    for text in texts {
        if !guarded.is_empty() {
            guarded.push('\n');
        }
        guarded.push_str(text);
    }
}
