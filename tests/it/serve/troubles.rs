//! Calls that are throttled, broken, abandoned or refused.

use super::*;
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::operation::converse::ConverseError;

#[test]
fn a_quota_throttles_with_bedrocks_message_and_can_be_raised() {
    let server = server(&["quota.tpm=1000"]);
    on_runtime(async {
        let client = client(&server);
        let call = || {
            let call = client.converse().model_id(HAIKU).messages(user("hi"));
            call.inference_config(at_most(950)).send()
        };
        call().await.unwrap();
        let error = call().await.unwrap_err();
        let SdkError::ServiceError(context) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(context.raw().status().as_u16(), 429);
        assert!(context.raw().headers().get("x-amzn-requestid").is_some());
        let error = error.into_service_error();
        assert!(error.is_throttling_exception(), "{error:?}");
        assert_eq!(
            error.message(),
            Some("Too many tokens, please wait before trying again.")
        );
        let change = json!({"model": "claude-haiku-4-5", "scope": "global", "tpm": "2M"});
        let (status, quota) = own(&server, "POST", "quotas", &change);
        assert_eq!((status, &quota["tpm"]["limit"]), (200, &json!(2_000_000)));
        call().await.unwrap();
    });
    let (_, text) = http(&server, "GET", "/_bedload/metrics", "");
    let label = format!("{{ModelId=\"{HAIKU}\"}}");
    assert!(
        text.contains(&format!("\nInvocations_total{label} 2\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("\nInvocationThrottles_total{label} 1\n")),
        "{text}"
    );
    // Unset bounds reserve the model's own, which the quota of another scope still allows.
    let (status, _) = own(&server, "POST", "reset", &Value::Null);
    assert_eq!(status, 200);
    let state = state(&server);
    assert_eq!(
        state["quotas"][0]["tpm"]["limit"], 1000,
        "a reset is a fresh start"
    );
    assert_eq!(state["targets"][0]["invocations"], 0);
    assert_eq!(state["resets"], 1);
}

/// Each row of the table of errors: the word of a fault, status, type, and a part of the message.
#[rustfmt::skip]
const ERRORS: [(&str, u16, &str, &str); 21] = [
    ("validation", 400, "ValidationException", "fails to satisfy"),
    ("service_quota_exceeded", 400, "ServiceQuotaExceededException", "service quota"),
    ("conflict", 400, "ConflictException", "conflict"),
    ("incomplete_signature", 403, "IncompleteSignatureException", "signature"),
    ("invalid_action", 400, "InvalidAction", "invalid"),
    ("not_authorized", 400, "NotAuthorized", "permission"),
    ("request_expired", 400, "RequestExpired", "15 minutes"),
    ("access_denied", 403, "AccessDeniedException", "access"),
    ("expired_token", 403, "ExpiredTokenException", "expired"),
    ("invalid_client_token", 403, "InvalidClientTokenId", "access key"),
    ("not_found", 404, "ResourceNotFoundException", "not found"),
    ("form_not_filled", 404, "FTUFormNotFilled", "use case"),
    ("model_timeout", 408, "ModelTimeoutException", "timed out"),
    ("model_error", 424, "ModelErrorException", "unexpected error"),
    ("throttled", 429, "ThrottlingException", "request rate is too high"),
    ("model_not_ready", 429, "ModelNotReadyException", "not ready"),
    ("internal", 500, "InternalServerException", "unexpected error"),
    ("bad_gateway", 502, "", ""),
    ("unavailable", 503, "ServiceUnavailableException", "unable to process"),
    ("too_many_connections", 503, "ServiceUnavailableException", "Too many connections"),
    ("gateway_timeout", 504, "", ""),
];

/// What the service model declares for `Converse`.
const MODELLED: [&str; 9] = [
    "ValidationException",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalServerException",
    "ServiceUnavailableException",
];

fn is_modelled(error: &ConverseError) -> bool {
    error.is_validation_exception()
        || error.is_access_denied_exception()
        || error.is_resource_not_found_exception()
        || error.is_model_timeout_exception()
        || error.is_model_error_exception()
        || error.is_throttling_exception()
        || error.is_model_not_ready_exception()
        || error.is_internal_server_exception()
        || error.is_service_unavailable_exception()
}

#[test]
fn faults_are_set_told_and_cleared() {
    let server = server(&[]);
    let wrong = json!([{"kind": "unavailble", "share": 0.5}]);
    let (status, told) = own(&server, "POST", "faults", &wrong);
    assert_eq!(status, 400);
    assert!(
        told["error"].as_str().unwrap().contains("unavailable"),
        "{told}"
    );
    on_runtime(async {
        let client = client(&server);
        let call = || {
            client
                .converse()
                .model_id(HAIKU)
                .messages(user("hi"))
                .send()
        };
        for (kind, status, code, message) in ERRORS {
            let faults = json!([{"kind": kind, "share": 1.0, "after": "1ms"}]);
            let (done, state) = own(&server, "POST", "faults", &faults);
            assert_eq!((done, &state["faults"][0]["kind"]), (200, &json!(kind)));
            assert_valid(STATE_JSON_SCHEMA, &state.to_string());
            let error = call().await.unwrap_err();
            let raw = error.raw_response().unwrap();
            assert_eq!(raw.status().as_u16(), status, "{kind}");
            let header = raw.headers().get("x-amzn-errortype");
            let named = header.map(|text| text.split(':').next().unwrap());
            assert_eq!(named.unwrap_or_default(), code, "{kind}");
            let error = error.into_service_error();
            assert_eq!(error.meta().code().unwrap_or_default(), code, "{kind}");
            let said = error.meta().message().unwrap_or_default();
            assert!(said.contains(message), "{kind}: {said}");
            if let ConverseError::ModelErrorException(error) = &error {
                assert_eq!(error.original_status_code(), Some(500));
                assert_eq!(error.resource_name(), Some(HAIKU));
            }
            assert_eq!(is_modelled(&error), MODELLED.contains(&code), "{kind}");
        }
        // Faults of others do not concern this call, and names that do not exist are refused.
        let faults = json!([{"kind": "internal", "share": 1.0, "model": "nova-lite"}]);
        own(&server, "POST", "faults", &faults);
        call().await.unwrap();
        let faults = json!([{"kind": "internal", "share": 1.0, "workload": "nobody"}]);
        let (status, told) = own(&server, "POST", "faults", &faults);
        assert_eq!(status, 400, "{told}");
        own(
            &server,
            "POST",
            "faults",
            &json!([{"kind": "connection_reset", "share": 1.0}]),
        );
        let error = call().await.unwrap_err();
        assert!(error.raw_response().is_none(), "{error:?}");
        // In the past of the server, and so of no effect.
        own(&server, "POST", "faults", &json!([]));
        call().await.unwrap();
    });
}

#[test]
fn a_fault_in_a_stream_is_the_exception_that_the_sdk_knows() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        for (kind, check) in [
            ("stream_error", "modelStreamErrorException"),
            ("stream_throttled", "throttlingException"),
            ("stream_internal", "internalServerException"),
            ("stream_unavailable", "serviceUnavailableException"),
            ("stream_reset", ""),
        ] {
            own(
                &server,
                "POST",
                "faults",
                &json!([{"kind": kind, "share": 1.0}]),
            );
            let mut reply = client
                .converse_stream()
                .model_id(HAIKU)
                .messages(user("hi"))
                .send()
                .await
                .unwrap();
            let error = loop {
                match reply.stream.recv().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{kind}: the stream ended well"),
                    Err(error) => break error,
                }
            };
            let known = match &error {
                SdkError::ServiceError(context) => {
                    let error = context.err();
                    (check == "modelStreamErrorException"
                        && error.is_model_stream_error_exception())
                        || (check == "throttlingException" && error.is_throttling_exception())
                        || (check == "internalServerException"
                            && error.is_internal_server_exception())
                        || (check == "serviceUnavailableException"
                            && error.is_service_unavailable_exception())
                }
                _ => check.is_empty(),
            };
            assert!(known, "{kind}: {error:?}");
        }
    });
    let state = eventually(&server, |state| state["in_flight"] == 0);
    assert_eq!(state["targets"][0]["throttles"], 1);
    assert_eq!(state["targets"][0]["server_errors"], 4);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
}

