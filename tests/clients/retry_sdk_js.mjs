// Calls through the AWS SDK for JavaScript v3 against a server that refuses them as its script says.
//
// Usage: node retry_sdk_js.mjs ENDPOINT MODE ATTEMPTS CLIENTS TASKS CALLS SECONDS
//
// The words mean what they mean in retry_boto3.py.

import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [endpoint, retryMode] = process.argv.slice(2, 4);
const [attempts, clients, tasks, calls, seconds] = process.argv.slice(4).map(Number);
const APART = 10;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const begin = performance.now();

async function work(client, name, after) {
  await pause(after);
  for (let call = 0; call < calls; call++) {
    if (performance.now() - begin > 1000 * seconds) return;
    const command = new ConverseCommand({
      modelId: "amazon.nova-lite-v1:0",
      messages: [{ role: "user", content: [{ text: "hello" }] }],
      requestMetadata: { case: `${name}-${call}` },
    });
    try {
      await client.send(command);
    } catch (error) {
      if (!error.$metadata) throw error;
    }
  }
}

const all = [];
for (let c = 0; c < clients; c++) {
  const client = new BedrockRuntimeClient({
    endpoint,
    retryMode,
    ...(attempts ? { maxAttempts: attempts } : {}),
    region: "us-east-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
    // The server of these tests speaks HTTP/1.1 only.
    requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets: 1000, keepAlive: true } }),
  });
  for (let t = 0; t < tasks; t++) all.push(work(client, `${c}-${t}`, APART * (c * tasks + t)));
}
await Promise.all(all);
process.exit(0);
