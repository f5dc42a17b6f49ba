//! How answers ended, what was thought and never shown, and what guardrails did.

use super::figures::Latency;
use super::summary::Percentiles;
use crate::domain::StopReason;
use crate::measure::Tally;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of the answers of a variant or a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswersSummary {
    /// Completed requests by the `stopReason` of their answer; reasons that did not occur are
    /// left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stop_reasons: BTreeMap<String, u64>,
    /// Thinking, where the model thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingSummary>,
    /// What the guardrail did, where calls met one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<GuardrailSummary>,
}

/// Tokens that were billed and counted against quotas, and never shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThinkingSummary {
    /// Output tokens of completed requests that were thinking.
    pub thinking_tokens: u64,
    /// Output tokens of completed requests that were shown.
    pub visible_tokens: u64,
    /// Time to the first visible text from the intended start, completed requests that have one.
    pub visible_ttft_ms: Percentiles,
}

/// What a guardrail did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardrailSummary {
    /// Attempts whose input was evaluated and billed.
    pub evaluated: u64,
    /// Text units of inputs; one is up to 1,000 characters.
    pub input_units: u64,
    /// Text units of answers.
    pub output_units: u64,
    /// Inputs that were blocked: no model was asked.
    pub input_blocked: u64,
    /// Answers that were blocked.
    pub output_blocked: u64,
    /// Answers in which something was masked.
    pub masked: u64,
    /// Blocked answers of which the client had seen something, as `async` streams allow.
    pub leaked: u64,
    /// Attempts that the quotas of the guardrail refused.
    pub throttled: u64,
}

pub(super) fn answers(tally: &Tally) -> AnswersSummary {
    let counted = StopReason::ALL.into_iter().zip(tally.stops);
    let counted = counted.filter(|(_, count)| *count > 0);
    let thinking = tally.visible_ttft.is_some() || tally.thinking_tokens > 0;
    let counts = &tally.guardrail;
    AnswersSummary {
        stop_reasons: counted
            .map(|(reason, count)| (reason.name().to_owned(), count))
            .collect(),
        thinking: thinking.then(|| ThinkingSummary {
            thinking_tokens: tally.thinking_tokens,
            visible_tokens: tally.tokens.output.saturating_sub(tally.thinking_tokens),
            visible_ttft_ms: tally
                .visible_ttft
                .as_ref()
                .map(|times| Latency::plain(times.logical()).completed())
                .unwrap_or_default(),
        }),
        guardrail: (!counts.is_empty()).then_some(GuardrailSummary {
            evaluated: counts.evaluated,
            input_units: counts.input_units,
            output_units: counts.output_units,
            input_blocked: counts.input_blocked,
            output_blocked: counts.output_blocked,
            masked: counts.masked,
            leaked: counts.leaked,
            throttled: counts.throttled,
        }),
    }
}
