import { readFileSync } from "node:fs";
import { getExpectedTwilioSignature } from "twilio/lib/webhooks/webhooks.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_BODY_BYTES } from "../../../worker-shim/api/requests.ts";
import { composeCallLog, OUTCOMES } from "../../../worker-shim/call-log.ts";
import { circuits, OPENS_AFTER } from "../../../worker-shim/circuits.ts";
import { CallLogStore } from "../../../worker-shim/ports/call-log-store.ts";
import type { CallRow } from "../../../worker-shim/records/call-row.ts";
import { AGENTS } from "../../../worker-shim/settings.ts";
import { MemoryD1 } from "./support/fakes.ts";
import { ADMIN_TOKEN, AUTH_TOKEN, CALL_PARAMS, CALL_SID, errorOf, Gateway } from "./support/gateway.ts";

let gateway: Gateway;

beforeEach(() => {
  gateway = new Gateway();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("/twiml", () => {
  it("admits the call, prepares its object and connects the stream", async () => {
    gateway.variables = { ...gateway.variables, CALL_LOCATION_HINT: "enam", MAX_CONCURRENT_CALLS: "7" };
    const response = await gateway.webhook("/twiml?agent=openai-realtime");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toMatch(/^text\/xml/);
    const document = await response.text();
    const callId = /wss:\/\/gw\.example\.com\/call\/([0-9a-f]{32})"/.exec(document)?.[1];
    expect(document).toContain('<Parameter name="token" value="the-token"/>');
    expect(document).toContain(`<Redirect method="POST">https://gw.example.com/twiml/${callId}</Redirect>`);
    expect(gateway.asked).toEqual([
      [
        "acquire",
        "switchboard-0",
        callId,
        { tenant: "default", number: "+15550002222" },
        { calls: 7, callsPerNumber: 0 },
      ],
      [
        "prepare",
        callId,
        {
          callId,
          carrierCallId: CALL_SID,
          agent: "openai-realtime",
          authorization: "required",
          from: "+15550001111",
          to: "+15550002222",
        },
        { locationHint: "enam" },
      ],
    ]);
  });

  it("gives every call an id of its own", async () => {
    const ids = [CALL_SID, CALL_SID.replace("0", "1"), CALL_SID].map(async (sid) => {
      const document = await (await gateway.webhook("/twiml", { ...CALL_PARAMS, CallSid: sid })).text();
      return /call\/([0-9a-f]{32})"/.exec(document)?.[1];
    });
    const [a, b, again] = await Promise.all(ids);
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
    expect(again).toBe(a);
  });

  it("takes the signed query of a GET", async () => {
    const path = `/twiml?CallSid=${CALL_SID}&To=%2B1`;
    const signature = getExpectedTwilioSignature(AUTH_TOKEN, `https://gw.example.com${path}`, {});
    const response = await gateway.request(path, { headers: { "X-Twilio-Signature": signature } });
    expect(response.status).toBe(200);
    expect(gateway.asked[1]?.[2]).toMatchObject({ carrierCallId: CALL_SID, to: "+1" });
  });

  it("has the caller hear the busy tone when there is no room", async () => {
    for (const admission of ["full", "numberFull"] as const) {
      gateway.admission = admission;
      expect(await (await gateway.webhook("/twiml")).text()).toContain('<Reject reason="busy"/>');
    }
    expect(gateway.names()).not.toContain("prepare");
  });

  it("gives the place back when the object cannot be prepared", async () => {
    gateway.failing.add("prepare");
    expect(await errorOf(await gateway.webhook("/twiml"))).toEqual([500, "internal_error"]);
    await Promise.all(gateway.background);
    expect(gateway.names()).toEqual(["acquire", "prepare", "prepare", "prepare", "release"]);
  });

  it.each([
    [
      "a wrong signature",
      () => gateway.webhook("/twiml", CALL_PARAMS, { "X-Twilio-Signature": "AAAA" }),
      403,
      "bad_signature",
    ],
    ["no signature", () => gateway.request("/twiml", { method: "POST" }), 403, "no_signature"],
    ["an unknown agent", () => gateway.webhook("/twiml?agent=robot"), 400, "bad_agent"],
    ["no CallSid", () => gateway.webhook("/twiml", { To: "+1" }), 400, "bad_call_sid"],
    ["a CallSid that is none", () => gateway.webhook("/twiml", { CallSid: "CA|1" }), 400, "bad_call_sid"],
    ["PUT", () => gateway.request("/twiml", { method: "PUT" }), 405, "method_not_allowed"],
  ])("refuses %s before anything happens", async (_, ask, status, code) => {
    expect(await errorOf(await ask())).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });

  it("refuses a body that is too long, announced or not", async () => {
    const body = "x".repeat(MAX_BODY_BYTES + 1);
    expect(await errorOf(await gateway.request("/twiml", { method: "POST", body }))).toEqual([413, "body_too_long"]);
    const stream = new Blob([body]).stream();
    const unannounced = { method: "POST", body: stream, duplex: "half" } as RequestInit;
    expect(await errorOf(await gateway.request("/twiml", unannounced))).toEqual([413, "body_too_long"]);
  });

  it("is closed without an auth token, unless unauthenticated calls are allowed", async () => {
    gateway.variables = { ...gateway.variables, TWILIO_AUTH_TOKEN: "" };
    expect(await errorOf(await gateway.webhook("/twiml"))).toEqual([503, "configuration"]);
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
    expect((await gateway.request("/twiml")).status).toBe(200);
    gateway.variables = { ...gateway.variables, ENVIRONMENT: "production" };
    expect(await errorOf(await gateway.webhook("/twiml"))).toEqual([503, "configuration"]);
  });

  it("still refuses a wrong signature where none is needed", async () => {
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
    expect((await gateway.request("/twiml", { method: "POST" })).status).toBe(200);
    const forged = gateway.webhook("/twiml", CALL_PARAMS, { "X-Twilio-Signature": "AAAA" });
    expect(await errorOf(await forged)).toEqual([403, "bad_signature"]);
  });

  it("uses the URL of the request where no public one is set, unencrypted only if that is", async () => {
    gateway.variables = { ...gateway.variables, PUBLIC_BASE_URL: "", ALLOW_UNAUTHENTICATED: "true" };
    expect(await (await gateway.request("/twiml")).text()).toContain('url="ws://internal:8080/call/');
  });
});

describe("/twiml for a call that was announced before", () => {
  it("is answered with another token, in the same place", async () => {
    gateway.admission = "held";
    const document = await (await gateway.webhook("/twiml")).text();
    expect(document).toContain('value="the-token"');
    expect(gateway.names()).toEqual(["acquire", "prepare"]);
  });

  it("hangs up and tells nothing when it has begun, and leaves its place alone", async () => {
    gateway.admission = "held";
    gateway.announcement = { type: "begun" };
    const document = await (await gateway.webhook("/twiml")).text();
    expect(document).toMatch(/<Response><Hangup\/><\/Response>$/);
    expect(gateway.names()).toEqual(["acquire", "prepare"]);
  });

  it("takes no place when it is over", async () => {
    gateway.announcement = { type: "over" };
    expect(await (await gateway.webhook("/twiml")).text()).toContain("<Hangup/>");
    expect(gateway.names()).toEqual(["acquire", "prepare", "withdraw"]);
  });

  it("keeps its place when its object does not answer", async () => {
    gateway.admission = "held";
    gateway.failing.add("prepare");
    expect(await errorOf(await gateway.webhook("/twiml"))).toEqual([500, "internal_error"]);
    await Promise.all(gateway.background);
    expect(gateway.names()).not.toContain("release");
  });

  it("is found by the secret that it was announced under", async () => {
    await gateway.webhook("/twiml");
    const before = String(gateway.asked[0]?.[2]);
    const secrets = { TOKEN_SECRET: "f".repeat(32), TOKEN_SECRET_PREVIOUS: "0123456789abcdef" };
    gateway.variables = { ...gateway.variables, ...secrets };
    gateway.known.add(before);
    expect(await (await gateway.webhook("/twiml")).text()).toContain(`/call/${before}"`);
    // Another call gets its name by the new secret.
    gateway.known.clear();
    expect(await (await gateway.webhook("/twiml")).text()).not.toContain(`/call/${before}"`);
  });

  // It took a place, and left a call in its object that nobody had a token for.
  it("is refused without effect where there is no secret to make its token, though it needs no name", async () => {
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true", TOKEN_SECRET: "" };
    const response = await gateway.request("/twiml", { method: "POST", body: new URLSearchParams({ From: "+1" }) });
    expect(await errorOf(response)).toEqual([503, "configuration"]);
    expect(gateway.asked).toEqual([]);
  });

  it("is refused where there is no secret to name it by", async () => {
    gateway.variables = { ...gateway.variables, TOKEN_SECRET: "" };
    expect(await errorOf(await gateway.webhook("/twiml"))).toEqual([503, "configuration"]);
    expect(gateway.asked).toEqual([]);
  });
});

describe("/twiml/CALL", () => {
  it("connects a lost stream again", async () => {
    gateway.resumption = { type: "stream", token: "second" };
    const document = await (await gateway.webhook("/twiml/4c7e")).text();
    expect(document).toContain('url="wss://gw.example.com/call/4c7e"');
    expect(document).toContain('value="second"');
    expect(gateway.asked).toEqual([["resume", "4c7e", CALL_SID]]);
  });

  it("hangs up when the call is over", async () => {
    expect(await (await gateway.webhook("/twiml/4c7e")).text()).toContain("<Hangup/>");
  });

  it("asks nobody for an id that cannot be one, nor without a signature", async () => {
    expect(await errorOf(await gateway.webhook("/twiml/a.b"))).toEqual([404, "not_found"]);
    expect(await errorOf(await gateway.request("/twiml/4c7e", { method: "POST" }))).toEqual([403, "no_signature"]);
    expect(gateway.asked).toEqual([]);
  });
});

describe("/twiml/status", () => {
  it("takes signed reports", async () => {
    expect((await gateway.webhook("/twiml/status")).status).toBe(204);
    expect(await errorOf(await gateway.request("/twiml/status", { method: "POST" }))).toEqual([403, "no_signature"]);
    expect(await errorOf(await gateway.request("/twiml/status"))).toEqual([405, "method_not_allowed"]);
    expect(gateway.asked).toEqual([]);
  });

  // Others than Twilio write them in capitals or with two l, and the place was held for 75 s.
  it.each([
    ...["completed", "busy", "failed", "no-answer", "canceled", "cancelled", "Completed", "COMPLETED", "Canceled"],
    ...["CANCELLED", "Busy", "FAILED", "No-Answer", "NO_ANSWER", "no answer", "NoAnswer", "completed "],
  ])("tells the call that it is %s", async (status) => {
    await gateway.webhook("/twiml");
    const callId = gateway.asked[0]?.[2];
    expect((await gateway.webhook("/twiml/status", { ...CALL_PARAMS, CallStatus: status })).status).toBe(204);
    expect(gateway.asked.at(-1)).toEqual(["carrierEnded", callId, CALL_SID]);
  });

  it.each(["queued", "ringing", "in-progress", "IN-PROGRESS", "", "complete", "cancel", "not-completed", "no"])(
    "has nothing to tell of %s",
    async (status) => {
      await gateway.webhook("/twiml/status", { ...CALL_PARAMS, CallStatus: status });
      expect(gateway.asked).toEqual([]);
    },
  );
});

describe("/call/CALL", () => {
  const signed = { "X-Twilio-Signature": getExpectedTwilioSignature(AUTH_TOKEN, "wss://gw.example.com/call/4c7e", {}) };

  it("hands the upgrade to the call's object, signed or not", async () => {
    for (const headers of [signed, {}]) expect((await gateway.upgrade("/call/4c7e", headers)).status).toBe(204);
    const handed = ["fetch", "4c7e", "https://call/leg", "websocket"];
    expect(gateway.asked).toEqual([handed, handed]);
  });

  it.each([
    ["a wrong signature", () => gateway.upgrade("/call/other", signed), 403, "bad_signature"],
    ["no upgrade", () => gateway.request("/call/4c7e"), 426, "upgrade_required"],
    ["POST", () => gateway.request("/call/4c7e", { method: "POST" }), 405, "method_not_allowed"],
    ["an id that cannot be one", () => gateway.upgrade(`/call/${"x".repeat(65)}`), 404, "not_found"],
    ["no id", () => gateway.upgrade("/call"), 401, "unauthorized"],
  ])("refuses %s before the object is touched", async (_, ask, status, code) => {
    expect(await errorOf(await ask())).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });

  it.each([
    [404, "not_found"],
    [410, "over"],
  ])("says %i as the object does", async (status, code) => {
    gateway.upgradeStatus = status;
    expect(await errorOf(await gateway.upgrade("/call/4c7e"))).toEqual([status, code]);
  });
});

describe("/call", () => {
  beforeEach(() => {
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
  });

  it("takes an unannounced stream where that is allowed", async () => {
    expect((await gateway.upgrade("/call?agent=parrot")).status).toBe(204);
    expect(gateway.names()).toEqual(["acquire", "prepare", "fetch"]);
    expect(gateway.asked[1]?.[2]).toMatchObject({ authorization: "none", agent: "parrot", carrierCallId: "" });
  });

  it("does not in production", async () => {
    gateway.variables = { ...gateway.variables, ENVIRONMENT: "production" };
    expect(await errorOf(await gateway.upgrade("/call"))).toEqual([401, "unauthorized"]);
    expect(gateway.asked).toEqual([]);
  });

  it("does not when there is no room", async () => {
    gateway.admission = "full";
    expect(await errorOf(await gateway.upgrade("/call"))).toEqual([503, "full"]);
    expect(gateway.names()).toEqual(["acquire"]);
  });

  // The place was taken until nobody could bring a token any more: 75 s, and no token was ever made.
  it.each([
    [404, "not_found"],
    [410, "over"],
    [429, "full"],
    [503, "newer_schema"],
  ])("gives its place back at once when the object answers %i", async (status, code) => {
    gateway.upgradeStatus = status;
    expect(await errorOf(await gateway.upgrade("/call"))).toEqual([status, code]);
    await Promise.all(gateway.background);
    expect(gateway.names()).toEqual(["acquire", "prepare", "fetch", "carrierEnded", "release"]);
    const callId = gateway.asked[1]?.[1];
    expect(gateway.asked.slice(-2)).toEqual([
      ["carrierEnded", callId, ""],
      ["release", callId, "notPrepared"],
    ]);
  });

  it.each([["prepare"], ["fetch"], ["prepare", "carrierEnded"], ["fetch", "carrierEnded"]])(
    "gives its place back at once when the object fails: %s",
    async (...failing) => {
      for (const name of failing) gateway.failing.add(name);
      expect((await gateway.upgrade("/call")).status).toBe(500);
      await Promise.allSettled(gateway.background);
      expect(gateway.asked.at(-1)).toEqual(["release", gateway.asked[1]?.[1], "notPrepared"]);
    },
  );
});

describe("/logs", () => {
  const admin = { Authorization: `Bearer ${ADMIN_TOKEN}` };

  it("shows a call to operators", async () => {
    expect((await gateway.upgrade("/logs?call=4c7e", admin)).status).toBe(204);
    expect(gateway.asked).toEqual([["fetch", "4c7e", "https://call/observer?name=admin&role=admin", "websocket"]]);
  });

  it.each([
    ["no token", () => gateway.upgrade("/logs?call=4c7e"), 401, "unauthorized"],
    [
      "a wrong token",
      () => gateway.upgrade("/logs?call=4c7e", { Authorization: `Bearer ${ADMIN_TOKEN}x` }),
      401,
      "unauthorized",
    ],
    [
      "another scheme",
      () => gateway.upgrade("/logs?call=4c7e", { Authorization: `Basic ${ADMIN_TOKEN}` }),
      401,
      "unauthorized",
    ],
    ["no call", () => gateway.upgrade("/logs", admin), 400, "no_call"],
    ["no upgrade", () => gateway.request("/logs?call=4c7e", { headers: admin }), 426, "upgrade_required"],
  ])("refuses %s", async (_, ask, status, code) => {
    expect(await errorOf(await ask())).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });

  it.each(["call=", "after=", "call=c1&after="])("refuses an empty value: %s", async (query) => {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    expect(await errorOf(await gateway.upgrade(`/logs?${query}`, headers))).toEqual([400, "bad_query"]);
    expect(gateway.asked).toEqual([]);
  });

  it("is open where unauthenticated requests are allowed, but not to a wrong token", async () => {
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
    expect((await gateway.upgrade("/logs?call=4c7e")).status).toBe(204);
    const wrong = gateway.upgrade("/logs?call=4c7e", { Authorization: "Bearer wrong" });
    expect(await errorOf(await wrong)).toEqual([401, "unauthorized"]);
  });

  // Nobody could be an operator, and nobody was told why.
  it("is closed to all without an admin token, and says that there is none", async () => {
    gateway.variables = { ...gateway.variables, ADMIN_TOKEN: "" };
    for (const headers of [{}, { Authorization: "Bearer undefined" }, admin]) {
      const response = await gateway.upgrade("/logs?call=4c7e", headers);
      expect(await response.clone().text()).toContain("ADMIN_TOKEN is not set");
      expect(await errorOf(response)).toEqual([503, "configuration"]);
    }
    expect(gateway.asked).toEqual([]);
  });
});

describe("/health", () => {
  it("shows which agents this isolate skips", async () => {
    for (let i = 0; i < OPENS_AFTER; i++) circuits.failed("openai-realtime shown");
    const report = (await (await gateway.request("/health")).json()) as {
      agents: { open: object[]; counters: object };
    };
    circuits.succeeded("openai-realtime shown");
    expect(report.agents.open).toEqual([
      { agent: "openai-realtime shown", failures: OPENS_AFTER, until: expect.stringMatching(/^20/) },
    ]);
    expect(report.agents.counters).toMatchObject({ opened: 1 });
  });

  it("reports what goes on", async () => {
    const response = await gateway.request("/health");
    expect(response.status).toBe(200);
    const report = (await response.json()) as Record<string, unknown>;
    expect(report).toMatchObject({ status: "ok", version: "1.2.3", activeCalls: 2, core: "ok" });
    expect(Math.abs(Date.parse(String(report.timestamp)) - Date.now())).toBeLessThan(60_000);
    expect(report.uptime).toBeGreaterThanOrEqual(0);
  });

  it("is degraded when the core did not warm up or the switchboard does not answer", async () => {
    gateway.warmUpError = new Error("trap");
    expect((await gateway.request("/health")).status).toBe(503);
    gateway.warmUpError = undefined;
    gateway.failing.add("counts");
    const response = await gateway.request("/health");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: "degraded", activeCalls: null, core: "ok" });
  });

  it("asks Supabase now and then, not each time that it is asked itself", async () => {
    const states = async () => {
      const report = (await (await gateway.request("/health")).json()) as { status: string; dependencies: object };
      return [report.status, report.dependencies];
    };
    expect(await states()).toMatchObject(["ok", { supabase: "absent" }]);
    Object.assign(gateway.variables, { SUPABASE_URL: "https://p.supabase.co", SUPABASE_KEY: "sb_secret_x" });
    const asked = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 401 }));
    for (let i = 0; i < 3; i++) expect(await states()).toMatchObject(["degraded", { supabase: "failed" }]);
    expect(asked.mock.calls).toMatchObject([["https://p.supabase.co/rest/v1/calls?select=call_id&limit=0", {}]]);
    asked.mockResolvedValue(new Response("[]"));
    const nowMs = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(nowMs + 30_000);
    expect(await states()).toMatchObject(["ok", { supabase: "ok" }]);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it.each([
    [{ ENVIRONMENT: undefined }, "ENVIRONMENT must be one of development, staging, production, in lower case"],
    [{ PROFILE: { voise: "marin" } }, "PROFILE.voise is not known; there are instructions"],
  ])("does not run with %j", async (variables, reason) => {
    gateway.variables = { ...gateway.variables, ...variables };
    const response = await gateway.webhook("/twiml");
    expect(response.status).toBe(503);
    expect(await response.text()).toContain(reason);
    expect(String(vi.mocked(console.error).mock.lastCall)).toContain(reason);
    expect(gateway.asked).toEqual([]);
  });

  it("says which variable is wrong", async () => {
    gateway.variables = { ...gateway.variables, DEFAULT_AGENT: "robot" };
    const response = await gateway.request("/health");
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("DEFAULT_AGENT");
  });
});

