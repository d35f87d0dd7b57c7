import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  MIN_ANSWER_MS,
  MIN_CALL_MS,
  MIN_DEAD_AIR_MS,
  MIN_FAREWELL_MS,
  MIN_LEG_LOST_MS,
} from "../../../worker-shim/profile.ts";
import {
  ConfigurationError,
  readSettings as readVariables,
  type SettingVariables,
  settingsOf,
} from "../../../worker-shim/settings.ts";

/** Of a development environment, unless another is given. */
function readSettings(variables: SettingVariables) {
  return readVariables({ ENVIRONMENT: "development", ...variables });
}

/** A JSON schema of objects in objects, two levels of JSON each. */
function nested(objects: number): object {
  let schema: object = { type: "string" };
  for (let i = 0; i < objects; i++) schema = { type: "object", properties: { a: schema } };
  return schema;
}

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
      carrierAuthTokens: [],
      tokenRing: undefined,
      adminToken: undefined,
      previousAdminToken: undefined,
      operators: [],
    });
  });

  it("opens doors by exactly `true`, and never in production", () => {
    const doors = { ALLOW_UNAUTHENTICATED: "true", FAULT_INJECTION: "true" };
    const open = { allowUnauthenticated: true, faultInjection: true };
    const closed = { allowUnauthenticated: false, faultInjection: false };
    expect(readSettings({ ...doors, ENVIRONMENT: "development" })).toMatchObject(open);
    expect(readSettings({ ...doors, ENVIRONMENT: "production" })).toMatchObject(closed);
    for (const name of ["ALLOW_UNAUTHENTICATED", "FAULT_INJECTION"]) {
      expect(readSettings({ [name]: "false" })).toMatchObject(closed);
      expect(readSettings({ [name]: "" })).toMatchObject(closed);
    }
  });

  // They were taken for "false" without a word.
  it.each([
    "True",
    "TRUE",
    "FALSE",
    "yes",
    "no",
    "on",
    "1",
    "0",
    "1 ",
    " true",
    "true\n",
    " ",
    true,
    false,
    1,
    null,
    {},
  ])("takes no door for open or closed by %j", (value) => {
    for (const name of ["ALLOW_UNAUTHENTICATED", "FAULT_INJECTION"])
      for (const environment of ["development", "production"])
        expect(() => readSettings({ ENVIRONMENT: environment, [name]: value })).toThrow(
          `${name} must be true or false, in lower case, as a text`,
        );
  });

  // Some of them mean a number in some languages, others nothing in any.
  it.each([
    "0x10",
    "1e3",
    " 5 ",
    "5 ",
    "\t5",
    "5\n",
    "+5",
    "1_000",
    "1,000",
    "5.0",
    "5.",
    "0b1",
    "\u0665",
    "Infinity",
    " ",
  ])("takes no number that is written %j", (value) => {
    const counts = ["MAX_CONCURRENT_CALLS", "MAX_CALLS_PER_NUMBER", "MAX_STREAM_RECONNECTS", "RATE_LIMIT_PER_MINUTE"];
    for (const name of [...counts, "SWITCHBOARD_SHARDS", "RETENTION_DAYS"])
      expect(() => readSettings({ [name]: value })).toThrow(`${name} must be an integer from`);
  });

  it.each(["0x1", "1e-1", " 0.5", "0.5\n", "+1", ".", "1.", "0,5", "50%", "NaN"])(
    "takes no part that is written %j",
    (value) => {
      expect(() => readSettings({ FLIGHT_SAMPLING: value })).toThrow("FLIGHT_SAMPLING must be a number from 0 to 1");
    },
  );

  it("takes numbers as digits, or as a table has them", () => {
    const variables = { MAX_CALLS_PER_NUMBER: "007", RETENTION_DAYS: 7, FLIGHT_SAMPLING: ".5" } as object;
    expect(readSettings(variables)).toMatchObject({
      maxCallsPerNumber: 7,
      retentionMs: 7 * 24 * 3600 * 1000,
      flightSampling: 0.5,
    });
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
    expect(settings.carrierAuthTokens).toEqual(["new", "old"]);
    expect(settings.tokenRing).toEqual({ current: "n".repeat(32), previous: "o".repeat(32) });
  });

  it.each(["gpt-realtime", "gpt-4o-realtime-preview-2025-06-03", "ft:gpt-realtime:org::id", "@cf/openai/whisper", ""])(
    "takes the model %j",
    (model) => {
      expect(readSettings({ PROFILE: { model, transcriptionModel: model } }).profile.model).toBe(model);
    },
  );

  it.each(["en", "pt-BR", "zh-Hant-TW", "fil", ""])("takes the language %j", (language) => {
    expect(readSettings({ PROFILE: { language } }).profile.language).toBe(language);
  });

  it.each(["http://localhost:8787", "http://[::1]:8787", "http://127.0.0.1"])("takes the public URL %s", (url) => {
    expect(readSettings({ PUBLIC_BASE_URL: url }).publicBaseUrl).toBe(url);
  });

  // Some were taken, and each webhook failed: a document has no URL in capitals.
  it.each([
    ["HTTPS://Voice.Example.COM", "https://voice.example.com"],
    ["https://VOICE.example.com/", "https://voice.example.com"],
    ["https://voice.example.com:443", "https://voice.example.com"],
    ["http://voice.example.com:80/", "http://voice.example.com"],
    ["https://voice.example.com:08443", "https://voice.example.com:8443"],
    ["https://m\u00fcnchen.example", "https://xn--mnchen-3ya.example"],
    ["https://XN--MNCHEN-3YA.example", "https://xn--mnchen-3ya.example"],
    ["https://voice\u3002example", "https://voice.example"],
    ["https://%76oice.example", "https://voice.example"],
    ["https://0x7f.1", "https://127.0.0.1"],
    ["https://[2001:DB8:0::1]", "https://[2001:db8::1]"],
    ["https://voice.example.", "https://voice.example."],
  ])("takes the public URL %s for what it is", (url, meant) => {
    const { publicBaseUrl, writtenBaseUrl } = readSettings({ PUBLIC_BASE_URL: url });
    expect([publicBaseUrl, writtenBaseUrl]).toEqual([meant, url.replace(/\/$/, "")]);
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
    { PUBLIC_BASE_URL: "https://h.example " },
    { PUBLIC_BASE_URL: "https://h.example/a b" },
    { ADMIN_TOKEN: "an admin token with spaces in it" },
    { ADMIN_TOKEN: "an-admin-token-with-a-line-feed\n" },
    { SUPABASE_URL: "https://h.example ", SUPABASE_KEY: "k" },
    { PUBLIC_BASE_URL: "wss://h" },
    { CALL_LOCATION_HINT: "moon" },
    { PROFILE: "{" },
    { PROFILE: [] },
    { LIMITS: "3" },
    { TOKEN_SECRET: "short" },
    { ADMIN_TOKEN: "short" },
    { PROFILE: '{"voice":"marin","voice":"cedar"}' },
    { PROFILE: { greeting: " " } },
    { PROFILE: { greeting: "Hello\u0000" } },
    { PROFILE: { instructions: "\u200b" } },
    { PROFILE: { farewell: "Bye \ud800" } },
    { PROFILE: { voice: "\n" } },
    { PROFILE: { voice: "marin\n" } },
    { PROFILE: { voice: '"marin"' } },
    { PROFILE: { voice: "a".repeat(257) } },
    { PROFILE: { model: "gpt-realtime?model=x" } },
    { PROFILE: { transcriptionModel: "whisper 1" } },
    { PROFILE: { language: "en_US" } },
    { PROFILE: { language: "en-" } },
    { PROFILE: { language: `en${"-a".repeat(17)}` } },
    { PROFILE: { greeting: "\u3164" } },
    { PROFILE: { greeting: "\u2800 \u2800" } },
    { PUBLIC_BASE_URL: "https://voice.example.com," },
    { PUBLIC_BASE_URL: "https://voice..example.com" },
    { SUPABASE_URL: "https://(p)", SUPABASE_KEY: "k" },
    { PROFILE: { tools: [{ type: "function", name: "a", description: "\t" }] } },
    { PROFILE: { tools: [{ type: "function", name: "a", parameters: { title: "\udc00" } }] } },
    { LIMITS: '{"replyMs":1,"replyMs":2}' },
    { TOKEN_PRICES: '{"input":1,"output":2,"input":1}' },
    { TOKEN_PRICES: '{"input":1e999,"output":2}' },
    { TOKEN_PRICES: { input: 1, output: Number.POSITIVE_INFINITY } },
    { TOKEN_PRICES: { input: 1, output: Number.NaN } },
    { TOKEN_PRICES: { input: 1, output: -0.01 } },
    { TOKEN_PRICES: { input: 1, output: 1_000_001 } },
    { TOKEN_PRICES: { input: 1, output: "2" } },
    { PROFILE: '{"tools":[{"type":"function","name":"a","parameters":{"maximum":1e999}}]}' },
  ])("refuses %j", (variables) => {
    expect(() => readSettings(variables)).toThrow(ConfigurationError);
  });
});

