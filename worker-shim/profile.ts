import * as v from "valibot";
import { AGENTS, LAST_RESORTS } from "./agents.ts";
import { DIGIT_REDACTIONS } from "./digit-redaction.ts";
import {
  KNOWLEDGE_FILE,
  MAX_INSTRUCTIONS_BYTES,
  MAX_KNOWLEDGE_FILES,
  MAX_KNOWLEDGE_TOKENS,
  MIN_KNOWLEDGE_TOKENS,
} from "./profiles/knowledge.ts";
import { integer, jsonFault, oneOf, providerName, table, text, url } from "./schemas.ts";
import { llm, type Services, serviceFault, stt, tts } from "./services.ts";

// The core's `profile` and `limits`; docs/boundary.md, Configuration. The ranges lie within those of
// wasm/session/config.cc, which refuses a session whose configuration is wrong: this finds it before there is a call, and
// beyond that what no call can work with.

const MAX_LIMIT_MS = 24 * 3600 * 1000;
const MAX_LEAD_MS = 1000;
const MAX_TEXT_BYTES = 4096;

const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The core has it already, whatever the profile says: wasm/session/tool_desk.h. */
const BUILT_IN_TOOL = "end_call";
/** Those of the core's that a profile has to ask for. */
export const OPTIONAL_TOOLS = ["get_weather"] as const;
const MAX_URL_CHARACTERS = 2048;
const MIN_TOOL_TIMEOUT_MS = 100;
const MAX_TOOL_TIMEOUT_MS = 300_000;

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is wrong at the top of a JSON schema of a function's parameters: a provider refuses the session for it. */
function* schemaFaults(schema: object): Generator<readonly [keys: readonly string[], message: string]> {
  const { type, properties, required } = schema as Readonly<Record<"type" | "properties" | "required", unknown>>;
  if (type !== "object") yield [["type"], 'must be "object"'];
  if (properties !== undefined && !isObject(properties))
    yield [["properties"], "must be an object, a schema by each name"];
  for (const [name, each] of isObject(properties) ? Object.entries(properties) : [])
    if (typeof each !== "boolean" && !isObject(each))
      yield [["properties", name], "must be a JSON schema: an object, true or false"];
  if (required === undefined) return;
  const isList = Array.isArray(required) && required.every((name) => typeof name === "string");
  if (!isList || new Set(required).size < required.length) yield [["required"], "must be a list of different texts"];
}

/** Where a fault is, one step further. */
function pathItem(input: object, key: string) {
  return { type: "unknown", origin: "value", input, key, value: undefined } as const;
}

/** A function tool as the provider takes it. */
const tool = table({
  type: v.literal("function", 'must be "function"'),
  name: v.pipe(
    v.string("must be a text"),
    v.regex(TOOL_NAME, "must be 1 to 64 letters, digits, hyphens and underscores"),
  ),
  description: v.optional(text(MAX_INSTRUCTIONS_BYTES)),
  /** A JSON schema. */
  parameters: v.optional(
    v.pipe(
      v.custom<object>(isObject, "must be an object, a JSON schema"),
      v.rawCheck(({ dataset, addIssue }) => {
        const fault = jsonFault(dataset.value);
        if (fault !== undefined) addIssue({ message: fault });
      }),
      v.rawCheck(({ dataset: { value }, addIssue }) => {
        if (!isObject(value)) return;
        for (const [keys, message] of schemaFaults(value)) {
          const [first, ...rest] = keys.map((key) => pathItem(value, key));
          if (first) addIssue({ message, path: [first, ...rest] });
        }
      }),
    ),
  ),
  /** How long a result is waited for; the provider does not see it. */
  timeoutMs: v.optional(integer(MIN_TOOL_TIMEOUT_MS, MAX_TOOL_TIMEOUT_MS)),
  /** The gateway itself asks for the result there; without it an operator brings it. Its host: tool-webhooks.ts. */
  webhook: v.optional(
    table({
      url: v.pipe(
        url(/^https?:/i, "an http(s) URL without fragment, user or spaces"),
        v.maxLength(MAX_URL_CHARACTERS, `must have at most ${MAX_URL_CHARACTERS} characters`),
      ),
    }),
  ),
});

