import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeMulaw, encodeMulaw } from "../../../simulators/audio/mulaw.ts";
import { QUESTIONS, SENTENCES, think } from "../../../simulators/openai-realtime/domain.ts";
import { Ears } from "../../../simulators/speech/ears.ts";
import { arpaModel } from "../../../simulators/speech/language-model.ts";
import { say } from "../../../simulators/speech/say.ts";

describe("ears", () => {
  let ears: Ears;
  beforeAll(async () => {
    ears = await Ears.open(SENTENCES);
  });
  afterAll(() => ears.close());

  it.each(["rms", "slt"] as const)("understand all questions of %s over a telephone line", async (voice) => {
    const misses: string[] = [];
    for (const question of QUESTIONS) {
      const line = decodeMulaw(encodeMulaw(await say(question.text, { voice })));
      const words = (await ears.hear(line, 8000)).split(" ");
      if (!question.heard.every((word) => words.includes(word))) misses.push(`${question.text} -> ${words.join(" ")}`);
    }
    expect(misses).toEqual([]);
  });

  it("hear nothing in silence", async () => {
    expect(await ears.hear(new Int16Array(8000), 8000)).toBe("");
  });

  it("refuse words that the dictionary does not have", async () => {
    await expect(Ears.open(["xyzzyq"])).rejects.toThrow("xyzzyq");
  });
});

describe("the model's answers", () => {
  it("hold what each question asks for", () => {
    expect(QUESTIONS.length).toBeGreaterThanOrEqual(16);
    for (const question of QUESTIONS) {
      const thought = think(question.text, []);
      const text = thought.text?.toLowerCase() ?? "";
      for (const word of question.answered) expect(text, question.text).toContain(word);
    }
    expect(new Set(QUESTIONS.map(({ text }) => think(text, []).text)).size).toBe(QUESTIONS.length);
  });

  it("call functions only where they are declared", () => {
    expect(think("what time is it", ["get_time"])).toMatchObject({ kind: "call", name: "get_time" });
    expect(think("what time is it", [])).toMatchObject({ kind: "say" });
    expect(think("thank you goodbye", ["end_call"])).toMatchObject({ kind: "call", name: "end_call" });
  });
});

describe("the language model", () => {
  it("counts what it lists, and probabilities of what follows a word are below one", () => {
    const arpa = arpaModel(["a b", "a c", "b"]);
    const bigrams = [...arpa.matchAll(/^(-?\d+\.\d+) (\S+) (\S+)$/gm)].filter(
      ([, , , last]) => !/^-?\d/.test(last ?? ""),
    );
    expect(arpa).toContain(`ngram 2=${bigrams.length}`);
    const after = bigrams.filter(([, , word]) => word === "a").reduce((sum, [, p]) => sum + 10 ** Number(p), 0);
    expect(after).toBeGreaterThan(0.9);
    expect(after).toBeLessThan(1);
  });
});
