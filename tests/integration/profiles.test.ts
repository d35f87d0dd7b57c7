// Profiles that an operator saves, and the calls that come after and meanwhile: KV, the book and the agent's own session.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RealtimeServer } from "../simulators/openai-realtime/server.ts";
import type { DialOptions, PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { eventually, logged } from "./support/stored.ts";

const NUMBER = "+15550003333";

let upstream: RealtimeServer;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await RealtimeServer.start();
  gateway = await Gateway.start({ OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}` });
});
afterEach(async () => {
  await gateway.injectFault("kv", "none");
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Record<string, unknown>;
}

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await gateway.api(`/api/profiles${path}`, init);
  const { status } = response;
  return { status, etag: response.headers.get("ETag"), body: (await response.json()) as Record<string, unknown> };
}

/** A profile whose agent is told `instructions`. */
function desk(instructions: string, more: object = {}) {
  return { agent: "openai-realtime", profile: { instructions, recording: "off" }, ...more };
}

interface Told {
  readonly call: PhoneCall;
  /** The event that names the profile. */
  readonly profile: Record<string, unknown> | undefined;
  /** What the agent's sessions were told, so far. */
  readonly instructions: () => unknown[];
  readonly end: () => Promise<void>;
}

async function dial(options: Partial<DialOptions>): Promise<Told> {
  const call = await gateway.dial(options);
  const observer = gateway.observe(call.callId);
  await waitForEvent(observer, "agentReady");
  const session = upstream.sessions.at(-1);
  return {
    call,
    profile: observer.events.find(({ type }) => type === "profile"),
    instructions: () =>
      (session?.received ?? [])
        .filter(({ type }) => type === "session.update")
        .map((event) => (event["session"] as { instructions?: unknown }).instructions),
    end: async () => {
      call.hangUp();
      await call.ended;
    },
  };
}

describe("a profile that an operator saves", () => {
  it("is that of the next call to its number, and of no call that goes on", async () => {
    const saved = await ask("PUT", "/desk", desk("You are the first desk.", { numbers: [NUMBER] }));
    expect([saved.status, saved.etag, saved.body.published]).toEqual([201, '"1"', true]);
    const first = await dial({ to: NUMBER });
    expect(first.profile).toMatchObject({ name: "desk", version: 1, by: "number", atMs: 0, seq: 0 });
    expect(first.instructions()).toEqual([expect.stringContaining("You are the first desk.")]);

    const changed = await ask("PUT", "/desk", desk("You are the second desk.", { numbers: [NUMBER] }), {
      "If-Match": '"1"',
    });
    expect([changed.status, changed.body.version]).toEqual([200, 2]);
    const second = await dial({ to: NUMBER });
    expect(second.profile).toMatchObject({ name: "desk", version: 2 });
    expect(second.instructions()).toEqual([expect.stringContaining("You are the second desk.")]);
    // The first call goes on with what it was begun with, also when its object is lost and its agent told anew.
    expect(first.instructions()).toHaveLength(1);
    const before = upstream.sessions.length;
    expect(await gateway.fault(first.call.callId, { type: "abort" })).toBe(202);
    const update = await eventually("session of the lost call", async () =>
      upstream.sessions[before]?.received.find(({ type }) => type === "session.update"),
    );
    expect(JSON.stringify(update)).toContain("You are the first desk.");
    await first.end();
    await second.end();

    const restored = await ask("POST", "/desk/versions/1/restore");
    expect([restored.status, restored.body.version]).toEqual([200, 3]);
    const third = await dial({ to: NUMBER });
    expect(third.profile).toMatchObject({ name: "desk", version: 3 });
    expect(third.instructions()).toEqual([expect.stringContaining("You are the first desk.")]);
    await third.end();
    await logged(gateway, third.call.callId);
    const { events } = await gateway.json<{ events: { type: string }[] }>(`/api/calls/${third.call.callId}/events`);
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(["profile", "opened"]);
  });

  it("is chosen by the webhook's URL, and its agent is not where that names one", async () => {
    await ask("PUT", "/night", desk("You are the night desk."));
    const named = await dial({ to: NUMBER, profile: "night" });
    expect(named.profile).toMatchObject({ name: "night", by: "request" });
    expect(named.instructions()).toEqual([expect.stringContaining("night desk")]);
    await named.end();
    const sessions = upstream.sessions.length;
    const parrot = await dial({ profile: "night", agent: "parrot" });
    expect(parrot.profile).toMatchObject({ name: "night" });
    expect(upstream.sessions).toHaveLength(sessions);
    await parrot.end();
    await expect(gateway.dial({ profile: "nobody" })).rejects.toThrow(/404/);
    // Neither is a call of which nothing was chosen told of a profile.
    const plain = await dial({ agent: "parrot" });
    expect(plain.profile).toBeUndefined();
    await plain.end();
  });

  it("has one writer: of many who save at once on the same version one does, and a number goes to one", async () => {
    await ask("PUT", "/race", desk("0"));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => ask("PUT", "/race", desk(`${i + 1}`), { "If-Match": '"1"' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, i) => ask("PUT", `/claim${i}`, desk("x", { numbers: ["+15550009999"] }))),
    );
    expect(claims.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });

  it("can be deleted, and had back", async () => {
    await ask("PUT", "/brief", desk("You are brief.", { numbers: ["+15550004444"] }));
    expect((await ask("DELETE", "/brief")).status).toBe(200);
    await expect(gateway.dial({ profile: "brief" })).rejects.toThrow(/404/);
    const gone = await dial({ to: "+15550004444", agent: "parrot" });
    expect(gone.profile).toBeUndefined();
    await gone.end();
    expect((await ask("POST", "/brief/versions/1/restore")).status).toBe(201);
    const back = await dial({ to: "+15550004444" });
    expect(back.profile).toMatchObject({ name: "brief", version: 2 });
    await back.end();
  });
});

describe("KV that does not do what it should", () => {
  it.each(["none", "timeout", "slow", "error", "wrong"])("(%s) holds no call up, and no operator", async (fault) => {
    const number = `+1555000${fault.length}${fault.charCodeAt(0)}`;
    await gateway.injectFault("kv", fault);
    const startMs = performance.now();
    const saved = await ask("PUT", `/kv-${fault}`, desk(`You know ${fault}.`, { numbers: [number] }));
    const savedMs = performance.now() - startMs;
    expect([saved.status, saved.body.version]).toEqual([201, 1]);
    // What did not reach KV is said.
    if (fault === "timeout" || fault === "error") expect(saved.body.published).toBe(false);
    const dialledMs = performance.now();
    const call = await gateway.dial({ to: number });
    const tookMs = performance.now() - dialledMs;
    measured(`KV ${fault}: saved after ${Math.round(savedMs)} ms, a stream after ${Math.round(tookMs)} ms`);
    const observer = gateway.observe(call.callId);
    await waitForEvent(observer, "agentReady");
    // A KV that is slow was not waited for.
    expect(observer.events[0]).toMatchObject({ type: "profile", name: `kv-${fault}`, version: 1 });
    if (fault !== "none") expect(observer.events[0]).toMatchObject({ from: "book" });
    call.hangUp();
    await call.ended;
    const { counters } = (await ask("GET", "")).body as { counters: Record<string, number> };
    expect(counters.defaulted).toBe(0);
  });

  it("has all of it when it works again", async () => {
    const saved = await ask("PUT", "/kv-again", desk("You are back."));
    expect(saved.body.published).toBeTypeOf("boolean");
    const call = await dial({ profile: "kv-again" });
    expect(call.profile).toMatchObject({ name: "kv-again", from: "replica" });
    await call.end();
  });
});