describe("a name that is none of a setting", () => {
  it.each([
    ["OPENAI_APIKEY", "OPENAI_API_KEY"],
    ["openai_api_key", "OPENAI_API_KEY"],
    ["OPENAI-API-KEY", "OPENAI_API_KEY"],
    ["TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN"],
    ["TWILIO_AUTH_TOKENS", "TWILIO_AUTH_TOKEN"],
    ["TOKEN_SECERT", "TOKEN_SECRET"],
    ["TOKEN_SECRE", "TOKEN_SECRET"],
    ["ADMINTOKEN", "ADMIN_TOKEN"],
    ["PUBLIC_BASEURL", "PUBLIC_BASE_URL"],
    ["PUBLIC_BASE_URI", "PUBLIC_BASE_URL"],
    ["ALLOW_UNAUTHENTICATE", "ALLOW_UNAUTHENTICATED"],
    ["RETENTION_DAY", "RETENTION_DAYS"],
    ["PROFILES", "PROFILE"],
    ["Limits", "LIMITS"],
    ["SUPABASE_KEY ", "SUPABASE_KEY"],
    ["MAX_CONCURENT_CALL", "MAX_CONCURRENT_CALLS"],
    ["MAX_CALL_PER_NUMBERS", "MAX_CALLS_PER_NUMBER"],
    ["RATE_LIMT_PER_MINUET", "RATE_LIMIT_PER_MINUTE"],
    ["SWICHBOARD_SHARD", "SWITCHBOARD_SHARDS"],
    ["ENVIROMENTS", "ENVIRONMENT"],
    ["TOKN_SECRETS", "TOKEN_SECRET"],
    ["RATE_LIMIT_PER_MIN", "RATE_LIMIT_PER_MINUTE"],
    ["RATE_PER_MINUTE", "RATE_LIMIT_PER_MINUTE"],
    ["MAX_CALLS", "MAX_CONCURRENT_CALLS"],
    ["MAX_RECONNECTS", "MAX_STREAM_RECONNECTS"],
    ["PUBLIC_URL", "PUBLIC_BASE_URL"],
    ["public-url", "PUBLIC_BASE_URL"],
    ["OPENAI_KEY", "OPENAI_API_KEY"],
    ["OPENAI_URL", "OPENAI_BASE_URL"],
    ["OPENAI_ORG", "OPENAI_ORGANIZATION"],
    ["TWILIO_TOKEN", "TWILIO_AUTH_TOKEN"],
    ["TWILIO_AUTH_TOKEN_PREV", "TWILIO_AUTH_TOKEN_PREVIOUS"],
    ["ALLOW_UNAUTH", "ALLOW_UNAUTHENTICATED"],
    ["CALL_HINT", "CALL_LOCATION_HINT"],
  ])("is refused where it must have been meant as one: %s", (name, meant) => {
    for (const value of ["a-secret-value-0123456789", {}]) {
      const read = () => readSettings({ [name]: value } as SettingVariables);
      expect(read).toThrow(ConfigurationError);
      expect(read).toThrow(`is not known; ${meant} may be what is meant`);
      expect(read).not.toThrow(/a-secret-value/);
    }
    expect(() => readSettings({ [name]: "" } as SettingVariables)).not.toThrow();
  });

  it.each(["CALLS", "SWITCHBOARD", "CALL_LOG", "RECORDINGS", "REQUESTS", "ASSETS", "ANALYTICS", "RATE_LIMIT"])(
    "is a binding: %s",
    (name) => {
      expect(() => readSettings({ [name]: {} } as SettingVariables)).not.toThrow();
    },
  );

  it.each([
    ...["TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_PHONE_NUMBER", "OPENAI_MODEL", "OPENAI_ORG_ID", "OPENAI_LOG"],
    ...["SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL", "WEBHOOK_PATH", "DATABASE_URL"],
    ...["PATH", "HOME", "HOST", "PORT", "CI", "TZ", "LANG", "DEBUG", "LOG_LEVEL", "NODE_ENV", "NODE_OPTIONS", "ENV"],
    ...["npm_package_name", "npm_config_registry", "npm_lifecycle_event", "GITHUB_TOKEN", "GITHUB_SHA", "VERSION"],
    ...["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_ENV", "CF_VERSION_METADATA", "CF_PAGES_URL"],
    ...["WRANGLER_LOG", "WRANGLER_SEND_METRICS", "WORKERS_CI", "AI", "DB", "KV", "QUEUE", "SENTRY_DSN", "API_KEY"],
    ...[
      "ACCESS_TOKEN",
      "REFRESH_TOKEN",
      "SECRET",
      "TOKEN",
      "BASE_URL",
      "MAX_RETRIES",
      "RATE_LIMIT",
      "DEFAULT_LANGUAGE",
    ],
    ...["toString", "__proto__", "constructor"],
  ])("is somebody else's: %s", (name) => {
    expect(() => readSettings(Object.fromEntries([[name, "x"]]))).not.toThrow();
  });
});

