//! Guardrails: blocked words, what was found, and how it is told.
//!
//! A simulated guardrail has one policy, a list of words. One text unit is up to 1,000 characters
//! (user guide, guardrails).

use super::answer::Answer;
use super::json::{count, number, raw, string};
use crate::wire::GuardrailUse;

/// Characters in one text unit.
const UNIT: u64 = 1_000;

/// What a guardrail blocks and says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailSettings {
    /// Words that it blocks, whatever their case.
    pub words: Vec<String>,
    /// What it says instead of an answer to a blocked prompt.
    pub blocked_input: String,
    /// What it says instead of a blocked answer.
    pub blocked_output: String,
}

/// What a guardrail found in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailVerdict {
    /// The blocked words in it, as they are configured.
    pub words: Vec<String>,
    /// Characters that were checked.
    pub characters: u64,
    /// Milliseconds that the check took.
    pub latency_ms: u64,
}

impl GuardrailVerdict {
    /// Whether the text is blocked.
    pub fn blocked(&self) -> bool {
        !self.words.is_empty()
    }

    /// Text units that were checked.
    pub fn units(&self) -> u64 {
        self.characters.div_ceil(UNIT)
    }
}

/// What a guardrail found in one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailReport {
    /// The guardrail's id.
    pub id: String,
    /// Whether the answer carries the trace.
    pub trace: bool,
    /// What it found in the prompt.
    pub input: GuardrailVerdict,
    /// What it found in the answer; `None` where the prompt was blocked.
    pub output: Option<GuardrailVerdict>,
    /// The answer that it blocked.
    pub model_output: Option<String>,
}

impl GuardrailReport {
    /// Whether the prompt or the answer was blocked.
    pub fn intervened(&self) -> bool {
        self.input.blocked() || self.output.as_ref().is_some_and(GuardrailVerdict::blocked)
    }
}

impl GuardrailSettings {
    /// Checks a text, which takes `latency_ms`.
    pub fn check(&self, text: &str, latency_ms: u64) -> GuardrailVerdict {
        let lower = text.to_lowercase();
        let hit = |word: &&String| !word.is_empty() && lower.contains(&word.to_lowercase());
        GuardrailVerdict {
            words: self.words.iter().filter(hit).cloned().collect(),
            characters: text.chars().count() as u64,
            latency_ms,
        }
    }

    /// Checks the prompt of a call that names this guardrail.
    pub fn check_input(&self, guardrail: &GuardrailUse, latency_ms: u64) -> GuardrailReport {
        let id = guardrail.id.rsplit('/').next().unwrap_or(&guardrail.id);
        GuardrailReport {
            id: id.to_owned(),
            trace: guardrail.trace,
            input: self.check(&guardrail.text, latency_ms),
            output: None,
            model_output: None,
        }
    }

    /// Checks an answer and blocks it where it must; the report learns of it.
    pub fn check_output(
        &self,
        answer: Answer,
        latency_ms: u64,
        report: &mut GuardrailReport,
    ) -> Answer {
        let found = answer.contained(&self.words);
        let verdict = GuardrailVerdict {
            words: found.into_iter().map(|n| self.words[n].clone()).collect(),
            characters: answer.text_characters(),
            latency_ms,
        };
        let blocked = verdict.blocked();
        report.output = Some(verdict);
        if !blocked {
            return answer;
        }
        if report.trace {
            report.model_output = Some(answer.text());
        }
        answer.blocked_output(&self.blocked_output)
    }
}

/// Appends `trace.guardrail` of Converse, members by name as recorded.
pub(super) fn trace(report: &GuardrailReport, out: &mut Vec<u8>) {
    raw("{\"actionReason\":\"", out);
    raw(reason(report.intervened()), out);
    raw("\",\"inputAssessment\":{", out);
    string(&report.id, out);
    out.push(b':');
    assessment(&report.input, out);
    raw("},\"modelOutput\":[", out);
    if let Some(text) = &report.model_output {
        string(text, out);
    }
    out.push(b']');
    if let Some(output) = &report.output {
        raw(",\"outputAssessments\":{", out);
        string(&report.id, out);
        raw(":[", out);
        assessment(output, out);
        raw("]}", out);
    }
    out.push(b'}');
}