// They were 200 whatever was asked for, where every other route names what it does not know.
it.each(["/health", "/public-url"])("%s takes no parameters", async (path) => {
  for (const query of ["x=1", "deep=true", "=", "format=json", "x"]) {
    const response = await gateway.request(`${path}?${query}`);
    expect(await response.clone().text()).toContain("is not known; nothing is taken here");
    expect(await errorOf(response)).toEqual([400, "bad_query"]);
  }
  expect((await gateway.request(`${path}?`)).status).toBe(200);
});

describe("/public-url", () => {
  it("is the configured one", async () => {
    expect(await (await gateway.request("/public-url")).json()).toEqual({ url: "https://gw.example.com" });
  });
});

describe("/api/faults/CALL", () => {
  const fault = (body: unknown, headers: Record<string, string> = { Authorization: `Bearer ${ADMIN_TOKEN}` }) =>
    gateway.request("/api/faults/4c7e", { method: "POST", headers, body: JSON.stringify(body) });

  it("is no route unless faults may be injected, and never in production", async () => {
    expect(await errorOf(await fault({ type: "abort" }))).toEqual([404, "not_found"]);
    gateway.variables = { ...gateway.variables, FAULT_INJECTION: "true", ENVIRONMENT: "production" };
    expect(await errorOf(await fault({ type: "abort" }))).toEqual([404, "not_found"]);
    expect(gateway.asked).toEqual([]);
  });

  describe("where faults may be injected", () => {
    beforeEach(() => {
      gateway.variables = { ...gateway.variables, FAULT_INJECTION: "true" };
    });

    it("loses the object", async () => {
      expect((await fault({ type: "abort" })).status).toBe(202);
      expect(gateway.asked).toEqual([["abort", "4c7e"]]);
    });

    it("gives the core a command", async () => {
      const crash = { type: "command", command: { type: "crash" } };
      expect((await fault(crash)).status).toBe(200);
      expect(gateway.asked).toEqual([["command", "4c7e", { type: "crash" }]]);
      gateway.commandResult = { status: "refused", code: "conflict", why: "the call is over" };
      expect(await errorOf(await fault(crash))).toEqual([409, "conflict"]);
      expect(await errorOf(await fault({ type: "command" }))).toEqual([400, "bad_fault"]);
    });

    it("wants the admin token and a body that says what", async () => {
      expect(await errorOf(await fault({ type: "abort" }, {}))).toEqual([401, "unauthorized"]);
      expect(await errorOf(await fault({ type: "explode" }))).toEqual([400, "bad_fault"]);
      expect(await errorOf(await fault(3))).toEqual([400, "bad_body"]);
      expect(gateway.asked).toEqual([]);
    });
  });
});

