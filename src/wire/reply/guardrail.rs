//! Guardrails: blocked words, what was found, and how it is told.
//!
//! Words are looked for in the real text; what the other policies find is decided elsewhere and
//! told here. One text unit is up to 1,000 characters (user guide, guardrails).

use super::answer::Answer;
use super::json::{count, raw, string};
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

/// What a guardrail can look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardrailPolicy {
    /// Harmful content.
    Content,
    /// Denied topics.
    Topics,
    /// Sensitive information.
    Sensitive,
    /// Words.
    Words,
    /// Contextual grounding.
    Grounding,
    /// Automated reasoning.
    Reasoning,
}

/// The policies of one guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardrailPolicies(u8);

impl GuardrailPolicies {
    /// No policy.
    pub const NONE: Self = Self(0);

    /// The same with one more.
    #[must_use]
    pub fn with(self, policy: GuardrailPolicy) -> Self {
        Self(self.0 | 1 << policy as u8)
    }

    /// Whether `policy` is among them.
    pub fn has(self, policy: GuardrailPolicy) -> bool {
        self.0 & 1 << policy as u8 != 0
    }
}

impl Default for GuardrailPolicies {
    /// Words alone.
    fn default() -> Self {
        Self::NONE.with(GuardrailPolicy::Words)
    }
}

/// What a guardrail does about what it found by other means than words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuardrailAction {
    /// It found nothing.
    #[default]
    None,
    /// It blocks the text.
    Blocked,
    /// It masks a part of the text.
    Masked,
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
    /// The policies that looked.
    pub policies: GuardrailPolicies,
    /// What policies other than the words found.
    pub found: GuardrailAction,
    /// Text units, where several texts were rounded up one by one; 0 rounds them up as one.
    pub text_units: u64,
}

impl GuardrailVerdict {
    /// Whether the text is blocked.
    pub fn blocked(&self) -> bool {
        !self.words.is_empty() || self.found == GuardrailAction::Blocked
    }

