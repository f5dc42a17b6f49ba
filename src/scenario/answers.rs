//! `[answers]`: what a served model says.

use crate::config::{Section, count, list, positive, share, text, unset_or};
use crate::service::spec::{AnswerSpec, BLOCKED_INPUT, BLOCKED_OUTPUT, GuardrailSpec};

/// Reads `[answers]`; the defaults are those of [`AnswerSpec`].
pub(super) fn answers(s: &mut Section<'_>) -> Option<AnswerSpec> {
    let tool_use = s.or("tool_use", share(), 1.0);
    let tool_use_again = s.or("tool_use_again", share(), 0.0);
    let stop_sequence = s.or("stop_sequence", share(), 0.0);
    let chunk_tokens = s.or("chunk_tokens", count(1..=10_000), 1);
    let bytes_per_token = s.or("bytes_per_token", unset_or(positive()), "unset");
    let guardrail = s.table("guardrail", |s| {
        let words = s.optional("words", list(text())).unwrap_or_default();
        let blocked_input = s.or("blocked_input", text(), BLOCKED_INPUT);
        let blocked_output = s.or("blocked_output", text(), BLOCKED_OUTPUT);
        Some(GuardrailSpec {
            words,
            blocked_input: blocked_input?,
            blocked_output: blocked_output?,
        })
    });
    Some(AnswerSpec {
        tool_use: tool_use?,
        tool_use_again: tool_use_again?,
        stop_sequence: stop_sequence?,
        chunk_tokens: chunk_tokens?,
        bytes_per_token: bytes_per_token?,
        guardrail: guardrail?,
    })
}
