use super::*;
use crate::wire::Dialect;
use crate::wire::reply::tests::{call, draws};
use crate::wire::reply::{AnswerPlan, AnswerSettings, StopReason};
use serde_json::Value;

fn settings(words: &[&str]) -> GuardrailSettings {
    GuardrailSettings {
        words: words.iter().map(|w| (*w).to_owned()).collect(),
        blocked_input: "Not this \"question\".".to_owned(),
        blocked_output: "Not this answer.".to_owned(),
    }
}

fn used(text: &str) -> GuardrailUse {
    GuardrailUse {
        id: "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123".to_owned(),
        version: "1".to_owned(),
        trace: true,
        text: text.to_owned(),
        ..Default::default()
    }
}

#[test]
fn words_are_found_whatever_their_case() {
    let settings = settings(&["Secret", "Straße", ""]);
    let report = settings.check_input(&used("the SECRET plan"), 12);
    assert_eq!(report.id, "abc123");
    assert!(report.intervened());
    assert_eq!(report.input.words, ["Secret"]);
    assert_eq!((report.input.characters, report.input.units()), (15, 1));
    assert!(
        !settings
            .check_input(&used("a plain question"), 0)
            .intervened()
    );
    assert!(settings.check("an der STRASSE", 0).words.is_empty());
    assert_eq!(settings.check("in der STRAßE", 0).words, ["Straße"]);
}

#[test]
fn a_blocked_answer_keeps_its_tokens() {
    let settings = settings(&["zebra", "THE"]);
    let answer = AnswerPlan::new(
        &call(Dialect::Converse),
        200,
        draws(),
        1,
        &AnswerSettings::default(),
    )
    .cut(200, false);
    let said = answer.text();
    let mut report = settings.check_input(&used("hello"), 0);
    let blocked = settings.check_output(answer, 7, &mut report);
    assert_eq!(blocked.stop_reason(), StopReason::GuardrailIntervened);
    assert_eq!(blocked.output_tokens(), 200);
    assert_eq!(blocked.text(), "Not this answer.");
    assert_eq!(report.output.as_ref().unwrap().words, ["THE"]);
    assert_eq!(report.model_output, Some(said));
}

#[test]
fn apply_guardrail_bodies() {
    let settings = settings(&["secret"]);
    let body = |texts: &[&str], source| {
        let mut out = Vec::new();
        write_apply_guardrail(&settings, source, &settings.check_all(texts, 3), &mut out);
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let blocked = body(&["a secret", &"x".repeat(1_000)], GuardrailSource::Input);
    insta::assert_snapshot!(blocked, @r#"{"action":"GUARDRAIL_INTERVENED","actionReason":"Guardrail blocked.","assessments":[{"invocationMetrics":{"guardrailCoverage":{"textCharacters":{"guarded":1008,"total":1008}},"guardrailProcessingLatency":3,"usage":{"automatedReasoningPolicies":0,"automatedReasoningPolicyUnits":0,"contentPolicyImageUnits":0,"contentPolicyUnits":0,"contextualGroundingPolicyUnits":0,"sensitiveInformationPolicyFreeUnits":0,"sensitiveInformationPolicyUnits":0,"topicPolicyUnits":0,"wordPolicyUnits":2}},"wordPolicy":{"customWords":[{"action":"BLOCKED","detected":true,"match":"secret"}],"managedWordLists":[]}}],"guardrailCoverage":{"textCharacters":{"guarded":1008,"total":1008}},"outputs":[{"text":"Not this \"question\"."}],"usage":{"automatedReasoningPolicies":0,"automatedReasoningPolicyUnits":0,"contentPolicyImageUnits":0,"contentPolicyUnits":0,"contextualGroundingPolicyUnits":0,"sensitiveInformationPolicyFreeUnits":0,"sensitiveInformationPolicyUnits":0,"topicPolicyUnits":0,"wordPolicyUnits":2}}"#);
    let free = body(&["nothing"], GuardrailSource::Output);
    assert_eq!(free["action"], "NONE");
    assert_eq!(free["outputs"], serde_json::json!([]));
    assert_eq!(free["usage"]["wordPolicyUnits"], 1);
}
