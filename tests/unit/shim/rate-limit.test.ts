import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../../worker-shim/api/app.ts";
import {
  ANONYMOUS,
  addressOf,
  MAX_ADDRESSES,
  RateLimiter,
  UNSIGNED_UPGRADES,
} from "../../../worker-shim/api/rate-limit.ts";
import { ADMIN_TOKEN, CALL_PARAMS, errorOf, Gateway } from "./support/gateway.ts";

const PER_MINUTE = 120;

let gateway: Gateway;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_795_000_000_000 });
  gateway = new Gateway();
  // One isolate.
  gateway.app = createApp({ version: "1.2.3", warmUpError: undefined });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const from = (address: string) => ({ "CF-Connecting-IP": address });

async function statusesOf(count: number, ask: () => Promise<Response>): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const { status } = await ask();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return statuses;
}

describe("an address", () => {
  const wrongProofs: [string, (headers: Record<string, string>) => Promise<Response>, number][] = [
    ["no signature", (headers) => gateway.request("/twiml", { method: "POST", headers }), 403],
    [
      "a wrong one",
      (headers) => gateway.webhook("/twiml", CALL_PARAMS, { "X-Twilio-Signature": "AAAA", ...headers }),
      403,
    ],
    ["no token", (headers) => gateway.request("/api/calls", { headers }), 401],
    [
      "a wrong one",
      (headers) => gateway.request("/metrics", { headers: { Authorization: "Bearer x", ...headers } }),
      401,
    ],
  ];

  it.each(wrongProofs)("that brings %s too often is told to wait, and no other", async (_, ask, status) => {
    const statuses = await statusesOf(PER_MINUTE + 30, () => ask(from("192.0.2.1")));
    expect(statuses).toEqual(
      new Map([
        [status, PER_MINUTE],
        [429, 30],
      ]),
    );
    const refused = await ask(from("192.0.2.1"));
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(await errorOf(refused)).toEqual([429, "rate_limited"]);
    expect((await ask(from("192.0.2.2"))).status).toBe(status);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await ask(from("192.0.2.1"))).status).toBe(status);
  });

  it("that shows a proof is never told to wait", async () => {
    await statusesOf(PER_MINUTE + 1, () => gateway.request("/metrics", { headers: from("192.0.2.1") }));
    const signed = () => gateway.webhook("/twiml", CALL_PARAMS, from("192.0.2.1"));
    const operator = () =>
      gateway.request("/metrics", { headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...from("192.0.2.1") } });
    const many = PER_MINUTE + 10;
    expect(await statusesOf(many, signed)).toEqual(new Map([[200, many]]));
    expect(await statusesOf(many, operator)).toEqual(new Map([[200, many]]));
  });

  it.each(["/health", "/public-url", "/nothing"])("that asks for %s too often is told to wait", async (path) => {
    const statuses = await statusesOf(ANONYMOUS.burst + 50, () =>
      gateway.request(path, { headers: from("192.0.2.1") }),
    );
    expect(statuses.get(429)).toBe(50);
  });

  it("that opens too many streams is told to wait, unless the carrier has signed them", async () => {
    const open = () => gateway.upgrade("/call/4c7e", from("192.0.2.1"));
    const statuses = await statusesOf(UNSIGNED_UPGRADES.burst + 5, open);
    expect(statuses).toEqual(
      new Map([
        [204, UNSIGNED_UPGRADES.burst],
        [429, 5],
      ]),
    );
    expect(gateway.asked).toHaveLength(UNSIGNED_UPGRADES.burst);
  });

  it("may be limited by the platform as well, by its network", async () => {
    const keys: string[] = [];
    gateway.variables.RATE_LIMIT = {
      limit: async ({ key }: { key: string }) => {
        keys.push(key);
        return { success: keys.length < 3 };
      },
    };
    const statuses = await statusesOf(5, () => gateway.request("/metrics", { headers: from("2001:DB8::1") }));
    expect([statuses.get(401), statuses.get(429)]).toEqual([2, 3]);
    expect(new Set(keys)).toEqual(new Set(["2001:db8:0:0"]));
    // Who has a token is not counted.
    await gateway.request("/metrics", { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(keys).toHaveLength(5);
  });

  it("is not limited where the setting is 0", async () => {
    gateway.variables.RATE_LIMIT_PER_MINUTE = "0";
    expect(await statusesOf(700, () => gateway.request("/metrics"))).toEqual(new Map([[401, 700]]));
    expect(await statusesOf(700, () => gateway.request("/public-url"))).toEqual(new Map([[200, 700]]));
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["2001:db8:1:2::", "2001:db8:1:2"],
    ["", "unknown"],
  ])("%s counts as %s", (address, key) => {
    expect(addressOf(new Request("http://x/", { headers: from(address) }))).toBe(key);
  });
});

