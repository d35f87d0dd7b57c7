import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { profile } from "../../../../worker-shim/profile.ts";
import { document, MAX_DOCUMENT_BYTES, type ProfileDocument } from "../../../../worker-shim/profiles/document.ts";
import { type Deployment, findingsOf } from "../../../../worker-shim/profiles/findings.ts";
import { documentJsonSchema } from "../../../../worker-shim/profiles/json-schema.ts";
import { MAX_NUMBERS } from "../../../../worker-shim/profiles/numbers.ts";
import { estimatedTokens } from "../../../../worker-shim/profiles/tokens.ts";
import { AGENTS } from "../../../../worker-shim/settings.ts";

const WHOLE: Deployment = {
  defaultAgent: "openai-realtime",
  upstreams: new Set(["openai", "deepgram", "workers-ai", "speech"]),
  tools: {
    hosts: [{ name: "tools.example.com", isWild: false, port: "" }],
    secret: "a-secret-of-the-tools",
    isDevelopment: false,
  },
  hasBucket: true,
  hasFlightKey: true,
};

const GOOD: ProfileDocument = {
  agent: "openai-realtime",
  profile: { instructions: "You are the front desk.", model: "a-model", transcriptionModel: "another" },
  numbers: ["+15551234567", "+1555*", "sip:desk@example.com", "2001"],
};

function found(value: unknown, deployment: Partial<Deployment> = {}): string[] {
  return findingsOf(value, { ...WHOLE, ...deployment }).map(
    ({ severity, place, message }) => `${severity} ${place} ${message}`,
  );
}

function withProfile(more: ProfileDocument["profile"]): ProfileDocument {
  return { ...GOOD, profile: { ...GOOD.profile, ...more } };
}

