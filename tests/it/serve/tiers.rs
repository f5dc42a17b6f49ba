//! Service tiers and latency-optimised inference over the wire.

use super::*;
use aws_sdk_bedrockruntime::types::{
    PerformanceConfigLatency, PerformanceConfiguration, ServiceTier, ServiceTierType,
};

const NOVA: &str = "us.amazon.nova-pro-v1:0";

fn tier(kind: ServiceTierType) -> ServiceTier {
    ServiceTier::builder().r#type(kind).build().unwrap()
}

#[test]
fn an_answer_repeats_the_tier_that_served() {
    let server = server(&["service.flex_unavailable=0"]);
    on_runtime(async {
        let client = client(&server);
        for kind in [
            ServiceTierType::Flex,
            ServiceTierType::Priority,
            ServiceTierType::Default,
        ] {
            let call = client.converse().model_id(NOVA).messages(user("hi"));
            let reply = call.service_tier(tier(kind.clone())).send().await.unwrap();
            assert_eq!(reply.service_tier().unwrap().r#type(), &kind);
        }
        let plain = client.converse().model_id(NOVA).messages(user("hi"));
        assert!(plain.send().await.unwrap().service_tier().is_none());
        // The other operations, by their header.
        let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
        let reply = client
            .invoke_model()
            .model_id(NOVA)
            .body(Blob::new(body.to_string()))
            .service_tier(ServiceTierType::Flex)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.service_tier(), Some(&ServiceTierType::Flex));
    });
}

#[test]
fn a_tier_that_the_model_lacks_is_refused() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        let call = |id: &str, kind| {
            let call = client.converse().model_id(id).messages(user("hi"));
            call.service_tier(tier(kind)).send()
        };
        for (kind, words) in [
            (
                ServiceTierType::Flex,
                "Service tier 'flex' is not supported",
            ),
            (
                ServiceTierType::Priority,
                "Service tier 'priority' is not supported",
            ),
            (ServiceTierType::Reserved, "Reservation not found."),
        ] {
            let error = call(HAIKU, kind).await.unwrap_err().into_service_error();
            assert!(error.is_validation_exception(), "{error:?}");
            assert!(error.message().unwrap().contains(words), "{error:?}");
        }
        call(HAIKU, ServiceTierType::Default).await.unwrap();
        let optimized = PerformanceConfiguration::builder()
            .latency(PerformanceConfigLatency::Optimized)
            .build();
        let call = client.converse().model_id(HAIKU).messages(user("hi"));
        let error = call.performance_config(optimized).send().await.unwrap_err();
        assert!(error.into_service_error().is_validation_exception());
    });
    assert_eq!(state(&server)["targets"][0]["client_errors"], 4);
}

#[test]
fn beyond_its_quota_an_optimised_call_is_served_as_standard() {
    let server = server(&["service.latency_optimized={ rpm = 2 }"]);
    let served = on_runtime(async {
        let client = client(&server);
        let mut served = Vec::new();
        for _ in 0..4 {
            let optimized = PerformanceConfiguration::builder()
                .latency(PerformanceConfigLatency::Optimized)
                .build();
            let call = client.converse().model_id(NOVA).messages(user("hi"));
            let call = call.inference_config(at_most(20));
            let reply = call.performance_config(optimized).send().await.unwrap();
            served.push(reply.performance_config().unwrap().latency().clone());
        }
        served
    });
    let (optimized, standard) = (
        PerformanceConfigLatency::Optimized,
        PerformanceConfigLatency::Standard,
    );
    assert_eq!(
        served,
        [optimized.clone(), optimized, standard.clone(), standard]
    );
    let state = state(&server);
    let quotas = state["quotas"].as_array().unwrap();
    let own = |quota: &&Value| quota["model"] == "nova-pro (latency-optimised)";
    assert!(quotas.iter().any(|quota| own(&quota)), "{quotas:?}");
    assert_eq!(state["in_flight"], 0);
}

#[test]
fn a_reservation_serves_those_who_name_it_or_nothing() {
    let server = server(&[
        "capacity={ reserved = { scope = \"global\", input_tpm = \"100k\", output_tpm = \"10k\" } }",
    ]);
    on_runtime(async {
        let client = client(&server);
        let call = |kind| {
            let call = client.converse().model_id(HAIKU).messages(user("hi"));
            call.service_tier(tier(kind)).send()
        };
        for kind in [ServiceTierType::Reserved, ServiceTierType::Default] {
            let reply = call(kind.clone()).await.unwrap();
            assert_eq!(reply.service_tier().unwrap().r#type(), &kind);
        }
    });
    let state = state(&server);
    // The one that named the standard tier settled 12 tokens five times and its input.
    assert!(
        state["quotas"][0]["tpm"]["settled_this_minute"]
            .as_u64()
            .unwrap()
            > 60
    );
}

#[test]
fn a_server_takes_calls_to_the_model_of_a_batch_workload() {
    let server = server(&["workload.chat.batch={}"]);
    on_runtime(async {
        let call = client(&server)
            .converse()
            .model_id(HAIKU)
            .messages(user("hi"));
        call.send().await.unwrap();
    });
    assert_eq!(state(&server)["targets"][0]["invocations"], 1);
    let (status, body) = http(&server, "POST", "/model-invocation-job", "{}");
    assert!(status >= 400, "{status} {body}");
}
