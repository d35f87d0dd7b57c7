// Objects that are lost at random instants of calls that are recorded, over real sockets: what is left of the calls.
//
// LOST_CALLS=200 LOSSES_PER_CALL=20 is the whole of what CI does a part of; it takes eleven minutes.

import { afterAll, beforeAll, expect, it } from "vitest";
import { frameLevels } from "../simulators/audio/analysis.ts";
import type { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { Listeners } from "./support/listeners.ts";
import { decode, judge } from "./support/opus.ts";
import { allLogged, eventually, logged, stored } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

const CALLS = Number(process.env.LOST_CALLS ?? 16);
const LOSSES_PER_CALL = Number(process.env.LOSSES_PER_CALL ?? 3);
const AT_A_TIME = 10;
/** A session lives for so long before it is lost, ms. */
const LIFE = { least: 200, most: 2_200 };
/** What a loss may cost of the recording. */
const MAX_LOST_MS = 2_000;
/** How far off the call's clock a session's part of it may be. */
const MARGIN_MS = 300;

let gateway: Gateway;
let listeners: Listeners;

beforeAll(async () => {
  prepareVoices();
  listeners = await Listeners.start();
  gateway = await Gateway.start(
    {
      ...listeners.variables,
      MAX_STREAM_RECONNECTS: String(LOSSES_PER_CALL),
      PROFILE: JSON.stringify({ recording: "on", flightRecord: "on" }),
    },
    listeners.secrets,
  );
});
afterAll(async () => {
  await gateway.close();
  await listeners.close();
});

interface LostCall {
  readonly call: PhoneCall;
  /** When its objects were lost, on the call's clock. */
  readonly lostAtMs: readonly number[];
}

async function callWithLosses(seed: number, random: () => number): Promise<LostCall> {
  const call = await gateway.dial({ seed, maxDocuments: LOSSES_PER_CALL + 2 });
  await waitForEvent(gateway.observe(call.callId), "agentReady");
  const lostAtMs: number[] = [];
  for (let session = 0; session <= LOSSES_PER_CALL; session++) {
    const streams = call.streams.length;
    // Whenever the object is lost, the caller speaks.
    void call.say(voice(LIFE.most + 1_000, seed + session));
    await new Promise((resolve) => setTimeout(resolve, LIFE.least + (LIFE.most - LIFE.least) * random()));
    if (session === LOSSES_PER_CALL) break;
    lostAtMs.push(call.clock());
    await gateway.fault(call.callId, { type: "abort" });
    expect(await call.until(() => call.streams.length > streams || call.over, 15_000)).toBe(true);
    expect(call.over, `${call.callId} after ${session + 1} losses`).toBe(false);
  }
  call.hangUp();
  await call.ended;
  return { call, lostAtMs };
}

/** Of a recording's caller: what each loss cost of it, and how far off each session's begin is, ms. */
function compare({ call, lostAtMs }: LostCall, caller: Int16Array): { lostMs: number[]; offMs: number[] } {
  const levels = frameLevels(caller);
  const zeroMs = call.streams[0]?.startedMs ?? 0;
  const loud = (fromMs: number, toMs: number) =>
    levels.flatMap((level, frame) => (level > -40 && frame * 20 >= fromMs && frame * 20 < toMs ? frame * 20 : []));
  const sessions = call.record().utterances.map(({ startMs }, index) => {
    const [beginMs, lostMs] = [startMs - zeroMs, (lostAtMs[index] ?? call.clock()) - zeroMs];
    return { beginMs, lostMs, loud: loud(beginMs - MARGIN_MS, lostMs - MARGIN_MS) };
  });
  return {
    lostMs: sessions.slice(0, -1).map(({ beginMs, lostMs, loud }) => lostMs - ((loud.at(-1) ?? beginMs - 20) + 20)),
    // A session of which a page was stored; the last one's are all there.
    offMs: sessions.flatMap(({ beginMs, loud }) => (loud[0] === undefined ? [] : loud[0] - beginMs)),
  };
}

it("leave one row for each call, a recording of all but the last moment, and no lease", {
  timeout: 3_000_000,
}, async () => {
  let state = 12_345;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const calls: LostCall[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(AT_A_TIME, CALLS) }, async () => {
      while (next < CALLS) calls.push(await callWithLosses(++next, random));
    }),
  );
  let lostMs: number[] = [];
  let offMs: number[] = [];
  const reasons = new Map<string, number>();
  for (const lost of calls) {
    const { callId } = lost.call;
    const { reason, sessions } = await logged(gateway, callId, 60_000);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    expect(sessions).toBe(LOSSES_PER_CALL + 1);
    const recording = await stored(gateway, `/api/calls/${callId}/recording`, 60_000);
    const { faults, streams } = judge(recording);
    expect(faults, callId).toBe("");
    expect(streams, callId).toBe(1);
    const compared = compare(lost, decode(recording)[0]);
    lostMs = lostMs.concat(compared.lostMs);
    offMs = offMs.concat(compared.offMs);
  }
  const rows = (await allLogged(gateway)).map(({ callId }) => callId);
  expect(rows.toSorted()).toEqual(calls.map(({ call }) => call.callId).toSorted());
  for (const { call } of calls)
    await eventually("delivery", async () => listeners.deliveries.get(`${call.callId}:call.ended`), 60_000);
  await gateway.idle(100_000);
  const { same, different } = await gateway.replayAll();
  expect([...different]).toEqual([]);
  expect(same).toHaveLength(CALLS);
  // Nothing is off where nothing was found.
  expect(offMs.length).toBeGreaterThan(CALLS);
  const worstMs = Math.max(...lostMs);
  const worstOffMs = Math.max(...offMs.map(Math.abs));
  measured(
    `${CALLS} calls, ${CALLS * LOSSES_PER_CALL} objects lost: ${rows.length} rows (${[...reasons].join(" ")}), every ` +
      `recording is one file that plays, at most ${worstMs.toFixed(0)} ms of it lost each time (mean ` +
      `${(lostMs.reduce((sum, ms) => sum + ms, 0) / lostMs.length).toFixed(0)}), what follows at most ` +
      `${worstOffMs.toFixed(0)} ms off; nothing waits, no lease is held, each is made again natively`,
  );
  expect(worstMs).toBeLessThanOrEqual(MAX_LOST_MS);
  expect(worstOffMs).toBeLessThanOrEqual(MARGIN_MS);
});