describe("a check", () => {
  it("finds nothing wrong about a good profile", () => {
    expect(found(GOOD)).toEqual([]);
    expect(found({ agent: "parrot", profile: {} })).toEqual([]);
  });

  it("finds everything that the schema refuses, each with its place", () => {
    const all = found({
      agent: "robot",
      profile: { colour: "red", voice: 3, tools: [{ type: "function", name: "a b" }] },
      limits: { maxCallMs: 5 },
      numbers: ["+1 555"],
    });
    expect(all).toEqual([
      `error agent must be one of ${AGENTS.join(", ")}`,
      expect.stringMatching(/^error profile\.voice must be/),
      expect.stringMatching(/^error profile\.tools\[0\]\.name must be/),
      expect.stringMatching(/^error profile\.colour is not known/),
      "error limits.maxCallMs must be an integer from 1000 to 86400000",
      expect.stringMatching(/^error numbers\[0\] must be a number or a SIP address/),
    ]);
    expect(found({})).toEqual(["error profile is missing"]);
  });

  it("finds an agent whose service is not there", () => {
    const upstreams = new Set<string>();
    expect(found(GOOD, { upstreams })).toEqual(["error agent is openai-realtime, for which OPENAI_API_KEY is not set"]);
    expect(found({ agent: "house", profile: {} }, { upstreams })).toEqual([
      "error agent is house, for which no speech Worker is bound (SPEECH)",
    ]);
    expect(found({ profile: {} }, { upstreams, defaultAgent: "parrot" })).toEqual([]);
    expect(found({ profile: {} }, { upstreams })[0]).toContain("is openai-realtime");
  });

  it("finds what a cascade and a scribe are made of, and lack", () => {
    const llm = { service: "openai", model: "m" } as const;
    const parts = {
      stt: { service: "deepgram", model: "nova-3" },
      llm,
      tts: { service: "workers-ai", model: "aura" },
    } as const;
    const cascade = (profile: ProfileDocument["profile"]): ProfileDocument => ({
      agent: "cascade",
      profile: { instructions: "You are the desk.", ...profile },
    });
    expect(found(cascade(parts))).toEqual([]);
    expect(found(cascade({ llm }))).toEqual([
      "error profile.stt is missing: the agent cascade is made of stt, llm and tts",
      "error profile.tts is missing: the agent cascade is made of stt, llm and tts",
    ]);
    expect(found(cascade(parts), { upstreams: new Set() })).toEqual([
      "error profile.stt is deepgram, for which DEEPGRAM_API_KEY is not set",
      "error profile.llm is openai, for which OPENAI_API_KEY is not set",
      "error profile.tts is workers-ai, for which Workers AI is not bound (AI)",
    ]);
    const local = { stt: { service: "local" }, llm: { service: "house" }, tts: { service: "local" } } as const;
    expect(found({ agent: "cascade", profile: local }, { upstreams: new Set(["openai"]) })).toEqual([
      "error profile.stt is local, for which no speech Worker is bound (SPEECH)",
      "error profile.tts is local, for which no speech Worker is bound (SPEECH)",
    ]);
    expect(found({ agent: "scribe", profile: { stt: parts.stt } })).toEqual([]);
    expect(found({ agent: "scribe", profile: {} })).toEqual([
      "error profile.stt is missing: the agent scribe is made of stt",
    ]);
    // Of the deployment's agent as well.
    expect(found({ profile: {} }, { defaultAgent: "scribe" })).toHaveLength(1);
  });

  it("finds webhooks that nothing is sent to here, and schemas that cannot be applied", () => {
    const lookup = (url: string, parameters: object = { type: "object" }) =>
      withProfile({ tools: [{ type: "function", name: "lookup", description: "d", parameters, webhook: { url } }] });
    const [good, bad] = ["https://tools.example.com/x", "https://other.example.com/x"];
    expect(found(lookup(good))).toEqual([]);
    expect(found(lookup(bad))).toEqual(["error profile.tools[0].webhook.url must be of a host that TOOL_HOSTS names"]);
    expect(found(lookup(good), { tools: { hosts: [], secret: undefined, isDevelopment: false } })).toEqual([
      "error profile.tools[0].webhook.url must be of a host that TOOL_HOSTS names, which is not set",
    ]);
    expect(found(lookup("http://tools.example.com:443/x"))).toEqual([
      "error profile.tools[0].webhook.url must be an https URL",
    ]);
    const pattern = { type: "object", properties: { a: { type: "string", pattern: "(" } } };
    expect(found(lookup(good, pattern))).toEqual([
      "error profile.tools[0].parameters must not have a pattern that is no regular expression",
    ]);
    // All of them are told.
    const tools = ["a", "b"].map((name) => ({ ...(lookup(bad).profile.tools?.[0] as object), name }));
    expect(found({ ...GOOD, profile: { ...GOOD.profile, tools } })).toHaveLength(2);
  });

  it("finds a house that is to speak another language", () => {
    const house = (language: string): ProfileDocument => ({ agent: "house", profile: { language } });
    expect(found(house("de"))).toEqual(["warning profile.language is de, and house speaks English"]);
    for (const language of ["en", "en-GB", ""]) expect(found(house(language))).toEqual([]);
  });

  it("judges each agent of a list by what is its own and what is the profile's", () => {
    const list = (agents: ProfileDocument["profile"]["agents"], more: ProfileDocument["profile"] = {}) => ({
      profile: { ...GOOD.profile, ...more, agents },
    });
    expect(found(list([{ agent: "openai-realtime" }, { agent: "house" }]))).toEqual([]);
    expect(found(list([{ agent: "openai-realtime" }, { agent: "house" }]), { upstreams: new Set(["openai"]) })).toEqual(
      ["error profile.agents[1].agent is house, for which no speech Worker is bound (SPEECH)"],
    );
    const long = "abcd".repeat(15_000);
    expect(found(list([{ agent: "parrot" }, { agent: "openai-realtime", instructions: long }]))).toEqual([
      expect.stringMatching(/^warning profile\.agents\[1\]\.instructions are about 15000 tokens/),
    ]);
    expect(found(list([{ agent: "openai-realtime" }, { agent: "house", voice: "v" }]))).toEqual([
      "warning profile.agents[1].voice is nothing that house reads",
    ]);
    expect(found({ ...list([{ agent: "parrot" }]), agent: "house" })).toEqual([
      "warning agent is not read: profile.agents says which agents there are",
    ]);
    expect(found(list([{ agent: "parrot" }, { agent: "parrot" }]))).toEqual([
      "warning profile.agents[1] is the same as one before it, and fails with that",
    ]);
    expect(found(list([{ agent: "parrot" }], { lastResort: "house" }), { upstreams: new Set() })).toEqual([
      "error profile.lastResort is house, for which no speech Worker is bound (SPEECH)",
    ]);
  });

  it("finds what the schema refuses of a list", () => {
    const parrot = { agent: "parrot" } as const;
    const wrong = (agents: unknown) => found({ profile: { agents } });
    const most = "error profile.agents must be a list of 1 to 4 agents";
    expect(wrong([])).toEqual([most]);
    expect(wrong([parrot, parrot, parrot, parrot, parrot])[0]).toBe(most);
    expect(wrong([{ agent: "robot" }])).toEqual([`error profile.agents[0].agent must be one of ${AGENTS.join(", ")}`]);
    expect(wrong([{ ...parrot, greeting: "Hello" }])[0]).toMatch(/^error profile\.agents\[0\]\.greeting is not known/);
    const half = { ...parrot, instructions: "i".repeat(32 * 1024 + 1) };
    expect(wrong([half, half])).toEqual([
      "error profile.agents must have at most 65536 bytes of instructions, all agents together",
    ]);
    expect(found({ profile: { lastResort: "parrot" } })).toEqual([
      "error profile.lastResort must be one of house, none",
    ]);
  });

  it("finds instructions that are too long for the provider, by estimate", () => {
    const length = (tokens: number) => withProfile({ instructions: "abcd".repeat(tokens) });
    expect(found(length(10_000))).toEqual([]);
    expect(found(length(14_000))[0]).toMatch(/^warning profile\.instructions are about 14000 tokens/);
    expect(found(length(25_000))[0]).toMatch(/^error profile\.instructions/);
    // Tools count as well.
    const tools = [{ type: "function", name: "a", description: "x".repeat(60_000) } as const];
    expect(found(withProfile({ tools }))[0]).toMatch(/^warning profile\.instructions/);
    expect([estimatedTokens(""), estimatedTokens("abcd"), estimatedTokens("\u4f60\u597d")]).toEqual([0, 1, 3]);
  });

  it("finds names of models that are missing, and instructions", () => {
    expect(found({ agent: "openai-realtime", profile: {} })).toEqual([
      expect.stringMatching(/^warning profile\.model is missing/),
      expect.stringMatching(/^warning profile\.transcriptionModel is missing/),
      expect.stringMatching(/^warning profile\.instructions are missing/),
    ]);
  });

  it("finds what an agent of rules does not read", () => {
    const tools = [{ type: "function", name: "a", description: "b" } as const];
    const places = findingsOf({ agent: "parrot", profile: { instructions: "x", voice: "y", tools } }, WHOLE).map(
      ({ place, severity }) => [place, severity],
    );
    expect(places).toEqual([
      ["profile.instructions", "warning"],
      ["profile.voice", "warning"],
      ["profile.tools", "warning"],
    ]);
  });

  it("finds what is for other agents", () => {
    const texts = { instructions: "x", greeting: "Hello", voice: "y" };
    const stt = { service: "deepgram", model: "nova-3" } as const;
    const places = (agent: string, profile: object) => findingsOf({ agent, profile }, WHOLE).map(({ place }) => place);
    expect(places("scribe", { ...texts, stt })).toEqual(["profile.instructions", "profile.voice", "profile.greeting"]);
    expect(places("parrot", { greeting: "Hello" })).toEqual(["profile.greeting"]);
    expect(places("house", { greeting: "Hello", stt })).toEqual(["profile.stt"]);
    expect(places("openai-realtime", { ...texts, model: "m", transcriptionModel: "t", stt })).toEqual(["profile.stt"]);
  });

  it("finds tools that a provider would not take, or not understand", () => {
    const many = Array.from(
      { length: 129 },
      (_, i) => ({ type: "function", name: `t${i}`, description: "d" }) as const,
    );
    expect(found(withProfile({ tools: many }))).toContain("error profile.tools are 129, and the provider takes 128");
    const parameters = { type: "object", properties: { a: { type: "string" } }, required: ["a", "b"] };
    expect(found(withProfile({ tools: [{ type: "function", name: "t", parameters }] }))).toEqual([
      expect.stringMatching(/^warning profile\.tools\[0\]\.description is missing/),
      'warning profile.tools[0].parameters.required has "b", which is none of the properties',
    ]);
  });

  it("finds records that have nowhere to go", () => {
    const recorded = withProfile({ recording: "on", flightRecord: "on" });
    expect(found(recorded)).toEqual([]);
    expect(found(recorded, { hasFlightKey: false })).toEqual([
      "warning profile.flightRecord keeps no bodies: FLIGHT_KEY is not set",
    ]);
    expect(found(recorded, { hasBucket: false })).toHaveLength(2);
  });

  it("finds a call that ends before its times are over", () => {
    expect(found({ ...GOOD, limits: { maxCallMs: 30_000, replyMs: 40_000 } })).toEqual([
      "warning limits.replyMs lets the call end, after 30000 ms, before replyMs, 40000 ms, is over",
      "warning limits.maxCallMs lets the call end, after 30000 ms, before deadAirMs, 60000 ms, is over",
    ]);
  });
});

