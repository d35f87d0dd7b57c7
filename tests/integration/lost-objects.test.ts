// Objects that are lost at random instants of calls that are recorded, over real sockets: what is left of the calls.
//
// LOST_CALLS=200 LOSSES_PER_CALL=20 is the whole of what CI does a part of; it takes a quarter of an hour.

import { afterAll, beforeAll, expect, it } from "vitest";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { Listeners, WEBHOOK_SECRET } from "./support/listeners.ts";
import { judge } from "./support/opus.ts";
import { allLogged, eventually, logged, stored } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

const CALLS = Number(process.env.LOST_CALLS ?? 16);
const LOSSES_PER_CALL = Number(process.env.LOSSES_PER_CALL ?? 3);
const AT_A_TIME = 10;
/** A session lives for so long before it is lost, ms. */
const LIFE = { least: 200, most: 2_200 };
/** What a loss may cost of the recording, s. */
const MAX_LOST_S = 2;

let gateway: Gateway;
let listeners: Listeners;

beforeAll(async () => {
  prepareVoices();
  listeners = await Listeners.start();
  gateway = await Gateway.start(
    {
      SUPABASE_URL: listeners.url,
      WEBHOOK_URL: `${listeners.url}/hook`,
      MAX_STREAM_RECONNECTS: String(LOSSES_PER_CALL),
      PROFILE: JSON.stringify({ recording: "on", flightRecord: "on" }),
    },
    { SUPABASE_KEY: "sb_secret_test", WEBHOOK_SECRET },
  );
});
afterAll(async () => {
  await gateway.close();
  await listeners.close();
});

interface LostCall {
  readonly callId: string;
  /** How long its streams were with a session in all, ms. */
  readonly connectedMs: number;
}

async function callWithLosses(seed: number, random: () => number): Promise<LostCall> {
  const call = await gateway.dial({ seed });
  await waitForEvent(gateway.observe(call.callId), "agentReady");
  let connectedMs = 0;
  for (let session = 0; session <= LOSSES_PER_CALL; session++) {
    const streams = call.streams.length;
    const fromMs = call.streams.at(-1)?.startedMs ?? 0;
    void call.say(voice(2_000, seed + session));
    await new Promise((resolve) => setTimeout(resolve, LIFE.least + (LIFE.most - LIFE.least) * random()));
    connectedMs += call.clock() - fromMs;
    if (session === LOSSES_PER_CALL) break;
    await gateway.fault(call.callId, { type: "abort" });
    expect(await call.until(() => call.streams.length > streams || call.over, 15_000)).toBe(true);
    expect(call.over, `${call.callId} after ${session + 1} losses`).toBe(false);
  }
  call.hangUp();
  await call.ended;
  return { callId: call.callId, connectedMs };
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
  let worstS = 0;
  const reasons = new Map<string, number>();
  for (const { callId, connectedMs } of calls) {
    const { reason, sessions } = await logged(gateway, callId, 60_000);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    expect(sessions).toBe(LOSSES_PER_CALL + 1);
    const { faults, seconds } = judge(await stored(gateway, `/api/calls/${callId}/recording`, 60_000));
    expect(faults, callId).toBe("");
    worstS = Math.max(worstS, (connectedMs / 1000 - seconds) / LOSSES_PER_CALL);
  }
  const rows = (await allLogged(gateway)).map(({ callId }) => callId);
  expect(rows.toSorted()).toEqual(calls.map(({ callId }) => callId).toSorted());
  for (const { callId } of calls)
    await eventually("delivery", async () => listeners.deliveries.get(`${callId}:call.ended`), 60_000);
  await gateway.idle(100_000);
  const { same, different } = await gateway.replayAll();
  expect([...different]).toEqual([]);
  expect(same).toHaveLength(CALLS);
  process.stdout.write(
    `${CALLS} calls, ${CALLS * LOSSES_PER_CALL} objects lost: ${rows.length} rows (${[...reasons].join(" ")}), every ` +
      `recording plays, at most ${worstS.toFixed(2)} s of it lost each time, nothing waits, no lease is held, each is made again natively\n`,
  );
  expect(worstS).toBeLessThanOrEqual(MAX_LOST_S);
});
