import { beforeEach, describe, expect, it } from "vitest";
import { Ears, MAX_LISTENERS } from "../../../../worker-shim/speech/ears.ts";
import { SpeechError } from "../../../../worker-shim/speech/errors.ts";
import { Listener, MAX_AUDIO_BYTES, MAX_WAITING_BYTES } from "../../../../worker-shim/speech/listener.ts";
import type { Language, Recognizer } from "../../../../worker-shim/speech/recognizer.ts";
import { FakeLog, settle } from "../support/fakes.ts";

/** Hears a word a 100 ms, and takes at most a second. */
class FakeRecognizer {
  readonly calls: string[] = [];
  samples = 0;
  fails: Error | undefined;

  expect({ sentences }: Language): readonly string[] {
    this.calls.push(`expect ${sentences.join("|")}`);
    if (this.fails) throw this.fails;
    return sentences.filter((sentence) => sentence === "xyzzy");
  }
  start(rateHz: number, caller: string): void {
    this.calls.push(`start ${rateHz} ${caller}`);
    this.samples = 0;
  }
  feed(samples: Int16Array): number {
    if (this.fails) throw this.fails;
    const taken = Math.min(samples.length, 8000 - this.samples);
    this.samples += taken;
    return taken;
  }
  partial() {
    return this.#heard(0);
  }
  finish() {
    this.calls.push("finish");
    return this.#heard(900);
  }
  #heard(confidence: number) {
    const count = Math.floor(this.samples / 800);
    const words = Array.from({ length: count }, (_, i) => ({
      begin: 3 * i,
      end: 3 * i + 2,
      fromMs: 100 * i,
      toMs: 100 * (i + 1),
      confidence,
    }));
    return { text: words.map((_, i) => `w${i}`).join(" "), words };
  }
}

let recognizers: FakeRecognizer[];
let makes: (() => Promise<FakeRecognizer>) | undefined;
let ears: Ears;
let log: FakeLog;
let sent: Record<string, unknown>[];
let closed: (string | number)[];

const LISTEN = JSON.stringify({ type: "listen", rateHz: 8000, sentences: ["yes", "no"] });
const FINISH = JSON.stringify({ type: "finish" });
const audio = (ms: number) => new ArrayBuffer(16 * ms);

function listener(): Listener {
  return new Listener(
    { send: (text) => sent.push(JSON.parse(text)), close: (code, reason) => closed.push(code, reason) },
    ears,
    log,
  );
}

beforeEach(() => {
  recognizers = [];
  makes = undefined;
  sent = [];
  closed = [];
  log = new FakeLog();
  ears = new Ears(async () => {
    const made = makes ? await makes() : new FakeRecognizer();
    recognizers.push(made);
    return made as unknown as Recognizer;
  });
});

