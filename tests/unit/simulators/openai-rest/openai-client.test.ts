// The simulator as the official client reads it, so that its shapes are not only our own reading.

import { execFileSync } from "node:child_process";
import OpenAI, { APIConnectionError, type APIError, AuthenticationError, RateLimitError, toFile } from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../simulators/openai-rest/faults.ts";
import { RestServer } from "../../../simulators/openai-rest/server.ts";

const RATE_HZ = 16_000;
/** What was heard last. */
let heard: { samples: Int16Array; rateHz: number };
const speech = {
  say: (text: string) =>
    Promise.resolve(Int16Array.from({ length: 1000 * text.length }, (_, i) => 6000 * Math.sin(i / 5))),
  hear: (samples: Int16Array, rateHz: number) => {
    heard = { samples, rateHz };
    return Promise.resolve("when do you open");
  },
};

let server: RestServer;
let client: OpenAI;
beforeEach(async () => {
  server = await RestServer.start({ speech });
  const baseURL = `http://127.0.0.1:${server.port}/v1`;
  client = new OpenAI({ apiKey: "sk-simulated", baseURL, maxRetries: 0, timeout: 2_000 });
});
afterEach(async () => {
  await server.close();
});

function wav(ms: number): Buffer {
  const data = Buffer.alloc((ms * RATE_HZ * 2) / 1000, 1);
  const head = Buffer.from(new Uint8Array(44));
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.set([16, 0, 0, 0, 1, 0, 1, 0], 16);
  head.writeUInt32LE(RATE_HZ, 24);
  head.writeUInt32LE(RATE_HZ * 2, 28);
  head.set([2, 0, 16, 0], 32);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

const MESSAGES = [{ role: "user", content: "When do you open?" }] as const;
const OPEN = "We are open every day from eleven in the morning until ten at night.";
const chat = { model: "m", messages: [...MESSAGES] };
const words = { model: "v", voice: "alloy", input: "Hi", response_format: "pcm" } as const;
async function transcribe() {
  return client.audio.transcriptions.create({ model: "t", file: await toFile(wav(500), "a.wav") });
}

/** All that comes of a stream. */
async function read(request: Partial<OpenAI.ChatCompletionCreateParamsStreaming> = {}) {
  const stream = await client.chat.completions.create({ ...chat, ...request, stream: true });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
const textOf = (chunks: readonly OpenAI.ChatCompletionChunk[]) =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

describe("the official client", () => {
  it("has an upload transcribed, as JSON and as text", async () => {
    expect((await transcribe()).text).toBe("when do you open");
    expect([heard.samples.length, heard.rateHz]).toEqual([8000, RATE_HZ]);
    const text = await client.audio.transcriptions.create({
      model: "t",
      file: await toFile(wav(500), "a.wav"),
      response_format: "text",
    });
    expect(String(text).trim()).toBe("when do you open");
    expect(server.api.requests[1]?.body).toMatchObject({ model: "t", response_format: "text" });
  });

  it("has Ogg Opus transcribed", async () => {
    const options = ["-v", "error", "-i", "pipe:0", "-c:a", "libopus", "-f", "ogg", "pipe:1"];
    const ogg = execFileSync("ffmpeg", options, { input: wav(500) });
    await client.audio.transcriptions.create({ model: "t", file: await toFile(ogg, "a.ogg") });
    expect(Math.abs(heard.samples.length - 8000)).toBeLessThan(400);
  });

  it("reads a stream, with its usage at the end", async () => {
    const chunks = await read({ stream_options: { include_usage: true } });
    expect(textOf(chunks)).toBe(OPEN);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
    const whole = await client.chat.completions.create(chat);
    expect(whole.choices[0]?.message.content).toBe(OPEN);
  });

  it("puts the fragments of a tool's call together, and gives its result", async () => {
    const tools = [{ type: "function" as const, function: { name: "get_time" } }];
    const messages = [{ role: "user" as const, content: "what time is it" }];
    const stream = client.chat.completions.stream({ model: "m", messages, tools });
    const whole = await stream.finalChatCompletion();
    const [call] = whole.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "get_time", arguments: "{}" } });
    expect(whole.choices[0]?.finish_reason).toBe("tool_calls");
    const answered = [
      ...messages,
      { role: "assistant" as const, tool_calls: whole.choices[0]?.message.tool_calls ?? [] },
    ];
    const result = { role: "tool" as const, tool_call_id: call?.id ?? "", content: "noon" };
    expect(textOf(await read({ messages: [...answered, result], tools }))).toBe("The answer is noon.");
    await expect(read({ messages: answered, tools })).rejects.toThrow(/did not have response messages/);
  });

  it("hears speech as PCM at 24 kHz, in pieces of odd length", async () => {
    const response = await client.audio.speech.create(words);
    expect(response.headers.get("content-type")).toBe("audio/pcm");
    expect((await response.arrayBuffer()).byteLength).toBe(2 * 1.5 * 2000);
    expect(server.api.requests[0]?.sent[0]?.bytes).toBe(2401);
    const file = Buffer.from(
      await (await client.audio.speech.create({ ...words, response_format: "wav" })).arrayBuffer(),
    );
    expect([file.toString("latin1", 0, 4), file.readUInt32LE(24)]).toEqual(["RIFF", 24_000]);
  });

  it("is told what is wrong about a request", async () => {
    const refused = async (work: Promise<unknown>) =>
      String(
        await work.then(
          () => "taken",
          (error: Error) => error.message,
        ),
      );
    expect(await refused(client.chat.completions.create({ ...chat, messages: [] }))).toMatch(/^400 /);
    expect(await refused(client.chat.completions.create({ ...chat, n_best: 2 } as typeof chat))).toMatch(/n_best/);
    expect(await refused(client.audio.speech.create({ ...words, input: "a".repeat(4097) }))).toMatch(/4096/);
    const file = await toFile(wav(90), "a.wav");
    expect(await refused(client.audio.transcriptions.create({ model: "t", file }))).toMatch(/too short/);
  });
});

