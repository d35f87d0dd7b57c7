import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { HttpRequest } from "../../../worker-shim/ports.ts";
import type { Profile } from "../../../worker-shim/profile.ts";
import { readSettings, type SettingVariables } from "../../../worker-shim/settings.ts";
import { argumentsFault, toolUpstreams, withoutUrls } from "../../../worker-shim/tool-webhooks.ts";

const SECRET = "a-secret-of-the-tools";

function settings(url: string, variables: SettingVariables = {}, more: object = {}) {
  const tool = { type: "function", name: "lookup", webhook: { url }, ...more };
  const given = { TOOL_HOSTS: "tools.example.com", TOOL_SECRET: SECRET, ...variables };
  return readSettings({ ENVIRONMENT: "production", ...given, PROFILE: { tools: [tool] } });
}

describe("a profile's webhook", () => {
  it.each([
    ["https://tools.example.com/lookup?key=1", "tools.example.com"],
    ["https://TOOLS.example.com:443/", "tools.example.com"],
    ["https://tools.example.com", "a.example, tools.example.com:443"],
    ["https://tools.example.com:8443/x", "tools.example.com:8443"],
    ["https://a.b.example.com/x", "*.example.com"],
    ["https://[::1]:8443/x", "[::1]:8443"],
    ["http://127.0.0.1:9000/x", "127.0.0.1:9000"],
    ["http://localhost/x", "localhost:80"],
  ])("may be at %s where %s is named", (url, hosts) => {
    expect(settings(url, { TOOL_HOSTS: hosts }).profile.tools?.[0]?.webhook?.url).toBe(url);
  });

  const unnamed = "PROFILE.tools[0].webhook.url must be of a host that TOOL_HOSTS names";
  it.each([
    ["https://tools.example.com.evil.example/", "tools.example.com", unnamed],
    ["https://tools.example.com:8443/", "tools.example.com", unnamed],
    ["https://tools.example.com/", "tools.example.com:8443", unnamed],
    ["https://example.com/", "*.example.com", unnamed],
    ["https://evilexample.com/", "*.example.com", unnamed],
    ["https://169.254.169.254/", "tools.example.com", unnamed],
    ["http://tools.example.com/", "tools.example.com:80", "PROFILE.tools[0].webhook.url must be an https URL"],
    ["ftp://tools.example.com/", "tools.example.com", "PROFILE.tools[0].webhook.url must be an http(s) URL"],
    [
      "https://user:pass@tools.example.com/",
      "tools.example.com",
      "PROFILE.tools[0].webhook.url must be an http(s) URL",
    ],
    ["https://tools.example.com/#x", "tools.example.com", "PROFILE.tools[0].webhook.url must be an http(s) URL"],
    ["/lookup", "tools.example.com", "PROFILE.tools[0].webhook.url must be an http(s) URL"],
    [`https://tools.example.com/${"x".repeat(2048)}`, "tools.example.com", "must have at most 2048 characters"],
  ])("may not be at %s where %s is named", (url, hosts, fault) => {
    expect(() => settings(url, { TOOL_HOSTS: hosts })).toThrow(fault);
  });

  it("may have no certificate in development alone", () => {
    const url = "http://tools.example.com/x";
    expect(settings(url, { ENVIRONMENT: "development" }).profile.tools).toHaveLength(1);
    expect(() => settings(url, { ENVIRONMENT: "staging" })).toThrow("must be an https URL");
  });

  it("needs hosts and a secret", () => {
    expect(() => settings("https://tools.example.com", { TOOL_SECRET: "" })).toThrow("TOOL_SECRET is missing");
    expect(() => settings("https://tools.example.com", { TOOL_HOSTS: "" })).toThrow("TOOL_HOSTS is missing");
    expect(() => settings("https://tools.example.com", { TOOL_HOSTS: "", TOOL_SECRET: "" })).toThrow(unnamed);
  });

  it.each([
    "*",
    "*.com",
    "https://tools.example.com",
    "tools.example.com/x",
    "a,,b",
    ",",
    "a b",
    "u@h",
    "a:99999",
    "*:1",
  ])("is at no host that is named %j", (hosts) => {
    expect(() => settings("https://a", { TOOL_HOSTS: hosts })).toThrow("TOOL_HOSTS must be hosts");
  });

  it.each([
    [{ method: "GET" }, "webhook.method is not known; there is only url"],
    [{ url: 3 }, "webhook.url must be an http(s) URL"],
  ])("has a URL and no more: %j", (more, fault) => {
    const webhook = { url: "https://tools.example.com", ...more };
    expect(() => settings("", {}, { webhook })).toThrow(fault);
  });

  it.each([
    [{ pattern: "(" }, "must not have a pattern that is no regular expression"],
    [{ patternProperties: { "[": true } }, "must not have a pattern that is no regular expression"],
    [{ properties: { a: { $ref: "https://example.com/schema" } } }, "must not refer to another schema"],
  ])("has a schema that can be applied: %j", (schema, fault) => {
    const parameters = { type: "object", ...schema };
    expect(() => settings("https://tools.example.com", {}, { parameters })).toThrow(
      `PROFILE.tools[0].parameters ${fault}`,
    );
    // An operator reads what the model has made.
    expect(() => settings("", {}, { webhook: undefined, parameters })).not.toThrow();
  });
});

