// The upstream "speech", by the shim's ports in one Worker and a service binding to the speech Worker, as wrangler builds
// it, in workerd.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { SENTENCES } from "../simulators/openai-realtime/domain.ts";
import { measured } from "../support/measured.ts";
import { Gateway } from "./support/gateway.ts";
import type { Asked, NotedInput } from "./support/ports-worker.ts";
import { prepareVoices, voice } from "./support/voice.ts";

/** Whose ports are asked: bound to the speech Worker, to one that fails, or to none. */
type Caller = "bound" | "failing" | "unbound";

const WAIT_MS = 20_000;
/** Until the voice of an answer that was aborted speaks another: 60 ms, of which the requests that find it out are most. */
const MAX_ABORT_MS = 1_000;
/** Of worker-shim/speech/speaker.ts. */
const MAX_SPEAKERS = 8;
/** Of a message of audio: 20 ms. */
const MESSAGE_BYTES = 320;
/** A quarter of an hour of speech. */
const STORY = "It is a long story. ".repeat(800);

let harness: ReturnType<typeof createTestHarness>;
let object = 0;
let lastChannel = 0;

function ports(name: Caller, service: string | undefined) {
  return {
    config: {
      name,
      main: "tests/integration/support/ports-worker.ts",
      compatibility_date: "2026-10-01",
      durable_objects: { bindings: [{ name: "RECORDERS", class_name: "Recorder" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Recorder"] }],
      ...(service && { services: [{ binding: "SPEECH", service }] }),
    },
  };
}

beforeAll(async () => {
  harness = createTestHarness({
    workers: [
      ports("bound", "trunkline-speech"),
      ports("failing", "failing-speech"),
      ports("unbound", undefined),
      { configPath: "./worker-shim/speech/wrangler.toml" },
      {
        config: {
          name: "failing-speech",
          main: "tests/integration/support/failing-speech-worker.ts",
          compatibility_date: "2026-10-01",
        },
      },
    ],
  });
  await harness.listen();
}, 120_000);

afterAll(() => harness.close());

afterEach(async () => {
  await new Channel("bound").tell("shutDown");
  await new Channel("failing").tell("shutDown");
  object++;
});

/** One channel of a caller. */
class Channel {
  readonly #caller: Caller;
  readonly #number = ++lastChannel;

  constructor(caller: Caller = "bound") {
    this.#caller = caller;
  }

  async tell(what: string, body: string | Uint8Array = "", more = ""): Promise<NotedInput[]> {
    const url = `http://ports/${what}?object=${object}&channel=${this.#number}${more}`;
    const response = await harness.getWorker(this.#caller).fetch(url, { method: "POST", body });
    return (await response.json()) as NotedInput[];
  }

  connect(path = "/listen"): Promise<NotedInput[]> {
    return this.tell("connect", JSON.stringify({ upstream: "speech", path, protocols: [] }));
  }

  /** Asks for a text to be spoken. */
  async speak(text: string, change: Partial<Asked> = {}): Promise<this> {
    const asked: Asked = {
      upstream: "speech",
      method: "POST",
      path: "/speak",
      headers: { "content-type": "application/json" },
      wants: ["content-type"],
      timeoutMs: 5_000,
      idleMs: 5_000,
      maxBytes: 256 * 1024 * 1024,
      window: 0,
      body: JSON.stringify({ text }),
      ...change,
    };
    await this.tell("fetch", JSON.stringify(asked), text === STORY ? "" : "&texts=all");
    return this;
  }

  /** What a session was told, once it was told this. */
  async until(holds: (noted: NotedInput) => boolean): Promise<NotedInput[]> {
    for (const deadline = Date.now() + WAIT_MS; ; ) {
      const noted = await this.tell("inputs");
      if (noted.some(holds)) return noted;
      if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(noted.slice(-5))}`);
      await sleep(5);
    }
  }

  async ended(): Promise<NotedInput[]> {
    return this.until(({ input }) => input === "done" || input === "failed" || input === "closed");
  }

  async status(): Promise<number | undefined> {
    return (await this.until(({ input }) => input === "headers")).find(({ input }) => input === "headers")?.status;
  }

  async heard(type: string, after = 0): Promise<Record<string, unknown>> {
    const ofType = (noted: readonly NotedInput[]) =>
      noted
        .flatMap(({ input, text = "" }) => (input === "text" ? [JSON.parse(text) as Record<string, unknown>] : []))
        .filter((answer) => answer["type"] === type);
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(5)) {
      const answer = ofType(await this.tell("inputs"))[after];
      if (answer) return answer;
    }
    throw new Error(`no ${type} in time`);
  }
}

/** Lines of an answer, and the samples in them. */
function spoken(noted: readonly NotedInput[]) {
  const text = noted.map(({ input, text: chunk = "" }) => (input === "chunk" ? chunk : "")).join("");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly type: string; readonly audio?: string });
  const audio = Buffer.concat(lines.map(({ audio: part = "" }) => Buffer.from(part, "base64")));
  return { lines, audio };
}

describe("speech, bound", () => {
  it("is spoken and understood: an exchange that is streamed, and a socket", async () => {
    const ears = new Channel();
    await ears.connect();
    await ears.until(({ input }) => input === "opened");
    await ears.tell("text", JSON.stringify({ type: "listen", rateHz: 8000, sentences: SENTENCES }));
    expect(await ears.heard("ready")).toEqual({ type: "ready", unknown: [] });
    for (const [index, text] of ["When do you open?", "Please book a table for seven people."].entries()) {
      const noted = await (await new Channel().speak(text)).ended();
      expect(noted[0]).toMatchObject({ status: 200, headers: { "content-type": "application/x-ndjson" } });
      expect(noted.at(-1)?.input).toBe("done");
      const { lines, audio } = spoken(noted);
      expect(lines.at(-1)).toMatchObject({ type: "done", samples: audio.length / 2 });
      await ears.tell("binary", audio, `&step=${MESSAGE_BYTES}`);
      await ears.tell("text", JSON.stringify({ type: "finish" }));
      expect((await ears.heard("final", index))["text"]).toBe(text.toLowerCase().replaceAll(/[^a-z ]/g, ""));
    }
  });

  it("is listened to by as many as there are ears, and by others when these are closed", async () => {
    for (let round = 0; round < 3; round++) {
      const ears = Array.from({ length: 4 }, () => new Channel());
      for (const each of ears) {
        await each.connect();
        await each.until(({ input }) => input === "opened");
        await each.tell("text", JSON.stringify({ type: "listen", rateHz: 8000, sentences: ["yes", "no"] }));
        await each.heard("ready");
      }
      const fifth = new Channel();
      await fifth.connect();
      await fifth.until(({ input }) => input === "opened");
      await fifth.tell("text", JSON.stringify({ type: "listen", rateHz: 8000, sentences: ["yes", "no"] }));
      expect((await fifth.ended()).at(-1)).toMatchObject({ input: "closed", code: 1013 });
      for (const each of ears) await each.tell("close");
      // The speech Worker is told.
      await sleep(200);
    }
  });

  it("speaks no further than it is read, and is told when an answer is not wanted any more", async () => {
    const stories = Array.from({ length: MAX_SPEAKERS }, () => new Channel());
    for (const each of stories) await each.speak(STORY, { window: 1 });
    for (const each of stories) await each.until(({ input }) => input === "chunk");
    // Whoever has been spoken to the end would have given its voice back.
    await sleep(1_000);
    expect(await (await new Channel().speak("Hello.")).status()).toBe(503);
    const abortedMs = Date.now();
    await stories.pop()?.tell("abort");
    while ((await (await new Channel().speak("Hello.")).status()) !== 200)
      if (Date.now() - abortedMs > WAIT_MS) throw new Error("the voice is not given back");
    const tookMs = Date.now() - abortedMs;
    measured(`speech by a binding: the voice of an answer that was aborted speaks another text after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(MAX_ABORT_MS);
  });

  it("loses no voice to answers that are aborted, wherever they are", async () => {
    for (let round = 0; round < 3 * MAX_SPEAKERS; round++) {
      const channel = await new Channel().speak(STORY, { window: 1 + 10_000 * round });
      if (round % 4 > 0) await channel.until(({ input }) => input === "chunk");
      await channel.tell("abort");
    }
    await sleep(200);
    const voices = Array.from({ length: MAX_SPEAKERS }, () => new Channel());
    for (const each of voices) await each.speak(STORY, { window: 1 });
    for (const each of voices) expect(await each.status()).toBe(200);
  });

  it("says what is no text", async () => {
    const noted = await (await new Channel().speak("", { body: "{}" })).ended();
    expect(noted[0]).toMatchObject({ input: "headers", status: 400 });
    expect(spoken(noted).lines).toMatchObject([{ type: "error", code: "request" }]);
    const nowhere = new Channel();
    await nowhere.connect("/nowhere");
    expect((await nowhere.ended()).at(-1)).toMatchObject({ input: "closed", code: 1006, status: 404 });
  });
});

describe("speech that fails", () => {
  it("by a trap says so in the middle", async () => {
    const noted = await (await new Channel("failing").speak("Hello.")).ended();
    expect(spoken(noted).lines).toMatchObject([{ type: "audio" }, { type: "error", code: "trap" }]);
    expect(noted.at(-1)?.input).toBe("done");
    const ears = new Channel("failing");
    await ears.connect();
    await ears.until(({ input }) => input === "opened");
    await ears.tell("text", JSON.stringify({ type: "listen", rateHz: 8000, sentences: ["yes"] }));
    await ears.tell("binary", new Uint8Array(MESSAGE_BYTES), `&step=${MESSAGE_BYTES}`);
    expect(await ears.heard("error")).toMatchObject({ code: "trap" });
    expect((await ears.ended()).at(-1)).toMatchObject({ input: "closed", code: 1011, reason: "trap" });
  });

  it("with all of its isolate is a connection that breaks off", async () => {
    const noted = await (await new Channel("failing").speak("Hello.", { path: "/gone/speak" })).ended();
    expect(noted.map(({ input }) => input)).toEqual(["headers", "chunk", "failed"]);
    expect(noted.at(-1)).toMatchObject({ failure: "network" });
  });
});

it("is bound to the built gateway, which takes calls as without", async () => {
  prepareVoices();
  const gateway = await Gateway.start({}, {}, "bound");
  try {
    const call = await gateway.dial();
    const { endMs } = await call.say(voice(1_000));
    expect(await call.firstHeardAfter(endMs)).toBeDefined();
    call.hangUp();
    await gateway.idle();
  } finally {
    await gateway.close();
  }
});

it("without its binding is not configured", async () => {
  expect(await (await new Channel("unbound").speak("Hello.")).ended()).toMatchObject([
    { input: "failed", failure: "upstream", reason: "there is no such upstream" },
  ]);
  const ears = new Channel("unbound");
  await ears.connect();
  expect(await ears.ended()).toMatchObject([{ input: "closed", code: 1006, status: 401 }]);
});
