// An agent of two sockets and an HTTP exchange at once, in the built module, through the shim's ports in workerd, against
// a loopback server that plays all three parts.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { encodeMulaw } from "../simulators/audio/mulaw.ts";
import { say } from "../simulators/speech/say.ts";
import { measured } from "../support/measured.ts";

const root = path.join(import.meta.dirname, "../..");
const FRAME_MS = 20;
const FRAME_BYTES = 160;
const SILENCE = Buffer.alloc(FRAME_BYTES, 0xff);
const WAIT_MS = 5_000;
const MAX_ABORT_MS = 200;

interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** One of the agent's sockets, from the server's side. */
class Part {
  readonly texts: Message[] = [];
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly socket: WebSocket;
  audioBytes = 0;

  constructor(socket: WebSocket, headers: NodeJS.Dict<string | string[]>) {
    this.socket = socket;
    this.headers = headers;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.audioBytes += data.length;
      else this.texts.push(JSON.parse(data.toString("utf8")) as Message);
    });
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  ofType(type: string): Message[] {
    return this.texts.filter((message) => message.type === type);
  }
}

interface Exchange {
  readonly body: string;
  readonly response: ServerResponse;
  /** When it was closed from the other side, epoch ms. */
  closedMs: number | undefined;
}

let server: Server;
let worker: Miniflare;
let url: string;
let object = 0;
let ears: Part | undefined;
let voice: Part | undefined;
let exchanges: Exchange[] = [];

async function until<T>(what: string, find: () => T | undefined | false): Promise<T> {
  const endMs = Date.now() + WAIT_MS;
  while (Date.now() < endMs) {
    const found = find();
    if (found) return found;
    await sleep(5);
  }
  throw new Error(`${what}: not in time`);
}

beforeAll(async () => {
  execFileSync("bash", ["-c", ". scripts/lib/env.sh && cmake_build wasm-wasi trunkline_scripted"], { cwd: root });
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const exchange: Exchange = { body: Buffer.concat(chunks).toString("utf8"), response, closedMs: undefined };
    response.on("close", () => {
      if (!response.writableFinished) exchange.closedMs = Date.now();
    });
    response.writeHead(200, { "Content-Type": "text/plain" });
    response.flushHeaders();
    exchanges.push(exchange);
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (names) => [...names][0] ?? false });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      const part = new Part(client, request.headers);
      if (request.url === "/ears/listen") ears = part;
      else if (request.url === "/voice/speak") voice = part;
      else client.close(1008, request.url);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bundle = await build({
    entryPoints: [path.join(import.meta.dirname, "support/scripted-call-worker.ts")],
    bundle: true,
    format: "esm",
    write: false,
    external: ["*.wasm"],
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: [
        { type: "ESModule", path: "worker.js", contents: script },
        {
          type: "CompiledWasm",
          path: "trunkline_scripted.wasm",
          contents: readFileSync(path.join(root, "build/wasm-wasi/trunkline_scripted.wasm")),
        },
      ],
      compatibilityDate: "2026-10-01",
      durableObjects: { CALLS: "ScriptedCall" },
      bindings: { UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    }),
  );
  await worker.ready;
  url = (await worker.unsafeGetDirectURL()).href.replace(/\/$/, "");
});

afterAll(async () => {
  await worker.dispose();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  object++;
  ears = undefined;
  voice = undefined;
  exchanges = [];
});

async function events(): Promise<Message[]> {
  const response = await fetch(`${url}/events?object=${object}`);
  const { events: all, complaints } = (await response.json()) as { events: Message[]; complaints: string[] };
  expect(complaints).toEqual([]);
  return all;
}