it("does not record again what was paused when the object was lost", async () => {
  const call = await gateway.dial({ seed: 5, maxDocuments: 3 });
  await waitForEvent(gateway.observe(call.callId), "agentReady");
  const command = async (type: string) => {
    const path = `/api/calls/${call.callId}/commands`;
    const response = await gateway.api(path, { method: "POST", body: JSON.stringify({ type }) });
    expect(await response.json()).toEqual({ status: "done" });
    return call.clock();
  };
  // Between two pages, which would take the pause along.
  await call.say(voice(1_200, 1));
  const pausedMs = await command("pauseRecording");
  // At once: the answer alone says that the pause is kept.
  await gateway.fault(call.callId, { type: "abort" });
  expect(await call.until(() => call.streams.length === 2, 15_000)).toBe(true);
  await call.say(voice(1_500, 2));
  const resumedMs = await command("resumeRecording");
  const after = await call.say(voice(1_500, 3));
  call.hangUp();
  await call.ended;
  const recording = await stored(gateway, `/api/calls/${call.callId}/recording`, 60_000);
  expect(judge(recording).faults).toBe("");
  const levels = frameLevels(decode(recording)[0]);
  const zeroMs = call.streams[0]?.startedMs ?? 0;
  const loudest = (fromMs: number, toMs: number) =>
    Math.max(...levels.slice(Math.ceil((fromMs - zeroMs) / 20), Math.floor((toMs - zeroMs) / 20)));
  // Frames that are recorded were spoken up to a way before.
  expect(loudest(pausedMs + 60, resumedMs - 60)).toBeLessThan(-60);
  expect(loudest(after.startMs + MARGIN_MS, after.endMs)).toBeGreaterThan(-30);
});
