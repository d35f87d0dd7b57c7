import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import WebSocket from "ws";
import { decodeMulaw, encodeMulaw } from "../simulators/audio/mulaw.ts";
import { SENTENCES } from "../simulators/openai-realtime/domain.ts";
import { measured } from "../support/measured.ts";

/** The Worker that speaks and listens, as wrangler builds it, in workerd. */
let harness: ReturnType<typeof createTestHarness>;
let url: string;

beforeAll(async () => {
  harness = createTestHarness({ workers: [{ configPath: "./worker-shim/speech/wrangler.toml" }] });
  url = (await harness.listen()).url.href.replace(/\/$/, "");
}, 120_000);

afterAll(() => harness.close());

interface AudioLine {
  type: string;
  rateHz: number;
  words: number[][];
  audio: string;
}

async function speak(text: string, pace = 100) {
  const started = performance.now();
  const response = await fetch(`${url}/speak`, { method: "POST", body: JSON.stringify({ text, pace }) });
  expect(response.status).toBe(200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let received = "";
  let firstMs: number | undefined;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    firstMs ??= performance.now() - started;
    received += decoder.decode(part.value, { stream: true });
  }
  const lines = received
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AudioLine);
  const audio = Buffer.concat(
    lines.filter(({ type }) => type === "audio").map((line) => Buffer.from(line.audio, "base64")),
  );
  const samples = new Int16Array(audio.buffer.slice(audio.byteOffset, audio.byteOffset + audio.length));
  return { lines, samples, firstMs: firstMs ?? Number.NaN, totalMs: performance.now() - started };
}

type Answer = Record<string, unknown> & { type: string };

class Listening {
  readonly #socket: WebSocket;
  readonly #answers: Answer[] = [];
  readonly #waiting: ((answer: Answer) => void)[] = [];
  readonly closed: Promise<number>;

  constructor() {
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/listen`);
    this.closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.on("message", (data) => {
      const answer = JSON.parse(String(data)) as Answer;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(answer);
      else this.#answers.push(answer);
    });
  }

  async opened(): Promise<this> {
    await new Promise((resolve, reject) => {
      this.#socket.once("open", resolve);
      this.#socket.once("error", reject);
    });
    return this;
  }

  send(message: object | Int16Array): void {
    if (message instanceof Int16Array)
      this.#socket.send(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
    else this.#socket.send(JSON.stringify(message));
  }

  async next(): Promise<Answer> {
    return this.#answers.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  async until(type: string): Promise<Answer[]> {
    const answers: Answer[] = [];
    do answers.push(await this.next());
    while (answers.at(-1)?.type !== type);
    return answers;
  }

  close(): void {
    this.#socket.close();
  }
}

describe("the speech Worker", () => {
  it("speaks a text, with its words", async () => {
    await speak("Warm.");
    const { lines, samples, firstMs, totalMs } = await speak("We are open every day. You find us next to the station.");
    measured(`speech in workerd: first audio after ${firstMs.toFixed(0)} ms, all after ${totalMs.toFixed(0)} ms`);
    expect(lines.at(-1)).toEqual({ type: "done", rateHz: 8000, samples: samples.length });
    expect(lines.flatMap(({ words = [] }) => words.map(([index]) => index))).toEqual(
      Array.from({ length: 12 }, (_, i) => i),
    );
    expect(samples.length).toBeGreaterThan(16_000);
  });

  it("refuses what is no text", async () => {
    for (const body of ["", "{", "{}", '{"text":1}', JSON.stringify({ text: "a", pace: 3 })]) {
      const response = await fetch(`${url}/speak`, { method: "POST", body });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ type: "error", code: "request" });
    }
    expect((await fetch(`${url}/speak`)).status).toBe(404);
    expect((await fetch(`${url}/listen`)).status).toBe(426);
    expect((await fetch(`${url}/speech/licences.txt`)).status).toBe(200);
  });

  it("understands what it says, over a telephone line and a socket", async () => {
    const listening = await new Listening().opened();
    listening.send({ type: "listen", rateHz: 8000, sentences: [...SENTENCES, "xyzzyx"] });
    expect(await listening.next()).toEqual({ type: "ready", unknown: ["xyzzyx"] });
    for (const text of ["When do you open?", "Please book a table for seven people."]) {
      const samples = decodeMulaw(encodeMulaw((await speak(text)).samples));
      for (let at = 0; at < samples.length; at += 160) listening.send(samples.subarray(at, at + 160));
      const started = performance.now();
      listening.send({ type: "finish" });
      const answers = await listening.until("final");
      measured(`speech in workerd: final text ${(performance.now() - started).toFixed(0)} ms after it was asked for`);
      expect(answers.at(-1)?.text).toBe(text.toLowerCase().replaceAll(/[^a-z ]/g, ""));
      expect(answers.filter(({ type }) => type === "partial").length).toBeGreaterThan(2);
    }
    listening.close();
  });

  it("closes a socket that breaks the rules, and serves the next", async () => {
    const listening = await new Listening().opened();
    listening.send({ type: "sing" });
    expect(await listening.next()).toMatchObject({ type: "error", code: "request" });
    expect(await listening.closed).toBe(1008);
    const other = await new Listening().opened();
    other.send({ type: "listen", rateHz: 8000, kind: "sentences", sentences: ["yes", "no"] });
    expect(await other.next()).toEqual({ type: "ready", unknown: [] });
    other.close();
  });
});
