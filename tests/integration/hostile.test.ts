// A provider that answers anything at any time, and a carrier that repeats itself: each call ends, with a log of what was
// heard. The same in virtual time, and by the hundred thousand, is tests/storm.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOSE_CODES, type Hostility, REPLIES, STARTS } from "../simulators/openai-realtime/hostility.ts";
import { RealtimeServer } from "../simulators/openai-realtime/server.ts";
import { MANNERS, placeHostileCall, planOf } from "../simulators/twilio/hostile-carrier.ts";
import { measured } from "../support/measured.ts";
import { Gateway } from "./support/gateway.ts";
import { logged } from "./support/stored.ts";
import { untruths } from "./support/truth.ts";
import { voice } from "./support/voice.ts";

const CALLS_AT_A_TIME = 16;
const REPLY_MS = 2_500;
const AGENT_READY_MS = 2_500;
const MAX_CALL_MS = 20_000;
/** The caller's turn, after the call has begun, and its length. */
const SPEAKS_AFTER_MS = 500;
const TURN_MS = 900;
/** What a caller who is answered by nobody waits for. */
const PATIENCE_MS = 8_000;
const REASONS = ["callerHangUp", "agentFailed", "noAnswer", "hangUp", "maxDuration"];

let upstream: RealtimeServer;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await RealtimeServer.start({
    speech: {
      say: (text) =>
        Promise.resolve(Int16Array.from({ length: 12_000 + 16 * text.length }, (_, i) => 6000 * Math.sin(i / 5))),
      hear: () => Promise.resolve("what is on the menu today"),
    },
  });
  gateway = await Gateway.start({
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}`,
    LIMITS: JSON.stringify({ replyMs: REPLY_MS, agentReadyMs: AGENT_READY_MS, maxCallMs: MAX_CALL_MS }),
  });
});
beforeEach(() => {
  upstream.faults = {};
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Does `work` with every item, so many at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const pending = [...items];
  await Promise.all(
    Array.from({ length: CALLS_AT_A_TIME }, async () => {
      for (let item = pending.shift(); item !== undefined; item = pending.shift()) await work(item);
    }),
  );
}

/** One is dialled at a time: the provider's next session is that call's. */
let dialling: Promise<unknown> = Promise.resolve();

/** A call that meets a provider like this. Returns what is wrong with what is left of it, and how it ended. */
async function meet(hostile: Hostility): Promise<{ wrong: string[]; reason: string }> {
  const dialled = dialling.then(async () => {
    upstream.faults = { hostile };
    const before = upstream.sessions.length;
    const call = await gateway.dial({ agent: "openai-realtime" });
    const observer = gateway.observe(call.callId);
    await call.until(() => upstream.sessions.length > before, 3_000);
    return { call, observer };
  });
  dialling = dialled.catch(() => undefined);
  const { call, observer } = await dialled;
  await call.until(() => call.clock() >= SPEAKS_AFTER_MS, SPEAKS_AFTER_MS);
  const turn = voice(TURN_MS);
  void call.say(turn);
  await call.until(
    () => call.audible.length > 0 && call.clock() - (call.audible.at(-1)?.endMs ?? 0) > 700,
    PATIENCE_MS,
  );
  // He asks once more, and goes while he is answered.
  if (!call.over) {
    void call.say(turn);
    await call.until(() => false, TURN_MS + 1_500);
  }
  if (!call.over) call.hangUp();
  await call.ended;
  await call.until(() => observer.events.at(-1)?.type === "ended", 100);
  for (let i = 0; i < 40 && observer.events.at(-1)?.type !== "ended"; i++) await pause(50);
  const { reason } = await logged(gateway, call.callId);
  const wrong = [...untruths(call, observer), ...call.record().violations.map(({ text }) => text)];
  if (!REASONS.includes(reason)) wrong.push(`ended with ${reason}`);
  if (call.clock() > MAX_CALL_MS + 3_000) wrong.push("lived too long");
  const isSaid = observer.events.some(({ type, ...event }) => type === "agentFailed" && event["fatal"] === true);
  if (isSaid !== ["agentFailed", "noAnswer"].includes(reason))
    wrong.push(`ended with ${reason}, fatal failure told: ${isSaid}`);
  return { wrong, reason };
}

/**
 * Meets them all, and has no fault to find with any. A machine that stands still makes sounds late and agents lost: what
 * was at fault is met once more, by itself, and what is wrong then is wrong.
 */
async function meetAll(what: string, hostilities: readonly Hostility[]): Promise<void> {
  const wrong: string[] = [];
  const again: Hostility[] = [];
  const reasons: Record<string, number> = {};
  await each(hostilities, async (hostile) => {
    const result = await meet(hostile);
    reasons[result.reason] = (reasons[result.reason] ?? 0) + 1;
    if (result.wrong.length > 0) again.push(hostile);
  });
  for (const hostile of again)
    for (const text of (await meet(hostile)).wrong) wrong.push(`${JSON.stringify(hostile)}: ${text}`);
  measured(`${hostilities.length} calls, ${what}: ${JSON.stringify(reasons)}; met once more: ${again.length}`);
  expect(wrong).toEqual([]);
}

describe("a provider that answers anything", () => {
  it("with each reply, once and for ever", { timeout: 120_000 }, async () => {
    await meetAll(
      "a reply that is none",
      REPLIES.flatMap((reply) => [{ replies: [reply] }, { always: reply }]),
    );
  });

  it("with each start of a session", async () => {
    await meetAll(
      "a start that is none",
      STARTS.map((start) => ({ start })),
    );
  });

  it("with each close code, in the middle", async () => {
    await meetAll(
      "a close",
      CLOSE_CODES.map((code) => ({ replies: ["closes" as const], close: { code, reason: `"${code}" \\ says so` } })),
    );
  });

  it("with messages that are lost, doubled, late, split and torn", async () => {
    const chances = ["lost", "doubled", "reordered", "split", "torn", "cancelIgnored"] as const;
    await meetAll(
      "messages that are not as they were sent",
      chances.flatMap((chance) =>
        [0.1, 0.5].map((value, i) => ({ replies: [], [chance]: value, seed: 7 + i, always: "honest" as const })),
      ),
    );
  });

  it("with whatever its dice say", { timeout: 120_000 }, async () => {
    await meetAll(
      "thrown by dice",
      Array.from({ length: 24 }, (_, seed) => ({
        seed: seed + 1,
        lost: 0.03,
        doubled: 0.05,
        reordered: 0.05,
        split: 0.1,
        torn: 0.02,
        cancelIgnored: 0.2,
      })),
    );
  });
});

describe("a carrier that repeats itself, counts wrongly and hangs up when it likes", () => {
  it("is not believed what it says of others, and has one call for each of its own", async () => {
    const admitted = (await gateway.idle(15_000)).calls.admitted;
    const seeds = Array.from({ length: 24 }, (_, i) => i + 1);
    const wrong: string[] = [];
    await each(seeds, async (seed) => {
      const plan = planOf(seed);
      const say = (text: string) => wrong.push(`${seed} ${JSON.stringify(plan)}: ${text}`);
      const options = { url: gateway.url, authToken: gateway.authToken, agent: "parrot" };
      const { call, repeatedStatuses, toldToStrangers, replayed } = await placeHostileCall(options, plan, voice(900));
      if (!replayed.includes("<Hangup/>")) say(`after its end it is taken again: ${replayed}`);
      for (const status of repeatedStatuses) if (status !== 200) say(`a repeated webhook is answered ${status}`);
      if (toldToStrangers.some((messages) => messages > 0)) say("a stranger was taken for the caller");
      if (call.streams.length !== 1) say(`${call.streams.length} streams`);
      for (const { text } of call.record().violations) say(text);
      const { reason } = await logged(gateway, call.callId);
      // Of a stream that broke only the carrier's webhook tells that it was the end.
      if (reason !== "callerHangUp") say(`ended with ${reason}`);
    });
    expect(wrong).toEqual([]);
    expect((await gateway.idle(15_000)).calls.admitted).toBe(admitted + seeds.length);
    expect(new Set(seeds.map((seed) => planOf(seed).manner))).toEqual(new Set(MANNERS));
  });
});

describe("every call above", () => {
  it("is over, and is made again natively, to the bit", { timeout: 120_000 }, async () => {
    await gateway.idle(15_000);
    const { same, different } = await gateway.replayAll();
    measured(`${same.length} calls with hostile peers made again natively, the same to the bit`);
    expect([...different]).toEqual([]);
    expect(same.length).toBeGreaterThan(100);
  });
});
