//! Calls that are answered.

use super::*;

#[test]
fn converse_answers_with_usage_and_settles() {
    let server = server(&[]);
    on_runtime(async {
        let reply = client(&server)
            .converse()
            .model_id(HAIKU)
            .messages(user("x".repeat(400)))
            .inference_config(at_most(100))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::EndTurn);
        let usage = reply.usage().unwrap();
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (100, 12));
        let output = reply.output().unwrap().as_message().unwrap();
        // Twelve tokens of four bytes.
        assert_eq!(output.content()[0].as_text().unwrap().len(), 48);
    });
    let state = state(&server);
    assert_eq!(state["targets"][0]["invocations"], 1);
    // 100 in and 12 out at a burndown of 5.
    assert_eq!(state["targets"][0]["quota_tokens"], 160);
    assert_eq!(state["quotas"][0]["tpm"]["settled_this_minute"], 160);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
    assert_eq!(state["in_flight"], 0);
    assert_valid(STATE_JSON_SCHEMA, &state.to_string());
    let totals = server.stop(Duration::from_secs(1));
    assert_eq!(
        (totals.invocations, totals.input, totals.output),
        (1, 100, 12)
    );
}

#[test]
fn a_bound_truncates_the_answer_and_too_large_a_bound_is_refused() {
    let server = server(&[]);
    on_runtime(async {
        let call = |bound| {
            let call = client(&server).converse().model_id(HAIKU);
            call.messages(user("hi"))
                .inference_config(at_most(bound))
                .send()
        };
        let reply = call(5).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::MaxTokens);
        assert_eq!(reply.usage().unwrap().output_tokens(), 5);
        let error = call(64_001).await.unwrap_err().into_service_error();
        assert!(error.is_validation_exception());
        assert!(
            error
                .message()
                .unwrap()
                .contains("exceeds the model limit of 64000")
        );
    });
}

#[test]
fn streams_come_chunk_by_chunk_at_their_pace() {
    let server = server(&[
        "service.latency.fixed.ttft=100ms",
        "service.latency.fixed.per_token=20ms",
        "service.global_hop=0s",
    ]);
    on_runtime(async {
        let client = client(&server);
        #[expect(clippy::disallowed_methods, reason = "the client's own clock")]
        let start = Instant::now();
        let (text, stop, tokens, at) = read_stream(&client).await;
        assert_eq!(
            (text.len(), stop, tokens),
            (48, Some(StopReason::EndTurn), 12)
        );
        assert_eq!(at.len(), 12, "a chunk for each token");
        let first = at[0] - start;
        assert!(first >= Duration::from_millis(100), "{first:?}");
        for (index, pair) in at.windows(2).enumerate() {
            let since = at[index + 1] - start;
            let due = Duration::from_millis(100 + 20 * (index as u64 + 1));
            assert!(since >= due, "chunk {} came after {since:?}", index + 1);
            assert!(pair[1] > pair[0]);
        }
    });
    let (_, text) = http(&server, "GET", "/_bedload/metrics", "");
    assert!(
        text.contains("bedload_chunk_lateness_seconds_count 12"),
        "{text}"
    );
    assert!(
        text.contains("bedload_first_chunk_seconds_count 1\n"),
        "{text}"
    );
    let (_, state) = http(&server, "GET", "/_bedload/state", "");
    let state: Value = serde_json::from_str(&state).unwrap();
    let first = &state["first_chunk_ms"];
    assert!(
        first["count"] == 1 && first["max"].as_f64() >= Some(100.0),
        "{first}"
    );
    assert!(
        text.contains(&format!("TimeToFirstToken_count{{ModelId=\"{HAIKU}\"}} 1")),
        "{text}"
    );
}