describe("a URL", () => {
  const pairs = { SUPABASE_KEY: "k", WEBHOOK_SECRET: "0123456789abcdef", OPENAI_API_KEY: "k" };
  const read = (name: string, url: string) => {
    const { SUPABASE_KEY, WEBHOOK_SECRET } = pairs;
    const withKey = name === "SUPABASE_URL" ? { SUPABASE_KEY } : name === "WEBHOOK_URL" ? { WEBHOOK_SECRET } : {};
    return () => readSettings({ [name]: url, ...withKey });
  };
  const names = ["PUBLIC_BASE_URL", "SUPABASE_URL", "WEBHOOK_URL", "OPENAI_BASE_URL"];

  it.each([
    "https://user:hunter2@h.example",
    "https://hunter2@h.example/x",
    "https://:hunter2@h.example",
    "https://@h.example",
    "https://h.example/#a",
    "https://h.example#",
    "https://h.example ",
    " https://h.example",
    "https://h.example\n",
    "https://h.ex ample",
    "https://h.example/a b",
    "https:h.example",
    "https:/h.example",
    "https:\\\\h.example",
    "https://",
    "https:///h.example",
    "https://h.example:99999",
    "https://h.example:0",
    "https://h.example:000/",
    "https://%20.example",
    "https://h%2fx.example",
    "ftp://h.example",
    "h.example",
    "//h.example",
    " ",
  ])("is refused, by its name and without what it is: %j", (url) => {
    for (const name of names) {
      expect(read(name, url)).toThrow(new RegExp(`^${name} must be an http`));
      expect(read(name, url)).not.toThrow(/hunter2|example/);
    }
  });

  it.each(["https://h.example/voice", "https://h.example//", "https://h.example?", "https://h.example/?x=1"])(
    "is where callers reach a host, and nothing behind it: %s",
    (url) => {
      expect(read("PUBLIC_BASE_URL", url)).toThrow(
        "PUBLIC_BASE_URL must be an http(s) URL of a host alone, without path, query, fragment or user",
      );
    },
  );

  it("is one of these", () => {
    expect(read("PUBLIC_BASE_URL", "HTTP://127.0.0.1:8787/")().publicBaseUrl).toBe("http://127.0.0.1:8787");
    expect(read("PUBLIC_BASE_URL", "https://[2001:db8::1]:8443")().publicBaseUrl).toBe("https://[2001:db8::1]:8443");
    expect(read("SUPABASE_URL", "https://h.example/a/b/")().supabase?.url).toBe("https://h.example/a/b");
    expect(read("WEBHOOK_URL", "https://h.example/@me?a=b@c")().webhook?.url).toBe("https://h.example/@me?a=b@c");
    expect(read("OPENAI_BASE_URL", "wss://h.example:1/v1")().upstreams.OPENAI_BASE_URL).toBe("wss://h.example:1/v1");
    expect(read("SUPABASE_URL", "HTTPS://P.Example:443/A/")().supabase?.url).toBe("https://p.example/A");
    expect(read("WEBHOOK_URL", "HTTPS://H.Example?a=B")().webhook?.url).toBe("https://h.example/?a=B");
    expect(read("OPENAI_BASE_URL", "WSS://H\u3002Example/V1")().upstreams.OPENAI_BASE_URL).toBe("wss://h.example/V1");
  });
});

