import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { SpeechError } from "../../worker-shim/speech/errors.ts";
import { Recognizer } from "../../worker-shim/speech/recognizer.ts";
import { Synthesizer } from "../../worker-shim/speech/synthesizer.ts";
import { SENTENCES } from "../simulators/openai-realtime/domain.ts";
import { say, type Voice } from "../simulators/speech/say.ts";
import { measured } from "../support/measured.ts";
import {
  BUILD,
  hashOf,
  hear,
  model,
  openRecognizer,
  overTheLine,
  recognizerModule,
  speak,
  synthesizerModule,
  wordErrors,
  wordsOf,
} from "./support.ts";

interface Golden {
  spoken: { text: string; pace: number; samples: number; hash: string; words: number[] }[];
  heard: { text: string; words: number[] }[];
}

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, "../golden/speech.json"), "utf8")) as Golden;

describe("the voice", () => {
  it.each(golden.spoken)("says what the native build says: $text", ({ text, pace, samples, hash, words }) => {
    const said = speak(text, pace);
    expect(said.samples.length).toBe(samples);
    expect(said.words.flatMap(({ index, from, to }) => [index, from, to])).toEqual(words);
    expect(hashOf(said.samples)).toBe(hash);
  });

  it("refuses a text that is too long, and a pace out of range", () => {
    const voice = Synthesizer.instantiate(synthesizerModule);
    expect(() => voice.begin("a".repeat(16_385))).toThrow(expect.objectContaining({ code: "request" }));
    expect(() => voice.begin("a", 20)).toThrow(expect.objectContaining({ code: "request" }));
    voice.begin("Still here.");
    expect(voice.next()?.words.map(({ index }) => index)).toEqual([0, 1]);
  });
});

describe("the ears", () => {
  it.each(golden.heard)("hear what the native build hears: $text", ({ text, words }) => {
    const recognizer = openRecognizer();
    recognizer.expect({ kind: "words", sentences: golden.heard.map((row) => row.text) });
    const heard = hear(recognizer, overTheLine(speak(text).samples));
    expect(heard.text).toBe(wordsOf(text).join(" "));
    expect(heard.words.flatMap(({ fromMs, toMs }) => [fromMs, toMs])).toEqual(words);
  });

  it.each<[Voice | "module", number]>([
    ["module", 0],
    ["slt", 0],
    ["awb", 0],
    // "ten people" for "two people", and a "thank you" that was not.
    ["rms", 0.03],
  ])("understand the voice %s over a telephone line", async (voice, most) => {
    const recognizer = openRecognizer();
    expect(recognizer.expect({ kind: "words", sentences: SENTENCES })).toEqual([]);
    let words = 0;
    let errors = 0;
    for (const text of SENTENCES) {
      const samples = voice === "module" ? speak(text).samples : await say(text, { voice, rateHz: 8000 });
      const { text: heard } = hear(recognizer, overTheLine(samples));
      words += wordsOf(text).length;
      errors += wordErrors(wordsOf(text), wordsOf(heard));
    }
    measured(`${BUILD}: voice ${voice} at 8 kHz, ${errors} of ${words} words heard wrong`);
    expect(errors / words).toBeLessThanOrEqual(most);
  });

  it("name the words that they cannot hear", () => {
    const recognizer = openRecognizer();
    expect(recognizer.expect({ kind: "words", sentences: ["open xyzzyx", "plugh"] })).toEqual(["xyzzyx", "plugh"]);
    expect(() => recognizer.expect({ kind: "words", sentences: ["xyzzyx"] })).toThrow(
      expect.objectContaining({ code: "language" }),
    );
    expect(() => recognizer.expect({ kind: "words", sentences: [] })).toThrow(
      expect.objectContaining({ code: "language" }),
    );
    expect(() => recognizer.start(8000, "fresh")).toThrow(expect.objectContaining({ code: "request" }));
    // And are usable after that.
    recognizer.expect({ kind: "words", sentences: ["open please"] });
    expect(hear(recognizer, speak("open please").samples).text).toBe("open please");
  });

  it("take sentences that do not fit at once, and refuse too many words", () => {
    const recognizer = openRecognizer();
    const long = Array.from({ length: 1500 }, () => `${"please open ".repeat(3)}${" ".repeat(80)}`);
    expect(recognizer.expect({ kind: "words", sentences: long })).toEqual([]);
    const many = Array.from({ length: 1001 }, (_, i) => `w${i}`);
    expect(() => recognizer.expect({ kind: "words", sentences: many })).toThrow(
      expect.objectContaining({ code: "request" }),
    );
  });

  it("say how much of an utterance they took when it is as long as may be", () => {
    const recognizer = openRecognizer();
    recognizer.expect({ kind: "sentences", sentences: ["yes", "no"] });
    recognizer.start(8000, "fresh");
    // A slice that would be too long is not taken at all.
    expect(recognizer.feed(new Int16Array(21 * 8000))).toBe(20 * 8000);
    expect(recognizer.feed(new Int16Array(1))).toBe(0);
    expect(recognizer.finish().text).toBe("");
    recognizer.start(8000, "same");
    expect(recognizer.feed(new Int16Array(160))).toBe(160);
  });

  it("trap at a file that is another, and say why", () => {
    const files = model.files.map((bytes, file) => (file === 4 ? new Uint8Array(1000).fill(120) : bytes));
    let fault: SpeechError | undefined;
    try {
      Recognizer.instantiate(recognizerModule, { ...model, files });
    } catch (error) {
      fault = error as SpeechError;
    }
    expect(fault?.code).toBe("trap");
    expect(fault?.message).toContain("sendump");
    const half = model.files.map((bytes, file) => (file === 1 ? bytes.subarray(0, bytes.length / 2) : bytes));
    expect(() => Recognizer.instantiate(recognizerModule, { ...model, files: half })).toThrow(
      expect.objectContaining({ code: "model", message: expect.stringContaining("means") }),
    );
  });
});