/** Every tool by a name of its own, and none by that of the core's. */
const tools = v.pipe(
  v.array(tool, "must be a list of function tools"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const names = [BUILT_IN_TOOL, ...dataset.value.map(({ name }) => name)];
    const index = names.findIndex((name, i) => names.indexOf(name) < i);
    if (index > 0) addIssue({ message: `must have a name for each: there are two of ${names[index]}` });
    const fault = jsonFault(...dataset.value.map(({ parameters }) => parameters));
    if (fault !== undefined) addIssue({ message: `${fault}, all tools together` });
  }),
);

/** The longest that BCP 47 asks everybody to take (RFC 5646, 4.4.1). */
const MAX_LANGUAGE_CHARACTERS = 35;
const IS_LANGUAGE = 'must be a language as BCP 47 has it, such as "en" or "pt-BR"';

const words = v.optional(text(MAX_TEXT_BYTES));
const onOrOff = v.optional(oneOf(["off", "on"]));
const strength = v.optional(oneOf(["off", "light", "strong"]));

const IS_KNOWLEDGE_FILE = "must be a document's name: 1 to 64 letters, digits, . _ and -, the first one no dot";

const knowledgeFiles = v.pipe(
  v.array(
    v.pipe(v.string(IS_KNOWLEDGE_FILE), v.regex(KNOWLEDGE_FILE, IS_KNOWLEDGE_FILE)),
    "must be a list of documents' names",
  ),
  v.maxLength(MAX_KNOWLEDGE_FILES, `must be at most ${MAX_KNOWLEDGE_FILES} documents`),
  v.check((files) => new Set(files).size === files.length, "must have each document once"),
);

/** What an agent of a list may say of itself, and a profile says for all that do not. */
const ofAgent = {
  instructions: v.optional(text(MAX_INSTRUCTIONS_BYTES)),
  model: v.optional(providerName("the name of a model")),
  voice: v.optional(providerName("the name of a voice")),
  language: v.optional(
    v.pipe(
      v.string(IS_LANGUAGE),
      v.maxLength(MAX_LANGUAGE_CHARACTERS, IS_LANGUAGE),
      v.regex(/^$|^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*$/, IS_LANGUAGE),
    ),
  ),
  transcriptionModel: v.optional(providerName("the name of a model")),
  agentAudio: v.optional(oneOf(["pcmu", "pcm"])),
  /** What the agent cascade is made of. */
  stt: v.optional(stt),
  llm: v.optional(llm),
  tts: v.optional(tts),
};

/** Agents of a list: who comes next when one fails. */
export const MAX_AGENTS = 4;
/** Of instructions that agents of a list have for themselves: wasm/session/config.cc. */
const MAX_AGENTS_INSTRUCTIONS_BYTES = 64 * 1024;
const IS_LIST = `must be a list of 1 to ${MAX_AGENTS} agents`;
const utf8 = new TextEncoder();

const agents = v.pipe(
  v.array(table({ agent: oneOf(AGENTS), ...ofAgent }), IS_LIST),
  v.minLength(1, IS_LIST),
  v.maxLength(MAX_AGENTS, IS_LIST),
  v.check(
    (all) =>
      all.reduce((sum, { instructions = "" }) => sum + utf8.encode(instructions).length, 0) <=
      MAX_AGENTS_INSTRUCTIONS_BYTES,
    `must have at most ${MAX_AGENTS_INSTRUCTIONS_BYTES} bytes of instructions, all agents together`,
  ),
);