describe("faults", () => {
  const speak = async () => (await client.audio.speech.create(words)).arrayBuffer();
  const ask = { transcription: transcribe, chat: () => read(), speech: speak };

  it.each(ENDPOINTS)("strike one request of %s each", async (endpoint) => {
    const status = (code: number, retryAfterS?: number) =>
      ({ kind: "status", status: code, ...(retryAfterS !== undefined && { retryAfterS }) }) as const;
    server.fail(endpoint, status(401), status(429, 2), status(500), { kind: "drop", at: "request" });
    await expect(ask[endpoint]()).rejects.toThrow(AuthenticationError);
    const limited = await ask[endpoint]().catch((error: unknown) => error);
    expect(limited).toBeInstanceOf(RateLimitError);
    expect((limited as APIError).headers?.get("retry-after")).toBe("2");
    await expect(ask[endpoint]()).rejects.toMatchObject({ status: 500 });
    await expect(ask[endpoint]()).rejects.toThrow(APIConnectionError);
    await ask[endpoint]();
    const outcomes = ["finished", "finished", "finished", "dropped", "finished"];
    await expect.poll(() => server.api.requests.map(({ outcome }) => outcome)).toEqual(outcomes);
  });

  it("stall until the client has enough", async () => {
    server.fail("chat", { kind: "stall", at: "headers" });
    const abort = new AbortController();
    const stream = await client.chat.completions.create({ ...chat, stream: true }, { signal: abort.signal });
    abort.abort();
    for await (const _ of stream) throw new Error("something came");
    await expect.poll(() => server.api.requests[0]?.outcome).toBe("aborted");
  });

  it("cut a stream off, in order and not", async () => {
    server.fail("chat", { kind: "truncated" }, { kind: "drop", at: "middle" }, { kind: "filter" });
    const cut = await read();
    expect(textOf(cut).length).toBeLessThan(OPEN.length);
    expect(cut.at(-1)?.choices[0]?.finish_reason).toBeNull();
    await expect(read()).rejects.toThrow();
    const filtered = await read();
    expect(filtered.at(-1)?.choices[0]?.finish_reason).toBe("content_filter");
  });

  it("change nothing where they are only a matter of pieces", async () => {
    server.fail("chat", { kind: "crumbs" }, { kind: "slow", chunkMs: 2 });
    expect(textOf(await read())).toBe(OPEN);
    expect(textOf(await read())).toBe(OPEN);
  });

  it("are a good status with something else", async () => {
    server.fail("speech", { kind: "errorBody" }, { kind: "errorBody", disguised: true }, { kind: "garbage" });
    const types = [];
    for (let i = 0; i < 3; i++) {
      const response = await client.audio.speech.create(words);
      types.push(response.headers.get("content-type"), (await response.text()).slice(0, 1));
    }
    expect(types).toEqual(["application/json", "{", "audio/pcm", "{", "text/html", "<"]);
  });

  it("make the whole server go away, and come back", async () => {
    await server.goAway();
    await expect(read()).rejects.toThrow(APIConnectionError);
    await server.comeBack();
    expect(textOf(await read())).toBe(OPEN);
  });
});
