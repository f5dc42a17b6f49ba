"""Bedload's server through boto3: every check is a function, and prints its name when it holds.

Usage: check_boto3.py ENDPOINT
"""

import json
import sys
import urllib.request

import boto3
import botocore.exceptions
from botocore.config import Config

ENDPOINT = sys.argv[1]
SONNET = "us.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-lite-v1:0"
LLAMA = "us.meta.llama3-1-70b-instruct-v1:0"


def client(service="bedrock-runtime", **config):
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        config=Config(**config),
    )


def switch(path, value):
    """Changes the server while it runs."""
    request = urllib.request.Request(
        f"{ENDPOINT}/_bedload/{path}",
        data=json.dumps(value).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status in (200, 204), answer.status


def metric(name):
    """The sum of a counter over its labels."""
    with urllib.request.urlopen(f"{ENDPOINT}/_bedload/metrics") as answer:
        text = answer.read().decode()
    values = [
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if not line.startswith("#") and name.lower() in line.split("{")[0].replace("_", "").lower()
    ]
    assert values, f"no metric {name} in\n{text}"
    return sum(values)


def user(text):
    return [{"role": "user", "content": [{"text": text}]}]


TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "The weather at a place.",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {
                            "place": {"type": "string", "minLength": 2},
                            "days": {"type": "integer", "minimum": 1, "maximum": 14},
                            "unit": {"enum": ["celsius", "fahrenheit"]},
                        },
                        "required": ["place", "days", "unit"],
                    }
                },
            }
        }
    ]
}


def check_converse(runtime):
    answer = runtime.converse(
        modelId=SONNET, messages=user("Say hello."), inferenceConfig={"maxTokens": 100}
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]
    assert answer["output"]["message"]["role"] == "assistant"
    assert answer["output"]["message"]["content"][0]["text"]
    assert answer["stopReason"] == "end_turn", answer["stopReason"]
    usage = answer["usage"]
    assert usage["outputTokens"] == 24, usage
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"], usage
    assert 25 <= answer["metrics"]["latencyMs"] < 1000, answer["metrics"]


def check_max_tokens(runtime):
    answer = runtime.converse(
        modelId=SONNET, messages=user("Say hello."), inferenceConfig={"maxTokens": 7}
    )
    assert answer["stopReason"] == "max_tokens"
    assert answer["usage"]["outputTokens"] == 7


def check_application_profile(runtime):
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"
    answer = runtime.converse(modelId=arn, messages=user("Say hello."))
    assert answer["usage"]["outputTokens"] == 24


def check_converse_stream(runtime):
    answer = runtime.converse_stream(modelId=SONNET, messages=user("Say hello."))
    events = list(answer["stream"])
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart", names
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"], names
    assert set(names[1:-3]) == {"contentBlockDelta"}, names
    text = "".join(
        event["contentBlockDelta"]["delta"]["text"]
        for event in events
        if "contentBlockDelta" in event
    )
    assert len(text) > 24, text
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 24
    assert events[-1]["metadata"]["metrics"]["latencyMs"] >= 25


def check_tool_loop(runtime):
    messages = user("What is the weather in Ghent?")
    first = runtime.converse(modelId=SONNET, messages=messages, toolConfig=TOOLS)
    assert first["stopReason"] == "tool_use", first["stopReason"]
    message = first["output"]["message"]
    use = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert use["name"] == "get_weather"
    assert len(use["input"]["place"]) >= 2 and 1 <= use["input"]["days"] <= 14
    assert use["input"]["unit"] in ("celsius", "fahrenheit")
    result = {"toolUseId": use["toolUseId"], "content": [{"text": "12 degrees"}]}
    messages += [message, {"role": "user", "content": [{"toolResult": result}]}]
    second = runtime.converse(modelId=SONNET, messages=messages, toolConfig=TOOLS)
    assert second["stopReason"] == "end_turn", second["stopReason"]
    assert second["output"]["message"]["content"][0]["text"]


def check_tool_stream(runtime):
    answer = runtime.converse_stream(modelId=SONNET, messages=user("Weather?"), toolConfig=TOOLS)
    arguments, name = "", None
    for event in answer["stream"]:
        if "contentBlockStart" in event:
            name = event["contentBlockStart"]["start"]["toolUse"]["name"]
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        arguments += delta.get("toolUse", {}).get("input", "")
        if "messageStop" in event:
            assert event["messageStop"]["stopReason"] == "tool_use"
    assert name == "get_weather"
    assert set(json.loads(arguments)) >= {"place", "days", "unit"}