/// Appends `amazon-bedrock-trace.guardrail` of `InvokeModel`, which names its parts otherwise.
pub(super) fn invoke_trace(report: &GuardrailReport, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(text) = &report.model_output {
        raw("\"modelOutput\":[", out);
        string(text, out);
        raw("],", out);
    }
    raw("\"input\":{", out);
    string(&report.id, out);
    out.push(b':');
    assessment(&report.input, out);
    out.push(b'}');
    if let Some(output) = &report.output {
        raw(",\"outputs\":[{", out);
        string(&report.id, out);
        out.push(b':');
        assessment(output, out);
        raw("}]", out);
    }
    out.push(b'}');
}

fn reason(intervened: bool) -> &'static str {
    if intervened {
        "Guardrail blocked."
    } else {
        "No action."
    }
}

fn assessment(verdict: &GuardrailVerdict, out: &mut Vec<u8>) {
    raw("{\"invocationMetrics\":{", out);
    coverage(verdict.characters, out);
    count(",\"guardrailProcessingLatency\":", verdict.latency_ms, out);
    out.push(b',');
    usage(verdict.units(), out);
    out.push(b'}');
    if verdict.blocked() {
        raw(",\"wordPolicy\":{\"customWords\":[", out);
        for (n, word) in verdict.words.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            raw("{\"action\":\"BLOCKED\",\"detected\":true,\"match\":", out);
            string(word, out);
            out.push(b'}');
        }
        raw("],\"managedWordLists\":[]}", out);
    }
    out.push(b'}');
}

fn coverage(characters: u64, out: &mut Vec<u8>) {
    count(
        "\"guardrailCoverage\":{\"textCharacters\":{\"guarded\":",
        characters,
        out,
    );
    count(",\"total\":", characters, out);
    raw("}}", out);
}

/// Appends the units of every policy: the word policy is the only one.
fn usage(units: u64, out: &mut Vec<u8>) {
    raw(
        "\"usage\":{\"automatedReasoningPolicies\":0,\"automatedReasoningPolicyUnits\":0,\
         \"contentPolicyImageUnits\":0,\"contentPolicyUnits\":0,\
         \"contextualGroundingPolicyUnits\":0,\"sensitiveInformationPolicyFreeUnits\":0,\
         \"sensitiveInformationPolicyUnits\":0,\"topicPolicyUnits\":0,\"wordPolicyUnits\":",
        out,
    );
    number(units, out);
    out.push(b'}');
}

/// Which side of a call `ApplyGuardrail` checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardrailSource {
    /// What a user says.
    Input,
    /// What a model says.
    Output,
}

/// Appends the body of `ApplyGuardrail`: `texts` are checked as one, which takes `latency_ms`.
pub fn write_apply_guardrail(
    settings: &GuardrailSettings,
    source: GuardrailSource,
    texts: &[impl AsRef<str>],
    latency_ms: u64,
    out: &mut Vec<u8>,
) {
    let mut verdict = GuardrailVerdict {
        latency_ms,
        ..GuardrailVerdict::default()
    };
    for text in texts {
        let part = settings.check(text.as_ref(), 0);
        verdict.characters += part.characters;
        for word in part.words {
            if !verdict.words.contains(&word) {
                verdict.words.push(word);
            }
        }
    }
    let blocked = verdict.blocked();
    raw("{\"action\":\"", out);
    raw(
        if blocked {
            "GUARDRAIL_INTERVENED"
        } else {
            "NONE"
        },
        out,
    );
    raw("\",\"actionReason\":\"", out);
    raw(reason(blocked), out);
    raw("\",\"assessments\":[", out);
    assessment(&verdict, out);
    raw("],", out);
    coverage(verdict.characters, out);
    raw(",\"outputs\":[", out);
    if blocked {
        raw("{\"text\":", out);
        string(
            match source {
                GuardrailSource::Input => &settings.blocked_input,
                GuardrailSource::Output => &settings.blocked_output,
            },
            out,
        );
        out.push(b'}');
    }
    raw("],", out);
    usage(verdict.units(), out);
    out.push(b'}');
}

#[cfg(test)]
mod tests;
