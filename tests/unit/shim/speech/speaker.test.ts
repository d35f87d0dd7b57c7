import { beforeEach, describe, expect, it } from "vitest";
import { SpeechError } from "../../../../worker-shim/speech/errors.ts";
import { MAX_SPEAKERS, Speakers, speakRequest } from "../../../../worker-shim/speech/speaker.ts";
import type { Synthesizer } from "../../../../worker-shim/speech/synthesizer.ts";
import { FakeLog } from "../support/fakes.ts";

/** Speaks as many stretches as the text has words, 1.5 s each. */
class FakeVoice {
  readonly rateHz = 8000;
  texts: string[] = [];
  spoken = 0;
  fails: unknown;
  #left = 0;

  begin(text: string, pace: number): void {
    this.texts.push(`${text} ${pace}`);
    this.#left = text.split(" ").length;
  }
  next() {
    if (this.fails) throw this.fails;
    if (this.#left-- <= 0) return undefined;
    this.spoken++;
    return { samples: new Int16Array(12_000).fill(258), words: [{ index: 0, begin: 1, end: 2, from: 3, to: 4 }] };
  }
}

let voices: FakeVoice[];
let speakers: Speakers;
let log: FakeLog;

beforeEach(() => {
  voices = [];
  log = new FakeLog();
  speakers = new Speakers(() => {
    const voice = new FakeVoice();
    voices.push(voice);
    return voice as unknown as Synthesizer;
  }, log);
});

async function linesOf(stream: ReadableStream<Uint8Array>): Promise<Record<string, unknown>[]> {
  const text = await new Response(stream).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("a text", () => {
  it("is spoken as lines of a second, the words in the first of a stretch", async () => {
    const lines = await linesOf(speakers.speak({ text: "one two", pace: 100 }));
    expect(lines.map(({ type }) => type)).toEqual(["audio", "audio", "audio", "audio", "done"]);
    expect(lines.map(({ words }) => words)).toEqual([[[0, 1, 2, 3, 4]], [], [[0, 1, 2, 3, 4]], [], undefined]);
    expect(lines[4]).toEqual({ type: "done", rateHz: 8000, samples: 24_000 });
    const audio = lines.slice(0, 2).map((line) => Buffer.from(line.audio as string, "base64"));
    expect(audio.map(({ length }) => length)).toEqual([16_000, 8_000]);
    expect(audio.every((bytes) => bytes.every((byte, i) => byte === (i % 2 === 0 ? 2 : 1)))).toBe(true);
    expect(speakers.speakers).toBe(0);
  });

  it("is spoken as far as it is read", async () => {
    const stream = speakers.speak({ text: "a b c d e f", pace: 100 });
    expect(voices.length).toBe(0);
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    expect(voices[0]?.spoken).toBe(2);
    await reader.cancel();
    expect(speakers.speakers).toBe(0);
    // The voice is there for the next.
    await linesOf(speakers.speak({ text: "g", pace: 120 }));
    expect(voices.length).toBe(1);
    expect(voices[0]?.texts).toEqual(["a b c d e f 100", "g 120"]);
  });

  it.each([
    [new SpeechError("trap", "unreachable"), "trap"],
    [new SpeechError("model", "another boundary"), "model"],
    [new TypeError("a fault of ours"), "trap"],
  ])("loses itself to a fault and nobody else: %s", async (fault, code) => {
    const reader = speakers.speak({ text: "a b", pace: 100 }).getReader();
    await reader.read();
    const voice = voices[0] as FakeVoice;
    voice.fails = fault;
    const { value } = await reader.read();
    expect(JSON.parse(new TextDecoder().decode(value))).toEqual({ type: "error", code, message: "speaking failed" });
    expect((await reader.read()).done).toBe(true);
    expect(speakers.speakers).toBe(0);
    expect(log.lines.length).toBe(1);
    await linesOf(speakers.speak({ text: "c", pace: 100 }));
    expect(voices.length).toBe(2);
  });

  it("finds a voice that has spoken before", async () => {
    speakers.warmUp();
    expect(voices[0]?.texts.length).toBe(1);
    await linesOf(speakers.speak({ text: "a", pace: 100 }));
    expect(voices.length).toBe(1);
  });

  it("is told of a voice that does not speak when it is asked for", async () => {
    let fails = true;
    const broken = new Speakers(() => {
      if (fails) throw new SpeechError("trap", "unreachable");
      return new FakeVoice() as unknown as Synthesizer;
    }, log);
    broken.warmUp();
    expect(log.lines.length).toBe(1);
    expect(await linesOf(broken.speak({ text: "a", pace: 100 }))).toEqual([
      { type: "error", code: "trap", message: "speaking failed" },
    ]);
    fails = false;
    expect((await linesOf(broken.speak({ text: "a", pace: 100 }))).length).toBe(3);
  });

  it("is refused where all voices are taken", async () => {
    const streams = Array.from({ length: MAX_SPEAKERS }, () => speakers.speak({ text: "a", pace: 100 }));
    expect(() => speakers.speak({ text: "a", pace: 100 })).toThrow(expect.objectContaining({ code: "busy" }));
    await streams[0]?.cancel();
    expect((await linesOf(speakers.speak({ text: "a", pace: 100 }))).length).toBe(3);
  });
});

describe("what is asked for", () => {
  it("is a text, and a pace where there is one", () => {
    expect(speakRequest({ text: "a" })).toEqual({ text: "a", pace: 100 });
    expect(speakRequest({ text: "", pace: 50 })).toEqual({ text: "", pace: 50 });
    expect(speakRequest({ text: "a".repeat(16_384) }).text.length).toBe(16_384);
  });

  it.each([
    null,
    7,
    "a",
    {},
    { text: 7 },
    { text: "\u00e9".repeat(8193) },
    { text: "a", pace: 49 },
    { text: "a", pace: 201 },
    { text: "a", pace: 99.5 },
    { text: "a", pace: "100" },
  ])("is refused otherwise: %j", (json) => {
    expect(() => speakRequest(json)).toThrow(expect.objectContaining({ code: "request" }));
  });
});
