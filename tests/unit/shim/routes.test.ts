// Every route x what is wrong about a request -> the class of the answer. The cases are made of the routes' own table: a
// route that is added is tested by being added.

import { getExpectedTwilioSignature } from "twilio/lib/webhooks/webhooks.js";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { allRoutes, createApp } from "../../../worker-shim/api/app.ts";
import { MAX_BODY_BYTES, MAX_BODY_MS } from "../../../worker-shim/api/requests.ts";
import type { Route } from "../../../worker-shim/api/route.ts";
import { composeCallLog } from "../../../worker-shim/call-log.ts";
import { UNOPENED } from "../../../worker-shim/call-object.ts";
import { CallLogStore } from "../../../worker-shim/ports/call-log-store.ts";
import { MemoryD1, settle } from "./support/fakes.ts";
import { ADMIN_TOKEN, AUTH_TOKEN, CALL_PARAMS, CALL_SID, errorOf, Gateway } from "./support/gateway.ts";

const BUILD = { version: "1.2.3", warmUpError: undefined };
const ROUTES = allRoutes(BUILD);
const PATHS = [...new Set(ROUTES.map(({ path }) => path))];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Texts that mean nothing as a number, a time, a choice or an id. */
const ODD_TEXTS = [
  ...["", " ", "-1", "1.5", "1e3", "0x10", "NaN", "Infinity", "99999999999999999999", "null", "[]", "{}"],
  ...["2026-13-01", "2026-02-30", "2026-00-10", "2026-01-01T25:00", "10000-01-01", "8640000000000001", "yesterday"],
  ...["TRUE", "true ", "yes", "\u0000", "%", "\ud800", "'; DROP TABLE calls; --", "x".repeat(300), "0", "101"],
];

/** Bodies that are no JSON object. */
const ODD_BODIES: (string | Uint8Array<ArrayBuffer>)[] = [
  ...["", " ", "x", "{", "[]", "3", "null", "true", '"text"', "a=b&c=d", '{"a":1}{"b":2}', '{"a":}'],
  Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
];

const RECORDING = Uint8Array.from({ length: 1_000 }, (_, i) => i % 256);

let gateway: Gateway;

function recordings() {
  const about = { size: RECORDING.length, httpEtag: '"e"', httpMetadata: { contentType: "audio/ogg" } };
  return {
    head: async () => about,
    get: async (_: string, { range }: { range?: { offset: number; length: number } }) => ({
      ...about,
      body: new Response(range ? RECORDING.slice(range.offset, range.offset + range.length) : RECORDING).body,
    }),
    delete: async () => undefined,
  };
}

