import { describe, expect, it } from "vitest";
import { Caller } from "../../load/caller.ts";

const UTTERANCE = Array.from({ length: 100 }, (_, i) => `word ${i}`);
const SPEECH = { utterances: [UTTERANCE], noise: ["noise"] };
const REPLY_MS = 3_000;

/** Answers each utterance 700 ms after its end; returns what was said frame by frame. */
function converse(caller: Caller, frames: number, answers = true): string[] {
  const said: string[] = [];
  let playsUntilMs = 0;
  let quietSinceMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < frames; i++) {
    const nowMs = 1 + i * 20;
    const frame = caller.frame(nowMs, playsUntilMs);
    if (frame === "word 0") playsUntilMs = Math.min(playsUntilMs, nowMs);
    if (frame === "word 99") quietSinceMs = nowMs;
    if (answers && nowMs - quietSinceMs > 700) {
      playsUntilMs = nowMs + REPLY_MS;
      quietSinceMs = Number.POSITIVE_INFINITY;
    }
    said.push(frame);
  }
  return said;
}

describe("Caller", () => {
  it("speaks whole utterances, hears replies out, and interrupts one in four", () => {
    const caller = new Caller(SPEECH, () => 0);
    const said = converse(caller, 50 * 60);
    const { spoken, silent, replies, missed, interrupted } = caller.counts;
    expect(spoken + silent).toBe(said.length);
    expect(spoken).toBe(said.filter((each) => each !== "noise").length);
    expect(missed).toBe(0);
    expect(replies).toBeGreaterThan(8);
    expect(interrupted).toBe(Math.floor(replies / 4));
    const first = said.indexOf("word 0");
    expect(said.slice(first, first + 100)).toEqual(UTTERANCE);
  });

  it("goes on when no reply comes, and counts it", () => {
    const caller = new Caller(SPEECH, () => 0);
    converse(caller, 50 * 30, false);
    expect(caller.counts).toMatchObject({ replies: 0, interrupted: 0, missed: 3 });
  });

  it("says nothing without utterances", () => {
    const caller = new Caller({ ...SPEECH, utterances: [] }, () => 0.5);
    expect(new Set(converse(caller, 500))).toEqual(new Set(["noise"]));
  });
});
