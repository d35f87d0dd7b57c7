import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { type Behaviour, Listeners, WEBHOOK_SECRET } from "./support/listeners.ts";
import { encodedPages, judge, type Page } from "./support/opus.ts";
import { type CallJson, eventually, logged, stored } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

let gateway: Gateway;
let listeners: Listeners;
let pages: Page[];

beforeAll(async () => {
  prepareVoices();
  pages = encodedPages(20);
  listeners = await Listeners.start();
  gateway = await Gateway.start(
    {
      SUPABASE_URL: listeners.url,
      WEBHOOK_URL: `${listeners.url}/hook`,
    },
    { SUPABASE_KEY: "sb_secret_test", WEBHOOK_SECRET },
  );
});
afterEach(async () => {
  listeners.behaviour = "none";
  for (const dependency of ["d1", "r2", "kv"] as const) await gateway.injectFault(dependency, "none");
});
afterAll(async () => {
  await gateway.close();
  await listeners.close();
});

async function record(callId: string, page: Page): Promise<boolean> {
  const body = { type: "record", granule: page.granule, pages: page.bytes.toString("base64") };
  return (await gateway.fault(callId, body)) === 202;
}

async function hangUp(call: PhoneCall): Promise<void> {
  call.hangUp();
  await call.ended;
}

/** A short call with two seconds of recording. */
async function shortCall(during: () => Promise<void> = async () => {}): Promise<string> {
  const call = await gateway.dial();
  await waitForEvent(gateway.observe(call.callId), "agentReady");
  for (const page of pages.slice(0, 2)) expect(await record(call.callId, page)).toBe(true);
  await during();
  await hangUp(call);
  return call.callId;
}

describe("a call that is over", () => {
  let callId: string;

  it("is in the log with its turns, its recording and its captions' clock", async () => {
    const call = await gateway.dial();
    callId = call.callId;
    await waitForEvent(gateway.observe(callId), "agentReady");
    for (const page of pages.slice(0, 3)) await record(callId, page);
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
    const { turns } = await gateway.json<{ turns: { role: string; recordingMs: number }[] }>(`/api/calls/${callId}`);
    expect(turns.map(({ role }) => role)).toEqual(["caller", "agent"]);
    expect(Math.min(...turns.map(({ recordingMs }) => recordingMs))).toBeGreaterThanOrEqual(0);
    const { calls } = await gateway.json<{ calls: CallJson[] }>("/api/calls?agent=parrot&limit=5");
    expect(calls.map((one) => one.callId)).toContain(callId);
    expect(await gateway.json<{ calls: CallJson[] }>("/api/calls?agent=x")).toEqual({ calls: [], cursor: null });
  });

  it("has a recording that others can play, whole and in parts", async () => {
    const recording = await stored(gateway, `/api/calls/${callId}/recording`);
    const { faults, seconds } = judge(recording);
    expect(faults).toBe("");
    expect(Math.abs(seconds - ((pages[2]?.granule ?? 0) - 312) / 48_000)).toBeLessThan(0.05);
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
    expect(await captions.text()).toMatch(/^WEBVTT\n/);
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
    const chunk = Buffer.alloc(44_000, 1);
    const chunks = Math.ceil((5.5 * 1024 * 1024) / chunk.length);
    for (let i = 0; i < chunks; i++) expect(await record(call.callId, { granule: i, bytes: chunk })).toBe(true);
    await hangUp(call);
    expect(await stored(gateway, `/api/calls/${call.callId}/recording`, 30_000)).toHaveLength(chunks * chunk.length);
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

describe("everything else fails", () => {
  async function fail(how: Behaviour): Promise<void> {
    listeners.behaviour = how;
    for (const dependency of ["d1", "r2", "kv"] as const) await gateway.injectFault(dependency, how);
  }

  it.each<Behaviour>(["error", "wrong", "slow", "timeout"])("%s: before, during and after a call", async (how) => {
    const rows = listeners.rows("calls");
    await fail(how);
    // Before: it works again while the call goes on.
    const before = await shortCall(() => fail("none"));
    // During: it fails in the middle of the call, and when it ends.
    const during = await shortCall(() => fail(how));
    // After: it fails as the call ends.
    const after = await shortCall();
    const health = await gateway.health();
    expect(health.status).toBe(how === "slow" || how === "wrong" ? health.status : "degraded");
    await fail("none");
    for (const callId of [before, during, after]) {
      expect(await logged(gateway, callId, 30_000)).toMatchObject({ callId, reason: "callerHangUp" });
      expect(judge(await stored(gateway, `/api/calls/${callId}/recording`, 30_000)).faults).toBe("");
      await eventually("row at Supabase", async () => rows.get(callId), 30_000);
      await eventually("delivery", async () => listeners.deliveries.get(`${callId}:call.ended`), 30_000);
    }
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
    process.stdout.write(`${same.length} calls made again natively: the same\n`);
    expect([...different]).toEqual([]);
    expect(same.length).toBeGreaterThanOrEqual(16);
  });
});