beforeEach(async () => {
  gateway = new Gateway();
  const database = new MemoryD1();
  const summary = '{"reason":"hangUp","durationMs":9000}';
  const row = { callId: "c1", carrierCallId: "CA1", agent: "parrot", authorization: "required", from: "+1", to: "+2" };
  const times = { createdMs: 1_000, sessions: 1, issuedSerial: 1, usedSerial: 1, reconnects: 0, endedMs: 10_000 };
  await new CallLogStore(database).write(
    composeCallLog({
      row: { ...row, ...times, authorization: "required", outcome: summary, openedMs: undefined, erased: false },
      tenant: "default",
      sessions: [],
      recording: { bytes: RECORDING.length, durationMs: 9_000, parts: [] },
      recordingKey: "recordings/c1",
      flightKey: "flights/c1",
      prices: undefined,
    }),
  );
  gateway.history = [];
  gateway.book.save("p1", { profile: {} }, { type: "anything" });
  gateway.knowledge.store("p1/hours.md", "Open at nine.");
  Object.assign(gateway.variables, {
    CALL_LOG: database,
    RECORDINGS: recordings(),
    REQUESTS: { list: async () => ({ keys: [] }), get: async () => null, put: async () => undefined },
    FAULT_INJECTION: "true",
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function pathOf(
  { path }: Pick<Route, "path">,
  callId = "c1",
  profile = "p1",
  version = "1",
  file = "hours.md",
): string {
  return path
    .replace(":callId", encodeURIComponent(callId))
    .replace(":profile", encodeURIComponent(profile))
    .replace(":version", encodeURIComponent(version))
    .replace(":file", encodeURIComponent(file));
}

/** A good query of its own: what the route cannot do without. */
function queryOf({ path }: Route): string {
  return path === "/logs" ? "?call=c1" : "";
}

/** A body that the route takes. */
function bodyOf(route: Route): string | undefined {
  if (!route.body) return route.path.endsWith("/:file") ? "Open at nine." : undefined;
  const bodies = [
    { dependency: "d1", fault: "none" },
    { type: "command", command: { type: "hangUp" } },
    { call: "c1" },
    { profile: {} },
    { type: "hangUp" },
    {},
  ];
  const good = bodies.find((body) => v.safeParse(route.body as v.GenericSchema, body).success);
  expect(good, `${route.path} takes none of the known bodies`).toBeDefined();
  return JSON.stringify(good);
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit | undefined;
  /** Who asks: somebody who has the right to, unless it is said. */
  readonly as?: "entitled" | "anyone";
}

/** Asks as one who may, for what is there, but for what is said. */
function ask(route: Route, { method = route.method, path, query, headers = {}, body, as = "entitled" }: Ask = {}) {
  const target = (path ?? pathOf(route)) + (query ?? queryOf(route));
  const own: Record<string, string> = route.upgrade ? { Upgrade: "websocket" } : {};
  let sent = body ?? (method === "POST" || method === "PUT" ? bodyOf(route) : undefined);
  if (as === "entitled" && isOfOperators(route)) own.Authorization = `Bearer ${ADMIN_TOKEN}`;
  if (as === "entitled" && route.access === "carrier") {
    const isForm = method === "POST";
    const signedPath = isForm ? target : `${target}${target.includes("?") ? "&" : "?"}CallSid=${CALL_SID}`;
    const params = isForm ? CALL_PARAMS : {};
    own["X-Twilio-Signature"] = getExpectedTwilioSignature(AUTH_TOKEN, `https://gw.example.com${signedPath}`, params);
    if (isForm) sent = new URLSearchParams(params);
    return gateway.request(signedPath, { method, headers: { ...own, ...headers }, ...(sent && { body: sent }) });
  }
  return gateway.request(target, {
    method,
    headers: { ...own, ...headers },
    ...(sent !== undefined && { body: sent }),
  });
}

function isOfOperators({ access }: Pick<Route, "access">): boolean {
  return access === "operator" || access === "harness" || access === "observer";
}

function named(routes: readonly Route[]): [string, Route][] {
  return routes.map((route) => [`${route.method} ${route.path}`, route]);
}

const EVERY = named(ROUTES);
const OPERATORS = named(ROUTES.filter(isOfOperators));
const CARRIERS = named(ROUTES.filter(({ access }) => access === "carrier"));
const OF_A_PROFILE = named(ROUTES.filter(({ path }) => path.includes(":profile")));
const OF_A_VERSION = named(ROUTES.filter(({ path }) => path.includes(":version")));
const OF_A_FILE = named(ROUTES.filter(({ path }) => path.includes(":file")));
const OF_A_CALL = named(ROUTES.filter(({ path }) => path.includes(":callId")));
const WITH_QUERY = named(ROUTES.filter(({ query }) => query !== undefined));
const WITH_BODY = named(ROUTES.filter(({ body }) => body !== undefined));
const UPGRADES = named(ROUTES.filter(({ upgrade }) => upgrade));

it("is complete: the app has no route that is not in the table", () => {
  const mounted = createApp(BUILD).routes.map(({ path }) => path);
  const middleware = ["/*", "/api/*", "/health", "/metrics", "/tools"];
  for (const path of mounted) expect([...PATHS, ...middleware]).toContain(path);
  for (const path of PATHS) expect(mounted).toContain(path);
  expect(EVERY.length).toBeGreaterThanOrEqual(20);
});

describe.each(EVERY)("%s", (_, route) => {
  it("answers who asks rightly", async () => {
    // A stream that nobody has announced is for a gateway on one's own machine.
    if (route.path === "/call") gateway.variables.ALLOW_UNAUTHENTICATED = "true";
    const { status } = await ask(route);
    expect(status).toBeLessThan(300);
    // What is deleted is deleted once.
    gateway.book.save("p1", { profile: {} }, { type: "anything" });
    gateway.knowledge.store("p1/hours.md", "Open at nine.");
    // A slash at the end is none.
    if (route.access !== "carrier") expect((await ask(route, { path: `${pathOf(route)}/` })).status).toBe(status);
  });

  it("answers HEAD as GET without a body, and without effect", async () => {
    if (route.method !== "GET") return;
    const got = await ask(route);
    await got.arrayBuffer();
    const before = gateway.asked.length;
    const head = await ask(route, { method: "HEAD" });
    expect(await head.text()).toBe("");
    const refused = route.effect === true || route.upgrade === true;
    expect(head.status).toBe(refused ? 405 : got.status);
    if (refused) expect(gateway.asked).toHaveLength(before);
    expect(gateway.asked.slice(before).flat()).not.toContain("prepare");
  });
});

describe.each(PATHS)("%s", (path) => {
  const ofPath = ROUTES.filter((route) => route.path === path);
  const [first] = ofPath as [Route];
  const allowed = ofPath.map(({ method }) => method);

  it.each(METHODS.filter((method) => !(allowed as string[]).includes(method)))("refuses %s by name", async (method) => {
    const response = await ask(first, { method });
    expect(response.headers.get("Allow")).toBe(allowed.join(", "));
    expect(await errorOf(response)).toEqual([405, "method_not_allowed"]);
    expect(gateway.asked).toEqual([]);
  });

  it("says what it takes", async () => {
    const response = await ask(first, { method: "OPTIONS", as: "anyone" });
    expect([response.status, response.headers.get("Allow")]).toEqual([204, allowed.join(", ")]);
    expect(gateway.asked).toEqual([]);
  });
});

describe.each(OPERATORS)("%s", (_, route) => {
  it.each([
    ["none", {}],
    ["a wrong one", { Authorization: `Bearer ${ADMIN_TOKEN}x` }],
    ["a part of it", { Authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}` }],
    ["an empty one", { Authorization: "Bearer " }],
    ["it in capitals", { Authorization: `Bearer ${ADMIN_TOKEN.toUpperCase()}` }],
    ["another scheme", { Authorization: `Basic ${btoa(`admin:${ADMIN_TOKEN}`)}` }],
    ["it in another header", { "X-Admin-Token": ADMIN_TOKEN }],
    ["two", { Authorization: `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}` }],
    ["a placeholder", { Authorization: "Bearer replace-me-by-32-hex-digits" }],
  ])("wants the admin token: %s", async (_, headers) => {
    const response = await ask(route, { as: "anyone", headers });
    expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await errorOf(response)).toEqual([401, "unauthorized"]);
    expect(gateway.asked).toEqual([]);
  });

  it("says that the token is not set", async () => {
    gateway.variables = { ...gateway.variables, ADMIN_TOKEN: "" };
    const response = await ask(route);
    expect(await response.clone().text()).toContain("ADMIN_TOKEN is not set");
    expect(await errorOf(response)).toEqual([503, "configuration"]);
    expect(gateway.asked).toEqual([]);
  });
});

describe.each(CARRIERS)("%s", (_, route) => {
  it("wants the carrier's signature", async () => {
    expect(await errorOf(await ask(route, { as: "anyone" }))).toEqual([403, "no_signature"]);
    for (const signature of ["", "AAAA", "x".repeat(5_000), ",,,,", "\u00e9"])
      expect(await errorOf(await ask(route, { headers: { "X-Twilio-Signature": signature } }))).toEqual([
        403,
        "bad_signature",
      ]);
    expect(gateway.asked).toEqual([]);
  });

  it.each(["TWILIO_AUTH_TOKEN", "TOKEN_SECRET"])("says that %s is not set", async (secret) => {
    if (route.path === "/twiml/status" && secret === "TOKEN_SECRET") return;
    gateway.variables = { ...gateway.variables, [secret]: "" };
    const response = await ask(route);
    expect(await response.clone().text()).toContain(`${secret} is not set`);
    expect(await errorOf(response)).toEqual([503, "configuration"]);
    expect(gateway.asked).toEqual([]);
    const health = await gateway.request("/health");
    const { status, configuration } = (await health.json()) as { status: string; configuration: { secrets: object } };
    expect([health.status, status, configuration.secrets]).toMatchObject([503, "degraded", { [secret]: "missing" }]);
  });
});

describe.each(OF_A_FILE)("%s", (_, route) => {
  it.each([".x", "a b", "x".repeat(65), "\u00e9", "%2F", "a/b", "a:b", "a;b", "a%00"])("has no %j", async (file) => {
    const path = pathOf(route, "c1", "p1", "1", file);
    expect(await errorOf(await ask(route, { path }))).toEqual([404, "not_found"]);
    expect(gateway.knowledge.reads).toEqual([]);
  });

  it("says that the bucket is not bound, or does not answer", async () => {
    gateway.variables = { ...gateway.variables, KNOWLEDGE: undefined };
    const response = await ask(route);
    expect(await response.clone().text()).toContain("KNOWLEDGE is not bound");
    expect(await errorOf(response)).toEqual([503, "configuration"]);
    gateway.variables = { ...gateway.variables, KNOWLEDGE: gateway.knowledge };
    gateway.knowledge.behaviour = async () => {
      throw new Error("gone");
    };
    expect(await errorOf(await ask(route))).toEqual([503, "unavailable"]);
  });
});

describe.each(OF_A_CALL)("%s", (_, route) => {
  it.each(["a.b", "a b", "x".repeat(65), "..", "\u00e9", "%2F", "a|b", "c1;x"])("has no call %j", async (callId) => {
    const path = pathOf(route, callId);
    expect(await errorOf(await ask(route, { path }))).toEqual([404, "not_found"]);
    expect(gateway.asked).toEqual([]);
  });

  it("takes an id however it is encoded", async () => {
    const encoded = await ask(route, { path: pathOf(route).replace("c1", "%631") });
    expect(encoded.status).toBe((await ask(route)).status);
  });

  // A class does not survive the way from an object.
  it("is not there for a while when a later version has the call", async () => {
    const of = ["resume", "events", "erase", "operate", "command", "fetch", "prepare", "knows"];
    gateway.failure = new Error(UNOPENED);
    gateway.failing = new Set(of);
    gateway.upgradeStatus = 503;
    const response = await ask(route);
    // What comes from the log does not need the object.
    if (response.status < 300) return;
    expect(response.headers.get("Retry-After")).toBe("3600");
    expect(await errorOf(response)).toEqual([503, "newer_schema"]);
  });
});

describe.each(OF_A_PROFILE)("%s", (_, route) => {
  it.each(["a.b", "a b", "x".repeat(65), "\u00e9", "%2F", "a:b", "p1;x", "schema.json.x"])(
    "has no %j",
    async (name) => {
      const path = pathOf(route, "c1", name);
      expect(await errorOf(await ask(route, { path }))).toEqual([404, "not_found"]);
      expect(gateway.asked).toEqual([]);
    },
  );

  it("knows no other one", async () => {
    if (route.body) return;
    const path = pathOf(route, "c1", "p2");
    expect(await errorOf(await ask(route, { path }))).toEqual([404, "not_found"]);
  });
});

describe.each(OF_A_VERSION)("%s", (_, route) => {
  it.each(["0", "-1", "1.0", "01", "1e3", "x", "99999999999", "2"])("has no version %j", async (version) => {
    const path = pathOf(route, "c1", "p1", version);
    expect(await errorOf(await ask(route, { path }))).toEqual([404, "not_found"]);
  });
});

describe.each(WITH_QUERY)("%s", (_, route) => {
  const parameters = Object.entries(route.query ?? {}) as [string, v.GenericSchema][];

  it("knows its parameters, once each", async () => {
    const unknown = await ask(route, { query: "?limt=3" });
    const names = parameters.map(([name]) => name);
    const all = names.length === 0 ? "nothing is taken here" : names.join(", ");
    expect(await unknown.clone().text()).toMatch(new RegExp(`limt is not known; (there (are|is only) )?${all}`));
    expect(await errorOf(unknown)).toEqual([400, "bad_query"]);
    for (const [name] of parameters) {
      const twice = await ask(route, { query: `?${name}=1&${name}=2` });
      expect(await twice.clone().text()).toContain(`${name} is given twice`);
      expect(await errorOf(twice)).toEqual([400, "bad_query"]);
    }
    expect(gateway.asked).toEqual([]);
  });

  it.each(parameters)("takes of %s what it means, and names it otherwise", async (name, schema) => {
    let refused = 0;
    for (const text of ODD_TEXTS) {
      const response = await ask(route, { query: `?${name}=${encodeURIComponent(text.toWellFormed())}` });
      const isGood = v.safeParse(schema, text.toWellFormed()).success;
      expect(response.status, `${name}=${text}`).toBeLessThan(500);
      if (isGood) continue;
      refused++;
      expect(await response.clone().text()).toContain(name);
      expect(await errorOf(response)).toEqual([400, "bad_query"]);
    }
    const anyText = ["cursor", "call"];
    if (!anyText.includes(name)) expect(refused).toBeGreaterThan(0);
  });
});

describe.each(WITH_BODY)("%s", (_, route) => {
  it.each([
    ['{"type":"hangUp","type":"hangUp"}', "type"],
    ['{"dependency":"d1","fault":"none","fault":"none"}', "fault"],
    ['{"a":[{"b":1,"\\u0062":1}]}', "b"],
  ])("takes no body with a key twice: %s", async (body, field) => {
    const response = await ask(route, { body });
    expect(response.status).toBe(400);
    const message = `${field} is given twice`;
    expect(await response.json()).toEqual({ error: { code: "bad_body", message, field } });
  });

  it.each(ODD_BODIES)("takes no body %j", async (body) => {
    expect(await errorOf(await ask(route, { body }))).toEqual([400, "bad_body"]);
    expect(gateway.asked).toEqual([]);
  });

  // The document said 415, which is for what a request says of its body.
  it.each([
    [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d],
    [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
    [0xc3],
    [0x7b, 0xed, 0xa0, 0x80],
  ])("says of bytes that are not UTF-8 what they are not: %i, %i...", async (...bytes) => {
    for (const type of ["application/json", "application/json; charset=utf-8"]) {
      const response = await ask(route, { body: Uint8Array.from(bytes), headers: { "Content-Type": type } });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: { code: "bad_body", message: "the body is not UTF-8" } });
    }
    const other = { body: Uint8Array.from(bytes), headers: { "Content-Type": "application/json; charset=latin1" } };
    expect(await errorOf(await ask(route, other))).toEqual([415, "unsupported_charset"]);
  });

  it.each([
    ["too long", { body: "x".repeat((route.maxBodyBytes ?? MAX_BODY_BYTES) + 1) }, 413, "body_too_long"],
    ["compressed", { headers: { "Content-Encoding": "gzip" } }, 415, "unsupported_encoding"],
    [
      "in other letters",
      { headers: { "Content-Type": "application/json; charset=utf-16" } },
      415,
      "unsupported_charset",
    ],
  ] as const)("refuses one that is %s", async (_, asked, status, code) => {
    expect(await errorOf(await ask(route, asked))).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });

  it.each(["application/json", "application/json; charset=UTF-8", "text/plain", "application/x-www-form-urlencoded"])(
    "takes JSON whatever it is called: %s",
    async (contentType) => {
      expect((await ask(route, { headers: { "Content-Type": contentType } })).status).toBeLessThan(300);
    },
  );

  it("logs no error for one that is abandoned", async () => {
    const abandoned = new ReadableStream({
      pull: (controller) => controller.error(new Error("Network connection lost.")),
    });
    const url = `http://internal:8080${pathOf(route)}`;
    const init = {
      method: route.method,
      body: abandoned,
      duplex: "half",
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    };
    expect(await errorOf(await gateway.ask(new Request(url, init as RequestInit)))).toEqual([400, "body_abandoned"]);
    expect(console.error).not.toHaveBeenCalled();
  });
});

it("waits for a body only so long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  try {
    let cancelled = false;
    const slow = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
      cancel: () => {
        cancelled = true;
      },
    });
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const init = { method: "POST", body: slow, duplex: "half", headers };
    const answer = gateway.ask(new Request("http://internal:8080/api/calls/c1/commands", init as RequestInit));
    // The token is compared first.
    while (vi.getTimerCount() === 0) await settle();
    await vi.advanceTimersByTimeAsync(MAX_BODY_MS - 1);
    expect(await Promise.race([answer, "waits"])).toBe("waits");
    await vi.advanceTimersByTimeAsync(1);
    expect(await errorOf(await answer)).toEqual([408, "body_too_slow"]);
    expect(cancelled).toBe(true);
    expect(gateway.asked).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

describe.each(UPGRADES)("%s", (_, route) => {
  it.each([{}, { Upgrade: "h2c" }, { Upgrade: "" }])("wants an upgrade, not %j", async (headers) => {
    const response = await gateway.request(pathOf(route) + queryOf(route), { headers });
    expect(await errorOf(response)).toEqual([426, "upgrade_required"]);
    expect(gateway.asked).toEqual([]);
  });
});

describe("the recording", () => {
  const ranged = (range: string, headers: Record<string, string> = {}) =>
    gateway.request("/api/calls/c1/recording", {
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, Range: range, ...headers },
    });

  it.each([
    ["bytes=0-0", 0, 1],
    ["bytes=0-", 0, 1000],
    ["bytes=999-", 999, 1],
    ["bytes=-1", 999, 1],
    ["bytes=-5000", 0, 1000],
    ["bytes=10-19", 10, 10],
    ["bytes=990-5000", 990, 10],
    ["Bytes = 10-19", 10, 10],
    ["bytes=0-99999999999999999999", 0, 1000],
  ])("has %s", async (range, offset, length) => {
    const response = await ranged(range);
    expect(response.status).toBe(206);
    expect(response.headers.get("Content-Range")).toBe(`bytes ${offset}-${offset + length - 1}/1000`);
    expect(response.headers.get("Content-Length")).toBe(String(length));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(RECORDING.slice(offset, offset + length));
  });

  it.each(["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999-"])("has no %s", async (range) => {
    const response = await ranged(range);
    expect(response.headers.get("Content-Range")).toBe("bytes */1000");
    expect(await errorOf(response)).toEqual([416, "bad_range"]);
  });

  it.each(["bytes=9-3", "bytes=0-1,5-9", "bytes=a-b", "bytes=", "bytes=-", "items=0-1", "0-1", "bytes=1.5-2", ""])(
    "gives the whole to %j",
    async (range) => {
      const response = await ranged(range);
      expect([response.status, response.headers.get("Content-Range")]).toEqual([200, null]);
      expect((await response.arrayBuffer()).byteLength).toBe(1000);
    },
  );

  it("gives the whole to who has another one", async () => {
    expect((await ranged("bytes=0-1", { "If-Range": '"old"' })).status).toBe(200);
    expect((await ranged("bytes=0-1", { "If-Range": '"e"' })).status).toBe(206);
  });

  // Ranges are of GET alone: RFC 9110, 14.2.
  it.each([undefined, "bytes=0-1", "bytes=999-", "bytes=-1", "bytes=1000-", "bytes=-0", "x"])(
    "has its length for HEAD, whatever range comes with it: %s",
    async (range) => {
      const response = await gateway.request("/api/calls/c1/recording", {
        method: "HEAD",
        headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...(range !== undefined && { Range: range }) },
      });
      expect([response.status, response.headers.get("Content-Length")]).toEqual([200, "1000"]);
      expect(response.headers.get("Content-Range")).toBeNull();
      expect(response.headers.get("Accept-Ranges")).toBe("bytes");
    },
  );
});

// They were looked for as they came to be read, and nothing was found.
describe.each(["/api/calls", "/api/analytics", "/api/slow-requests"])("bytes of a query that are not UTF-8", (path) => {
  it.each([
    ["to=%ff", "to"],
    ["from=%2B1555%C3", "from"],
    ["from=%ed%a0%80", "from"],
    ["cursor=%C0%AF", "cursor"],
    ["since=0&agent=%F4%90%80%80", "agent"],
    ["a%FFb=1", JSON.stringify("a\ufffdb")],
  ])(`are refused at ${path}: %s`, async (query, name) => {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await gateway.request(`${path}?${query}`, { headers });
    expect(await response.clone().text()).toContain(JSON.stringify(`${name} must be UTF-8`).slice(1, -1));
    expect(await errorOf(response)).toEqual([400, "bad_query"]);
  });
});

describe("times", () => {
  const list = (query: string) =>
    gateway.request(`/api/calls?${query}`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });

  it.each([
    "since=0",
    "since=1970-01-01",
    "since=1970-01-01T00:00:00Z",
    "since=1970-01-01T00:00:00.000Z",
    "since=1970-01-01 00:00",
    "since=1970-01-01T00:00:00%2B00:00",
    // A plus that nobody has encoded.
    "since=1970-01-01T01:00:00+01:00",
    "until=253402300799999",
    "from=+1",
    "from=%2B1",
  ])("are understood: %s", async (query) => {
    const response = await list(query);
    expect(response.status).toBe(200);
    expect(((await response.json()) as { calls: unknown[] }).calls).toHaveLength(1);
  });

  it.each(["since=2&until=1", "since=5&until=5"])("must be in order: %s", async (query) => {
    expect(await errorOf(await list(query))).toEqual([400, "bad_query"]);
    const analytics = gateway.request(`/api/analytics?${query}`, {
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(await errorOf(await analytics)).toEqual([400, "bad_query"]);
  });

  it("may be at the ends of what there is", async () => {
    for (const query of ["since=0", "until=253402300799999", "since=253402300799998", "since=0&until=100000000000"]) {
      const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
      expect((await gateway.request(`/api/analytics?${query}`, { headers })).status).toBe(200);
    }
  });
});

describe("a store that fails", () => {
  it("is the world's fault, not ours", async () => {
    const failing = async () => {
      throw new Error("D1_ERROR: gone");
    };
    gateway.variables = { ...gateway.variables, CALL_LOG: { prepare: () => ({ bind: () => ({}) }), batch: failing } };
    for (const path of ["/api/calls", "/api/calls/c1", "/api/analytics"]) {
      const response = await gateway.request(path, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
      expect(response.headers.get("Retry-After")).toBe("1");
      expect(await response.clone().text()).not.toContain("D1_ERROR");
      expect(await errorOf(response)).toEqual([503, "unavailable"]);
    }
  });
});