const fields = table({
  ...ofAgent,
  /** In the order in which they are wanted; in the place of `agent`, if there is such a list. */
  agents: v.optional(agents),
  /** What stands in when all of them have failed. */
  lastResort: v.optional(oneOf(LAST_RESORTS)),
  greeting: words,
  farewell: words,
  echoGuard: onOrOff,
  waitingSound: v.optional(oneOf(["off", "tone", "melody"])),
  denoiseForAgent: strength,
  denoiseForRecording: strength,
  levelForAgent: onOrOff,
  recording: v.optional(oneOf(["off", "on", "onConsent"])),
  recordDigits: v.optional(oneOf(["no", "yes"])),
  /** The shim's own; the core does not read them. */
  flightRecord: onOrOff,
  redactDigits: v.optional(oneOf(DIGIT_REDACTIONS)),
  /** Documents that are put behind the instructions when a call begins, in this order, and what they may take. */
  knowledge: v.optional(knowledgeFiles),
  knowledgeTokens: v.optional(integer(MIN_KNOWLEDGE_TOKENS, MAX_KNOWLEDGE_TOKENS)),
  tools: v.optional(tools),
  builtInTools: v.optional(
    v.pipe(
      v.array(oneOf(OPTIONAL_TOOLS), `must be a list of ${OPTIONAL_TOOLS.join(", ")}`),
      v.check((names) => new Set(names).size === names.length, "must have each name once"),
    ),
  ),
});

/** What a profile's `tools` must not be called, since it asks for the gateway's own of that name. */
export const profile = v.pipe(
  fields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { builtInTools = [], tools = [] } = dataset.value;
    const names: readonly string[] = builtInTools;
    const index = tools.findIndex(({ name }) => names.includes(name));
    if (index < 0) return;
    const [ofTools, ofTool] = [pathItem(dataset.value, "tools"), { ...pathItem(tools, ""), key: index }];
    addIssue({ message: "has the name of one of builtInTools", path: [ofTools, ofTool] });
  }),
  v.rawCheck<v.InferOutput<typeof fields>>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value } = dataset;
    const own = serviceFault(value satisfies Services);
    const places: (readonly [keys: readonly (string | number)[], message: string])[] = own
      ? [[own.keys, own.message]]
      : [];
    for (const [index, { agent: _, ...entry }] of (value.agents ?? []).entries()) {
      const fault = own ? undefined : serviceFault({ ...value, ...entry } satisfies Services);
      if (fault) places.push([["agents", index, ...fault.keys], fault.message]);
    }
    for (const [keys, message] of places) {
      const [first, ...rest] = keys.map((key) => ({ ...pathItem(value, ""), key }));
      if (first) addIssue({ message, path: [first, ...rest] });
    }
  }),
);

export type Profile = v.InferOutput<typeof profile>;

/** A peer's answer is a round trip to it, 300 ms across an ocean, and what it does before: with less every call fails. */
export const MIN_ANSWER_MS = 500;
/** A round trip, and its first word: with less every goodbye is silent. */
export const MIN_FAREWELL_MS = 500;
/** A stream comes back by two round trips: the carrier's question, and the upgrade. */
export const MIN_LEG_LOST_MS = 1_000;
/** People stop to breathe and to think for up to a second. */
export const MIN_DEAD_AIR_MS = 1_000;
/** Nobody has said anything before that. */
export const MIN_CALL_MS = 1_000;

const atLeast = (minMs: number) => v.optional(integer(minMs, MAX_LIMIT_MS));

export const limits = table({
  startMs: atLeast(MIN_ANSWER_MS),
  agentReadyMs: atLeast(MIN_ANSWER_MS),
  replyMs: atLeast(MIN_ANSWER_MS),
  waitingMs: atLeast(400),
  deadAirMs: atLeast(MIN_DEAD_AIR_MS),
  maxCallMs: atLeast(MIN_CALL_MS),
  farewellMs: atLeast(MIN_FAREWELL_MS),
  legLostMs: atLeast(MIN_LEG_LOST_MS),
  endOfTurnMs: atLeast(100),
  bargeInConfirmMs: atLeast(20),
  leadMs: v.optional(integer(60, MAX_LEAD_MS)),
  markMs: atLeast(20),
});

export type Limits = v.InferOutput<typeof limits>;