// Copied with its line's end, it broke the header that it went into, once there was a call.
describe("a secret", () => {
  const good = "0123456789abcdefghij";
  const names = ["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS", "TOKEN_SECRET", "TOKEN_SECRET_PREVIOUS"];
  const all = [...names, "ADMIN_TOKEN", "OPENAI_API_KEY", "SUPABASE_KEY", "WEBHOOK_SECRET"];

  it.each([`${good}\n`, `${good}\r\n`, ` ${good}`, `${good} `, `\t${good}`, `\ufeff${good}`, `\u00a0${good}`])(
    "has nothing around it: %j",
    (value) => {
      for (const name of all) {
        expect(() => readSettings({ [name]: value })).toThrow(`${name} must have no spaces or line ends around it`);
        expect(() => readSettings({ [name]: value })).not.toThrow(good);
      }
    },
  );

  it.each([" ".repeat(20), "\n".repeat(20), "\u00a0".repeat(20)])("is not blank: %j", (value) => {
    for (const name of all) expect(() => readSettings({ [name]: value })).toThrow(`${name} must not be blank`);
  });

  it.each([`"${good}"`, `'${good}'`, "`".repeat(20)])("does not stand in quotes: %j", (value) => {
    for (const name of all) expect(() => readSettings({ [name]: value })).toThrow(`${name} must not stand in quotes`);
  });

  it.each([`${good}\u0000`, `a\u001b${good}`, `${good}\ud800x`, `${good}\n${good}`, `a\t${good}`])(
    "has no control characters: %j",
    (value) => {
      for (const name of all)
        expect(() => readSettings({ [name]: value })).toThrow(`${name} must have no control characters in it`);
    },
  );

  it.each([`${good} ${good}`, `${good}\u00e9`, `\u201c${good}\u201d`])(
    "that goes into a header is of what a header may have: %j",
    (value) => {
      for (const name of ["ADMIN_TOKEN", "OPENAI_API_KEY", "SUPABASE_KEY", "OPENAI_ORGANIZATION", "OPENAI_PROJECT"])
        expect(() => readSettings({ [name]: value })).toThrow(`${name} must be of visible ASCII characters`);
    },
  );
});

