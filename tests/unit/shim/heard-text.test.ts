import { describe, expect, it } from "vitest";
import { heardText } from "../../../worker-shim/heard-text.ts";
import { ANSWERS } from "../../simulators/openai-realtime/domain.ts";
import { wordTimes } from "../../simulators/speech/word-times.ts";

const wordsOf = (text: string) => text.split(" ").filter((word) => word !== "");

describe("heardText", () => {
  it("never has more than was heard, nor half a word", () => {
    const text = "the quick brown fox jumps over the lazy dog";
    for (let heard = 0; heard <= 100; heard++) {
      const kept = heardText(text, heard, 100);
      expect(text.startsWith(kept)).toBe(true);
      expect(kept.length).toBeLessThanOrEqual((text.length * heard) / 100 || 0);
      expect(kept === text || text[kept.length] === " " || kept === "").toBe(true);
    }
    expect(heardText(text, 100, 100)).toBe(text);
    expect(heardText("word", 1, 2)).toBe("");
    expect(heardText("", 0, 0)).toBe("");
    expect(heardText("", 0, 10)).toBe("");
  });

  it("grows with what was heard, whatever the pauses", () => {
    const text = "One, two; three. Four five, six! Seven? Eight nine ten.";
    for (const pauses of [
      [],
      [[0, 50]],
      [[300, 400]],
      [
        [100, 200],
        [250, 300],
        [700, 950],
        [960, 1000],
      ],
      [[1, 999]],
    ] as const) {
      let before = 0;
      for (let heard = 0; heard <= 1000; heard += 5) {
        const { length } = heardText(text, heard, 1000, pauses);
        expect(length).toBeGreaterThanOrEqual(before);
        before = length;
      }
      expect(before).toBe(text.length);
    }
  });

  it("knows a clause's end by its pause, however long the clauses are", () => {
    // Ten characters take 1.4 s, the other fifteen 3.2 s.
    const text = "abcde fgh, klmno pqrs tuv";
    const pauses = [[1_400, 1_800]] as const;
    expect(heardText(text, 1_390, 5_000, pauses)).toBe("abcde");
    expect(heardText(text, 1_400, 5_000, pauses)).toBe("abcde fgh,");
    expect(heardText(text, 3_000, 5_000, pauses)).toBe("abcde fgh,");
    expect(heardText(text, 3_100, 5_000, pauses)).toBe("abcde fgh, klmno");
  });

  it("keeps its time with a hundred marks and pauses", () => {
    const text = Array.from({ length: 200 }, (_, i) => `word${i},`).join(" ");
    const pauses = Array.from({ length: 199 }, (_, i) => [i * 500 + 400, i * 500 + 500] as const);
    for (let word = 0; word < 200; word += 7) {
      const heard = wordsOf(heardText(text, word * 500 + 450, 100_000, pauses));
      expect(Math.abs(heard.length - (word + 1))).toBeLessThanOrEqual(3);
    }
  });

  it("is what was heard of a real voice, within one word", { timeout: 60_000 }, async () => {
    // Alone, and as long replies of several sentences.
    const texts = [
      ...ANSWERS,
      ANSWERS.slice(0, 3).join(" "),
      ANSWERS.slice(3, 7).join(" "),
      ANSWERS.slice(0, 9).join(" "),
    ];
    let instants = 0;
    let within = 0;
    for (const text of texts) {
      const { endsMs, pausesMs, lengthMs } = await wordTimes(text);
      // As the core finds them: whole frames, of 80 ms and more.
      const pauses = pausesMs
        .map(([from, to]) => [Math.ceil(from / 20) * 20, Math.floor(to / 20) * 20] as const)
        .filter(([from, to]) => to - from >= 80);
      for (let heardMs = 0; heardMs < lengthMs; heardMs += 10) {
        const truth = endsMs.filter((endMs) => endMs <= heardMs).length;
        const kept = wordsOf(heardText(text, heardMs, lengthMs, pauses)).length;
        instants++;
        if (Math.abs(kept - truth) <= 1) within++;
        expect(Math.abs(kept - truth), `"${text}" after ${heardMs} ms`).toBeLessThanOrEqual(2);
      }
    }
    // Short words in a row are said faster than their characters tell.
    expect(within / instants).toBeGreaterThan(0.99);
  });
});
