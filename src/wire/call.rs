//! What a call asks of a model, whichever API and body it came in.

use super::ErrorKind;
use crate::domain::CacheTtl;
use serde_json::Value;

/// The family of the body, which decides the shape of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `Converse` and `ConverseStream`.
    Converse,
    /// `InvokeModel` with Anthropic's Messages body.
    Anthropic,
    /// `InvokeModel` with the body of Amazon Nova.
    Nova,
    /// `InvokeModel` with the body of Meta Llama.
    Llama,
}

/// One call of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCall {
    /// The family of its body.
    pub dialect: Dialect,
    /// How large its prompt is, cut at its cache points.
    pub prompt: Prompt,
    /// The bound on its output; `None` where the caller set none.
    pub max_tokens: Option<u32>,
    /// Texts at which the answer ends.
    pub stop_sequences: Vec<String>,
    /// The tools that it declares, if any.
    pub tools: Option<ToolUse>,
    /// The guardrail that it names, if any.
    pub guardrail: Option<GuardrailUse>,
    /// What it says of itself.
    pub metadata: CallMetadata,
    /// The service tier that it asks for: `default`, `priority`, `flex` or `reserved`.
    pub service_tier: Option<String>,
    /// Whether it asks for latency-optimised inference.
    pub latency_optimized: bool,
    /// JSON pointers of model fields that the caller wants back (`additionalModelResponseFieldPaths`).
    pub response_fields: Vec<String>,
}

/// The size of a prompt, in the order in which a cache sees it: tools, system, messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The parts that end in a cache point, in order; at most four.
    pub points: Vec<PromptPoint>,
    /// The ends of content blocks shortly before the cache points, in order.
    pub boundaries: Vec<PromptBoundary>,
    /// Bytes of text after the last cache point.
    pub rest_bytes: u64,
    /// Tokens after the last cache point that do not come from text, such as those of images.
    pub rest_tokens: u64,
}

/// The end of a content block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptBoundary {
    /// Hash of everything up to here: that of a cache point in the same place.
    pub hash: u64,
    /// Bytes of text up to here.
    pub bytes: u64,
    /// Tokens up to here that do not come from text.
    pub tokens: u64,
    /// Content blocks between here and the next cache point.
    pub blocks_back: u32,
}

/// A part of a prompt that ends in a cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptPoint {
    /// Hash of the model's id and of everything in the prompt up to here: equal hashes are equal content.
    pub hash: u64,
    /// Bytes of text since the point before.
    pub bytes: u64,
    /// Tokens since the point before that do not come from text.
    pub tokens: u64,
    /// How long a cached prefix lives after its last use.
    pub ttl: CacheTtl,
}

/// The tools of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolUse {
    /// The tools, at least one.
    pub tools: Vec<Tool>,
    /// Which of them the model must or may use.
    pub choice: ToolChoice,
    /// Whether the last message brings the results of an earlier use.
    pub brings_results: bool,
}

/// One declared tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON schema of its arguments.
    pub schema: Value,
}

/// Which tools a model must or may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// One of them, whichever.
    Any,
    /// The one of this name.
    Named(String),
    /// None of them.
    None,
}

/// A guardrail that a call names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailUse {
    /// Its id or ARN.
    pub id: String,
    /// Its version: a number or `DRAFT`.
    pub version: String,
    /// Whether the answer carries the trace.
    pub trace: bool,
    /// The text to check: what `guardContent` blocks hold, or all text of the last user message.
    pub text: String,
    /// Whether the caller chose the text with `guardContent` blocks.
    pub selected: bool,
    /// Whether a stream is to pass before it is checked (`streamProcessingMode`); `None` where the
    /// call does not say.
    pub passes_at_once: Option<bool>,
}

/// What a call says of itself in `requestMetadata`.
///
/// Bedrock hands these pairs to the invocation log and to nothing else. The load generator names
/// its workload and request there, so that a log line can be found; a simulated service also reads
/// them, so that a live run meets the same draws as one in virtual time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallMetadata {
    /// `bedload-workload`: the workload that makes the call.
    pub workload: Option<String>,
    /// `bedload-request`: the number of the request in its workload, and of the attempt, as `12.1`.
    pub request: Option<(u64, u32)>,
    /// `bedload-output`: the output tokens that the scenario drew for it.
    pub output: Option<u32>,
}

/// Why a request is not carried out, in the service's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Which exception the service answers.
    pub kind: ErrorKind,
    /// Its message.
    pub message: String,
}

impl Refused {
    /// A refusal of `kind` with `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// A `ValidationException` with `message`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, message)
    }
}

/// What `ApplyGuardrail` is asked to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailCheck {
    /// Whether the content goes into a model or came out of one.
    pub source: GuardrailSource,
    /// Whether the answer lists all assessments (`outputScope: FULL`), not only interventions.
    pub full: bool,
    /// The texts, in order; at least one text or image.
    pub texts: Vec<String>,
    /// How many images there are.
    pub images: u32,
}

/// Which side of a model a guardrail looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardrailSource {
    /// What goes into a model.
    Input,
    /// What came out of it.
    Output,
}