#[test]
fn a_client_that_leaves_pays_for_what_was_produced() {
    let server = server(&[
        "service.latency.fixed.ttft=10ms",
        "service.latency.fixed.per_token=100ms",
        "service.global_hop=0s",
        "workload.chat.tokens.output.fixed=600",
    ]);
    on_runtime(async {
        let client = client(&server);
        let mut reply = client
            .converse_stream()
            .model_id(HAIKU)
            .messages(user("hi"))
            .inference_config(at_most(1000))
            .send()
            .await
            .unwrap();
        for _ in 0..4 {
            reply.stream.recv().await.unwrap().unwrap();
        }
        assert_eq!(state(&server)["in_flight"], 1);
        drop(reply);
        let whole = client
            .converse()
            .model_id(HAIKU)
            .messages(user("hi"))
            .send();
        let gone = tokio::time::timeout(Duration::from_millis(250), whole).await;
        assert!(gone.is_err(), "the answer takes a minute");
        drop(client);
    });
    let state = eventually(&server, |state| state["in_flight"] == 0);
    let target = &state["targets"][0];
    assert_eq!(target["abandoned"], 2);
    assert_eq!(target["invocations"], 0);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
    let output = target["output_tokens"].as_u64().unwrap();
    assert!((5..100).contains(&output), "{output} of 1,200 tokens");
}