describe("numbers", () => {
  const takes = (...numbers: unknown[]) => v.safeParse(document, { profile: {}, numbers }).success;

  it.each(["+15551234567", "+1555*", "2001", "1*", "sip:desk@example.com", "sips:a@b", "sip:+1@x*"])(
    "may be %j",
    (number) => {
      expect(takes(number)).toBe(true);
    },
  );

  it.each([
    "",
    "*",
    "+",
    "+*",
    "+1 555",
    "+1-555",
    "(555)",
    "555*1",
    "+1**",
    "tel:+1",
    "SIP:a@b",
    "sip:A@b",
    "sip:desk@example.com;transport=tls",
    "sip:+1555@example.com;user=phone",
    "sip:desk@example.com?subject=x",
    "sip: a",
    5,
    null,
  ])("may not be %j", (number) => {
    expect(takes(number)).toBe(false);
  });

  it("may be so many, each once", () => {
    const many = Array.from({ length: MAX_NUMBERS }, (_, i) => `+1${i}`);
    expect([takes(...many), takes(...many, "+2"), takes("+1", "+1")]).toEqual([true, false, false]);
  });
});

describe("the JSON Schema", () => {
  interface Node {
    readonly type?: string;
    readonly properties?: Record<string, Node>;
    readonly required?: string[];
    readonly additionalProperties?: boolean;
  }
  const schema = documentJsonSchema() as Node;

  it("has every field of the schema that checks, and no other", () => {
    expect(Object.keys(schema.properties ?? {}).sort()).toEqual([
      "agent",
      "description",
      "hours",
      "limits",
      "numbers",
      "profile",
    ]);
    expect([schema.required, schema.additionalProperties]).toEqual([["profile"], false]);
    const [, shape] = profile.pipe[0].pipe;
    expect(Object.keys(schema.properties?.profile?.properties ?? {})).toEqual(Object.keys(shape.entries));
    expect(schema.properties?.limits?.properties?.maxCallMs).toEqual({
      type: "integer",
      minimum: 1000,
      maximum: 86_400_000,
    });
  });

  it("is small", () => {
    expect(JSON.stringify(schema).length).toBeLessThan(16_384);
    expect(MAX_DOCUMENT_BYTES).toBeLessThan(1_000_000);
  });
});