describe("the environment", () => {
  const others = [
    "prod",
    "Production",
    "PRODUCTION",
    "test",
    " production",
    "production\n",
    "staging ",
    "local",
    "dev",
  ];
  it.each([undefined, "", " ", ...others])("is not %j", (name) => {
    const variables = name === undefined ? {} : { ENVIRONMENT: name };
    expect(() => readVariables(variables)).toThrow(
      "ENVIRONMENT must be one of development, staging, production, in lower case",
    );
  });
});

describe("a setting that is wrong", () => {
  it.each<[SettingVariables, string]>([
    [{ DEFAULT_AGENT: "robot" }, "DEFAULT_AGENT must be one of parrot, openai-realtime"],
    [{ SWITCHBOARD_SHARDS: "0" }, "SWITCHBOARD_SHARDS must be an integer from 1 to 256"],
    [{ ADMIN_TOKEN: "short" }, "ADMIN_TOKEN must have 16 characters or more"],
    [{ FLIGHT_SAMPLING: "2" }, "FLIGHT_SAMPLING must be a number from 0 to 1"],
    [{ SUPABASE_URL: "https://p.supabase.co" }, "SUPABASE_KEY is missing: it goes with SUPABASE_URL"],
    [{ TOKEN_PRICES: { input: 4 } }, "TOKEN_PRICES.output is missing: it goes with TOKEN_PRICES.input"],
    [{ OPENAI_BASE_URL: "api" }, "OPENAI_BASE_URL must be an http(s) or ws(s) URL without query"],
    [{ PROFILE: "{" }, "PROFILE must be an object, or one as JSON: it is no JSON"],
    [{ PROFILE: [] }, "PROFILE must be an object"],
    [{ PROFILE: { voise: "marin" } }, "PROFILE.voise is not known; there are instructions, model, voice"],
    [{ PROFILE: { greeting: 7 } }, "PROFILE.greeting must be a text of at most 4096 bytes"],
    [{ PROFILE: { greeting: "\u00e9".repeat(2049) } }, "PROFILE.greeting must be a text of at most 4096 bytes"],
    [{ PROFILE: { voice: 7 } }, "PROFILE.voice must be the name of a voice of at most 256 letters"],
    [{ PROFILE: { model: "gpt realtime" } }, "PROFILE.model must be the name of a model of at most 256 letters"],
    [{ PROFILE: { language: "English" } }, 'PROFILE.language must be a language as BCP 47 has it, such as "en"'],
    [{ PROFILE: { recording: "yes" } }, "PROFILE.recording must be one of off, on, onConsent"],
    [{ PROFILE: { flightRecord: true } }, "PROFILE.flightRecord must be one of off, on"],
    [{ PROFILE: { tools: {} } }, "PROFILE.tools must be a list of function tools"],
    [
      {
        PROFILE: {
          tools: [
            { type: "function", name: "a" },
            { type: "function", name: "a b" },
          ],
        },
      },
      "PROFILE.tools[1].name must be 1 to 64 letters, digits, hyphens and underscores",
    ],
    [{ PROFILE: { tools: [{ name: "a" }] } }, "PROFILE.tools[0].type is missing"],
    [{ PROFILE: { tools: [{ type: "web", name: "a" }] } }, 'PROFILE.tools[0].type must be "function"'],
    [
      { PROFILE: { tools: [{ type: "function", name: "a", parameters: [] }] } },
      "PROFILE.tools[0].parameters must be an object, a JSON schema",
    ],
    [
      { PROFILE: { tools: [{ type: "function", name: "a", parameters: nested(15) }] } },
      "PROFILE.tools[0].parameters must not be nested deeper than 24 levels",
    ],
    [
      {
        PROFILE: {
          tools: [{ type: "function", name: "a", parameters: { type: "object", enum: Array(17_000).fill("x") } }],
        },
      },
      "PROFILE.tools[0].parameters must not have more than 8000 values in it",
    ],
    [
      {
        PROFILE: {
          tools: ["a", "b"].map((name) => ({
            type: "function",
            name,
            parameters: { type: "object", enum: Array(4_000).fill("x") },
          })),
        },
      },
      "PROFILE.tools must not have more than 8000 values in it, all tools together",
    ],
    [
      { PROFILE: { tools: [{ type: "function", name: "a", function: {} }] } },
      "PROFILE.tools[0].function is not known; there are type, name, description, parameters, timeoutMs",
    ],
    [
      { PROFILE: { tools: [{ type: "function", name: "a", timeoutMs: 99 }] } },
      "PROFILE.tools[0].timeoutMs must be an integer from 100 to 300000",
    ],
    [
      {
        PROFILE: {
          tools: [
            { type: "function", name: "a" },
            { type: "function", name: "a" },
          ],
        },
      },
      "PROFILE.tools must have a name for each: there are two of a",
    ],
    [
      { PROFILE: { tools: [{ type: "function", name: "end_call" }] } },
      "PROFILE.tools must have a name for each: there are two of end_call",
    ],
    [{ LIMITS: { maxCallMs: 0 } }, "LIMITS.maxCallMs must be an integer from 1000 to 86400000"],
    [{ LIMITS: { leadMs: 59 } }, "LIMITS.leadMs must be an integer from 60 to 1000"],
    [{ LIMITS: '{"leadMs":1001}' }, "LIMITS.leadMs must be an integer from 60 to 1000"],
    [{ LIMITS: { endOfTurnMs: 99 } }, "LIMITS.endOfTurnMs must be an integer from 100 to 86400000"],
    [{ LIMITS: { markMs: 20.5 } }, "LIMITS.markMs must be an integer from 20 to 86400000"],
    [{ LIMITS: { maxCallMS: 1 } }, "LIMITS.maxCallMS is not known; there are startMs"],
    [{ LIMITS: { "": 1 } }, 'LIMITS[""] is not known; there are startMs'],
    [{ LIMITS: '{"max call\\nMs":1}' }, 'LIMITS["max call\\nMs"] is not known; there are startMs'],
    [{ PROFILE: { ["x".repeat(500)]: 1 } }, `PROFILE["${"x".repeat(64)}"] is not known; there are instructions`],
    [{ PROFILE: { tools: [null] } }, "PROFILE.tools[0] must be an object"],
  ])("is named, with what it must be: %j", (variables, message) => {
    expect(() => readSettings(variables)).toThrow(message);
  });

  // A provider refused the session for it, while a caller waited.
  it.each<[object, string]>([
    [{}, '.type must be "object"'],
    [{ type: "string" }, '.type must be "object"'],
    [{ type: ["object"] }, '.type must be "object"'],
    [{ type: "Object" }, '.type must be "object"'],
    [{ type: null }, '.type must be "object"'],
    [{ properties: {} }, '.type must be "object"'],
    [{ $ref: "#/a" }, '.type must be "object"'],
    [{ type: "object", properties: [] }, ".properties must be an object, a schema by each name"],
    [{ type: "object", properties: null }, ".properties must be an object, a schema by each name"],
    [{ type: "object", properties: "city" }, ".properties must be an object, a schema by each name"],
    [
      { type: "object", properties: { city: "text" } },
      ".properties.city must be a JSON schema: an object, true or false",
    ],
    [
      { type: "object", properties: { city: null } },
      ".properties.city must be a JSON schema: an object, true or false",
    ],
    [{ type: "object", properties: { "the city": [] } }, '.properties["the city"] must be a JSON schema: an object'],
    [
      { type: "object", properties: JSON.parse('{"__proto__":1}') as object },
      ".properties.__proto__ must be a JSON schema",
    ],
    [{ type: "object", properties: {}, required: "x" }, ".required must be a list of different texts"],
    [{ type: "object", properties: {}, required: {} }, ".required must be a list of different texts"],
    [{ type: "object", properties: {}, required: null }, ".required must be a list of different texts"],
    [{ type: "object", required: [1] }, ".required must be a list of different texts"],
    [{ type: "object", required: ["a", "b", "a"] }, ".required must be a list of different texts"],
  ])("is a schema of a tool's parameters that no provider takes: %j", (parameters, message) => {
    const tools = [
      { type: "function", name: "a", parameters: { type: "object", properties: {}, required: [] } },
      { type: "function", name: "b", parameters },
    ];
    for (const Profile of [{ tools }, JSON.stringify({ tools })])
      expect(() => readSettings({ PROFILE: Profile })).toThrow(`PROFILE.tools[1].parameters${message}`);
  });

  it("is no schema that a provider takes, which stays as it is", () => {
    const parameters = [
      { type: "object" },
      { type: "object", properties: {} },
      { type: "object", properties: { a: true, b: false, c: {}, d: { type: "string" } }, required: ["a", "d", ""] },
      {
        type: "object",
        properties: JSON.parse('{"__proto__":{},"constructor":{}}') as object,
        required: ["__proto__"],
      },
      { $schema: "x", type: "object", additionalProperties: false, $defs: {}, description: "What to look for." },
    ];
    const tools = parameters.map((one, i) => ({ type: "function", name: `t${i}`, parameters: one }));
    const given = JSON.stringify({ tools });
    expect(JSON.stringify(readSettings({ PROFILE: given }).profile)).toBe(given);
  });

  // With a millisecond for an answer every call was lost, while all seemed well.
  it.each([
    ["startMs", MIN_ANSWER_MS, 500],
    ["agentReadyMs", MIN_ANSWER_MS, 500],
    ["replyMs", MIN_ANSWER_MS, 500],
    ["farewellMs", MIN_FAREWELL_MS, 500],
    ["legLostMs", MIN_LEG_LOST_MS, 1_000],
    ["deadAirMs", MIN_DEAD_AIR_MS, 1_000],
    ["maxCallMs", MIN_CALL_MS, 1_000],
  ])("is a limit that no call can work with: %s", (name, constant, least) => {
    expect(constant).toBe(least);
    for (const value of [-1, 0, 1, 100, least - 1, least + 0.5, 86_400_001])
      for (const Limits of [{ [name]: value }, JSON.stringify({ [name]: value })])
        expect(() => readSettings({ LIMITS: Limits })).toThrow(
          `LIMITS.${name} must be an integer from ${least} to 86400000`,
        );
    for (const value of [least, 86_400_000])
      expect(readSettings({ LIMITS: { [name]: value } }).limits).toEqual({ [name]: value });
  });

  // Some said what the library says, which names no unit and no rule.
  it.each([
    ...["ENVIRONMENT", "PUBLIC_BASE_URL", "DEFAULT_AGENT", "MAX_CONCURRENT_CALLS", "MAX_CALLS_PER_NUMBER"],
    ...["MAX_STREAM_RECONNECTS", "RATE_LIMIT_PER_MINUTE", "SWITCHBOARD_SHARDS", "CALL_LOCATION_HINT", "PROFILE"],
    ...["LIMITS", "TWILIO_AUTH_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORGANIZATION", "TOKEN_SECRET"],
    ...["ADMIN_TOKEN", "RETENTION_DAYS", "TOKEN_PRICES", "FLIGHT_SAMPLING", "FLIGHT_KEY", "SUPABASE_URL"],
    ...["SUPABASE_KEY", "WEBHOOK_URL", "WEBHOOK_SECRET"],
  ])("says what it must be, whatever it is: %s", (name) => {
    for (const value of [-7, true, null, [], [1], { a: null }])
      expect(() => readSettings({ [name]: value })).toThrow(
        new RegExp(`^${name}\\S* (must (be|have) \\S.*|is not known; there are \\S.*)$`),
      );
  });

  it("is none of these", () => {
    const tools = [
      {
        type: "function",
        name: "look-up_1",
        description: "Looks.",
        parameters: { type: "object" },
        timeoutMs: 300_000,
      },
    ];
    const profile = { instructions: "i".repeat(128 * 1024), tools, levelForAgent: "on", recordDigits: "yes" };
    const limits = { leadMs: 60, markMs: 20, endOfTurnMs: 100, bargeInConfirmMs: 20, startMs: 24 * 3600 * 1000 };
    expect(readSettings({ PROFILE: profile, LIMITS: JSON.stringify(limits) })).toMatchObject({ profile, limits });
  });

  it("is one of the example's secrets", () => {
    const example = readFileSync(new URL("../../../.dev.vars.example", import.meta.url), "utf8");
    const secrets = [...example.matchAll(/^(\w+(?:TOKEN|SECRET))="(.+)"$/gm)].map(([, name = "", value]) => [
      name,
      value,
    ]);
    expect(secrets.map(([name]) => name)).toEqual(["TWILIO_AUTH_TOKEN", "TOKEN_SECRET", "ADMIN_TOKEN"]);
    for (const [name = "", value] of secrets)
      expect(() => readSettings({ [name]: value })).toThrow(`${name} must be a secret of your own`);
  });

  it.each(["REPLACE-ME-by-a-token-of-yours", " replace-me-by-64-hex-digits", "Replace-Me: 0123456789abcdef"])(
    "is a placeholder, however it is written: %j",
    (value) => {
      const names = ["TOKEN_SECRET", "TOKEN_SECRET_PREVIOUS", "ADMIN_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS"];
      for (const name of [...names, "OPENAI_API_KEY"])
        for (const Environment of ["development", "staging", "production"])
          expect(() => readSettings({ ENVIRONMENT: Environment, [name]: value })).toThrow(
            `${name} must be a secret of your own`,
          );
    },
  );

  it.each([
    ...[
      "REPLACE_ME",
      "replace me",
      "REPLACEME",
      "replace-with-your-own-token",
      "<your auth token>",
      "<TOKEN_SECRET_HERE>",
    ],
    ...["changeme", "Change_Me_Please!", "changethis-changethis", "your_auth_token", "your-32-hex-digits-here"],
    ...["YOUR_TWILIO_AUTH_TOKEN", "insert-the-token-here", "paste your key", "the-token-goes-here", "put_secret_here"],
    ...[
      "x",
      "xxxx",
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "0".repeat(32),
      "f".repeat(64),
      "xxxx-xxxx-xxxx-xxxx",
      "****************",
    ],
    ...[
      "\u0024{TOKEN}",
      "\u0024{{ secrets.TOKEN }}",
      "\u0024TOKEN_SECRET",
      "{{token}}",
      "%TOKEN_SECRET%",
      "[a secret of yours]",
    ],
    ...[
      "undefined",
      "null",
      "none",
      "todo",
      "TBD",
      "test",
      "secret",
      "password",
      "test-secret-test-secret",
      "placeholder",
    ],
    ...["token_token_token_token", "sk-example", "an-admin-token-example"],
  ])("is nobody's secret where others call: %s", (value) => {
    const names = ["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS", "TOKEN_SECRET", "TOKEN_SECRET_PREVIOUS"];
    for (const name of [...names, "ADMIN_TOKEN", "OPENAI_API_KEY", "WEBHOOK_SECRET", "SUPABASE_KEY", "FLIGHT_KEY"])
      for (const environment of ["staging", "production"]) {
        const read = () => readVariables({ ENVIRONMENT: environment, [name]: value });
        expect(read).toThrow(ConfigurationError);
        expect(read).toThrow(new RegExp(`^${name} must (be|have|not)`));
      }
  });

  it.each(["0", "a", "F"])("is a key of one digit alone: %s", (digit) => {
    expect(() => readVariables({ ENVIRONMENT: "production", FLIGHT_KEY: digit.repeat(64) })).toThrow(
      "FLIGHT_KEY must be a secret of your own: it looks like a placeholder",
    );
  });

  it.each(["PTc0ffee", "12345678", "f00dbabe"])("is an account's token that is guessed: %s", (value) => {
    expect(() => readVariables({ ENVIRONMENT: "production", TWILIO_AUTH_TOKEN: value })).toThrow(
      "TWILIO_AUTH_TOKEN must have 16 characters or more",
    );
    expect(() => readSettings({ TWILIO_AUTH_TOKEN: value })).not.toThrow();
  });

  it("is one secret for two things where others call", () => {
    const one = "3f9d2c7a51e84b06a9c1d7e2f4b83560";
    const pairs: [string, string][] = [
      ["TWILIO_AUTH_TOKEN", "TOKEN_SECRET"],
      ["TOKEN_SECRET", "ADMIN_TOKEN"],
      ["ADMIN_TOKEN", "TOKEN_SECRET_PREVIOUS"],
      ["WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN_PREVIOUS"],
    ];
    for (const [name, other] of pairs)
      for (const environment of ["staging", "production"])
        expect(() => readVariables({ ENVIRONMENT: environment, [other]: one, [name]: one })).toThrow(
          `${name} must be a secret of its own: it is the same as ${other}`,
        );
    // While one takes the place of the other they may be the same.
    const changing = { TOKEN_SECRET: one, TOKEN_SECRET_PREVIOUS: one };
    expect(() => readVariables({ ENVIRONMENT: "production", ...changing })).not.toThrow();
    expect(() => readSettings({ TOKEN_SECRET: one, ADMIN_TOKEN: one })).not.toThrow();
  });

  it("is none where secrets are made by chance", () => {
    const secrets = {
      TWILIO_AUTH_TOKEN: "3f9d2c7a51e84b06a9c1d7e2f4b83560",
      TWILIO_AUTH_TOKEN_PREVIOUS: "PTa86b1ee70aa1c5d0d1f7b1c0e2d4f6a8b0c2d4e6f8a0b2c4",
      TOKEN_SECRET: "Zm9v-YmFy_cXV4+eHl6enk=/",
      ADMIN_TOKEN: "correct-horse-battery-staple",
      OPENAI_API_KEY: "sk-proj-Xx0_todo-4Tz",
      FLIGHT_KEY: "0123456789abcdef".repeat(4),
    };
    for (const environment of ["staging", "production"])
      expect(() => readVariables({ ENVIRONMENT: environment, ...secrets })).not.toThrow();
  });

  it("is found once for an isolate", () => {
    const good = { ENVIRONMENT: "staging" };
    expect(settingsOf(good)).toBe(settingsOf(good));
    const bad = { ENVIRONMENT: "moon" };
    const errorOf = () => {
      try {
        return settingsOf(bad);
      } catch (error) {
        return error;
      }
    };
    expect(errorOf()).toBeInstanceOf(ConfigurationError);
    expect(errorOf()).toBe(errorOf());
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