describe("the gateway's own tools", () => {
  const read = (profile: object) => readSettings({ ENVIRONMENT: "production", PROFILE: profile });
  it("are asked for by name, each once", () => {
    expect(read({ builtInTools: ["get_weather"] }).profile.builtInTools).toEqual(["get_weather"]);
    expect(() => read({ builtInTools: ["weather"] })).toThrow("PROFILE.builtInTools[0] must be one of get_weather");
    expect(() => read({ builtInTools: "get_weather" })).toThrow("PROFILE.builtInTools must be a list");
    expect(() => read({ builtInTools: ["get_weather", "get_weather"] })).toThrow("must have each name once");
  });

  it("leave their names to a profile that does not ask for them", () => {
    const tools = [{ type: "function", name: "get_weather" }];
    expect(read({ tools }).profile.tools).toHaveLength(1);
    expect(() => read({ tools, builtInTools: ["get_weather"] })).toThrow(
      "PROFILE.tools[0] has the name of one of builtInTools",
    );
  });
});

describe("the core", () => {
  it("sees that a tool has a webhook, not where", () => {
    const { profile } = settings("https://tools.example.com/secret");
    expect(withoutUrls(profile)).toEqual({ tools: [{ type: "function", name: "lookup", webhook: true }] });
    expect(withoutUrls({ voice: "marin" })).toEqual({ voice: "marin" });
    expect(withoutUrls({ tools: [{ type: "function", name: "a" }] })).toEqual({
      tools: [{ type: "function", name: "a" }],
    });
  });
});

const SCHEMA = {
  type: "object",
  required: ["day"],
  additionalProperties: false,
  properties: { day: { enum: ["friday", "sunday"] }, people: { type: "integer", minimum: 1, maximum: 8 } },
};

describe("arguments", () => {
  it.each([
    [{ day: "friday" }, undefined],
    [{ day: "sunday", people: 8 }, undefined],
    [{}, /^arguments: .*required.*day/],
    [{ day: "monday" }, /^arguments: day: .*(friday|enum)/],
    [{ day: "friday", people: "4" }, /^arguments: people: .*type/],
    [{ day: "friday", people: 9 }, /^arguments: people: 9 is greater than 8/],
    [{ day: "friday", more: 1 }, /^arguments: .*more/],
    [[], /^arguments: /],
  ])("%j against a schema: %s", (value, fault) => {
    const found = argumentsFault(SCHEMA, value);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(fault);
  });

  it("are not checked without one", () => {
    expect(argumentsFault(undefined, { any: 1 })).toBeUndefined();
    // A format only annotates; a property of that name is one like others.
    const schema = {
      type: "object",
      properties: {
        at: { type: "string", format: "time" },
        days: { type: "array", items: { type: "string", format: "date" } },
        format: { type: "string", enum: ["pdf"] },
      },
    };
    expect(argumentsFault(schema, { at: "19:30", days: ["tomorrow"], format: "pdf" })).toBeUndefined();
    expect(argumentsFault(schema, { at: 1930 })).toContain("at");
    expect(argumentsFault(schema, { format: "doc" })).toContain("format");
  });

  it("are refused where a schema leads nowhere", () => {
    const schema = { type: "object", properties: { a: { $ref: "#/$defs/none" } } };
    expect(argumentsFault(schema, { a: 1 })).toBe("arguments: the tool's schema cannot be applied");
  });

  it("are told wrong in few words", () => {
    const long = { type: "object", properties: { a: { const: "x".repeat(5_000) } } };
    expect((argumentsFault(long, { a: 1 }) ?? "").length).toBeLessThan(330);
  });
});

describe("a call of a tool", () => {
  const flushed: number[] = [];
  function upstreamOf(profile: Profile, hosts = "tools.example.com") {
    const { tools: rules } = readSettings({ ENVIRONMENT: "production", TOOL_HOSTS: hosts, TOOL_SECRET: SECRET });
    flushed.length = 0;
    const table = toolUpstreams(profile, { rules, nowMs: () => 1_795_000_000_999, flush: () => flushed.push(1) });
    return table["tool:lookup"];
  }
  const { profile } = settings("https://tools.example.com/l?k=1", {}, { parameters: SCHEMA });
  const body = '{"arguments":{"day":"friday"},"name":"lookup"}';

  function request(text: string): HttpRequest {
    const headers = { "content-type": "application/json", "idempotency-key": "c:k1" };
    const bytes = new Uint8Array(new TextEncoder().encode(text));
    const limits = { timeoutMs: 1, idleMs: 1, maxBytes: 1, window: 0 };
    return { upstream: "tool:lookup", method: "POST", path: "/", headers, wants: [], ...limits, body: bytes };
  }

  it("goes to its whole URL, and no path below it", () => {
    expect(upstreamOf(profile)).toMatchObject({ baseUrl: "https://tools.example.com/l?k=1", isWhole: true });
  });

  it("is signed as webhooks are, after what is known was written", async () => {
    const upstream = upstreamOf(profile);
    const signature = createHmac("sha256", SECRET).update(`1795000000.${body}`).digest("hex");
    expect(await upstream?.admit?.(request(body))).toEqual({
      type: "admitted",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "trunkline",
        "X-Trunkline-Delivery": "c:k1",
        "X-Trunkline-Signature": `t=1795000000,v1=${signature}`,
      },
    });
    expect(flushed).toHaveLength(1);
  });

  it("with wrong arguments is refused", async () => {
    const upstream = upstreamOf(profile);
    const refused = { type: "refused", reason: expect.stringMatching(/^arguments: day: /) };
    expect(await upstream?.admit?.(request('{"arguments":{"day":4}}'))).toEqual(refused);
    expect(flushed).toHaveLength(0);
  });

  it("goes nowhere where its host is not named any more", () => {
    expect(upstreamOf(profile, "other.example.com")).toBeUndefined();
    const rules = { hosts: [], secret: undefined, isDevelopment: false };
    expect(toolUpstreams(profile, { rules, nowMs: () => 0, flush: () => undefined })).toEqual({});
  });
});
