// Profiles that an operator saves, and the calls that come after and meanwhile: KV, the book and the agent's own session.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RealtimeServer } from "../simulators/openai-realtime/server.ts";
import type { DialOptions, PhoneCall } from "../simulators/twilio/phone-call.ts";
import { sendWebhook } from "../simulators/twilio/webhook.ts";
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

describe("documents that a profile names", () => {
  const document = (file: string, text: string) =>
    gateway.api(`/api/profiles/library/knowledge/${file}`, {
      method: "PUT",
      body: text,
      headers: { "Content-Type": "text/markdown" },
    });

  afterEach(async () => {
    await gateway.injectFault("r2", "none");
  });

  it("are what its agent is told, by ETag and within its budget, and what a call began with stays", async () => {
    const knowledge = ["hours.md", "long.md", "prices.md"];
    const profile = { instructions: "You know the library.", knowledge, knowledgeTokens: 300 };
    await ask("PUT", "/library", { agent: "openai-realtime", profile });
    const stored = await document("hours.md", "Open at nine.");
    const etag = stored.headers.get("ETag") ?? "";
    expect([stored.status, etag]).toEqual([201, expect.stringMatching(/^".+"$/)]);
    expect((await document("long.md", Array(60).fill("All books are lent for two weeks.").join("\n\n"))).status).toBe(
      201,
    );
    expect((await document("prices.md", "All is free.")).status).toBe(201);
    const found = await gateway.json<{ documents: object[] }>("/api/profiles/library/knowledge");
    expect(found.documents).toMatchObject([
      { file: "hours.md", contentType: "text/markdown", bytes: 13, tokens: 4, etag },
      { file: "long.md" },
      { file: "prices.md" },
    ]);
    const first = await dial({ profile: "library" });
    const [told] = first.instructions();
    expect(told).toMatch(
      /You know the library\.[\s\S]*## hours\.md\n\nOpen at nine\.\n\n## long\.md\n\nAll books are lent/,
    );
    expect(told).toContain("[long.md is cut here: the rest of it did not fit.]\n\n[1 document is left out: no room.]");
    await first.end();
    await logged(gateway, first.call.callId);
    const { events } = await gateway.json<{ events: Record<string, unknown>[] }>(
      `/api/calls/${first.call.callId}/events`,
    );
    expect(events.slice(0, 3)).toMatchObject([
      { type: "profile", seq: 0 },
      { type: "knowledge", seq: 1, files: ["hours.md", "long.md"], cut: ["long.md", "prices.md"], missing: [] },
      { type: "opened", seq: 2 },
    ]);
    expect((events[1] as { tokens: number }).tokens).toBeLessThanOrEqual(300);
    // R2 judges the condition.
    const put = (tag: string) =>
      gateway.api("/api/profiles/library/knowledge/hours.md", {
        method: "PUT",
        body: "Open at ten.",
        headers: { "Content-Type": "text/plain", "If-Match": tag },
      });
    expect([(await put('"0"')).status, (await put(etag)).status, (await put(etag)).status]).toEqual([412, 200, 412]);
    const only = await gateway.api("/api/profiles/library/knowledge/hours.md", {
      ...{ method: "PUT", body: "x", headers: { "Content-Type": "text/plain", "If-None-Match": "*" } },
    });
    expect(only.status).toBe(412);
    const second = await dial({ profile: "library" });
    expect(second.instructions()[0]).toContain("Open at ten.");
    await second.end();
    // Nobody knows a profile's documents any more when it is gone for good; until then they stay.
    await gateway.scheduled(Date.now());
    expect((await gateway.json<{ documents: object[] }>("/api/profiles/library/knowledge")).documents).toHaveLength(3);
  });

  it.each(["timeout", "error"])("hold no call up when R2 does not answer (%s)", async (fault) => {
    const name = `r2-${fault}`;
    await ask("PUT", `/${name}`, { agent: "openai-realtime", profile: { instructions: "I.", knowledge: ["a.md"] } });
    await gateway.injectFault("r2", fault);
    const beganMs = performance.now();
    const call = await gateway.dial({ profile: name });
    const tookMs = performance.now() - beganMs;
    measured(`R2 ${fault}: a stream after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(3_000);
    const observer = gateway.observe(call.callId);
    await waitForEvent(observer, "agentReady");
    expect(observer.events[1]).toMatchObject({ type: "knowledge", files: [], missing: ["a.md"] });
    call.hangUp();
    await call.ended;
  });
});

describe("a profile that does not answer at this hour", () => {
  const never = { timeZone: "Europe/Berlin", open: [] };

  it("gives the call to another one", async () => {
    await ask("PUT", "/late", desk("You are late."));
    await ask("PUT", "/early", desk("You are early.", { hours: { ...never, outside: { profile: "late" } } }));
    const call = await dial({ profile: "early" });
    expect(call.profile).toMatchObject({ name: "late", version: 1, by: "hours", outside: "early" });
    expect(call.instructions()).toEqual([expect.stringContaining("You are late.")]);
    await call.end();
  });

  it("has its caller told so, once for each call, and the call log has it", async () => {
    const outside = { say: "We open at nine." };
    await ask("PUT", "/closed", desk("x", { hours: { ...never, outside }, numbers: ["+15550007777"] }));
    const admitted = (await gateway.health()).calls.admitted;
    const parameters = { CallSid: `CA${"7".repeat(32)}`, From: "+15550001111", To: "+15550007777" };
    const webhook = () => sendWebhook(gateway.url, gateway.authToken, "/twiml", parameters);
    const said = "<Response><Say>We open at nine.</Say><Hangup/></Response>";
    for (let i = 0; i < 3; i++) expect(await (await webhook()).text()).toContain(said);
    expect((await gateway.health()).calls.admitted).toBe(admitted);
    const call = await eventually("call that was turned away", async () => {
      const { calls } = await gateway.json<{ calls: { callId: string }[] }>("/api/calls?reason=closed");
      return calls[0];
    });
    expect(call).toMatchObject({ toNumber: "+15550007777", durationMs: 0, failed: false });
    const { events } = await gateway.json<{ events: object[] }>(`/api/calls/${call.callId}/events`);
    expect(events).toMatchObject([
      { type: "profile", name: "closed", by: "hours", outside: "closed" },
      { type: "ended", reason: "closed" },
    ]);
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
