import { describe, expect, it } from "vitest";
import { firstReply, heardWhen, whyNoReply } from "../../simulators/first-reply.ts";

const OFFSET_MS = 100;
const SPOKEN = { startMs: 300, endMs: 1_500 };
/** At this instant of the call. */
const at = (ms: number, type: string, fields: object = {}) => ({ type, atMs: ms - OFFSET_MS, ...fields });

describe("the first reply", () => {
  it("is heard when what was sent is", () => {
    const events = [at(2_200, "turnEnded"), at(2_210, "replyStarted")];
    const audible = [{ startMs: 2_230, endMs: 4_000 }];
    expect(firstReply(events, OFFSET_MS, audible, SPOKEN)).toEqual({
      endOfTurnMs: 2_200,
      sentMs: 2_210,
      heardMs: 2_230,
    });
  });

  it("is none where a sound is all that is heard, be it at the end of the words", () => {
    const audible = [{ startMs: 1_000, endMs: 9_000 }];
    const nothing = { endOfTurnMs: null, sentMs: null, heardMs: null };
    expect(firstReply([at(2_200, "waiting")], OFFSET_MS, audible, SPOKEN)).toEqual(nothing);
  });

  it("is not the sound that ends in it, nor what was said while the caller spoke", () => {
    const events = [at(350, "replyStarted"), at(2_200, "turnEnded"), at(5_000, "replyStarted")];
    const audible = [
      { startMs: 360, endMs: 1_600 },
      { startMs: 4_000, endMs: 9_000 },
    ];
    expect(firstReply(events, OFFSET_MS, audible, SPOKEN)).toMatchObject({ sentMs: 5_000, heardMs: 5_000 });
  });

  it("may come before the words are over", () => {
    const events = [at(900, "turnEnded"), at(910, "replyStarted")];
    const reply = firstReply(events, OFFSET_MS, [{ startMs: 930, endMs: 1_800 }], SPOKEN);
    expect(reply).toMatchObject({ endOfTurnMs: 900, heardMs: 930 });
    expect(heardWhen(reply.heardMs ?? 0, SPOKEN.endMs)).toBe("570 ms before the speech ended");
    expect(heardWhen(2_230, SPOKEN.endMs)).toBe("730 ms after the speech ended");
  });
});

describe("why there was no reply", () => {
  it.each([
    [
      [at(1, "agentFailed", { code: "http401" }), at(2, "agentFailed", { code: "http401" })],
      "the agent was not reached (http401)",
    ],
    [[], "the agent was not reached"],
    [[at(1, "agentReady"), at(2, "agentFailed", { code: "replyFailed" })], "the agent failed (replyFailed)"],
    [[at(1, "agentReady")], undefined],
  ])("is what the events tell: %j", (events, why) => {
    expect(whyNoReply(events)).toBe(why);
  });
});
