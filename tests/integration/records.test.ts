import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { speechBounds } from "../simulators/audio/analysis.ts";
import type { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { parseWebVtt } from "../support/webvtt.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { type Behaviour, Listeners } from "./support/listeners.ts";
import { decode, HZ, judge } from "./support/opus.ts";
import { allLogged, type CallJson, eventually, logged, stored } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

let gateway: Gateway;
let listeners: Listeners;

beforeAll(async () => {
  prepareVoices();
  listeners = await Listeners.start();
  const profile = { recording: "on", flightRecord: "on" };
  gateway = await Gateway.start({ ...listeners.variables, PROFILE: JSON.stringify(profile) }, listeners.secrets);
});
afterEach(async () => {
  await fail(DESTINATIONS, "none");
});
afterAll(async () => {
  await gateway.close();
  await listeners.close();
});

const DESTINATIONS = ["d1", "r2", "kv", "supabase", "webhook"] as const;
type Destination = (typeof DESTINATIONS)[number];
const FAILURES: readonly Behaviour[] = ["error", "wrong", "slow", "timeout"];

async function fail(destinations: readonly Destination[], how: Behaviour): Promise<void> {
  for (const destination of destinations) {
    if (destination === "supabase" || destination === "webhook") listeners.behaviour[destination] = how;
    else await gateway.injectFault(destination, how);
  }
}

async function hangUp(call: PhoneCall): Promise<void> {
  call.hangUp();
  await call.ended;
}

/** A short call in which something is said, and something happens at its end. */
async function shortCall(during: () => Promise<void> = async () => {}): Promise<string> {
  const call = await gateway.dial();
  await waitForEvent(gateway.observe(call.callId), "agentReady");
  await call.say(voice(500));
  await during();
  await hangUp(call);
  return call.callId;
}

interface TurnJson {
  readonly role: "caller" | "agent";
  readonly text: string;
  readonly recordingMs: number | null;
}

describe("a call that is over", () => {
  let callId: string;
  let turns: TurnJson[];

  it("is in the log with its turns, its recording and its captions' clock", async () => {
    const call = await gateway.dial();
    callId = call.callId;
    await waitForEvent(gateway.observe(callId), "agentReady");
    const spoken = await call.say(voice(1200));
    await call.firstHeardAfter(spoken.endMs);
    await call.quiet(600);
    await hangUp(call);
    expect(await logged(gateway, callId)).toMatchObject({
      callId,
      reason: "callerHangUp",
      agent: "parrot",
      sessions: 1,
      failed: false,
    });
    turns = (await gateway.json<{ turns: TurnJson[] }>(`/api/calls/${callId}`)).turns;
    expect(turns.map(({ role }) => role)).toEqual(["caller", "agent"]);
    const { calls } = await gateway.json<{ calls: CallJson[] }>("/api/calls?agent=parrot&limit=5");
    expect(calls.map((one) => one.callId)).toContain(callId);
    expect(await gateway.json<{ calls: CallJson[] }>("/api/calls?agent=openai-realtime")).toEqual({
      calls: [],
      cursor: null,
    });
    expect((await gateway.api("/api/calls?agent=x")).status).toBe(400);
  });

  it("has a recording that others can play, whole and in parts", async () => {
    const recording = await stored(gateway, `/api/calls/${callId}/recording`);
    const { faults, seconds } = judge(recording);
    expect(faults).toBe("");
    const { recordingMs } = await logged(gateway, callId);
    expect(Math.abs(seconds * 1000 - recordingMs)).toBeLessThan(10);
    // Each side is heard where its turn is said to be in the recording.
    const sides = decode(recording);
    for (const { role, recordingMs } of turns) {
      const bounds = speechBounds(sides[role === "caller" ? 0 : 1]);
      expect(Math.abs(((bounds?.start ?? 0) / HZ) * 1000 - (recordingMs ?? Number.NaN))).toBeLessThan(100);
    }
    const ranges = [
      ["bytes=0-26", 0, 27],
      ["bytes=100-", 100, recording.length],
      ["bytes=-50", recording.length - 50, recording.length],
    ] as const;
    for (const [range, from, to] of ranges) {
      const response = await gateway.api(`/api/calls/${callId}/recording`, { headers: { Range: range } });
      expect(response.status).toBe(206);
      expect(response.headers.get("Content-Range")).toBe(`bytes ${from}-${to - 1}/${recording.length}`);
      expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), recording.subarray(from, to))).toBe(0);
    }
    const beyond = await gateway.api(`/api/calls/${callId}/recording`, { headers: { Range: "bytes=99999999-" } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("Content-Range")).toBe(`bytes */${recording.length}`);
    await beyond.arrayBuffer();
  });

  it("has all its events, and captions", async () => {
    const { events, complete } = await gateway.json<{ events: { type: string }[]; complete: boolean }>(
      `/api/calls/${callId}/events`,
    );
    expect(complete).toBe(true);
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(["opened", "ended"]);
    const captions = await gateway.api(`/api/calls/${callId}/captions.vtt`);
    expect(captions.headers.get("Content-Type")).toContain("text/vtt");
    const cues = parseWebVtt(await captions.text());
    expect(cues.length).toBe(turns.filter(({ text }) => text.trim() !== "").length);
    const { seconds } = judge(await stored(gateway, `/api/calls/${callId}/recording`));
    for (const { toMs } of cues) expect(toMs).toBeLessThanOrEqual(seconds * 1000);
  });

  it("was told to Supabase and to the webhook, once each and in order", async () => {
    await eventually("delivery", async () => listeners.deliveries.get(`${callId}:call.ended`));
    expect([...listeners.deliveries.keys()].filter((id) => id.startsWith(callId))).toEqual([
      `${callId}:call.started`,
      `${callId}:call.ended`,
    ]);
    expect(listeners.badSignatures).toEqual([]);
    await eventually("row", async () => listeners.rows("calls").get(callId));
    expect([...listeners.rows("turns").keys()].filter((key) => key.startsWith(callId))).toHaveLength(2);
  });

  it("counts", async () => {
    const analytics = await gateway.json<Record<string, unknown>>("/api/analytics");
    expect(analytics).toMatchObject({ errorRate: 0, sessionsPerDay: [{ sessions: analytics.sessions }] });
    const metrics = await gateway.json<Record<string, number>>("/metrics");
    expect(metrics.totalCalls).toBeGreaterThanOrEqual(1);
    expect(metrics.averageCallDuration).toBeGreaterThan(1);
    expect(metrics.averageLatency).toBeLessThan(100);
    const text = await gateway.api("/metrics", { headers: { Accept: "text/plain" } });
    expect(await text.text()).toMatch(/^trunkline_calls_active \d+$/m);
    expect((await fetch(`${gateway.url}/api/calls`)).status).toBe(401);
  });

  it("loses its recording on request, and then all of it", async () => {
    expect((await gateway.api(`/api/calls/${callId}/recording`, { method: "DELETE" })).status).toBe(202);
    await eventually("deletion", async () =>
      (await gateway.api(`/api/calls/${callId}/recording`)).status === 404 ? true : undefined,
    );
    expect((await gateway.api(`/api/calls/${callId}`)).status).toBe(200);
    expect((await gateway.api(`/api/calls/${callId}`, { method: "DELETE" })).status).toBe(202);
    await eventually("deletion", async () =>
      (await gateway.api(`/api/calls/${callId}`)).status === 404 ? true : undefined,
    );
    expect((await gateway.api(`/api/calls/${callId}/events`)).status).toBe(404);
    await eventually("deletion at Supabase", async () => (listeners.rows("calls").has(callId) ? undefined : true));
  });
});

