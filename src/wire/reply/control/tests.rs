use super::*;
use serde_json::Value;

fn read(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap()
}

fn profile<'a>(id: &'a str, destinations: &'a [&'a str]) -> InferenceProfile<'a> {
    InferenceProfile {
        id,
        name: "US Anthropic Claude Haiku 4.5",
        kind: ProfileKind::SystemDefined,
        model_id: "anthropic.claude-haiku-4-5-20251001-v1:0",
        region: "us-east-1",
        account: "123456789012",
        destinations,
        created: Some("2025-10-15T00:00:00Z"),
    }
}

#[test]
fn models() {
    let model = FoundationModel {
        id: "anthropic.claude-haiku-4-5-20251001-v1:0",
        name: "Claude Haiku 4.5",
        provider: "Anthropic",
        region: "us-gov-west-1",
        images: true,
        on_demand: false,
        provisioned: false,
    };
    let one = read(|out| write_foundation_model(&model, out));
    insta::assert_snapshot!(one, @r#"{"modelDetails":{"customizationsSupported":[],"inferenceTypesSupported":["INFERENCE_PROFILE"],"inputModalities":["TEXT","IMAGE"],"modelArn":"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0","modelId":"anthropic.claude-haiku-4-5-20251001-v1:0","modelLifecycle":{"status":"ACTIVE"},"modelName":"Claude Haiku 4.5","outputModalities":["TEXT"],"providerName":"Anthropic","responseStreamingSupported":true}}"#);
    let all = read(|out| write_foundation_models(&[model.clone(), model.clone()], out));
    assert_eq!(all["modelSummaries"][1], one["modelDetails"]);
    assert_eq!(
        read(|out| write_foundation_models(&[], out))["modelSummaries"],
        serde_json::json!([])
    );
}

#[test]
fn profiles() {
    let here = profile(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        &["us-east-1", "us-west-2"],
    );
    insta::assert_snapshot!(read(|out| write_inference_profile(&here, out)), @r#"{"createdAt":"2025-10-15T00:00:00Z","inferenceProfileArn":"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0","inferenceProfileId":"us.anthropic.claude-haiku-4-5-20251001-v1:0","inferenceProfileName":"US Anthropic Claude Haiku 4.5","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"},{"modelArn":"arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"}],"status":"ACTIVE","type":"SYSTEM_DEFINED","updatedAt":"2025-10-15T00:00:00Z"}"#);
    let everywhere = read(|out| write_inference_profile(&profile("global.x.y", &[]), out));
    assert_eq!(
        everywhere["models"][0]["modelArn"],
        "arn:aws:bedrock:::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
    );
}

#[test]
fn pages_follow_each_other() {
    let ids: Vec<String> = (0..25).map(|n| format!("us.a.b{n}")).collect();
    let profiles: Vec<_> = ids.iter().map(|id| profile(id, &[])).collect();
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = ProfilePage::of(&profiles, Some(10), token.as_deref()).unwrap();
        let body = read(|out| write_inference_profiles(&page, out));
        let summaries = body["inferenceProfileSummaries"].as_array().unwrap();
        seen.extend(
            summaries
                .iter()
                .map(|s| s["inferenceProfileId"].as_str().unwrap().to_owned()),
        );
        assert_eq!(body["nextToken"].as_str(), page.next.as_deref());
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    for wrong in [
        "",
        "10",
        "page-",
        "page-26",
        "page--1",
        "page-99999999999999999999",
    ] {
        assert_eq!(
            ProfilePage::of(&profiles, None, Some(wrong)),
            None,
            "{wrong}"
        );
    }
    assert_eq!(
        ProfilePage::of(&profiles, None, None)
            .unwrap()
            .profiles
            .len(),
        25
    );
    assert_eq!(
        read(|out| write_token_count(412, out)).to_string(),
        r#"{"inputTokens":412}"#
    );
}
