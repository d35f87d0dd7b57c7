import { describe, expect, it } from "vitest";
import { ANSWERS } from "../../simulators/openai-realtime/domain.ts";
import { wordTimes } from "../../simulators/speech/word-times.ts";
import { heardText } from "../../support/heard-text.ts";

const wordsOf = (text: string) => text.split(" ").filter((word) => word !== "");

/** At how many instants of `texts`, said by flite, at most one word too many or too few is kept; never more than two. */
async function compare(texts: readonly string[]): Promise<{ instants: number; within: number }> {
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
  return { instants, within };
}

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
    const text = Array.from({ length: 200 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))},`).join(" ");
    const pauses = Array.from({ length: 199 }, (_, i) => [i * 500 + 400, i * 500 + 500] as const);
    for (let word = 0; word < 200; word += 7) {
      const heard = wordsOf(heardText(text, word * 500 + 450, 100_000, pauses));
      expect(Math.abs(heard.length - (word + 1))).toBeLessThanOrEqual(3);
    }
  });

  it("knows that a digit is a word, and a sign too", () => {
    // Eleven letters beside four digits of four letters each.
    expect(heardText("abcdefghijk 1234 z", 450, 1_000)).toBe("abcdefghijk");
    expect(heardText("abcdefghijk 1234 z", 900, 1_000)).toBe("abcdefghijk");
    expect(heardText("abcdefghijk 1234 z", 940, 1_000)).toBe("abcdefghijk 1234");
    expect(heardText("$5 bill", 500, 1_000)).toBe("");
  });

  it.each([
    [
      "Japanese",
      "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002\u660e\u65e5\u306f\u5341\u6642\u304b\u3089\u3067\u3059\u3002",
    ],
    ["Chinese", "\u6211\u4eec\u660e\u5929\u5341\u70b9\u5f00\u95e8\uff0c\u661f\u671f\u65e5\u4f11\u606f\u3002"],
    [
      "Thai",
      "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a \u0e1c\u0e21\u0e0a\u0e37\u0e48\u0e2d\u0e2a\u0e21\u0e0a\u0e32\u0e22",
    ],
  ])("finds the words of %s, which has no spaces between them", (_, text) => {
    const kept = new Set<string>();
    for (let heard = 0; heard <= 1_000; heard += 10) kept.add(heardText(text, heard, 1_000));
    for (const part of kept) expect(text.startsWith(part)).toBe(true);
    expect(kept.size).toBeGreaterThan(4);
    // No mark begins what is left.
    for (const part of kept) expect(text.slice(part.length)).not.toMatch(/^\p{P}/u);
  });

  it("lays the pauses on Japanese marks", () => {
    // Seven signs take 1.4 s, the nine others 2.6 s.
    const text =
      "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002\u660e\u65e5\u306f\u5341\u6642\u304b\u3089\u3067\u3059\u3002";
    expect(heardText(text, 1_450, 4_300, [[1_400, 1_700]])).toBe(text.slice(0, 8));
  });

  it("is what was heard of numbers by a real voice, nearly always within one word", { timeout: 180_000 }, async () => {
    const { instants, within } = await compare([
      "We are open from 9 to 17 on weekdays, and from 10 to 14 on Saturdays.",
      "Your table for 4 is booked at 7 on the 24th of May.",
      "The total is 125 euros, of which 20 are tax.",
      "It was built in 1987 and has 350 rooms on 12 floors.",
      "Flight 2047 leaves at 6 from gate 23, boarding starts 45 minutes before.",
    ]);
    // By characters alone it is 0.93.
    expect(within / instants).toBeGreaterThan(0.97);
  });

  it("is what was heard of a real voice, within one word", { timeout: 180_000 }, async () => {
    // Alone, and as long replies of several sentences.
    const texts = [
      ...ANSWERS,
      ANSWERS.slice(0, 3).join(" "),
      ANSWERS.slice(3, 7).join(" "),
      ANSWERS.slice(0, 9).join(" "),
    ];
    const { instants, within } = await compare(texts);
    // Short words in a row are said faster than their characters tell.
    expect(within / instants).toBeGreaterThan(0.99);
  });
});