describe("a listener", () => {
  it("says when it listens, what it cannot hear, and what was said", async () => {
    const one = listener();
    one.onText(JSON.stringify({ type: "listen", rateHz: 8000, sentences: ["yes", "xyzzy"] }));
    one.onAudio(audio(60));
    one.onAudio(audio(60));
    one.onAudio(audio(100));
    one.onText(FINISH);
    await one.settled;
    expect(sent).toEqual([
      { type: "ready", unknown: ["xyzzy"] },
      { type: "partial", text: "w0", words: [[0, 2, 0, 100, 0]] },
      { type: "partial", text: "w0 w1", words: [expect.anything(), [3, 5, 100, 200, 0]] },
      { type: "final", text: "w0 w1", words: [[0, 2, 0, 100, 900], expect.anything()], ms: 220, why: "asked" },
    ]);
  });

  it("begins an utterance with the audio behind the last, of the same caller", async () => {
    const one = listener();
    one.onText(LISTEN);
    one.onAudio(audio(20));
    one.onText(FINISH);
    one.onAudio(audio(20));
    one.onText(JSON.stringify({ type: "drop" }));
    one.onAudio(audio(20));
    one.onText(FINISH);
    await one.settled;
    expect(recognizers[0]?.calls).toEqual([
      "expect yes|no",
      "start 8000 fresh",
      "finish",
      "start 8000 same",
      "start 8000 same",
      "finish",
    ]);
  });

  it("answers the end of an utterance of which nothing came", async () => {
    const one = listener();
    one.onText(LISTEN);
    one.onText(FINISH);
    await one.settled;
    expect(sent[1]).toEqual({ type: "final", text: "", words: [], ms: 0, why: "asked" });
  });

  it("ends an utterance that is as long as may be, and hears on", async () => {
    const one = listener();
    one.onText(LISTEN);
    one.onAudio(audio(700));
    one.onAudio(audio(700));
    one.onText(FINISH);
    await one.settled;
    const finals = sent.filter(({ type }) => type === "final");
    expect(finals.map(({ ms, why }) => [ms, why])).toEqual([
      [1000, "full"],
      [400, "asked"],
    ]);
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["an unknown type", '{"type":"sing"}'],
    ["a rate that is none", '{"type":"listen","rateHz":44100,"sentences":["a"]}'],
    ["a kind that is none", '{"type":"listen","rateHz":8000,"kind":"all","sentences":["a"]}'],
    ["no sentences", '{"type":"listen","rateHz":8000}'],
    ["a sentence that is none", '{"type":"listen","rateHz":8000,"sentences":["a",1]}'],
    ["an end before the beginning", FINISH],
  ])("refuses %s", async (_, text) => {
    const one = listener();
    one.onText(text);
    await one.settled;
    expect(sent).toEqual([{ type: "error", code: "request", message: expect.any(String) }]);
    expect(closed).toEqual([1008, "request"]);
  });

  it("refuses audio before it listens", async () => {
    const one = listener();
    one.onAudio(audio(20));
    await one.settled;
    expect(closed).toEqual([1008, "request"]);
    expect(ears.listeners).toBe(0);
  });

  it("holds no more audio than a bound", async () => {
    const one = listener();
    one.onText(LISTEN);
    for (let bytes = 0; bytes < MAX_WAITING_BYTES; bytes += MAX_AUDIO_BYTES)
      one.onAudio(new ArrayBuffer(MAX_AUDIO_BYTES));
    expect(closed).toEqual([]);
    one.onAudio(new ArrayBuffer(2));
    expect(closed[0]).toBe(1009);
    const other = listener();
    other.onAudio(new ArrayBuffer(MAX_AUDIO_BYTES + 2));
    expect(closed[2]).toBe(1009);
    await one.settled;
    expect(ears.listeners).toBe(0);
  });

  it("loses one answer to a trap, and the recogniser with it", async () => {
    const one = listener();
    one.onText(LISTEN);
    await one.settled;
    const broken = recognizers[0] as FakeRecognizer;
    broken.fails = new SpeechError("trap", "unreachable: no memory");
    one.onAudio(audio(20));
    one.onAudio(audio(20));
    await one.settled;
    expect(sent.slice(1)).toEqual([{ type: "error", code: "trap", message: "listening failed" }]);
    expect(closed).toEqual([1011, "trap"]);
    expect(log.lines.filter(({ level }) => level === "error").length).toBe(1);
    const next = listener();
    next.onText(LISTEN);
    await next.settled;
    expect(recognizers.length).toBe(2);
    expect(ears.listeners).toBe(1);
  });

  it("tells that there is no model", async () => {
    makes = async () => {
      throw new SpeechError("model", "there is no mdef");
    };
    const one = listener();
    one.onText(LISTEN);
    await one.settled;
    expect(sent).toEqual([{ type: "error", code: "model", message: "listening failed" }]);
    expect(ears.listeners).toBe(0);
  });

  it("gives its place back when the caller goes, also while it is opened", async () => {
    const one = listener();
    one.onText(LISTEN);
    await one.settled;
    expect(ears.listeners).toBe(1);
    one.onClosed();
    await one.settled;
    await Promise.resolve();
    expect(ears.listeners).toBe(0);

    let open: (() => void) | undefined;
    makes = () => new Promise((resolve) => (open = () => resolve(new FakeRecognizer())));
    const held = listener();
    held.onText(LISTEN);
    await held.settled;
    const other = listener();
    other.onText(LISTEN);
    await settle();
    other.onClosed();
    open?.();
    await other.settled;
    await Promise.resolve();
    expect(ears.listeners).toBe(1);
  });

  it("is refused where all are taken", async () => {
    const all = Array.from({ length: MAX_LISTENERS + 1 }, listener);
    for (const one of all) one.onText(LISTEN);
    await Promise.all(all.map((one) => one.settled));
    expect(sent.filter(({ type }) => type === "ready").length).toBe(MAX_LISTENERS);
    expect(closed).toEqual([1013, "busy"]);
    all[0]?.onClosed();
    await all[0]?.settled;
    await Promise.resolve();
    const next = listener();
    next.onText(LISTEN);
    await next.settled;
    expect(recognizers.length).toBe(MAX_LISTENERS);
    // It expected the same.
    expect(recognizers[0]?.calls).toEqual(["expect yes|no"]);
  });

  it("expects another language when it is told so", async () => {
    const one = listener();
    one.onText(LISTEN);
    one.onAudio(audio(20));
    one.onText(JSON.stringify({ type: "listen", rateHz: 16000, sentences: ["maybe"] }));
    one.onAudio(audio(20));
    await one.settled;
    expect(recognizers.length).toBe(1);
    expect(recognizers[0]?.calls).toEqual(["expect yes|no", "start 8000 fresh", "expect maybe", "start 16000 fresh"]);
  });
});
