// The shim's HTTP port in workerd, over real connections: no proxy stands between, so that an abort, a bound and what is
// not read are seen by the server itself.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { measured } from "../support/measured.ts";
import type { Asked, NotedInput } from "./support/ports-worker.ts";

const MAX_ABORT_MS = 200;

interface Seen {
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** When the connection was closed from the other side, epoch ms. */
  closedMs: number | undefined;
}

let server: Server;
let worker: Miniflare;
let url: string;
let seen: Seen[] = [];
/** What the server does with a request. */
let answer: (one: Seen) => unknown;
const sockets = new Set<Socket>();
let object = 0;
let lastChannel = 0;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one: Seen = { request, response, body: Buffer.concat(chunks), closedMs: undefined };
    response.on("close", () => {
      if (!response.writableFinished) one.closedMs = Date.now();
    });
    seen.push(one);
    await answer(one);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bundle = await build({
    entryPoints: [path.join(import.meta.dirname, "support/ports-worker.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: "ESModule", path: "worker.js", contents: bundle.outputFiles[0]?.text ?? "" }],
      compatibilityDate: "2026-10-01",
      durableObjects: { RECORDERS: "Recorder" },
      bindings: { UPSTREAM_URL: url },
    }),
  );
  await worker.ready;
});

afterAll(async () => {
  await worker.dispose();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

afterEach(() => {
  seen = [];
});

async function tell(what: string, channel: number, more = "", body?: object): Promise<NotedInput[]> {
  const response = await worker.dispatchFetch(`http://worker/${what}?object=${object}&channel=${channel}${more}`, {
    method: "POST",
    body: JSON.stringify(body ?? {}),
  });
  return (await response.json()) as NotedInput[];
}

/** Begins an exchange on a channel of its own. */
async function ask(change: Partial<Asked> = {}): Promise<number> {
  const channel = ++lastChannel;
  const asked: Asked = {
    upstream: "test",
    method: "POST",
    path: "/v1/speak?x=1",
    headers: {},
    wants: [],
    timeoutMs: 5_000,
    idleMs: 5_000,
    maxBytes: 256 * 1024 * 1024,
    window: 0,
    body: "",
    ...change,
  };
  await tell("fetch", channel, "", asked);
  return channel;
}

/** What a session was told of the channel, once `done` holds of it. */
async function inputs(channel: number, done: (noted: readonly NotedInput[]) => boolean): Promise<NotedInput[]> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const noted = await tell("inputs", channel);
    if (done(noted)) return noted;
    if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(noted.slice(-5))}`);
    await sleep(5);
  }
}

const over = (noted: readonly NotedInput[]) => noted.some(({ input }) => input === "done" || input === "failed");
const delivered = (noted: readonly NotedInput[]) => noted.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
/** Without its times. */
const plain = (noted: readonly NotedInput[]) => noted.map(({ atMs: _, channel: __, ...rest }) => rest);

async function until(holds: () => boolean, limitMs = 5_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; !holds(); await sleep(1))
    if (Date.now() > deadline) throw new Error("not in time");
}

it("delivers an answer as it comes, chunk by chunk", async () => {
  const written: number[] = [];
  answer = async ({ response }) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "X-Other": "not asked for", "Retry-After": "3" });
    for (const word of ["one", "two", "three"]) {
      written.push(Date.now());
      response.write(word);
      await sleep(100);
    }
    response.end();
  };
  const channel = await ask({ wants: ["content-type", "retry-after", "x-missing"], headers: { accept: "text/plain" } });
  const noted = await inputs(channel, over);
  expect(plain(noted)).toEqual([
    { input: "headers", status: 200, headers: { "content-type": "text/event-stream", "retry-after": "3" } },
    { input: "chunk", text: "one", bytes: 3 },
    { input: "chunk", text: "two", bytes: 3 },
    { input: "chunk", text: "three", bytes: 5 },
    { input: "done" },
  ]);
  const late = noted
    .filter(({ input }) => input === "chunk")
    .map(({ atMs }, index) => atMs - (written[index] ?? Number.NaN));
  measured(`chunks of a streamed answer: ${late.map((ms) => `${ms} ms`).join(", ")} after they were written`);
  expect(Math.max(...late)).toBeLessThan(80);
  const { method, url: asked, headers } = seen[0]?.request ?? {};
  expect([method, asked]).toEqual(["POST", "/base/v1/speak?x=1"]);
  expect(headers).toMatchObject({ authorization: "Bearer secret", accept: "text/plain" });
});

it("sends a body as it is, and no credentials but the upstream's", async () => {
  answer = ({ response }) => response.end("ok");
  const body = JSON.stringify({ text: "\u00e4\u4f60" });
  const headers = { "content-type": "application/json", authorization: "Bearer from-the-core" };
  await inputs(await ask({ body, headers }), over);
  expect(seen[0]?.body.toString()).toBe(body);
  expect(seen[0]?.request.headers).toMatchObject({
    "content-type": "application/json",
    authorization: "Bearer secret",
    "content-length": String(Buffer.byteLength(body)),
  });
  await inputs(await ask({ method: "GET" }), over);
  expect(seen[1]?.request.method).toBe("GET");
});

it.each(["abort", "shutDown"])("%s closes the connection within 200 ms, and nothing more is heard", async (how) => {
  let writing = true;
  answer = async ({ response }) => {
    response.writeHead(200);
    for (; writing && !response.destroyed; await sleep(20)) response.write("word ");
  };
  const channel = await ask();
  await inputs(channel, (noted) => noted.length > 3);
  const beganMs = Date.now();
  const before = await tell(how, channel);
  await until(() => seen[0]?.closedMs !== undefined);
  writing = false;
  const tookMs = (seen[0]?.closedMs ?? Number.NaN) - beganMs;
  measured(`${how}: the server sees its connection closed after ${tookMs} ms`);
  expect(tookMs).toBeLessThan(MAX_ABORT_MS);
  await sleep(100);
  expect(await tell("inputs", channel)).toEqual(before);
  if (how === "abort") return;
  // Nor is anything asked for any more; those that follow have an object of their own.
  const after = await ask();
  await sleep(50);
  expect(await tell("inputs", after)).toEqual([]);
  expect(seen).toHaveLength(1);
  object++;
});

it("gives up an answer whose headers do not come", async () => {
  answer = () => undefined;
  const channel = await ask({ timeoutMs: 200 });
  expect(plain(await inputs(channel, over))).toEqual([
    { input: "failed", failure: "timeout", reason: "no headers in time" },
  ]);
  await until(() => seen[0]?.closedMs !== undefined);
});

it("gives up an answer that stops, but not one that is slow", async () => {
  answer = async ({ response }) => {
    response.writeHead(200);
    for (const word of ["one", "two", "three"]) {
      response.write(word);
      await sleep(200);
    }
  };
  const noted = await inputs(await ask({ idleMs: 500, timeoutMs: 300 }), over);
  expect(plain(noted).slice(1)).toEqual([
    { input: "chunk", text: "one", bytes: 3 },
    { input: "chunk", text: "two", bytes: 3 },
    { input: "chunk", text: "three", bytes: 5 },
    { input: "failed", failure: "timeout", reason: "no next chunk in time" },
  ]);
  await until(() => seen[0]?.closedMs !== undefined);
});

it("takes no more than it is allowed to", async () => {
  answer = async ({ response }) => {
    response.writeHead(200);
    for (let i = 0; i < 1000 && !response.destroyed; i++) {
      response.write("x".repeat(1000));
      await sleep(1);
    }
    response.end();
  };
  const noted = await inputs(await ask({ maxBytes: 20_000 }), over);
  expect(noted.at(-1)).toMatchObject({ input: "failed", failure: "tooLarge" });
  expect(delivered(noted)).toBeLessThanOrEqual(20_000);
  expect(delivered(noted)).toBeGreaterThan(0);
  await until(() => seen[0]?.closedMs !== undefined);
});

it("does not read on without credit: the server has to wait", async () => {
  const Piece = Buffer.alloc(64 * 1024, 0x61);
  const Pieces = 1024;
  let written = 0;
  answer = async ({ response }) => {
    response.writeHead(200);
    for (let i = 0; i < Pieces && !response.destroyed; i++) {
      written += Piece.length;
      if (!response.write(Piece)) await new Promise<void>((resolve) => response.once("drain", resolve));
    }
    response.end();
  };
  const Window = 100_000;
  const channel = await ask({ window: Window, idleMs: 300 });
  let noted = await inputs(channel, (all) => delivered(all) === Window);
  await sleep(1_000);
  noted = await tell("inputs", channel);
  // Longer than the idle time: whoever is not read is not silent.
  expect(over(noted)).toBe(false);
  expect(delivered(noted)).toBe(Window);
  const stalledAt = written;
  await sleep(300);
  expect(written).toBe(stalledAt);
  measured(
    `without credit for more than ${Window} bytes the server gets rid of ${(stalledAt / 2 ** 20).toFixed(1)} MiB of 64`,
  );
  expect(stalledAt).toBeLessThan((Pieces * Piece.length) / 4);
  await tell("credit", channel, "&bytes=12345");
  noted = await inputs(channel, (all) => delivered(all) >= Window + 12345);
  await sleep(50);
  expect(delivered(await tell("inputs", channel))).toBe(Window + 12345);
  await tell("credit", channel, `&bytes=${Pieces * Piece.length}`);
  noted = await inputs(channel, over);
  expect(noted.at(-1)).toMatchObject({ input: "done" });
  expect(delivered(noted)).toBe(Pieces * Piece.length);
});

it("sends the parts of a form exactly, each with its type", async () => {
  answer = ({ response }) => response.end("ok");
  const wav = [0x52, 0x49, 0x46, 0x46, 0, 255, 13, 10, 45, 45];
  const text = [...Buffer.from("whisper-1")];
  await inputs(
    await ask({
      headers: { "content-type": "text/wrong" },
      body: [
        { name: "file", fileName: 'a"b.wav', contentType: "audio/wav", bytes: wav },
        { name: "model", fileName: undefined, contentType: "text/plain", bytes: text },
        { name: "empty", fileName: undefined, contentType: "application/json", bytes: [] },
      ],
    }),
    over,
  );
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(seen[0]?.request.headers["content-type"] ?? "")?.[1];
  const head = (name: string, type: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n\r\n`;
  const expected = Buffer.concat([
    Buffer.from(head('file"; filename="a%22b.wav', "audio/wav")),
    Buffer.from(wav),
    Buffer.from(`\r\n${head("model", "text/plain")}whisper-1`),
    Buffer.from(`\r\n${head("empty", "application/json")}\r\n--${boundary}--\r\n`),
  ]);
  expect(seen[0]?.body).toEqual(expected);
  expect(seen[0]?.request.headers["content-length"]).toBe(String(expected.length));
  // And to whoever else reads forms.
  const form = await new Response(new Uint8Array(expected), {
    headers: { "content-type": seen[0]?.request.headers["content-type"] ?? "" },
  }).formData();
  const file = form.get("file") as File;
  expect([file.name, file.type, [...new Uint8Array(await file.arrayBuffer())]]).toEqual(['a"b.wav', "audio/wav", wav]);
  expect(form.get("model")).toBe("whisper-1");
});

