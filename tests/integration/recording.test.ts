// Calls that the core records, over real sockets: what was heard, where it was heard, in a file that others can play.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallRecord, PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { decode, HZ, judge } from "./support/opus.ts";
import { stored } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

const MOST_LAG_MS = 100;

let gateway: Gateway;
beforeAll(async () => {
  prepareVoices();
  gateway = await Gateway.start({ PROFILE: JSON.stringify({ recording: "on", flightRecord: "on" }) });
});
afterAll(async () => {
  const { same, different } = await gateway.replayAll();
  await gateway.close();
  expect(different).toEqual(new Map());
  measured(`${same.length} recorded calls made again natively, the same to the bit`);
});

const recordingOf = (callId: string) => stored(gateway, `/api/calls/${callId}/recording`);

interface Likeness {
  /** By how much the track lags behind the truth where they are most alike. */
  readonly lagMs: number;
  /** How alike they are then, 0 to 1. */
  readonly likeness: number;
}

/** Compares `track` with [from, to) of `truth`, whose sample `zero` is the track's first. */
function compare(track: Int16Array, truth: Int16Array, zero: number, from: number, to: number): Likeness {
  const most = (MOST_LAG_MS * HZ) / 1000;
  let best = { lagMs: Number.NaN, likeness: 0 };
  for (let lag = -most; lag <= most; lag++) {
    let product = 0;
    let squares = 0;
    let truths = 0;
    for (let i = from; i < to; i += 2) {
      const [a = 0, b = 0] = [truth[i], track[i - zero + lag]];
      product += a * b;
      squares += b * b;
      truths += a * a;
    }
    const likeness = product / Math.sqrt(squares * truths || 1);
    if (likeness > best.likeness) best = { lagMs: (lag * 1000) / HZ, likeness };
  }
  return best;
}

async function interruptedCall(options: { loss?: number; jitterMs?: number }): Promise<[PhoneCall, CallRecord]> {
  const call = await gateway.dial({ ...options, seed: 3 });
  const observer = gateway.observe(call.callId);
  for (let i = 0; i < 3; i++) {
    const spoken = await call.say(voice(2500, i + 1));
    await call.firstHeardAfter(spoken.endMs, 8_000);
    await call.until(() => call.clock() > spoken.endMs + 1500, 3_000);
    await call.say(voice(900, i + 4));
    await waitForEvent(observer, "truncated", i + 1);
    await call.quiet(1500);
  }
  call.hangUp();
  await call.ended;
  return [call, call.record()];
}

describe("a recording", () => {
  it.each([
    ["a clean line", {}],
    ["2 % loss and 30 ms of jitter", { loss: 0.02, jitterMs: 30 }],
  ])("has what was said and heard, where it was, over %s", async (_, options) => {
    const [call, record] = await interruptedCall(options);
    const file = await recordingOf(call.callId);
    expect(judge(file).faults).toBe("");
    const [caller, agent] = decode(file);
    // The recording begins with the first frame.
    const zero = Math.round((call.streams[0]?.startedMs ?? 0) * (HZ / 1000));
    const parts = (track: Int16Array, truth: Int16Array, spans: readonly { startMs: number; endMs: number }[]) =>
      spans
        .map(({ startMs, endMs }) => [Math.round(startMs * 8), Math.min(Math.round(endMs * 8), truth.length)] as const)
        .filter(([from, to]) => to - from > 0.2 * HZ)
        .map(([from, to]) => compare(track, truth, zero, from, to));
    const said = parts(caller, record.sent, record.utterances);
    const heard = parts(agent, record.heard, record.audible);
    for (const [side, likenesses] of Object.entries({ caller: said, agent: heard }))
      measured(
        `${side}: ${likenesses.map(({ lagMs, likeness }) => `${lagMs.toFixed(1)} ms ${likeness.toFixed(2)}`).join(", ")}`,
      );
    expect(said).toHaveLength(6);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    for (const { lagMs, likeness } of [...said, ...heard]) {
      expect(Math.abs(lagMs)).toBeLessThanOrEqual(20);
      // At 12 kbit/s, with what the line lost; words in the wrong place would not be alike.
      expect(likeness).toBeGreaterThan(0.8);
    }
  });
});
