import { describe, expect, it } from "vitest";
import { ConfigurationError, readSettings } from "../../../worker-shim/settings.ts";

describe("readSettings", () => {
  it("has safe defaults", () => {
    expect(readSettings({})).toMatchObject({
      production: false,
      allowUnauthenticated: false,
      faultInjection: false,
      publicBaseUrl: undefined,
      defaultAgent: "parrot",
      maxConcurrentCalls: 10_000,
      maxCallsPerNumber: 0,
      switchboardShards: 1,
      locationHint: undefined,
      profile: {},
      limits: {},
      twilioAuthTokens: [],
      tokenRing: undefined,
      adminToken: undefined,
    });
  });

  it("opens doors by exactly `true`, and never in production", () => {
    const doors = { ALLOW_UNAUTHENTICATED: "true", FAULT_INJECTION: "true" };
    const open = { allowUnauthenticated: true, faultInjection: true };
    const closed = { allowUnauthenticated: false, faultInjection: false };
    expect(readSettings({ ...doors, ENVIRONMENT: "development" })).toMatchObject(open);
    expect(readSettings({ ...doors, ENVIRONMENT: "production" })).toMatchObject(closed);
    expect(readSettings({ ALLOW_UNAUTHENTICATED: "1", FAULT_INJECTION: "TRUE" })).toMatchObject(closed);
  });

  it("takes PROFILE and LIMITS as a table or as text", () => {
    expect(readSettings({ PROFILE: { voice: "marin" }, LIMITS: '{"maxCallMs":1000}' })).toMatchObject({
      profile: { voice: "marin" },
      limits: { maxCallMs: 1000 },
    });
  });

  it("has the newer secret first", () => {
    const settings = readSettings({
      TWILIO_AUTH_TOKEN: "new",
      TWILIO_AUTH_TOKEN_PREVIOUS: "old",
      TOKEN_SECRET: "n".repeat(32),
      TOKEN_SECRET_PREVIOUS: "o".repeat(32),
    });
    expect(settings.twilioAuthTokens).toEqual(["new", "old"]);
    expect(settings.tokenRing).toEqual({ current: "n".repeat(32), previous: "o".repeat(32) });
  });

  it("cuts the slash off the public URL", () => {
    expect(readSettings({ PUBLIC_BASE_URL: "https://voice.example.com/" }).publicBaseUrl).toBe(
      "https://voice.example.com",
    );
  });

  it.each([
    { DEFAULT_AGENT: "robot" },
    { MAX_CONCURRENT_CALLS: "many" },
    { MAX_CONCURRENT_CALLS: "-1" },
    { MAX_CALLS_PER_NUMBER: "1.5" },
    { MAX_STREAM_RECONNECTS: "1001" },
    { SWITCHBOARD_SHARDS: "0" },
    { SWITCHBOARD_SHARDS: "257" },
    { PUBLIC_BASE_URL: "voice.example.com" },
    { PUBLIC_BASE_URL: "https://h/?x=1" },
    { PUBLIC_BASE_URL: "wss://h" },
    { CALL_LOCATION_HINT: "moon" },
    { PROFILE: "{" },
    { PROFILE: [] },
    { LIMITS: "3" },
    { TOKEN_SECRET: "short" },
    { ADMIN_TOKEN: "short" },
  ])("refuses %j", (variables) => {
    expect(() => readSettings(variables)).toThrow(ConfigurationError);
  });
});

describe("where calls are told", () => {
  it("is nowhere, for thirty days, unless it is said", () => {
    expect(readSettings({ SUPABASE_URL: "", WEBHOOK_URL: "", TOKEN_PRICES: {} })).toMatchObject({
      retentionMs: 30 * 24 * 3600 * 1000,
      flightSampling: 0,
      flightKey: undefined,
      supabase: undefined,
      webhook: undefined,
      tokenPrices: undefined,
    });
  });

  it("is where it is said", () => {
    const settings = readSettings({
      RETENTION_DAYS: "7",
      FLIGHT_SAMPLING: "0.25",
      FLIGHT_KEY: "aB".repeat(32),
      SUPABASE_URL: "https://p.supabase.co/",
      SUPABASE_KEY: "sb_secret_x",
      WEBHOOK_URL: "https://h.example/hook?a=1",
      WEBHOOK_SECRET: "0123456789abcdef",
      TOKEN_PRICES: '{"input":4,"output":16}',
    });
    expect(settings).toMatchObject({
      retentionMs: 7 * 24 * 3600 * 1000,
      flightSampling: 0.25,
      supabase: { url: "https://p.supabase.co", key: "sb_secret_x" },
      webhook: { url: "https://h.example/hook?a=1", secret: "0123456789abcdef" },
      tokenPrices: { input: 4, output: 16 },
    });
  });

  it.each<Parameters<typeof readSettings>[0]>([
    { RETENTION_DAYS: "0" },
    { FLIGHT_SAMPLING: "1.5" },
    { FLIGHT_SAMPLING: "some" },
    { FLIGHT_KEY: "secret" },
    { SUPABASE_URL: "https://p.supabase.co" },
    { SUPABASE_KEY: "sb_secret_x" },
    { WEBHOOK_URL: "https://h.example" },
    { WEBHOOK_URL: "ftp://h.example", WEBHOOK_SECRET: "0123456789abcdef" },
    { WEBHOOK_URL: "https://h.example", WEBHOOK_SECRET: "short" },
    { TOKEN_PRICES: { input: 4 } },
    { TOKEN_PRICES: { input: -1, output: 4 } },
  ])("is refused where it makes no sense: %j", (variables) => {
    expect(() => readSettings(variables)).toThrow(ConfigurationError);
  });
});
