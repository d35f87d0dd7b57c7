// Objects that are lost at random instants of every state of a call with the Realtime agent: each call goes on.
//
// SECOND_LIVES=50 is the whole of what CI does a part of.

import { afterAll, beforeAll, expect, it } from "vitest";
import { RealtimeServer } from "../simulators/openai-realtime/server.ts";
import { knownSpeech } from "../simulators/speech/known-speech.ts";
import { seededRandom } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { Gateway } from "./support/gateway.ts";
import { judge } from "./support/opus.ts";
import {
  GREETING,
  PHASES,
  type Phase,
  prepareQuestions,
  QUESTIONS,
  SecondLife,
  type SecondLifeOptions,
} from "./support/second-life.ts";
import { allLogged, logged, stored } from "./support/stored.ts";

const CALLS = Number(process.env.SECOND_LIVES ?? PHASES.length);
const AT_A_TIME = 4;
const MAX_SILENCE_MS = 1_500;
/** What was told less before a loss may be forgotten; docs/records.md, What a lost object costs. */
const FORGETS = { forgetsMs: 1_100, forgetsOwedMs: 100 };
const MAX_CALL_MS = 30_000;
/** An object may be lost a moment after the phase that was meant: so often it is tried once more. */
const MAX_TRIES = 4;

let upstream: RealtimeServer;
let gateway: Gateway;

beforeAll(async () => {
  await prepareQuestions();
  // What is timed here is the gateway; that recognition works is shown elsewhere.
  const speech = await knownSpeech(QUESTIONS, "rms");
  upstream = await RealtimeServer.start({ speech, faults: { helloMs: 50, thinkMs: 200 } });
  gateway = await Gateway.start({
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}`,
    LIMITS: JSON.stringify({ maxCallMs: MAX_CALL_MS }),
    PROFILE: JSON.stringify({
      recording: "on",
      greeting: GREETING,
      tools: [{ type: "function", name: "get_time" }],
    }),
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

it("go on where they were lost", { timeout: 600_000 }, async () => {
  const lives: SecondLife[] = [];
  const failures: string[] = [];
  let next = 0;
  const live = async (phase: Phase, seed: number, options: Partial<SecondLifeOptions> = {}) => {
    const random = seededRandom(seed * 7919);
    const life = new SecondLife(gateway, upstream, { phase, random, ...FORGETS, ...options });
    try {
      await life.run(seed);
      lives.push(life);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${phase}, seed ${seed}, ${life.callId}: ${why}\n${life.history}`);
    }
  };
  const some = async () => {
    while (next < CALLS) {
      const seed = ++next;
      await live(PHASES[(seed - 1) % PHASES.length] ?? "listening", seed);
    }
  };
  const last = live("listening", CALLS + 1, { maxCallMs: MAX_CALL_MS });
  await Promise.all([last, ...Array.from({ length: Math.min(AT_A_TIME, CALLS) }, some)]);
  const missed = () => PHASES.filter((phase) => !lives.some(({ lostIn }) => lostIn === phase));
  let seed = CALLS + 1;
  for (let tries = 1; tries < MAX_TRIES && missed().length > 0 && failures.length === 0; tries++)
    await Promise.all(missed().map((phase) => live(phase, ++seed)));
  const lost = new Map<string, number>();
  for (const { lostIn } of lives) lost.set(lostIn, (lost.get(lostIn) ?? 0) + 1);
  const silences = lives.flatMap(({ silenceMs }) => silenceMs ?? []);
  const wordsApart = lives.flatMap((life) => life.wordsApart ?? []);
  measured(
    `${lives.length} objects lost (${[...lost].map(([state, count]) => `${state} ${count}`).join(", ")}): silence for the ` +
      `caller ${median(silences).toFixed(0)} ms (median), at most ${Math.max(...silences).toFixed(0)} ms; ` +
      `words told less words heard of replies that were cut: ${wordsApart.join(" ")}`,
  );
  expect(failures.join("\n")).toBe("");
  expect(missed()).toEqual([]);
  expect(median(wordsApart.map(Math.abs))).toBeLessThanOrEqual(1);
  expect(median(silences)).toBeLessThanOrEqual(MAX_SILENCE_MS);
  for (const { callId } of lives) {
    expect((await logged(gateway, callId, 60_000)).sessions, callId).toBe(2);
    const { faults, streams } = judge(await stored(gateway, `/api/calls/${callId}/recording`, 60_000));
    expect(faults, callId).toBe("");
    expect(streams, callId).toBe(1);
  }
  const rows = (await allLogged(gateway)).map(({ callId }) => callId);
  expect(rows.toSorted()).toEqual(lives.map(({ callId }) => callId).toSorted());
  await gateway.idle(60_000);
});