describe("a recording that is long", () => {
  it("goes to the bucket in parts and comes back whole", async () => {
    const call = await gateway.dial();
    await waitForEvent(gateway.observe(call.callId), "agentReady");
    // Half an hour's worth in no time, beside what the call itself records.
    const chunks = Array.from({ length: 132 }, (_, i) => Buffer.alloc(44_000, `chunk ${i}, `));
    for (const [granule, chunk] of chunks.entries()) {
      const body = { type: "record", granule, pages: chunk.toString("base64") };
      expect(await gateway.fault(call.callId, body)).toBe(202);
    }
    await hangUp(call);
    const recording = Buffer.from(await stored(gateway, `/api/calls/${call.callId}/recording`, 30_000));
    expect(recording.length).toBeGreaterThan(5.5 * 1024 * 1024);
    let from = 0;
    for (const chunk of chunks) {
      from = recording.indexOf(chunk, from);
      expect(from).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("retention", () => {
  it("forgets what was said and keeps that it was", async () => {
    const callId = await shortCall();
    await logged(gateway, callId);
    await stored(gateway, `/api/calls/${callId}/recording`);
    await gateway.scheduled(Date.now() + 32 * 24 * 3600 * 1000);
    expect(await logged(gateway, callId)).toMatchObject({ redacted: true, recordingKey: null, fromNumber: "" });
    expect((await gateway.api(`/api/calls/${callId}/recording`)).status).toBe(404);
  });
});

/** What became of a call has reached `where`. */
async function arrives(callId: string, where: Destination, timeoutMs: number): Promise<void> {
  switch (where) {
    case "d1":
      expect(await logged(gateway, callId, timeoutMs)).toMatchObject({ callId, reason: "callerHangUp", sessions: 1 });
      break;
    case "r2":
      expect(judge(await stored(gateway, `/api/calls/${callId}/recording`, timeoutMs)).faults).toBe("");
      break;
    case "supabase":
      await eventually(`row of ${callId}`, async () => listeners.rows("calls").get(callId), timeoutMs);
      break;
    case "webhook":
      await eventually(
        `delivery of ${callId}`,
        async () => listeners.deliveries.get(`${callId}:call.ended`),
        timeoutMs,
      );
      break;
    case "kv":
      // Nothing of a call is there.
      break;
  }
}

/** Three calls: before the second half of the first it works again, in the second's it fails, and all through the third. */
async function callsWhileFailing(destinations: readonly Destination[], how: Behaviour): Promise<string[]> {
  await fail(destinations, how);
  const before = await shortCall(() => fail(destinations, "none"));
  const during = await shortCall(() => fail(destinations, how));
  return [before, during, await shortCall()];
}

describe("where a call is told", () => {
  const calls: string[] = [];

  it.each(DESTINATIONS.flatMap((destination) => FAILURES.map((how) => [destination, how] as const)))(
    "%s fails (%s): the others do not wait for it",
    async (destination, how) => {
      const three = await callsWhileFailing([destination], how);
      // What D1 does not tell where to find is out of reach, not lost.
      const reachable = DESTINATIONS.filter(
        (other) => other !== destination && !(destination === "d1" && other === "r2"),
      );
      for (const callId of three) for (const other of reachable) await arrives(callId, other, 5_000);
      calls.push(...three);
    },
  );

  // Some hundred recordings are decoded, maybe beside a build.
  it("all of it arrives in the end, once", { timeout: 180_000 }, async () => {
    for (const callId of calls) for (const destination of DESTINATIONS) await arrives(callId, destination, 60_000);
    await gateway.idle();
    const ids = (await allLogged(gateway)).map(({ callId }) => callId);
    expect(new Set(ids).size).toBe(ids.length);
    measured(
      `${calls.length} calls, ${DESTINATIONS.length} destinations, each failing in ${FAILURES.length} ways before, ` +
        `during and after: every row, recording and delivery arrived`,
    );
  });

  it.each(FAILURES)("everything fails (%s): all of it arrives", async (how) => {
    const three = await callsWhileFailing(DESTINATIONS, how);
    const { status } = await gateway.health();
    if (how === "error" || how === "timeout") expect(status).toBe("degraded");
    await fail(DESTINATIONS, "none");
    for (const callId of three) for (const destination of DESTINATIONS) await arrives(callId, destination, 30_000);
    await gateway.idle();
  });

  it("notes requests that are slow, and says how long each took", async () => {
    await gateway.injectFault("d1", "slow");
    const response = await gateway.api("/api/calls");
    await response.arrayBuffer();
    expect(Number(response.headers.get("X-Worker-Duration"))).toBeGreaterThan(1_000);
    expect(response.headers.get("X-Worker-Region")).toMatch(/\S/);
    await eventually("note", async () => {
      const { requests } = await gateway.json<{ requests: { path: string }[] }>("/api/slow-requests");
      return requests.find((note) => note.path === "/api/calls");
    });
  });
});

describe("a call's inputs", () => {
  it("make the same call again, natively, to the bit", async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, seed) => {
        const call = await gateway.dial({ seed: seed + 1, loss: 0.02, jitterMs: 20 });
        const spoken = await call.say(voice(700 + 100 * seed, seed + 1));
        const heardAt = await call.firstHeardAfter(spoken.endMs);
        if (seed % 2) {
          await call.until(() => call.clock() > (heardAt ?? 0) + 300, 3_000);
          await call.say(voice(1_000, seed + 2));
        }
        if (seed === 7) {
          // The object is lost: the log goes on with another session.
          await gateway.fault(call.callId, { type: "abort" });
          await call.until(() => call.streams.length === 2, 10_000);
          const again = await call.say(voice(900, 3));
          await call.firstHeardAfter(again.endMs);
        }
        await call.quiet(400);
        await hangUp(call);
        await stored(gateway, `/api/calls/${call.callId}/flight`);
      }),
    );
    const { same, different } = await gateway.replayAll();
    measured(`${same.length} calls made again natively: the same`);
    expect([...different]).toEqual([]);
    expect(same.length).toBeGreaterThanOrEqual(20);
  });
});