#[test]
fn invoke_model_answers_in_the_body_of_each_family() {
    let server = server(&[]);
    let hi = json!([{"role": "user", "content": [{"text": "hi"}]}]);
    let families = [
        (
            HAIKU,
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50,
                   "messages": [{"role": "user", "content": "hi"}]}),
            "/usage/output_tokens",
        ),
        (
            "amazon.nova-lite-v1:0",
            json!({"messages": hi, "inferenceConfig": {"maxTokens": 50}}),
            "/usage/outputTokens",
        ),
        (
            "us.meta.llama3-1-70b-instruct-v1:0",
            json!({"prompt": "hi", "max_gen_len": 50}),
            "/generation_token_count",
        ),
    ];
    on_runtime(async {
        let client = client(&server);
        for (id, body, pointer) in families {
            let body = Blob::new(body.to_string());
            let reply = client.invoke_model().model_id(id).body(body.clone());
            let reply = reply.send().await.unwrap();
            let document: Value = serde_json::from_slice(reply.body().as_ref()).unwrap();
            assert_eq!(
                document.pointer(pointer),
                Some(&json!(12)),
                "{id}: {document}"
            );

            let reply = client
                .invoke_model_with_response_stream()
                .model_id(id)
                .body(body);
            let mut reply = reply.send().await.unwrap();
            let mut last = Value::Null;
            while let Some(ResponseStream::Chunk(part)) = reply.body.recv().await.unwrap() {
                last = serde_json::from_slice(part.bytes().unwrap().as_ref()).unwrap();
            }
            let metrics = &last["amazon-bedrock-invocationMetrics"];
            assert_eq!(metrics["outputTokenCount"], 12, "{id}: {last}");
        }
    });
    // The same model in two scopes has two counters; each family was called twice.
    assert_eq!(server.totals().invocations, 6);
}

#[test]
fn count_tokens_and_guardrails_answer() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        let asked = ConverseTokensRequest::builder().messages(user("x".repeat(400)));
        let reply = client
            .count_tokens()
            .model_id(HAIKU)
            .input(CountTokensInput::Converse(asked.build()))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.input_tokens(), 100);

        let text = GuardrailTextBlock::builder()
            .text("a Forbidden word")
            .build()
            .unwrap();
        let reply = client
            .apply_guardrail()
            .guardrail_identifier("mine")
            .guardrail_version("1")
            .source(GuardrailContentSource::Input)
            .content(GuardrailContentBlock::Text(text))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.action().as_str(), "GUARDRAIL_INTERVENED");

        let guardrail = GuardrailConfiguration::builder()
            .guardrail_identifier("mine")
            .guardrail_version("1");
        let reply = client
            .converse()
            .model_id(HAIKU)
            .messages(user("say something forbidden"))
            .guardrail_config(guardrail.build())
            .send()
            .await
            .unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::GuardrailIntervened);
    });
    assert_eq!(state(&server)["quotas"][0]["tpm"]["settled_this_minute"], 0);
}

#[test]
fn a_tool_loop_comes_to_its_end() {
    let server = server(&[]);
    let schema = Document::Object(
        [
            ("type".to_owned(), Document::String("object".to_owned())),
            (
                "required".to_owned(),
                Document::Array(vec![Document::String("n".to_owned())]),
            ),
            (
                "properties".to_owned(),
                Document::Object(
                    [(
                        "n".to_owned(),
                        Document::Object(
                            [
                                ("type".to_owned(), Document::String("integer".to_owned())),
                                ("minimum".to_owned(), Document::Number(Number::PosInt(5))),
                            ]
                            .into(),
                        ),
                    )]
                    .into(),
                ),
            ),
        ]
        .into(),
    );
    let tool = ToolSpecification::builder()
        .name("count")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    let tools = ToolConfiguration::builder()
        .tools(Tool::ToolSpec(tool))
        .tool_choice(ToolChoice::Auto(AutoToolChoice::builder().build()))
        .build()
        .unwrap();
    on_runtime(async {
        let client = client(&server);
        let mut messages = vec![user("count to five")];
        let call = |messages: Vec<Message>| {
            let call = client.converse().model_id(HAIKU).tool_config(tools.clone());
            call.set_messages(Some(messages)).send()
        };
        let reply = call(messages.clone()).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::ToolUse);
        let said = reply.output().unwrap().as_message().unwrap().clone();
        let uses = said
            .content()
            .iter()
            .find_map(|block| block.as_tool_use().ok());
        let used = uses.unwrap().clone();
        let number = &used.input().as_object().unwrap()["n"];
        assert!(matches!(number, Document::Number(n) if n.to_f64_lossy() >= 5.0));
        let result = ToolResultBlock::builder()
            .tool_use_id(used.tool_use_id())
            .content(ToolResultContentBlock::Text("five".to_owned()))
            .build()
            .unwrap();
        messages.push(said);
        messages.push(message(
            ConversationRole::User,
            vec![ContentBlock::ToolResult(result)],
        ));
        let reply = call(messages).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::EndTurn);
    });
}