describe("a bucket", () => {
  it("fills as time passes, to its brim", () => {
    const limiter = new RateLimiter({ burst: 2, perSecond: 0.5 });
    expect([limiter.take("a", 0), limiter.take("a", 0), limiter.take("a", 0)]).toEqual([0, 0, 2]);
    expect([limiter.take("a", 1_000), limiter.take("a", 2_000)]).toEqual([1, 0]);
    expect([100_000, 100_000, 100_000].map((ms) => limiter.take("a", ms))).toEqual([0, 0, 2]);
    // A clock that goes back gives nothing.
    expect(limiter.take("a", 0)).toBe(2);
  });

  it("is forgotten, the oldest first, when there are too many", () => {
    const limiter = new RateLimiter({ burst: 1, perSecond: 0.001 });
    for (let i = 0; i < MAX_ADDRESSES; i++) limiter.take(`a${i}`, 0);
    limiter.take("a0", 0);
    limiter.take("new", 0);
    expect([limiter.addresses, limiter.forgotten]).toEqual([MAX_ADDRESSES, 1]);
    expect([limiter.take("a0", 0), limiter.take("a1", 0)]).toEqual([1000, 0]);
  });
});

describe("/health", () => {
  it("asks each store once in a while, however often it is asked itself", async () => {
    const asked: string[] = [];
    const note = (name: string, answer: unknown) => async () => {
      asked.push(name);
      return answer;
    };
    Object.assign(gateway.variables, {
      CALL_LOG: { prepare: () => ({ bind: () => ({}) }), batch: note("d1", [{ success: true, results: [] }]) },
      RECORDINGS: { head: note("r2", null) },
      REQUESTS: { get: note("kv", null) },
    });
    // Other tests have asked in this process.
    vi.setSystemTime(Date.now() + 3_600_000);
    for (let i = 0; i < 100; i++) expect((await gateway.request("/health")).status).toBe(200);
    expect(asked.toSorted()).toEqual(["d1", "kv", "r2"]);
    vi.setSystemTime(Date.now() + 10_000);
    await gateway.request("/health");
    expect(asked).toHaveLength(6);
  });

  it.each([
    [{}, { publicBaseUrl: "https://gw.example.com", publicBaseUrlFrom: "PUBLIC_BASE_URL" }],
    [{ PUBLIC_BASE_URL: "" }, { publicBaseUrl: "http://internal:8080", publicBaseUrlFrom: "the request" }],
    [{}, { environment: "development", streamUrl: "wss://gw.example.com/call/ID", allowUnauthenticated: false }],
    [{ DEFAULT_AGENT: "openai-realtime" }, { secrets: { OPENAI_API_KEY: "missing", TOKEN_SECRET: "set" } }],
    [{ ALLOW_UNAUTHENTICATED: "true", TWILIO_AUTH_TOKEN: "" }, { secrets: { TWILIO_AUTH_TOKEN: "missing" } }],
  ])("says what the gateway goes by: %j", async (variables, expected) => {
    Object.assign(gateway.variables, variables);
    const response = await gateway.request("/health");
    const text = await response.clone().text();
    expect((await response.json()) as object).toMatchObject({ configuration: expected });
    for (const secret of [ADMIN_TOKEN, "0123456789abcdef"]) expect(text).not.toContain(secret);
  });
});