it("says that a connection was refused or broke off", async () => {
  expect(plain(await inputs(await ask({ upstream: "nobody" }), over))).toEqual([
    { input: "failed", failure: "network", reason: "connection failed" },
  ]);
  answer = async ({ response }) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write("half");
    await sleep(50);
    response.destroy();
  };
  const noted = await inputs(await ask(), over);
  expect(noted.at(1)).toMatchObject({ input: "chunk", text: "half" });
  expect(noted.at(-1)).toMatchObject({ input: "failed", failure: "network" });
});

it.each(["openai", "workers-ai", "tool:lookup", "toString"])("knows no upstream %s", async (upstream) => {
  expect(plain(await inputs(await ask({ upstream }), over))).toEqual([
    { input: "failed", failure: "upstream", reason: "there is no such upstream" },
  ]);
});

it.each(["v1", "", "/../admin", "/%2e%2e/admin"])("goes nowhere but to its upstream: %j", async (where) => {
  expect(plain(await inputs(await ask({ path: where }), over))).toEqual([
    { input: "failed", failure: "upstream", reason: "no URL" },
  ]);
  expect(seen).toHaveLength(0);
});

it("does not follow a redirect: credentials go nowhere else", async () => {
  answer = ({ response }) => response.writeHead(307, { Location: `${url}/elsewhere` }).end("moved");
  const noted = await inputs(await ask({ wants: ["location"] }), over);
  expect(plain(noted)).toEqual([
    { input: "headers", status: 307, headers: { location: `${url}/elsewhere` } },
    { input: "chunk", text: "moved", bytes: 5 },
    { input: "done" },
  ]);
  expect(seen).toHaveLength(1);
});

it("delivers what an error says", async () => {
  answer = ({ response }) => response.writeHead(500, { "Content-Type": "application/json" }).end('{"error":"no"}');
  expect(plain(await inputs(await ask({ wants: ["content-type"] }), over))).toEqual([
    { input: "headers", status: 500, headers: { "content-type": "application/json" } },
    { input: "chunk", text: '{"error":"no"}', bytes: 14 },
    { input: "done" },
  ]);
  answer = ({ response }) => response.writeHead(204).end();
  expect(plain(await inputs(await ask(), over))).toEqual([
    { input: "headers", status: 204, headers: {} },
    { input: "done" },
  ]);
});

it("holds as many exchanges at a time as the core may have", async () => {
  answer = async ({ response }) => {
    response.writeHead(200);
    response.write("first");
    await sleep(200);
    response.end("last");
  };
  const channels = await Promise.all(Array.from({ length: 16 }, () => ask()));
  for (const channel of channels) {
    const noted = await inputs(channel, over);
    expect(noted.map(({ text }) => text ?? "").join("")).toBe("firstlast");
  }
});