#[test]
fn unknown_models_and_operations_are_refused_as_aws_does() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        let call = |id: &str| client.converse().model_id(id).messages(user("hi")).send();
        let error = call("anthropic.claude-unheard-of").await.unwrap_err();
        let error = error.into_service_error();
        assert!(error.is_validation_exception());
        assert_eq!(
            error.message(),
            Some("The provided model identifier is invalid.")
        );
        let error = call(&HAIKU.replace("global.", "")).await.unwrap_err();
        let error = error.into_service_error();
        assert!(
            error
                .message()
                .unwrap()
                .contains("with on-demand throughput isn't supported")
        );
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}");
        call(&arn).await.unwrap();
    });
    let (status, body) = http(&server, "POST", "/model/x/dance", "{}");
    assert_eq!(status, 404, "{body}");
    let (status, body) = http(&server, "GET", "/foundation-models", "");
    assert_eq!(status, 200);
    assert!(body.contains("amazon.nova-lite-v1:0"), "{body}");
    let (status, body) = http(&server, "GET", &format!("/inference-profiles/{HAIKU}"), "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(http(&server, "GET", "/_bedload/nothing", "").0, 404);
    assert_eq!(http(&server, "GET", "/_bedload/faults", "").0, 405);
    assert_eq!(http(&server, "GET", "/_bedload/health", "").0, 200);
}

#[test]
fn a_full_region_answers_503_and_the_state_shows_its_pool() {
    let server = server(&[
        "capacity.on_demand.scope=us",
        "service.latency.fixed.ttft=400ms",
        "service.routing.policy=source_first",
        "service.routing.spill=false",
        r#"service.pool=[{ region = "us-east-1", streams = 2 }]"#,
    ]);
    let id = HAIKU.replace("global.", "us.");
    on_runtime(async {
        let client = client(&server);
        let call = || {
            let call = client.converse().model_id(&id).messages(user("hi"));
            call.inference_config(at_most(50)).send()
        };
        let (a, b, c) = tokio::join!(call(), call(), call());
        let mut refused: Vec<_> = [a, b, c].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1);
        let error = refused.remove(0);
        let SdkError::ServiceError(context) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(context.raw().status().as_u16(), 503);
        let error = error.into_service_error();
        assert!(error.is_service_unavailable_exception(), "{error:?}");
        assert_eq!(
            error.message(),
            Some("Bedrock is unable to process your request.")
        );
        call().await.unwrap();
    });
    let state = state(&server);
    let pools = state["pools"].as_array().unwrap();
    let source =
        |pool: &&Value| pool["region"] == "us-east-1" && pool["model"] == "claude-haiku-4-5";
    let pool = pools.iter().find(source).unwrap();
    assert_eq!(pool["streams"], 2);
    assert_eq!(
        (&pool["calls"], &pool["unavailable"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(
        (&pool["in_flight"], &pool["peak_in_flight"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(state["targets"][0]["server_errors"], 1);
}

#[test]
fn a_region_that_is_lost_fails_streams_before_and_after_their_first_token() {
    for (ttft, status) in [("6s", 503), ("50ms", 200)] {
        let server = server(&[
            "capacity.on_demand.scope=us",
            &format!("service.latency.fixed.ttft={ttft}"),
            "service.latency.fixed.per_token=500ms",
            "service.routing.policy=source_first",
            r#"service.pool=[{ region = "us-east-1", lost = [{ from = "3s" }] }]"#,
        ]);
        let (_, _) = own(&server, "POST", "reset", &Value::Null);
        let id = HAIKU.replace("global.", "us.");
        on_runtime(async {
            let client = client(&server);
            let call = client.converse_stream().model_id(&id).messages(user("hi"));
            let answer = call.inference_config(at_most(50)).send().await;
            if status == 503 {
                let error = answer.unwrap_err().into_service_error();
                assert!(error.is_service_unavailable_exception(), "{error:?}");
                return;
            }
            let mut stream = answer.unwrap().stream;
            let error = loop {
                match stream.recv().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("the stream ended in good order"),
                    Err(error) => break error,
                }
            };
            let error = error.into_service_error();
            assert!(error.is_service_unavailable_exception(), "{error:?}");
            // The next goes elsewhere.
            let call = client.converse().model_id(&id).messages(user("hi"));
            call.inference_config(at_most(2)).send().await.unwrap();
        });
    }
}
