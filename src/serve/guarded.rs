//! The guardrails of calls: which one a call names, what it looks at, and what it says.

use super::shared::Shared;
use crate::service::guardrail::{
    GuardSpec, GuardedText, OutputMode, Policy, Screened, Screening, TargetGuard, Verdict,
    text_units,
};
use crate::units::Micros;
use crate::wire::reply::{
    Answer, GuardrailAction, GuardrailPolicies, GuardrailPolicy, GuardrailReport, GuardrailVerdict,
};
use crate::wire::{GuardrailUse, ModelCall};

/// A guardrail of the scenario that a call names.
pub(super) struct Met<'a> {
    spec: &'a GuardSpec,
    guard: TargetGuard,
}

impl Shared {
    /// The guardrail of the scenario that has this id or ARN.
    pub(super) fn guardrail_of(&self, id: &str) -> Option<usize> {
        let name = id.rsplit('/').next().unwrap_or(id);
        let guards = &self.core.serving.endpoint.guards;
        guards.iter().position(|guard| guard.spec.name == name)
    }

    pub(super) fn guardrail_spec(&self, index: usize) -> &GuardSpec {
        &self.core.serving.endpoint.guards[index].spec
    }
}

/// The guardrail that a call meets; `None` where the scenario has none of that name.
pub(super) fn met<'a>(shared: &'a Shared, used: &GuardrailUse, streams: bool) -> Option<Met<'a>> {
    let guardrail = shared.guardrail_of(&used.id)?;
    let spec = shared.guardrail_spec(guardrail);
    let mode = match (streams, used.passes_at_once) {
        (false, _) => OutputMode::Whole,
        (true, None) => spec.stream,
        (true, Some(true)) => OutputMode::Async,
        (true, Some(false)) => OutputMode::Sync,
    };
    let guard = TargetGuard { guardrail, mode };
    Some(Met { spec, guard })
}

impl Met<'_> {
    /// How the brain is to screen a call; the report learns what is looked at.
    pub(super) fn screening(
        &self,
        call: &ModelCall,
        used: &GuardrailUse,
        report: &mut GuardrailReport,
    ) -> Screening {
        if self.spec.guard == GuardedText::All && !used.selected {
            let points = call.prompt.points.iter().map(|point| point.bytes);
            let bytes = points.sum::<u64>() + call.prompt.rest_bytes;
            // Characters are not counted apart from bytes in a prompt.
            report.input.characters = report.input.characters.max(bytes);
        }
        report.input.policies = policies(self.spec);
        if !self.spec.policies.contains(&Policy::Words) {
            report.input.words.clear();
        }
        Screening::Named {
            guard: self.guard,
            units: text_units(report.input.characters),
            found: report.input.blocked(),
        }
    }
}

/// The policies of a guardrail as answers tell of them.
pub(super) fn policies(spec: &GuardSpec) -> GuardrailPolicies {
    let all = spec.policies.iter();
    all.fold(GuardrailPolicies::NONE, |all, policy| {
        all.with(match policy {
            Policy::Content => GuardrailPolicy::Content,
            Policy::Topics => GuardrailPolicy::Topics,
            Policy::Sensitive => GuardrailPolicy::Sensitive,
            Policy::Words => GuardrailPolicy::Words,
            Policy::Grounding => GuardrailPolicy::Grounding,
            Policy::Reasoning => GuardrailPolicy::Reasoning,
        })
    })
}

/// What is done about a verdict.
pub(super) fn action(verdict: Verdict) -> GuardrailAction {
    match verdict {
        Verdict::Passed => GuardrailAction::None,
        Verdict::InputBlocked | Verdict::OutputBlocked => GuardrailAction::Blocked,
        Verdict::Masked => GuardrailAction::Masked,
    }
}

fn millis(span: Micros) -> u64 {
    span.0 / 1000
}

/// Notes in the report that the input is blocked.
pub(super) fn blocked_input(screened: &Screened, report: &mut GuardrailReport) {
    report.input.latency_ms = millis(screened.input_takes);
    if report.input.words.is_empty() {
        report.input.found = GuardrailAction::Blocked;
    }
}

/// The answer after the guardrail has seen it.
pub(super) fn checked_output(
    shared: &Shared,
    screened: Option<&Screened>,
    answer: Answer,
    report: &mut GuardrailReport,
) -> Answer {
    let Some(screened) = screened else {
        // A guardrail that the scenario does not describe has words alone.
        return shared.guardrail.check_output(answer, 0, report);
    };
    report.input.latency_ms = millis(screened.input_takes);
    let takes = millis(screened.output_takes);
    let by_words = report.input.policies.has(GuardrailPolicy::Words);
    let answer = if by_words && screened.mode != OutputMode::Async {
        shared.guardrail.check_output(answer, takes, report)
    } else {
        let found = if by_words {
            shared.guardrail.check(&answer.text(), takes).words
        } else {
            Vec::new()
        };
        report.output = Some(GuardrailVerdict {
            words: found,
            characters: answer.text_characters(),
            latency_ms: takes,
            policies: report.input.policies,
            ..Default::default()
        });
        answer
    };
    let blocked = report
        .output
        .as_ref()
        .is_some_and(GuardrailVerdict::blocked);
    let text = &shared.guardrail.blocked_output;
    match screened.verdict {
        // What words block in a stream that passes at once has passed.
        Verdict::Passed | Verdict::Masked if blocked && screened.mode == OutputMode::Async => {
            report.block_output(answer, text, true)
        }
        Verdict::OutputBlocked if !blocked || screened.mode == OutputMode::Async => {
            report.block_output(answer, text, screened.leaked())
        }
        Verdict::Masked if !blocked => {
            if let Some(output) = &mut report.output {
                output.found = GuardrailAction::Masked;
            }
            answer
        }
        _ => answer,
    }
}