    /// Text units that were checked.
    pub fn units(&self) -> u64 {
        match self.text_units {
            0 => self.characters.div_ceil(UNIT),
            units => units,
        }
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

    fn masked(&self) -> bool {
        let found = self.output.as_ref().map(|output| output.found);
        found == Some(GuardrailAction::Masked)
    }

    /// Blocks an answer that no word blocks; `leaks` where a stream showed a part of it before.
    pub fn block_output(&mut self, answer: Answer, text: &str, leaks: bool) -> Answer {
        if self.trace && self.model_output.is_none() {
            self.model_output = Some(answer.text());
        }
        if let Some(output) = self
            .output
            .as_mut()
            .filter(|output| output.words.is_empty())
        {
            output.found = GuardrailAction::Blocked;
        }
        if leaks {
            answer.leaked()
        } else {
            answer.blocked_output(text)
        }
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
            ..GuardrailVerdict::default()
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
            policies: report.input.policies,
            ..GuardrailVerdict::default()
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
    raw(reason(report.intervened(), report.masked()), out);
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

fn reason(intervened: bool, masked: bool) -> &'static str {
    if intervened {
        "Guardrail blocked."
    } else if masked {
        "Guardrail masked."
    } else {
        "No action."
    }
}

fn assessment(verdict: &GuardrailVerdict, out: &mut Vec<u8>) {
    raw("{\"invocationMetrics\":{", out);
    coverage(verdict.characters, out);
    count(",\"guardrailProcessingLatency\":", verdict.latency_ms, out);
    out.push(b',');
    usage(verdict, out);
    out.push(b'}');
    other_policies(verdict, out);
    if !verdict.words.is_empty() {
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

/// Appends what a policy other than the words found: it is told of the first one that the guardrail has.
fn other_policies(verdict: &GuardrailVerdict, out: &mut Vec<u8>) {
    let has = |policy| verdict.policies.has(policy);
    match verdict.found {
        GuardrailAction::Masked => raw(
            ",\"sensitiveInformationPolicy\":{\"piiEntities\":[{\"action\":\"ANONYMIZED\",\
             \"detected\":true,\"match\":\"Jane\",\"type\":\"NAME\"}],\"regexes\":[]}",
            out,
        ),
        GuardrailAction::Blocked if has(GuardrailPolicy::Content) => raw(
            ",\"contentPolicy\":{\"filters\":[{\"action\":\"BLOCKED\",\"confidence\":\"HIGH\",\
             \"detected\":true,\"filterStrength\":\"HIGH\",\"type\":\"MISCONDUCT\"}]}",
            out,
        ),
        GuardrailAction::Blocked if has(GuardrailPolicy::Topics) => raw(
            ",\"topicPolicy\":{\"topics\":[{\"action\":\"BLOCKED\",\"detected\":true,\
             \"name\":\"Denied\",\"type\":\"DENY\"}]}",
            out,
        ),
        GuardrailAction::Blocked if has(GuardrailPolicy::Sensitive) => raw(
            ",\"sensitiveInformationPolicy\":{\"piiEntities\":[{\"action\":\"BLOCKED\",\
             \"detected\":true,\"match\":\"Jane\",\"type\":\"NAME\"}],\"regexes\":[]}",
            out,
        ),
        GuardrailAction::Blocked if has(GuardrailPolicy::Grounding) => raw(
            ",\"contextualGroundingPolicy\":{\"filters\":[{\"action\":\"BLOCKED\",\
             \"detected\":true,\"score\":0.1,\"threshold\":0.7,\"type\":\"GROUNDING\"}]}",
            out,
        ),
        GuardrailAction::None | GuardrailAction::Blocked => {}
    }
}

/// Appends the units of every policy: each counts the whole text.
fn usage(verdict: &GuardrailVerdict, out: &mut Vec<u8>) {
    let units = |policy| {
        if verdict.policies.has(policy) {
            verdict.units()
        } else {
            0
        }
    };
    let reasoning = units(GuardrailPolicy::Reasoning);
    let policies = u64::from(reasoning > 0);
    count("\"usage\":{\"automatedReasoningPolicies\":", policies, out);
    for (name, units) in [
        (",\"automatedReasoningPolicyUnits\":", reasoning),
        (",\"contentPolicyImageUnits\":", 0),
        (",\"contentPolicyUnits\":", units(GuardrailPolicy::Content)),
        (
            ",\"contextualGroundingPolicyUnits\":",
            units(GuardrailPolicy::Grounding),
        ),
        (",\"sensitiveInformationPolicyFreeUnits\":", 0),
        (
            ",\"sensitiveInformationPolicyUnits\":",
            units(GuardrailPolicy::Sensitive),
        ),
        (",\"topicPolicyUnits\":", units(GuardrailPolicy::Topics)),
        (",\"wordPolicyUnits\":", units(GuardrailPolicy::Words)),
    ] {
        count(name, units, out);
    }
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

impl GuardrailSettings {
    /// Checks several texts, each of which is rounded up to text units.
    pub fn check_all(&self, texts: &[impl AsRef<str>], latency_ms: u64) -> GuardrailVerdict {
        let mut verdict = GuardrailVerdict {
            latency_ms,
            ..GuardrailVerdict::default()
        };
        for text in texts {
            let part = self.check(text.as_ref(), 0);
            verdict.characters += part.characters;
            verdict.text_units += part.units();
            for word in part.words {
                if !verdict.words.contains(&word) {
                    verdict.words.push(word);
                }
            }
        }
        verdict
    }
}

/// Appends the body of `ApplyGuardrail` that found `verdict`.
pub fn write_apply_guardrail(
    settings: &GuardrailSettings,
    source: GuardrailSource,
    verdict: &GuardrailVerdict,
    out: &mut Vec<u8>,
) {
    let blocked = verdict.blocked();
    let masked = verdict.found == GuardrailAction::Masked;
    raw("{\"action\":\"", out);
    raw(
        if blocked || masked {
            "GUARDRAIL_INTERVENED"
        } else {
            "NONE"
        },
        out,
    );
    raw("\",\"actionReason\":\"", out);
    raw(reason(blocked, masked), out);
    raw("\",\"assessments\":[", out);
    assessment(verdict, out);
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
    usage(verdict, out);
    out.push(b'}');
}

#[cfg(test)]
mod tests;