#[test]
fn a_marked_prefix_is_written_once_and_then_read() {
    let server = server(&["capacity.on_demand.scope=us", "service.geo_hop=0s"]);
    let id = HAIKU.replace("global.", "us.");
    let point = CachePointBlock::builder()
        .r#type(CachePointType::Default)
        .build()
        .unwrap();
    on_runtime(async {
        let client = client(&server);
        let (mut written, mut read) = (0, 0);
        for _ in 0..12 {
            let reply = client
                .converse()
                .model_id(&id)
                .system(SystemContentBlock::Text("s".repeat(20_000)))
                .system(SystemContentBlock::CachePoint(point.clone()))
                .messages(user("hi"))
                .inference_config(at_most(20))
                .send()
                .await
                .unwrap();
            let usage = reply.usage().unwrap();
            let parts = (
                usage.cache_write_input_tokens(),
                usage.cache_read_input_tokens(),
            );
            match parts {
                (Some(5000), Some(0)) => written += 1,
                (Some(0), Some(5000)) => read += 1,
                other => panic!("{other:?}"),
            }
        }
        // Each of the three Regions keeps its own.
        assert!((1..=3).contains(&written), "{written} written");
        assert_eq!(written + read, 12);
    });
}

#[test]
fn a_call_with_a_number_meets_the_draws_of_the_simulation() {
    let sets = [
        "workload.chat.tokens.output={lognormal={p50=200,p99=900}}",
        "service.latency.fixed.ttft=0s",
    ];
    let (one, two) = (server(&sets), server(&sets));
    let law = serving(&sets).targets[0].output.clone();
    let tokens = |server: &Server, number: u64| {
        on_runtime(async {
            let reply = client(server)
                .converse()
                .model_id(HAIKU)
                .messages(user("hi"))
                .request_metadata("bedload-workload", "chat")
                .request_metadata("bedload-request", format!("{number}.1"))
                .send()
                .await
                .unwrap();
            reply.usage().unwrap().output_tokens() as u32
        })
    };
    for number in [9, 3, 7] {
        assert_eq!(tokens(&one, number), law.draw(number));
    }
    for number in [3, 7, 9] {
        assert_eq!(tokens(&two, number), law.draw(number), "whatever the order");
    }
}

#[test]
fn streams_share_bought_units() {
    let server = server(&[
        "workload.chat.model=nova-lite",
        "capacity={provisioned={model_units=1,unit_input_tpm=\"60M\",unit_output_tpm=\"12k\"}}",
        "service.latency.fixed.per_token=5ms",
        "workload.chat.tokens.output.fixed=40",
    ]);
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).to_string();
    let path = "/model/arn:aws:bedrock:us-east-1:123456789012:provisioned-model%2Fmine/converse";
    #[expect(clippy::disallowed_methods, reason = "the client's own clock")]
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(http(&server, "POST", path, &body).0, 200));
        }
    });
    // 200 tokens a second are one stream's full speed: two take twice as long.
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(350), "{took:?}");
    assert_eq!(state(&server)["in_flight"], 0);
    // Who leaves half-way gives its share back.
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let path = path.replace("converse", "converse-stream");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut some = [0; 200];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    eventually(&server, |state| state["in_flight"] == 0);
}

