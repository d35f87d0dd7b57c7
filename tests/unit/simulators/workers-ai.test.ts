// The simulator of Workers AI, by what Cloudflare's pages of the models and its own provider for AI SDK read.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { WorkersAiServer } from "../../simulators/workers-ai/server.ts";

const speech = {
  say: () => Promise.resolve(Int16Array.from({ length: 8000 }, (_, i) => 6000 * Math.sin(i / 5))),
  hear: () => Promise.resolve("when do you open"),
};
const LLAMA = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const QUESTION = { stream: true, messages: [{ role: "user", content: "when do you open" }] };

let server: WorkersAiServer;
beforeEach(async () => {
  server = await WorkersAiServer.start({ speech });
});
afterEach(() => server.close());

function run(model: string, inputs: object, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify(inputs);
  return fetch(`http://127.0.0.1:${server.port}/run/${model}`, { method: "POST", body, ...init });
}

async function chunks(answer: Response): Promise<string[]> {
  expect(answer.headers.get("Content-Type")).toBe("text/event-stream");
  return (await answer.text())
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
}

describe("a language model", () => {
  it("writes in its own dialect", async () => {
    const all = await chunks(await run(LLAMA, QUESTION));
    expect(all.at(-1)).toBe("[DONE]");
    const read = all.slice(0, -1).map((text) => JSON.parse(text) as { response: string; usage?: object });
    expect(read.map(({ response }) => response).join("")).toMatch(/^We are open every day/);
    expect(read.at(-1)?.usage).toMatchObject({
      prompt_tokens: expect.any(Number),
      completion_tokens: expect.any(Number),
    });
  });

  it("writes in that of OpenAI", async () => {
    server.dialect = "openai";
    const all = await chunks(await run(LLAMA, QUESTION));
    const read = all.slice(0, -1).map((text) => JSON.parse(text) as { choices: [{ delta: { content?: string } }] });
    expect(read.map(({ choices: [{ delta }] }) => delta.content ?? "").join("")).toContain("eleven");
    expect(all.at(-2)).toContain('"finish_reason":"stop"');
  });

  it.each(["native", "openai"] as const)("calls a tool in the dialect %s", async (dialect) => {
    server.dialect = dialect;
    const tools = [{ type: "function", function: { name: "get_time", parameters: { type: "object" } } }];
    const messages = [{ role: "user", content: "what time is it" }];
    const text = (await chunks(await run(LLAMA, { stream: true, messages, tools }))).join();
    expect(text).toContain(
      dialect === "native" ? '"tool_calls":[{"name":"get_time","arguments":{}}]' : '"name":"get_time","arguments":"{}"',
    );
  });

  it("breaks off, and fails with a code", async () => {
    server.faults = { truncate: true };
    expect((await chunks(await run(LLAMA, QUESTION))).at(-1)).not.toBe("[DONE]");
    server.faults = { failWith: { code: 3040, status: 429, message: "Out of capacity" } };
    const answer = await run(LLAMA, QUESTION);
    expect(answer.status).toBe(429);
    expect(await answer.json()).toEqual({ success: false, errors: [{ code: 3040, message: "Out of capacity" }] });
    server.faults = {};
    expect((await run("nobody", QUESTION)).status).toBe(400);
  });

  it("notices who goes", async () => {
    const abort = new AbortController();
    const answer = await run(LLAMA, QUESTION, { signal: abort.signal });
    await answer.body?.getReader().read();
    abort.abort();
    await expect.poll(() => server.runs[0]?.outcome).toBe("aborted");
  });
});

describe("voice and ears", () => {
  it("speak samples, and MP3 where nobody says otherwise", async () => {
    const raw = { text: "Hello.", encoding: "linear16", container: "none", sample_rate: 24_000 };
    const answer = await run("@cf/deepgram/aura-1", raw);
    expect((await answer.arrayBuffer()).byteLength).toBe(24_000);
    expect((await run("@cf/deepgram/aura-1", { text: "Hello." })).headers.get("Content-Type")).toBe("audio/mpeg");
  });

  it("have Flux's turns without a type", async () => {
    const socket = new WebSocket(
      `ws://127.0.0.1:${server.port}/run/@cf/deepgram/flux?encoding=linear16&sample_rate=16000`,
    );
    const first = await new Promise((resolve) => socket.once("message", (message) => resolve(String(message))));
    expect(first).not.toContain('"type"');
    socket.terminate();
    const nobody = new WebSocket(`ws://127.0.0.1:${server.port}/run/@cf/x/y`);
    expect(await new Promise((resolve) => nobody.once("error", ({ message }) => resolve(message)))).toContain("400");
  });
});