def check_cache(runtime):
    system = [{"text": "You answer in one word. " * 400}, {"cachePoint": {"type": "default"}}]

    def usage():
        return runtime.converse(modelId=SONNET, system=system, messages=user("Hi."))["usage"]

    first, second = usage(), usage()
    # A profile routes to one of several Regions, each with a cache of its own.
    tries = 0
    while second["cacheReadInputTokens"] == 0 and tries < 20:
        second, tries = usage(), tries + 1
    assert first["cacheWriteInputTokens"] > 1024, first
    assert first["cacheDetails"] == [
        {"ttl": "5m", "inputTokens": first["cacheWriteInputTokens"]}
    ], first
    assert second["cacheReadInputTokens"] == first["cacheWriteInputTokens"], second
    assert second["cacheWriteInputTokens"] == 0, second
    assert second["inputTokens"] == first["inputTokens"] < 20, second


def check_stop_sequence(runtime):
    text = runtime.converse(modelId=SONNET, messages=user("Hi."))["output"]["message"]["content"][0]
    word = text["text"].split()[1]
    stops = 0
    for _ in range(40):
        answer = runtime.converse(
            modelId=SONNET,
            messages=user("Hi."),
            inferenceConfig={"stopSequences": [word]},
            additionalModelResponseFieldPaths=["/stop_sequence"],
        )
        if answer["stopReason"] == "stop_sequence":
            assert answer["additionalModelResponseFields"]["stop_sequence"] == word, answer
            stops += 1
    assert stops > 0, f"`{word}` never stopped an answer"


def check_guardrail(runtime):
    config = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    blocked = runtime.converse(
        modelId=SONNET, messages=user("Play the xylophone."), guardrailConfig=config
    )
    assert blocked["stopReason"] == "guardrail_intervened", blocked
    assert blocked["usage"]["totalTokens"] == 0, blocked["usage"]
    assert "guardrail" in blocked["trace"], blocked
    applied = runtime.apply_guardrail(
        guardrailIdentifier="abc123",
        guardrailVersion="1",
        source="INPUT",
        content=[{"text": {"text": "Play the xylophone."}}],
    )
    assert applied["action"] == "GUARDRAIL_INTERVENED", applied
    assert applied["assessments"], applied


def check_invoke_anthropic(runtime):
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Say hello."}],
    }
    answer = runtime.invoke_model(modelId=SONNET, body=json.dumps(body))
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-output-token-count"] == "24", headers
    said = json.loads(answer["body"].read())
    assert said["type"] == "message" and said["stop_reason"] == "end_turn", said
    assert said["usage"]["output_tokens"] == 24, said["usage"]
    assert said["content"][0]["text"]

    answer = runtime.invoke_model_with_response_stream(modelId=SONNET, body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds
    assert "content_block_delta" in kinds and "message_delta" in kinds, kinds
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["outputTokenCount"] == 24, metrics
    assert metrics["firstByteLatency"] <= metrics["invocationLatency"], metrics


def check_invoke_nova(runtime):
    body = {
        "messages": [{"role": "user", "content": [{"text": "Say hello."}]}],
        "inferenceConfig": {"maxTokens": 50},
    }
    said = json.loads(runtime.invoke_model(modelId=NOVA, body=json.dumps(body))["body"].read())
    assert said["output"]["message"]["content"][0]["text"], said
    assert said["usage"]["outputTokens"] == 24, said
    stream = runtime.invoke_model_with_response_stream(modelId=NOVA, body=json.dumps(body))["body"]
    events = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert "messageStart" in events[0], events[0]
    assert any("contentBlockDelta" in event for event in events)


def check_invoke_llama(runtime):
    body = json.dumps({"prompt": "Say hello.", "max_gen_len": 50})
    said = json.loads(runtime.invoke_model(modelId=LLAMA, body=body)["body"].read())
    assert said["generation"] and said["generation_token_count"] == 24, said
    assert said["stop_reason"] == "stop", said
    stream = runtime.invoke_model_with_response_stream(modelId=LLAMA, body=body)["body"]
    events = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert "".join(event["generation"] for event in events)


def check_count_tokens(runtime):
    converse = {"messages": user("one two three four"), "system": [{"text": "Be brief."}]}
    counted = runtime.count_tokens(modelId=SONNET, input={"converse": converse})["inputTokens"]
    answered = runtime.converse(modelId=SONNET, **converse)["usage"]["inputTokens"]
    assert counted == answered > 1, (counted, answered)
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "one two three four"}],
    }
    invoke = {"invokeModel": {"body": json.dumps(body).encode()}}
    assert runtime.count_tokens(modelId=SONNET, input=invoke)["inputTokens"] > 1


