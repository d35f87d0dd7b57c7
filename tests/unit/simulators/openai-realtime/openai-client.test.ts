// The simulator as the official client reads it, so that its shapes are not only our own reading.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect as connectPlain } from "node:net";
import { dirname, join } from "node:path";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { RealtimeServerEvent } from "openai/resources/realtime/realtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClientOptions } from "ws";
import { RealtimeServer } from "../../../simulators/openai-realtime/server.ts";

/** A second of a tone per sentence; whatever is heard is the same question. */
const speech = {
  say: (text: string) =>
    Promise.resolve(Int16Array.from({ length: 16_000 + text.length }, (_, i) => 6000 * Math.sin(i / 5))),
  hear: () => Promise.resolve("what time is it"),
};

let server: RealtimeServer;
let client: OpenAIRealtimeWS;
let events: RealtimeServerEvent[];
let failures: unknown[];

async function connect(): Promise<void> {
  const openai = new OpenAI({ apiKey: "sk-simulated", baseURL: `http://127.0.0.1:${server.port}/v1` });
  events = [];
  failures = [];
  // The client insists on wss; on loopback the bytes inside are enough.
  const createConnection = () => connectPlain(server.port, "127.0.0.1");
  client = new OpenAIRealtimeWS({ model: "gpt-realtime-2.1", options: { createConnection } as ClientOptions }, openai);
  client.on("event", (event) => events.push(event));
  client.on("error", (error) => failures.push(error));
  await seen("session.created");
}