describe("/api/calls", () => {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  const ask = (path: string, init: RequestInit = {}) => gateway.request(path, { headers, ...init });

  beforeEach(async () => {
    const database = new MemoryD1();
    gateway.variables = { ...gateway.variables, CALL_LOG: database };
    const row: CallRow = {
      callId: "c1",
      carrierCallId: "CA1",
      agent: "parrot",
      authorization: "required",
      from: "+1",
      to: "+2",
      createdMs: 1_000,
      sessions: 1,
      issuedSerial: 1,
      usedSerial: 1,
      reconnects: 0,
      outcome: '{"reason":"hangUp","durationMs":9000}',
      openedMs: undefined,
      endedMs: 10_000,
      erased: false,
    };
    const sources = { tenant: "default", recording: undefined, recordingKey: undefined, flightKey: undefined };
    const events = ['{"type":"fault","atMs":5,"code":"x"}'];
    for (const callId of ["c1", "c2", "c3"]) {
      const sessions = [{ session: 1, events }];
      const log = composeCallLog({ ...sources, sessions, prices: undefined, row: { ...row, callId } });
      await new CallLogStore(database).write(log);
    }
  });

  it("lists calls in pages", async () => {
    const first = (await (await ask("/api/calls?limit=2")).json()) as { calls: { callId: string }[]; cursor: string };
    expect(first.calls.map(({ callId }) => callId)).toEqual(["c3", "c2"]);
    const second = await (await ask(`/api/calls?limit=2&cursor=${first.cursor}`)).json();
    expect(second).toMatchObject({
      calls: [{ callId: "c1", failed: false, summary: { reason: "hangUp" } }],
      cursor: null,
    });
  });

  it.each([
    "limit=0",
    "limit=101",
    "limit=x",
    "cursor=x",
    "cursor=eDp5",
    "since=yesterday-ish",
    "since=20261130",
    "until=1764460800",
    "failed=maybe",
  ])("does not guess what %s means", async (query) => {
    expect(await errorOf(await ask(`/api/calls?${query}`))).toEqual([400, "bad_query"]);
  });

  // A list that was empty said that there was no such call, where nothing had been asked.
  it.each([
    ...["reason=typo", "reason=", "reason=HangUp", "reason=hangUp%20", "reason=expired", "reason=x'--"],
    ...["agent=nobody", "agent=", "agent=Parrot", "agent=%20parrot", "agent=openai", "agent=parrot,openai-realtime"],
    ...["to=", "from=", "to=%20", "from=%09", "to=%00", "from=%2B1%00", `to=${"1".repeat(257)}`, "from=%E2%A0%80"],
    ...["failed=", "since=", "until=", "limit=", "cursor="],
  ])("refuses %s, which no call can have, by its name", async (query) => {
    const response = await ask(`/api/calls?${query}`);
    expect(await response.clone().text()).toContain(`"message":"${query.split("=")[0]} `);
    expect(await errorOf(response)).toEqual([400, "bad_query"]);
    // Beside what is good as well.
    expect((await ask(`/api/calls?limit=5&${query}&failed=false`)).status).toBe(400);
  });

  it("can be searched for every outcome and agent that the log may have", async () => {
    const core = ["command_desk", "conversation", "conversation_agent", "conversation_turns"].map((name) =>
      readFileSync(new URL(`../../../wasm/session/${name}.cc`, import.meta.url), "utf8"),
    );
    const said = [...core.join("").matchAll(/\b(?:End|HangUp|SayGoodbye)\([^"()]*"(\w+)"/g)].map(
      ([, reason]) => reason,
    );
    expect(new Set(said).size).toBeGreaterThanOrEqual(9);
    expect(OUTCOMES).toEqual(expect.arrayContaining(said));
    const document = readFileSync(new URL("../../../docs/boundary.md", import.meta.url), "utf8");
    for (const reason of OUTCOMES) {
      if (reason !== "unknown") expect(document).toContain(`\`${reason}\``);
      const { calls } = (await (await ask(`/api/calls?reason=${reason}`)).json()) as { calls: unknown[] };
      expect(calls).toHaveLength(reason === "hangUp" ? 3 : 0);
    }
    for (const agent of AGENTS) expect((await ask(`/api/calls?agent=${agent}`)).status, agent).toBe(200);
    for (const to of ["+2", "%2B2", "2", "sip:desk@example.com", "anonymous"])
      expect((await ask(`/api/calls?to=${to}`)).status).toBe(200);
  });

  it.each([
    "/api/calls",
    "/api/calls/c1",
    "/api/calls/c1/recording",
    "/api/calls/c1/events",
    "/api/analytics",
    "/metrics",
  ])("shows %s to operators only", async (path) => {
    expect(await errorOf(await gateway.request(path))).toEqual([401, "unauthorized"]);
  });

  it("has one call with its turns, and no other", async () => {
    expect(await (await ask("/api/calls/c1")).json()).toMatchObject({
      call: { callId: "c1" },
      turns: [],
      toolCalls: [],
    });
    expect(await errorOf(await ask("/api/calls/c9"))).toEqual([404, "not_found"]);
    expect(await errorOf(await ask("/api/calls/a.b"))).toEqual([404, "not_found"]);
  });

  // It said that there was no such call, while whoever wanted to delete it was told that it was not over.
  describe.each([
    ["GET", ""],
    ["GET", "/recording"],
    ["GET", "/captions.vtt"],
    ["GET", "/flight"],
    ["GET", "/events"],
    ["DELETE", ""],
    ["DELETE", "/recording"],
  ])("%s /api/calls/CALL%s", (method, rest) => {
    it.each([
      ["live", 409, "live"],
      ["over", 409, "not_logged"],
      ["unknown", 404, "not_found"],
    ] as const)("of a call that is %s and not in the log says so", async (stage, status, code) => {
      gateway.stage = stage;
      gateway.erasure = stage === "live" ? "live" : "unknown";
      const response = await ask(`/api/calls/c9${rest}`, { method });
      expect(response.headers.get("Retry-After")).toBe(stage === "over" ? "1" : null);
      expect(await errorOf(response)).toEqual([status, code]);
    });

    it("says that its object does not answer", async () => {
      gateway.erasure = "unknown";
      gateway.failing.add("stage");
      gateway.failure = Object.assign(new Error("lost"), { retryable: true });
      expect(await errorOf(await ask(`/api/calls/c9${rest}`, { method }))).toEqual([503, "unavailable"]);
    });
  });

  it("has the events of the call's own record, or what the log kept of them", async () => {
    gateway.history = ['{"type":"opened"}'];
    expect(await (await ask("/api/calls/c1/events")).json()).toEqual({ complete: true, events: [{ type: "opened" }] });
    gateway.history = undefined;
    const kept = await (await ask("/api/calls/c1/events")).json();
    expect(kept).toEqual({ complete: false, events: [{ type: "fault", atMs: 5, code: "x" }] });
  });

  it("says what becomes of a deletion", async () => {
    const remove = () => ask("/api/calls/c1", { method: "DELETE" });
    expect((await remove()).status).toBe(202);
    gateway.erasure = "live";
    expect(await errorOf(await remove())).toEqual([409, "live"]);
    // The object is gone: all that is left forgets the call at once.
    gateway.erasure = "unknown";
    Object.assign(gateway.variables, { SUPABASE_URL: "https://p.supabase.co", SUPABASE_KEY: "sb_secret_x" });
    const asked = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 503 }));
    expect((await remove()).status).toBe(500);
    asked.mockImplementation(async () => new Response(null, { status: 204 }));
    expect((await remove()).status).toBe(200);
    expect(asked.mock.lastCall).toMatchObject([
      expect.stringMatching(/tool_calls\?call_id=eq\.c1$/),
      { method: "DELETE" },
    ]);
    expect(await errorOf(await remove())).toEqual([404, "not_found"]);
  });

  it("gives commands to a call", async () => {
    const command = (body: string) => ask("/api/calls/c1/commands", { method: "POST", body });
    const done = await command('{"type":"pauseRecording"}');
    expect([done.status, await done.json()]).toEqual([200, { status: "done" }]);
    expect(gateway.asked).toEqual([["operate", { type: "pauseRecording" }]]);
    expect(await errorOf(await command("x"))).toEqual([400, "bad_body"]);
    expect(await errorOf(await command("[]"))).toEqual([400, "bad_body"]);
    expect(gateway.asked).toHaveLength(1);
  });

  it.each([
    ['{"type":"say","text":"a","text":"b"}', "bad_body", "text", "text is given twice"],
    ['{"type":"toolResult","toolCallId":"k","output":{"n":1,"n":2}}', "bad_body", "n", "n is given twice"],
    ['{"type":"say","text":" \\n"}', "invalid", "text", "text must not be blank"],
    ['{"type":"say","text":"\\u0000"}', "invalid", "text", "text must not be blank"],
    ['{"type":"say","text":"a\\ud800"}', "invalid", "text", "text must not have half a character (a lone surrogate)"],
  ])("refuses a command by its field: %s", async (body, code, field, message) => {
    const response = await ask("/api/calls/c1/commands", { method: "POST", body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: { code, message, field } });
    expect(gateway.asked).toEqual([]);
  });

  it.each([
    [400, "invalid", "text"],
    [404, "unknown", "toolCallId"],
    [409, "conflict", undefined],
    [409, "unsupported", undefined],
  ] as const)("answers %i to a command that is refused as %s, and says why", async (status, code, field) => {
    gateway.commandResult = { status: "refused", code, why: "because", ...(field && { field }) };
    const response = await ask("/api/calls/c1/commands", { method: "POST", body: '{"type":"x"}' });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { code, message: "because", ...(field && { field }) } });
  });

  it("says what is not there", async () => {
    expect(await errorOf(await ask("/api/calls/c1/recording"))).toEqual([503, "configuration"]);
    gateway.variables = { ...gateway.variables, CALL_LOG: undefined };
    expect(await errorOf(await ask("/api/calls"))).toEqual([503, "configuration"]);
  });

  it("tells how long it took and where", async () => {
    const response = await ask("/api/calls");
    expect(Number(response.headers.get("X-Worker-Duration"))).toBeGreaterThanOrEqual(0);
    expect(response.headers.get("X-Worker-Region")).toBe("local");
    expect((await ask("/api/calls/c9")).headers.get("X-Worker-Duration")).toMatch(/^\d+$/);
  });

  it("has the figures of the last days", async () => {
    const wide = await (await ask("/api/analytics?since=0&until=2000-01-01")).json();
    expect(wide).toMatchObject({ sessions: 3, sessionsPerDay: [{ day: "1970-01-01", sessions: 3 }], errorRate: 0 });
    expect(await (await ask("/api/analytics")).json()).toMatchObject({ sessions: 0, errorRate: null });
  });
});