/// `usage` of a Converse call with this body: input, read and written tokens.
fn usage_of(server: &Server, id: &str, body: &Value) -> [u64; 3] {
    let path = format!("/model/{id}/converse");
    let (status, answer) = http(server, "POST", &path, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    [
        "inputTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
    ]
    .map(|name| answer["usage"][name].as_u64().unwrap_or(0))
}

/// A conversation of `turns` user messages of 400 tokens and answers of 200, with `extra` more
/// blocks of 2 tokens in its newest message, and a cache point after that.
fn conversation(turns: usize, extra: usize) -> Value {
    let text = |kind: char, n: usize, bytes: usize| json!({"text": format!("{kind}{n:0>width$}", width = bytes - 1)});
    let mut messages = Vec::new();
    for turn in 1..=turns {
        let mut content = vec![text('u', turn, 1600)];
        if turn == turns {
            content.extend((0..extra).map(|n| text('x', n, 8)));
            content.push(json!({"cachePoint": {"type": "default"}}));
        }
        messages.push(json!({"role": "user", "content": content}));
        if turn < turns {
            messages.push(json!({"role": "assistant", "content": [text('a', turn, 800)]}));
        }
    }
    json!({
        "system": [{"text": "s".repeat(16_000)}],
        "messages": messages,
    })
}

const LITE: &str = "amazon.nova-lite-v1:0";

#[test]
fn a_cache_point_that_moves_with_the_conversation_reads_what_the_last_one_wrote() {
    let server = server(&["answers.bytes_per_token=4.0"]);
    assert_eq!(usage_of(&server, LITE, &conversation(1, 0)), [1, 0, 4400]);
    assert_eq!(usage_of(&server, LITE, &conversation(2, 0)), [1, 4400, 600]);
    assert_eq!(usage_of(&server, LITE, &conversation(3, 0)), [1, 5000, 600]);
    // Two blocks and seventeen more: the point before is the twentieth place that is looked at.
    let near = conversation(4, 17);
    assert_eq!(usage_of(&server, LITE, &near), [1, 5600, 634]);
    let far = conversation(4, 18);
    let [_, read, written] = usage_of(&server, LITE, &far);
    // Seventeen of its blocks are those of the call before.
    assert_eq!((read, written), (6234, 2));
    let other = super::server(&["answers.bytes_per_token=4.0"]);
    usage_of(&other, LITE, &conversation(3, 0));
    assert_eq!(usage_of(&other, LITE, &far), [1, 0, 6236], "out of sight");
}

#[test]
fn other_tools_invalidate_all_that_follows_and_another_question_does_not() {
    let server = server(&["answers.bytes_per_token=4.0"]);
    let point = json!({"cachePoint": {"type": "default"}});
    let body = |description: &str, question: &str| {
        let tool = json!({"toolSpec": {
            "name": "find",
            "description": description.repeat(8000),
            "inputSchema": {"json": {"type": "object"}},
        }});
        json!({
            "toolConfig": {"tools": [tool, point]},
            "system": [{"text": "s".repeat(8000)}, point],
            "messages": [{"role": "user", "content": [{"text": question}]}],
        })
    };
    let first = usage_of(&server, LITE, &body("a", "why?"));
    let all = first[2];
    assert_eq!(first[1], 0);
    assert!(all >= 4000);
    assert_eq!(usage_of(&server, LITE, &body("a", "how?"))[1..], [all, 0]);
    assert_eq!(usage_of(&server, LITE, &body("b", "how?"))[1..], [0, all]);
    // The tools are the same again, and the system prompt is not.
    let mut other = body("a", "how?");
    other["system"][0]["text"] = Value::from("t".repeat(8000));
    let [_, read, written] = usage_of(&server, LITE, &other);
    assert_eq!((read, written), (all - 2000, 2000));
}

#[test]
fn what_is_written_cannot_be_read_before_the_first_token() {
    let server = server(&[
        "answers.bytes_per_token=4.0",
        "service.latency.fixed.ttft=400ms",
    ]);
    let body = conversation(1, 0);
    let [first, second] = std::thread::scope(|scope| {
        let calls = [(); 2].map(|()| scope.spawn(|| usage_of(&server, LITE, &body)));
        calls.map(|call| call.join().unwrap())
    });
    assert_eq!([first, second], [[1, 0, 4400]; 2], "both pay for a write");
    assert_eq!(usage_of(&server, LITE, &body), [1, 4400, 0]);
}

#[test]
fn messages_of_anthropic_find_the_point_before_too() {
    let server = server(&["answers.bytes_per_token=4.0"]);
    let usage = |turns: usize| {
        let mut messages = Vec::new();
        for turn in 1..=turns {
            let mut block = json!({"type": "text", "text": format!("u{turn:0>7999}")});
            if turn == turns {
                block["cache_control"] = json!({"type": "ephemeral"});
            }
            messages.push(json!({"role": "user", "content": [block]}));
            if turn < turns {
                // One text is the same as one block of it.
                messages.push(json!({"role": "assistant", "content": format!("a{turn:0>799}")}));
            }
        }
        let body = json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 20,
            "system": "s".repeat(16_000),
            "messages": messages,
        });
        let (status, answer) = http(
            &server,
            "POST",
            &format!("/model/{HAIKU}/invoke"),
            &body.to_string(),
        );
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        ["cache_read_input_tokens", "cache_creation_input_tokens"]
            .map(|name| answer["usage"][name].as_u64().unwrap_or(0))
    };
    // The global profile has many Regions, each with its own cache: by the fortieth turn most have
    // seen an earlier one, ten at most of which are in sight.
    let seen: Vec<[u64; 2]> = (1..=40).map(usage).collect();
    assert_eq!(seen[0], [0, 6000]);
    let total = |turn: usize| 4000 + 2000 * turn as u64 + 200 * (turn as u64 - 1);
    let mut found = 0;
    for (turn, [read, written]) in (1..).zip(&seen) {
        assert_eq!(read + written, total(turn));
        let earlier = (1..turn).rev().find(|&at| total(at) == *read);
        assert!(
            *read == 0 || earlier.is_some_and(|at| turn - at < 10),
            "{turn}: {read}"
        );
        found += u32::from(*read > 0);
    }
    assert!((1..40).contains(&found), "{found}");
}