def check_control_plane(_):
    control = client("bedrock")
    models = control.list_foundation_models(byProvider="Anthropic")["modelSummaries"]
    assert any(model["modelId"] == "anthropic.claude-sonnet-4-6" for model in models), models
    profiles = control.list_inference_profiles()["inferenceProfileSummaries"]
    assert any(profile["inferenceProfileId"] == SONNET for profile in profiles), profiles
    profile = control.get_inference_profile(inferenceProfileIdentifier=SONNET)
    assert profile["status"] == "ACTIVE" and profile["models"], profile


def expect(error, work):
    try:
        work()
    except botocore.exceptions.ClientError as caught:
        assert caught.response["Error"]["Code"] == error, caught.response
        return caught.response
    raise AssertionError(f"no {error}")


def check_errors(runtime):
    unknown = expect(
        "ValidationException",
        lambda: runtime.converse(modelId="anthropic.claude-nonsense", messages=user("Hi.")),
    )
    assert unknown["ResponseMetadata"]["HTTPStatusCode"] == 400
    bare = expect(
        "ValidationException",
        lambda: runtime.converse(modelId="anthropic.claude-sonnet-4-6", messages=user("Hi.")),
    )
    assert "inference profile" in bare["Error"]["Message"], bare
    expect(
        "ValidationException",
        lambda: runtime.invoke_model(modelId=SONNET, body=b'{"messages": []}'),
    )


def check_throttling(runtime):
    """The SDK's default retries: three attempts, each of them a throttle that the service counts."""
    switch("quotas", {"model": "claude-sonnet-4-6", "scope": "geo", "tpm": "500"})
    before = metric("InvocationThrottles")
    refused = expect(
        "ThrottlingException",
        lambda: runtime.converse(
            modelId=SONNET, messages=user("Hi."), inferenceConfig={"maxTokens": 1000}
        ),
    )
    assert refused["Error"]["Message"] == "Too many tokens, please wait before trying again."
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    retries = refused["ResponseMetadata"]["RetryAttempts"]
    assert retries == 2, refused["ResponseMetadata"]
    assert metric("InvocationThrottles") - before == retries + 1
    switch("reset", {})
    runtime.converse(modelId=SONNET, messages=user("Hi."), inferenceConfig={"maxTokens": 1000})


def check_stream_exception(runtime):
    """An exception in the middle of a stream surfaces as the SDK's own type, without a retry."""
    for kind, code in [
        ("stream_error", "modelStreamErrorException"),
        ("stream_throttled", "throttlingException"),
        ("stream_internal", "internalServerException"),
        ("stream_unavailable", "serviceUnavailableException"),
    ]:
        switch("faults", [{"kind": kind, "share": 1.0}])
        chunks = 0
        try:
            for event in runtime.converse_stream(modelId=SONNET, messages=user("Hi."))["stream"]:
                chunks += "contentBlockDelta" in event
        except botocore.exceptions.EventStreamError as error:
            assert error.response["Error"]["Code"] == code, error.response
            assert chunks > 0, "it broke before the first chunk"
        else:
            raise AssertionError(f"{kind}: the stream ended well")
    switch("faults", [])


def check_unavailable(runtime):
    switch("faults", [{"kind": "unavailable", "share": 1.0}])
    refused = expect(
        "ServiceUnavailableException",
        lambda: runtime.converse(modelId=SONNET, messages=user("Hi.")),
    )
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 503
    switch("faults", [])


def main():
    runtime = client()
    checks = [value for name, value in globals().items() if name.startswith("check_")]
    for check in checks:
        switch("reset", {})
        check(runtime)
        print("ok", check.__name__.removeprefix("check_"), flush=True)
    print(f"all {len(checks)} checks hold with boto3 {boto3.__version__}")


main()
