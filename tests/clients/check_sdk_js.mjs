// Bedload's server through the AWS SDK for JavaScript v3: every check prints its name when it holds.
//
// Usage: node check_sdk_js.mjs ENDPOINT

import assert from "node:assert/strict";
import {
  ApplyGuardrailCommand,
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { BedrockClient, ListInferenceProfilesCommand } from "@aws-sdk/client-bedrock";

const endpoint = process.argv[2];
const settings = {
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
};
// The default handler of this client speaks HTTP/2.
const runtime = new BedrockRuntimeClient(settings);
const modelId = "us.anthropic.claude-sonnet-4-6";
const user = (text) => [{ role: "user", content: [{ text }] }];
const decode = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

async function change(path, value) {
  const answer = await fetch(`${endpoint}/_bedload/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(value),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

const toolConfig = {
  tools: [
    {
      toolSpec: {
        name: "get_weather",
        inputSchema: {
          json: {
            type: "object",
            properties: { place: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 14 } },
            required: ["place", "days"],
          },
        },
      },
    },
  ],
};

const anthropic = JSON.stringify({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "Say hello." }],
});

const checks = {
  async converse() {
    const answer = await runtime.send(
      new ConverseCommand({ modelId, messages: user("Say hello."), inferenceConfig: { maxTokens: 100 } }),
    );
    assert.ok(answer.output.message.content[0].text.length > 0);
    assert.equal(answer.stopReason, "end_turn");
    assert.equal(answer.usage.outputTokens, 24);
    assert.ok(answer.$metadata.requestId);
    assert.equal(answer.$metadata.attempts, 1);
  },

  async converseStream() {
    const { stream } = await runtime.send(new ConverseStreamCommand({ modelId, messages: user("Say hello.") }));
    const names = [];
    let metadata;
    for await (const event of stream) {
      names.push(Object.keys(event)[0]);
      metadata = event.metadata ?? metadata;
    }
    assert.equal(names[0], "messageStart");
    assert.deepEqual(names.slice(-3), ["contentBlockStop", "messageStop", "metadata"]);
    assert.equal(metadata.usage.outputTokens, 24);
  },

  async toolLoop() {
    const messages = user("What is the weather in Ghent?");
    const first = await runtime.send(new ConverseCommand({ modelId, messages, toolConfig }));
    assert.equal(first.stopReason, "tool_use");
    const { toolUse } = first.output.message.content.find((block) => block.toolUse);
    assert.equal(typeof toolUse.input.place, "string");
    assert.ok(toolUse.input.days >= 1 && toolUse.input.days <= 14);
    messages.push(first.output.message, {
      role: "user",
      content: [{ toolResult: { toolUseId: toolUse.toolUseId, content: [{ text: "12 degrees" }] } }],
    });
    const second = await runtime.send(new ConverseCommand({ modelId, messages, toolConfig }));
    assert.equal(second.stopReason, "end_turn");
  },

  async cache() {
    const system = [{ text: "You answer in one word. ".repeat(400) }, { cachePoint: { type: "default", ttl: "1h" } }];
    const usage = async () =>
      (await runtime.send(new ConverseCommand({ modelId, system, messages: user("Hi.") }))).usage;
    const first = await usage();
    assert.ok(first.cacheWriteInputTokens > 1024);
    assert.equal(first.cacheDetails[0].ttl, "1h");
    let again = await usage();
    for (let i = 0; i < 20 && again.cacheReadInputTokens === 0; i += 1) again = await usage();
    assert.equal(again.cacheReadInputTokens, first.cacheWriteInputTokens);
  },

  async invokeModel() {
    const answer = await runtime.send(new InvokeModelCommand({ modelId, body: anthropic }));
    assert.equal(decode(answer.body).usage.output_tokens, 24);
  },

  async invokeModelWithResponseStream() {
    const { body } = await runtime.send(new InvokeModelWithResponseStreamCommand({ modelId, body: anthropic }));
    const events = [];
    for await (const event of body) events.push(decode(event.chunk.bytes));
    assert.equal(events[0].type, "message_start");
    assert.equal(events.at(-1)["amazon-bedrock-invocationMetrics"].outputTokenCount, 24);
  },

  async countTokens() {
    const input = { converse: { messages: user("one two three four") } };
    const { inputTokens } = await runtime.send(new CountTokensCommand({ modelId, input }));
    assert.ok(inputTokens > 1);
  },

  async guardrail() {
    const guardrailConfig = { guardrailIdentifier: "abc123", guardrailVersion: "1" };
    const blocked = await runtime.send(
      new ConverseCommand({ modelId, messages: user("Play the xylophone."), guardrailConfig }),
    );
    assert.equal(blocked.stopReason, "guardrail_intervened");
    const applied = await runtime.send(
      new ApplyGuardrailCommand({
        guardrailIdentifier: "abc123",
        guardrailVersion: "1",
        source: "INPUT",
        content: [{ text: { text: "Nothing here." } }],
      }),
    );
    assert.equal(applied.action, "NONE");
  },

  async throttling() {
    await change("quotas", { model: "claude-sonnet-4-6", scope: "geo", tpm: "500" });
    const send = runtime.send(
      new ConverseCommand({ modelId, messages: user("Hi."), inferenceConfig: { maxTokens: 1000 } }),
    );
    await assert.rejects(send, (error) => {
      assert.equal(error.name, "ThrottlingException");
      assert.equal(error.message, "Too many tokens, please wait before trying again.");
      assert.equal(error.$metadata.httpStatusCode, 429);
      assert.equal(error.$metadata.attempts, 3);
      return true;
    });
  },

  async streamException() {
    await change("faults", [{ kind: "stream_error", share: 1.0 }]);
    const { stream } = await runtime.send(new ConverseStreamCommand({ modelId, messages: user("Hi.") }));
    let chunks = 0;
    const read = (async () => {
      for await (const event of stream) chunks += event.contentBlockDelta ? 1 : 0;
    })();
    await assert.rejects(read, (error) => {
      assert.equal(error.name, "ModelStreamErrorException");
      return true;
    });
    assert.ok(chunks > 0);
    await change("faults", []);
  },

  async validation() {
    const send = runtime.send(new ConverseCommand({ modelId: "anthropic.claude-nonsense", messages: user("Hi.") }));
    await assert.rejects(send, { name: "ValidationException" });
  },

  async controlPlane() {
    const control = new BedrockClient(settings);
    const { inferenceProfileSummaries } = await control.send(new ListInferenceProfilesCommand({}));
    assert.ok(inferenceProfileSummaries.some((profile) => profile.inferenceProfileId === modelId));
  },
};

for (const [name, check] of Object.entries(checks)) {
  await change("reset", {});
  await check();
  console.log("ok", name);
}
console.log(`all ${Object.keys(checks).length} checks hold`);
runtime.destroy();