async function seen<T extends RealtimeServerEvent["type"]>(
  type: T,
  count = 1,
): Promise<Extract<RealtimeServerEvent, { type: T }>> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const found = events.filter((event) => event.type === type);
    if (found[count - 1]) return found[count - 1] as Extract<RealtimeServerEvent, { type: T }>;
    if (Date.now() > deadline) throw new Error(`no ${type} in ${events.map((event) => event.type).join(" ")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Mu-law: loud noise or silence. */
function audio(ms: number, loud: boolean): string {
  return Buffer.from(Uint8Array.from({ length: ms * 8 }, (_, i) => (loud ? (i * 97) % 256 : 0xff))).toString("base64");
}

function configure(fields: object = {}): void {
  client.send({
    type: "session.update",
    session: {
      type: "realtime",
      audio: {
        input: {
          format: { type: "audio/pcmu" },
          transcription: { model: "gpt-live-transcribe" },
          turn_detection: { type: "server_vad", create_response: true, interrupt_response: true },
        },
        output: { format: { type: "audio/pcmu" }, voice: "marin" },
      },
      ...fields,
    },
  });
}

beforeEach(async () => {
  server = await RealtimeServer.start({ speech });
  await connect();
});
afterEach(async () => {
  client.close();
  await server.close();
});

describe("the official client", () => {
  it("follows a spoken turn in the documented order", async () => {
    configure();
    await seen("session.updated");
    client.send({ type: "input_audio_buffer.append", audio: audio(600, true) });
    client.send({ type: "input_audio_buffer.append", audio: audio(800, false) });
    const done = await seen("response.done");
    await seen("conversation.item.input_audio_transcription.completed");
    expect(done.response.status).toBe("completed");
    expect(done.response.usage?.output_tokens).toBeGreaterThan(0);
    const order = [
      "session.created",
      "session.updated",
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "response.created",
      "rate_limits.updated",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_audio.delta",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.done",
    ];
    const first = order.map((type) => events.findIndex((event) => event.type === type));
    expect(first.every((at) => at >= 0)).toBe(true);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    expect(failures).toEqual([]);
  });

  it("has every field that its own types require", async () => {
    configure();
    client.send({ type: "input_audio_buffer.append", audio: audio(600, true) });
    client.send({ type: "input_audio_buffer.append", audio: audio(800, false) });
    await seen("response.done");
    const required = requiredFields();
    let checked = 0;
    for (const event of events) {
      const fields = required.get(event.type);
      if (fields === undefined) throw new Error(`${event.type} is not in the client's types`);
      for (const field of fields) expect(Object.keys(event), event.type).toContain(field);
      checked += fields.length;
    }
    expect(checked).toBeGreaterThan(60);
  });

  it("makes a function call and hears its answer", async () => {
    configure({
      tools: [{ type: "function", name: "get_time", description: "the time", parameters: { type: "object" } }],
    });
    await seen("session.updated");
    client.send({ type: "input_audio_buffer.append", audio: audio(600, true) });
    client.send({ type: "input_audio_buffer.append", audio: audio(800, false) });
    const call = await seen("response.function_call_arguments.done");
    await seen("response.done");
    client.send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: call.call_id, output: "noon" },
    });
    client.send({ type: "response.create" });
    await seen("response.done", 2);
    const said = await seen("response.output_audio_transcript.done");
    expect(said.transcript).toContain("noon");
    expect(failures).toEqual([]);
  });

  it("tells of a function call that was before its time, and of its answer", async () => {
    configure();
    await seen("session.updated");
    const callId = "call_before";
    client.send({
      type: "conversation.item.create",
      item: { type: "function_call", call_id: callId, name: "get_time", arguments: "{}" },
    });
    client.send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: callId, output: "noon" },
    });
    client.send({ type: "response.create" });
    const said = await seen("response.output_audio_transcript.done");
    expect(said.transcript).toContain("noon");
    expect(failures).toEqual([]);
  });

  it("is told of what it does wrong", async () => {
    const codes = () => server.sessions[0]?.errors;
    client.send({ type: "response.cancel" });
    await seen("error");
    expect(codes()).toEqual(["response_cancel_not_active"]);
    client.send({ type: "input_audio_buffer.commit" });
    await seen("error", 2);
    configure({ voice: "alloy" });
    await seen("error", 3);
    // 24 kHz PCM must say its rate, mu-law must not.
    for (const format of [{ type: "audio/pcm" }, { type: "audio/pcmu", rate: 8000 }]) {
      client.send({
        type: "session.update",
        session: { type: "realtime", audio: { input: { format } } },
      } as Parameters<typeof client.send>[0]);
    }
    await seen("error", 5);
    expect(codes()).toEqual([
      "response_cancel_not_active",
      "input_audio_buffer_commit_empty",
      "unknown_parameter",
      "missing_required_parameter",
      "unknown_parameter",
    ]);
    expect(events.some(({ type }) => type === "session.updated")).toBe(false);
  });

  it("truncates up to what was generated, and one response at a time is active", async () => {
    configure();
    await seen("session.updated");
    client.send({ type: "response.create", response: { instructions: "Say this: hello there" } });
    client.send({ type: "response.create" });
    await seen("error");
    expect(server.sessions[0]?.errors).toEqual(["conversation_already_has_active_response"]);
    await seen("response.done");
    const item = server.sessions[0]?.items.find(({ role }) => role === "assistant");
    if (item === undefined) throw new Error("no answer");
    client.send({ type: "conversation.item.truncate", item_id: item.id, content_index: 0, audio_end_ms: 300 });
    expect((await seen("conversation.item.truncated")).audio_end_ms).toBe(300);
    client.send({
      type: "conversation.item.truncate",
      item_id: item.id,
      content_index: 0,
      audio_end_ms: item.generatedMs + 1,
    });
    await seen("error", 2);
    client.send({ type: "conversation.item.truncate", item_id: "nobody", content_index: 0, audio_end_ms: 0 });
    await seen("error", 3);
  });

  it("is cut off by speech where interruption is left to the server", async () => {
    configure();
    await seen("session.updated");
    client.send({ type: "response.create", response: { instructions: `Say this: ${"many words ".repeat(200)}` } });
    await seen("response.output_audio.delta");
    client.send({ type: "input_audio_buffer.append", audio: audio(300, true) });
    const done = await seen("response.done");
    expect(done.response.status).toBe("cancelled");
    expect(done.response.status_details?.reason).toBe("turn_detected");
  });
});

/** Event type -> the fields without a question mark, from the client's own declarations. */
function requiredFields(): Map<string, string[]> {
  const folder = dirname(createRequire(import.meta.url).resolve("openai"));
  const source = readFileSync(join(folder, "resources/realtime/realtime.d.ts"), "utf8");
  const found = new Map<string, string[]>();
  for (const [, body] of source.matchAll(/^export interface \w+ \{\n([\s\S]*?)^\}/gm)) {
    const fields = [...(body ?? "").matchAll(/^ {4}(\w+)(\??): (.+)$/gm)];
    const type = fields.find(([, name]) => name === "type")?.[3]?.match(/^'([\w.]+)';$/)?.[1];
    if (type === undefined) continue;
    const required = fields.filter(([, , optional]) => optional === "").map(([, name]) => name ?? "");
    // A client event may share its name with no server event; the last one wins and only server events are looked up.
    if (required.includes("event_id")) found.set(type, required);
  }
  return found;
}