/** A caller's stream: frames in real time, marks that come back at once. */
class Stream {
  readonly socket: WebSocket;
  readonly #frames: Buffer[] = [];
  readonly #timer: NodeJS.Timeout;
  mediaBytes = 0;
  clears = 0;
  #sent = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as Record<string, Record<string, string>> & { event: string };
      if (message.event === "media")
        this.mediaBytes += Buffer.from(message["media"]?.["payload"] ?? "", "base64").length;
      if (message.event === "clear") this.clears++;
      if (message.event === "mark") this.#send({ event: "mark", streamSid: "MZ1", mark: message["mark"] });
    });
    this.#send({
      event: "start",
      sequenceNumber: "1",
      streamSid: "MZ1",
      start: {
        accountSid: "AC1",
        streamSid: "MZ1",
        callSid: "CA1",
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: { token: "t" },
      },
    });
    const beganMs = Date.now();
    this.#timer = setInterval(() => {
      while (this.#sent * FRAME_MS < Date.now() - beganMs) {
        const frame = this.#frames.shift() ?? SILENCE;
        const media = { track: "inbound", timestamp: String(this.#sent * FRAME_MS), payload: frame.toString("base64") };
        this.#send({ event: "media", sequenceNumber: String(++this.#sent + 1), streamSid: "MZ1", media });
      }
    }, FRAME_MS / 2);
  }

  static async open(): Promise<Stream> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/leg?object=${object}`);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Stream(socket);
  }

  say(muLaw: Uint8Array): void {
    for (let at = 0; at + FRAME_BYTES <= muLaw.length; at += FRAME_BYTES)
      this.#frames.push(Buffer.from(muLaw.subarray(at, at + FRAME_BYTES)));
  }

  close(): void {
    clearInterval(this.#timer);
    this.socket.close();
  }

  #send(message: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

async function connected(): Promise<{ stream: Stream; hears: Part; speaks: Part }> {
  const stream = await Stream.open();
  const hears = await until("ears", () => ears);
  const speaks = await until("voice", () => voice);
  expect(hears.headers.authorization).toBe("ears");
  expect(hears.headers["sec-websocket-protocol"]).toBe("ears");
  await until("begin", () => hears.ofType("begin")[0]);
  return { stream, hears, speaks };
}

/** So much of a steady tone, linear 16 at 24 kHz. */
function tone(ms: number): Buffer {
  const samples = Int16Array.from({ length: 24 * ms }, (_, i) => 6000 * Math.sin(i * 0.1));
  return Buffer.from(samples.buffer);
}

it("hears by one socket, thinks by a request and speaks by another socket, all at once", async () => {
  const { stream, hears, speaks } = await connected();
  await until("the caller's audio", () => hears.audioBytes > 16_000);
  hears.send({ type: "committed", item: "u1" });
  const thought = await until("a request", () => exchanges[0]);
  expect(JSON.parse(thought.body)).toEqual({ turn: 1 });
  thought.response.write("Good morning.\n");
  await until("the first line", () => speaks.ofType("say")[0]);
  expect(speaks.ofType("say")[0]?.["text"]).toBe("Good morning.");
  // The first words are heard while the others are thought of, and the caller is listened to.
  const heardBefore = hears.audioBytes;
  speaks.send({ type: "item", name: "a1" });
  speaks.socket.send(tone(600));
  await until("audio at the caller's", () => stream.mediaBytes > 8 * 100);
  expect(thought.response.writableEnded).toBe(false);
  await until("more of the caller", () => hears.audioBytes > heardBefore);
  thought.response.end("How can I help you?\n");
  await until("the flush", () => speaks.ofType("flush")[0]);
  expect(speaks.ofType("say").map(({ text }) => text)).toEqual(["Good morning.", "How can I help you?"]);
  speaks.socket.send(tone(400));
  speaks.send({ type: "done" });
  hears.send({ type: "transcript", role: "agent", item: "a1", text: "Good morning. How can I help you?", final: true });
  await until("all of the reply", () => stream.mediaBytes >= 8 * 1_000);
  const done = async () => (await events()).some(({ type }) => type === "replyDone");
  const endMs = Date.now() + WAIT_MS;
  while (!(await done()) && Date.now() < endMs) await sleep(50);
  expect((await events()).filter(({ type }) => type === "replyDone")).toMatchObject([{ item: "a1" }]);
  expect(Math.abs(stream.mediaBytes / 8 - 1_000)).toBeLessThanOrEqual(FRAME_MS);
  stream.close();
});

it("is interrupted: the request ends for real, the voice stops, the ears are told what was heard", async () => {
  const { stream, hears, speaks } = await connected();
  const words = await say("Wait a moment, that is not what I want.");
  hears.send({ type: "committed", item: "u1" });
  const thought = await until("a request", () => exchanges[0]);
  thought.response.write("It is a long story.\n");
  speaks.send({ type: "item", name: "a1" });
  speaks.socket.send(tone(4_000));
  await until("audio at the caller's", () => stream.mediaBytes > 8 * 400);
  stream.say(encodeMulaw(words));
  hears.send({ type: "speech", edge: "started" });
  await until("a clear", () => stream.clears > 0);
  await until("a stop", () => speaks.ofType("stop")[0]);
  const stoppedMs = Date.now();
  const closedMs = await until("the end of the request", () => thought.closedMs);
  measured(`scripted agent: the server sees its request ended ${closedMs - stoppedMs} ms after the voice was stopped`);
  expect(closedMs - stoppedMs).toBeLessThanOrEqual(MAX_ABORT_MS);
  const heard = await until("what was heard", () => hears.ofType("heard")[0]);
  expect(heard["item"]).toBe("a1");
  const heardMs = Number(heard["ms"]);
  expect(heardMs).toBeGreaterThan(300);
  expect(heardMs).toBeLessThan(4_000);
  speaks.send({ type: "done", stopped: true });
  // The next turn has a request of its own, on the same sockets.
  hears.send({ type: "speech", edge: "stopped" });
  hears.send({ type: "committed", item: "u2" });
  const next = await until("the next request", () => exchanges[1]);
  expect(JSON.parse(next.body)).toEqual({ turn: 2 });
  next.response.end("I am sorry.\n");
  await until("the flush", () => speaks.ofType("flush")[0]);
  stream.close();
});

it("asks a tool, and is given its result by the ears", async () => {
  const { stream, hears, speaks } = await connected();
  hears.send({ type: "committed", item: "u1" });
  const thought = await until("a request", () => exchanges[0]);
  hears.send({ type: "tool", id: "k1", name: "look_up", arguments: "{}" });
  thought.response.end("One moment.\n");
  await until("the flush", () => speaks.ofType("flush")[0]);
  speaks.send({ type: "item", name: "a1" });
  speaks.socket.send(tone(200));
  speaks.send({ type: "done" });
  const answer = await fetch(`${url}/command?object=${object}`, {
    method: "POST",
    body: JSON.stringify({ type: "toolResult", toolCallId: "k1", output: "nine" }),
  });
  expect(await answer.json()).toEqual({ status: "done" });
  const result = await until("the result", () => hears.ofType("toolResult")[0]);
  expect(result).toMatchObject({ id: "k1", output: "nine" });
  await until("a reply to it", () => exchanges[1]);
  stream.close();
});

it("that loses one part is started again with both, and told the conversation", async () => {
  const { stream, hears, speaks } = await connected();
  hears.send({ type: "committed", item: "u1" });
  hears.send({ type: "transcript", role: "caller", item: "u1", text: "My name is Alice.", final: true });
  const thought = await until("a request", () => exchanges[0]);
  thought.response.end("Hello.\n");
  speaks.send({ type: "item", name: "a1" });
  speaks.socket.send(tone(200));
  speaks.send({ type: "done" });
  await sleep(800);
  voice = undefined;
  ears = undefined;
  speaks.socket.close(1011);
  const again = await until("ears again", () => ears);
  await until("voice again", () => voice);
  expect(hears.socket.readyState).toBeGreaterThanOrEqual(WebSocket.CLOSING);
  const history = await until("the conversation", () => again.ofType("history")[0]);
  expect(JSON.stringify(history["lines"])).toContain("My name is Alice.");
  stream.close();
});