describe("/metrics", () => {
  const ask = (query = "", headers: Record<string, string> = {}) =>
    gateway.request(`/metrics${query}`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...headers } });

  it("is JSON, or Prometheus' text where that is asked for", async () => {
    expect(await (await ask()).json()).toMatchObject({ totalCalls: 5, activeCalls: 2, errorRate: null });
    for (const response of [await ask("?format=prometheus"), await ask("", { Accept: "text/plain;version=0.0.4" })]) {
      expect(response.headers.get("Content-Type")).toContain("text/plain; version=0.0.4");
      const text = await response.text();
      expect(text).toContain('trunkline_calls_ended_total{reason="hangUp"} 3\n');
      expect(text).toContain("# TYPE trunkline_calls_active gauge\ntrunkline_calls_active 2\n");
      expect(text).not.toContain("null");
    }
  });
});

describe("everything else", () => {
  it.each(["/", "/nope", "/twiml/a/b", "/call/a/b"])("answers %s with 404 as JSON", async (path) => {
    expect(await errorOf(await gateway.request(path))).toEqual([404, "not_found"]);
  });

  it("names the methods that a route takes", async () => {
    const response = await gateway.request("/health", { method: "DELETE" });
    expect(response.headers.get("Allow")).toBe("GET");
    expect(await errorOf(response)).toEqual([405, "method_not_allowed"]);
  });

  it("tells nobody what broke inside", async () => {
    gateway.failing.add("resume");
    const response = await gateway.webhook("/twiml/4c7e");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("resume failed");
    expect(console.error).toHaveBeenCalledOnce();
  });
});
