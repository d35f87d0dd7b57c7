import { expect, it } from "vitest";
import { resample } from "../../../simulators/audio/resample.ts";
import { knownSpeech } from "../../../simulators/speech/known-speech.ts";
import { say } from "../../../simulators/speech/say.ts";

const SENTENCES = ["Is my dog allowed inside?", "What time is it?", "What was my first question?"];

it("knows a sentence wherever it is, at any rate, and no part of one", async () => {
  const speech = await knownSpeech(SENTENCES, "rms");
  for (const sentence of SENTENCES) {
    const said = await say(sentence, { voice: "rms" });
    const line = new Int16Array(said.length + 8_000);
    line.set(said, 2_410);
    expect(await speech.hear(resample(line, 8_000, 24_000), 24_000)).toBe(sentence.toLowerCase().replace("?", ""));
    expect(await speech.hear(line.subarray(0, 2_410 + said.length / 2), 8_000)).toBe("");
  }
  expect(await speech.hear(new Int16Array(16_000), 8_000)).toBe("");
});
