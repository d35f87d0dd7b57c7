// The simulator as the official client reads it, so that its shapes are not only our own reading.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DeepgramClient } from "@deepgram/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Faults } from "../../../simulators/deepgram/faults.ts";
import { DeepgramServer } from "../../../simulators/deepgram/server.ts";

/** A second of a tone for each text; whatever is heard is the same question. */
const speech = {
  say: (text: string) =>
    Promise.resolve(Int16Array.from({ length: 16_000 + text.length }, (_, i) => 6000 * Math.sin(i / 5))),
  hear: (samples: Int16Array) => Promise.resolve(samples.some((sample) => sample !== 0) ? "when do you open" : ""),
};

const RATE_HZ = 16_000;
const CHUNK_MS = 80;

let server: DeepgramServer;
let client: DeepgramClient;

beforeEach(async () => {
  server = await DeepgramServer.start({ speech });
  const base = `127.0.0.1:${server.port}`;
  client = new DeepgramClient({
    apiKey: "simulated",
    environment: {
      base: `http://${base}`,
      production: `ws://${base}`,
      agent: `ws://${base}`,
      agentRest: `http://${base}`,
    },
  });
});
afterEach(() => server.close());

/** Speech or silence, in chunks of 80 ms. */
function* audio(ms: number, kind: "speech" | "silence"): Generator<Buffer, void, undefined> {
  const samples = (RATE_HZ / 1000) * CHUNK_MS;
  for (let at = 0; at < ms; at += CHUNK_MS) {
    const chunk = Buffer.alloc(samples * 2);
    if (kind === "speech")
      for (let i = 0; i < samples; i++) chunk.writeInt16LE(Math.round(8000 * Math.sin((i * i) / 900)), i * 2);
    yield chunk;
  }
}

type Message = { readonly type: string } & Record<string, unknown>;

interface Socket {
  on(event: "message", listener: (message: unknown) => void): void;
  sendMedia(chunk: Buffer): void;
}

/** What comes on a socket of the client's. */
class Listener {
  readonly messages: Message[] = [];
  readonly socket: Socket;

  constructor(socket: unknown) {
    this.socket = socket as Socket;
    this.socket.on("message", (message) => this.messages.push(message as Message));
  }

  hear(ms: number, kind: "speech" | "silence"): void {
    for (const chunk of audio(ms, kind)) this.socket.sendMedia(chunk);
  }

  async seen(what: (message: Message) => boolean): Promise<Message> {
    const deadline = Date.now() + 5000;
    for (;;) {
      const found = this.messages.find(what);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`not in ${JSON.stringify(this.messages)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function flux(more: object = {}): Promise<Listener> {
  const socket = await client.listen.v2.connect({
    model: "flux-general-en",
    encoding: "linear16",
    sample_rate: RATE_HZ,
    eager_eot_threshold: 0.4,
    reconnectAttempts: 0,
    ...more,
  } as Parameters<typeof client.listen.v2.connect>[0]);
  const listener = new Listener(socket);
  socket.connect();
  await socket.waitForOpen();
  await listener.seen(({ type }) => type === "Connected");
  return listener;
}

async function nova(): Promise<
  Listener & { socket: { sendFinalize(message: object): void; sendCloseStream(message: object): void } }
> {
  const socket = await client.listen.v1.connect({
    model: "nova-3",
    encoding: "linear16",
    sample_rate: RATE_HZ,
    interim_results: "true",
    reconnectAttempts: 0,
  } as unknown as Parameters<typeof client.listen.v1.connect>[0]);
  const listener = new Listener(socket);
  socket.connect();
  await socket.waitForOpen();
  return listener as never;
}

const eventsOf = (listener: Listener) =>
  listener.messages
    .filter(({ type, event }) => type === "TurnInfo" && event !== "Update")
    .map(({ event, transcript, turn_index }) => `${turn_index} ${event} ${transcript}`.trim());

describe("Flux, by the official client", () => {
  it("tells a turn, its early end and its end", async () => {
    const listener = await flux();
    listener.hear(1000, "speech");
    listener.hear(1000, "silence");
    await listener.seen(({ event }) => event === "EndOfTurn");
    listener.hear(1000, "speech");
    await listener.seen(({ turn_index, event }) => turn_index === 1 && event === "StartOfTurn");
    expect(eventsOf(listener)).toEqual([
      "0 StartOfTurn",
      "0 EagerEndOfTurn when do you open",
      "0 EndOfTurn when do you open",
      "1 StartOfTurn",
    ]);
    const numbers = listener.messages.map(({ sequence_id }) => sequence_id);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it("takes the early end back from who goes on", async () => {
    const listener = await flux();
    listener.hear(800, "speech");
    listener.hear(320, "silence");
    listener.hear(800, "speech");
    listener.hear(800, "silence");
    await listener.seen(({ event }) => event === "EndOfTurn");
    expect(eventsOf(listener).map((event) => event.split(" ")[1])).toEqual([
      "StartOfTurn",
      "EagerEndOfTurn",
      "TurnResumed",
      "EagerEndOfTurn",
      "EndOfTurn",
    ]);
  });

  it("has every field that the client's own types require", async () => {
    const listener = await flux();
    listener.hear(800, "speech");
    listener.hear(800, "silence");
    await listener.seen(({ event }) => event === "EndOfTurn");
    expectAllFields(listener.messages, "v2", { TurnInfo: "ListenV2TurnInfo", Connected: "ListenV2Connected" });
  });

  it("closes on a KeepAlive, which is of another version", async () => {
    const listener = await flux();
    (listener.socket as unknown as { socket: { send(text: string): void } }).socket.send('{"type":"KeepAlive"}');
    const error = await listener.seen(({ type }) => type === "Error");
    expect(error["code"]).toBe("UNPARSABLE_CLIENT_MESSAGE");
    expectAllFields([error], "v2", { Error: "ListenV2FatalError" });
    await expect.poll(() => server.flux[0]?.closed?.code).toBe(1011);
  });
});

describe("Nova, by the official client", () => {
  it("tells stretches, and the rest when it is asked for", async () => {
    const listener = await nova();
    listener.hear(1040, "speech");
    await listener.seen(({ is_final }) => is_final === false);
    listener.hear(400, "silence");
    await listener.seen(({ is_final }) => is_final === true);
    listener.hear(560, "speech");
    listener.socket.sendFinalize({ type: "Finalize" });
    const last = await listener.seen(({ from_finalize }) => from_finalize === true);
    expect(last["start"]).toBeCloseTo(1.36, 1);
    expect(JSON.stringify(last["channel"])).toContain("when do you open");
    expectAllFields(
      listener.messages.filter(({ type }) => type === "Results"),
      "v1",
      { Results: "ListenV1Results" },
    );
    listener.socket.sendCloseStream({ type: "CloseStream" });
    expectAllFields([await listener.seen(({ type }) => type === "Metadata")], "v1", { Metadata: "ListenV1Metadata" });
    await expect.poll(() => server.nova[0]?.closed?.code).toBe(1000);
  });
});

describe("Aura, by the official client", () => {
  it("speaks samples without a head", async () => {
    const answer = await client.speak.v1.audio.generate({
      text: "Hello there.",
      model: "aura-2-thalia-en",
      encoding: "linear16",
      container: "none",
      sample_rate: 8000,
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.length / 16).toBeCloseTo(1000, -1);
    expect(server.spoken).toMatchObject([{ text: "Hello there.", rateHz: 8000, outcome: "whole" }]);
  });

  it("refuses as the API does", async () => {
    server.faults = { refuseStatus: 429 };
    const asked = client.speak.v1.audio.generate({ text: "Hello.", model: "aura-2-thalia-en" }, { maxRetries: 0 });
    await expect(asked).rejects.toMatchObject({ statusCode: 429 });
  });
});

describe("scripted faults of Flux", () => {
  /** By a socket of no vendor's, that sees what is wrong. */
  async function session(faults: Faults, headers: Record<string, string> = { Authorization: "Token k" }) {
    server.faults = faults;
    const path = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000&eager_eot_threshold=0.4";
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
    const texts: string[] = [];
    socket.on("message", (message) => texts.push(String(message)));
    const closed = new Promise<number | string>((resolve) => {
      socket.on("close", (code) => resolve(code));
      socket.on("error", (error) => resolve(error.message));
    });
    const opened = new Promise<void>((resolve) => socket.on("open", () => resolve()));
    return { socket, texts, closed, opened };
  }
  const speak = (socket: WebSocket) => {
    for (const chunk of audio(800, "speech")) socket.send(chunk);
    for (const chunk of audio(800, "silence")) socket.send(chunk);
  };

  it("refuses with a status, and without a key", async () => {
    expect(await (await session({ refuseStatus: 429 })).closed).toContain("429");
    expect(await (await session({}, {})).closed).toContain("401");
  });

  it.each(["connected", "started", "update", "eager", "ended"] as const)("drops at %s", async (dropAt) => {
    const { socket, closed, opened } = await session({ dropAt });
    await opened;
    if (dropAt !== "connected") speak(socket);
    expect(await closed).toBe(1006);
  });

  it("falls silent, garbles, reports a fault, leaves the type out", async () => {
    const silent = await session({ stallAt: "started" });
    await silent.opened;
    speak(silent.socket);
    const garbled = await session({ garbageAt: "connected" });
    await garbled.opened;
    await expect.poll(() => garbled.texts.length).toBe(3);
    expect(garbled.texts[1]).toBe("{ this is no JSON");
    const faulty = await session({ errorAt: { point: "started", code: "INTERNAL_SERVER_ERROR" } });
    await faulty.opened;
    speak(faulty.socket);
    expect(await faulty.closed).toBe(1011);
    expect(faulty.texts.at(-1)).toContain("INTERNAL_SERVER_ERROR");
    const untyped = await session({ omitType: true });
    await untyped.opened;
    speak(untyped.socket);
    await expect.poll(() => untyped.texts.some((text) => text.includes("EndOfTurn"))).toBe(true);
    expect(untyped.texts.join()).not.toContain('"type"');
    expect(silent.texts.at(-1)).toContain("StartOfTurn");
    silent.socket.terminate();
  });
});

/** Each message has the fields without a question mark of the client's own declaration of it. */
function expectAllFields(messages: readonly Message[], version: string, names: Readonly<Record<string, string>>): void {
  const root = dirname(createRequire(import.meta.url).resolve("@deepgram/sdk/package.json"));
  const folder = join(root, `dist/cjs/api/resources/listen/resources/${version}/types`);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    const name = names[message.type];
    if (name === undefined) throw new Error(`${message.type} is not looked for`);
    const source = readFileSync(join(folder, `${name}.d.ts`), "utf8");
    const body = source.match(new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, "m"))?.[1] ?? "";
    const required = [...body.matchAll(/^ {4}(\w+)(\??): /gm)].filter(([, , mark]) => mark === "");
    expect(required.length).toBeGreaterThan(2);
    for (const [, field = ""] of required) expect(Object.keys(message), name).toContain(field);
  }
}
