import type { Profile } from "../profile.ts";
import { faultsOf } from "../schemas.ts";
import { SERVICE_KINDS, type Services } from "../services.ts";
import type { Agent } from "../settings.ts";
import { type ToolRules, webhookFaults } from "../tool-webhooks.ts";
import { document, type ProfileDocument } from "./document.ts";
import { knowledgeTokensOf } from "./knowledge.ts";
import { estimatedTokens } from "./tokens.ts";

/** `error`: a call with it fails, or it is not taken. `warning`: it goes, but maybe not as it is meant. */
export type Severity = "error" | "warning";

export interface Finding {
  readonly severity: Severity;
  /** As in `profile.tools[1].name`; empty for the document as a whole. */
  readonly place: string;
  readonly message: string;
}

/** What a profile may need of its deployment; whether it is there. */
export interface Deployment {
  readonly defaultAgent: Agent;
  /** By the names of boundary.md, Connect. */
  readonly upstreams: ReadonlySet<string>;
  /** Which hosts webhooks of tools may be at. */
  readonly tools: ToolRules;
  /** Where recordings and flight records go. */
  readonly hasBucket: boolean;
  readonly hasFlightKey: boolean;
}

/** Faults of the schema that are told at once. */
const MAX_FAULTS = 100;

/** How a deployment gets the upstreams that it may lack. */
const LACKS: Readonly<Record<string, string | undefined>> = {
  openai: "OPENAI_API_KEY is not set",
  deepgram: "DEEPGRAM_API_KEY is not set",
  "workers-ai": "Workers AI is not bound (AI)",
  speech: "no speech Worker is bound (SPEECH)",
};

/** The upstream of agents that need one and are not made of services. */
const UPSTREAM_OF: Partial<Record<Agent, string>> = { "openai-realtime": "openai", house: "speech" };

/** The upstream of a service, by its name; rules need none. */
const UPSTREAM_OF_SERVICE: Readonly<Record<string, string | undefined>> = {
  openai: "openai",
  deepgram: "deepgram",
  "workers-ai": "workers-ai",
  local: "speech",
};

/** The services that an agent is made of. */
const SERVICES_OF: Partial<Record<Agent, readonly (keyof Pick<Services, "stt" | "llm" | "tts">)[]>> = {
  cascade: SERVICE_KINDS,
  scribe: ["stt"],
};

/** What of a profile an agent does not read, though it may be there: texts, tools, services. */
function unreadBy(agent: Agent, { llm }: ProfileDocument["profile"]): readonly (keyof ProfileDocument["profile"])[] {
  const written = ["instructions", "knowledge"] as const;
  const sessionOnly = ["model", "voice", "transcriptionModel"] as const;
  switch (agent) {
    case "openai-realtime":
      return SERVICE_KINDS;
    case "parrot":
      return [...written, ...sessionOnly, "tools", "greeting", "farewell", ...SERVICE_KINDS];
    case "house":
      return [...written, ...sessionOnly, "tools", ...SERVICE_KINDS];
    case "cascade":
      return llm?.service === "house" ? [...written, ...sessionOnly, "tools"] : sessionOnly;
    case "scribe":
      return [...written, ...sessionOnly, "tools", "greeting", "farewell", "llm", "tts"];
    default:
      return agent satisfies never;
  }
}

/** Agents whose instructions and tools a provider reads: what it takes, and what it calls itself by. */
const PROVIDERS: Readonly<Record<string, { readonly maxTokens: number; readonly maxTools: number } | undefined>> = {
  // Instructions and tools of a session together (platform.openai.com, Realtime, session).
  "openai-realtime": { maxTokens: 16_384, maxTools: 128 },
};

/** The estimate is good to about a third: from here on it may be too much. */
const DOUBTFUL = 0.75;

/** What would be wrong about calls with this profile. `value` is anything that is meant to be a document. */
export function findingsOf(value: unknown, deployment: Deployment): readonly Finding[] {
  const faults = faultsOf(document, value, MAX_FAULTS);
  if (faults.length > 0) return faults.map((fault) => ({ severity: "error", ...fault }));
  const known = value as ProfileDocument;
  return [
    ...ofAgents(known, deployment),
    ...ofTools(known),
    ...ofWebhooks(known, deployment),
    ...ofRecords(known, deployment),
    ...ofLimits(known),
  ];
}

/** An agent as a call has it: what it says itself, and what the profile says for all that do not. */
interface Entry {
  readonly agent: Agent;
  readonly profile: Profile;
  readonly own: Partial<Profile>;
  /** Where it stands: `profile`, or an entry of the list. */
  readonly place: string;
}

/** The agent alone, or each of the list with what is its own; and who stands in for them. */
function* ofAgents({ agent, profile }: ProfileDocument, deployment: Deployment): Generator<Finding> {
  const { agents, lastResort } = profile;
  if (agents) {
    if (agent !== undefined && agent !== agents[0]?.agent)
      yield { severity: "warning", place: "agent", message: "is not read: profile.agents says which agents there are" };
    for (const [index, { agent: name, ...own }] of agents.entries()) {
      const place = `profile.agents[${index}]`;
      yield* missingUpstream(name, `${place}.agent`, deployment);
      yield* ofEntry({ agent: name, profile: { ...profile, ...own }, own, place }, deployment);
    }
    yield* ofRepeated(agents);
  } else {
    const name = agent ?? deployment.defaultAgent;
    yield* missingUpstream(name, "agent", deployment);
    yield* ofEntry({ agent: name, profile, own: profile, place: "profile" }, deployment);
  }
  if (lastResort === "house") yield* missingUpstream("house", "profile.lastResort", deployment);
}

function ofEntry(entry: Entry, deployment: Deployment): readonly Finding[] {
  return [
    ...ofServices(entry, deployment),
    ...ofReading(entry),
    ...ofLanguage(entry),
    ...ofProvider(entry),
    ...ofInstructions(entry),
  ];
}

/** Who fails takes with him those that are the same. */
function* ofRepeated(agents: NonNullable<Profile["agents"]>): Generator<Finding> {
  const all = agents.map((each) => JSON.stringify(each));
  for (const [index, each] of all.entries())
    if (all.indexOf(each) < index)
      yield {
        severity: "warning",
        place: `profile.agents[${index}]`,
        message: "is the same as one before it, and fails with that",
      };
}

function* missingUpstream(agent: Agent, place: string, { upstreams }: Deployment): Generator<Finding> {
  const upstream = UPSTREAM_OF[agent];
  if (upstream !== undefined && !upstreams.has(upstream))
    yield { severity: "error", place, message: `is ${agent}, for which ${LACKS[upstream]}` };
}

/** Where a setting is said: by the agent itself, or in the profile for all. */
function placeOf({ own, place }: Entry, name: keyof Profile): string {
  return `${own[name] === undefined ? "profile" : place}.${name}`;
}

/** Services that the agent would lack, or that have no upstream here. */
function* ofServices(entry: Entry, { upstreams }: Deployment): Generator<Finding> {
  const { agent, profile } = entry;
  const kinds = SERVICES_OF[agent] ?? [];
  for (const kind of kinds) {
    const service = profile[kind]?.service;
    if (service === undefined) {
      const all = kinds.length > 1 ? "stt, llm and tts" : "stt";
      const message = `is missing: the agent ${agent} is made of ${all}`;
      yield { severity: "error", place: `${entry.place}.${kind}`, message };
      continue;
    }
    const upstream = UPSTREAM_OF_SERVICE[service];
    if (upstream !== undefined && !upstreams.has(upstream))
      yield { severity: "error", place: placeOf(entry, kind), message: `is ${service}, for which ${LACKS[upstream]}` };
  }
}

/** What a profile says for several agents is for those that read it: only what is the agent's own is looked at. */
function* ofReading({ agent, profile, own, place }: Entry): Generator<Finding> {
  for (const name of unreadBy(agent, profile)) {
    const value = own[name];
    if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    yield { severity: "warning", place: `${place}.${name}`, message: `is nothing that ${agent} reads` };
  }
}

/** The rules of `house` are English, and so are its voice and its ears. */
function* ofLanguage(entry: Entry): Generator<Finding> {
  const { language = "" } = entry.profile;
  if (entry.agent !== "house" || /^(?:$|en\b)/i.test(language)) return;
  yield { severity: "warning", place: placeOf(entry, "language"), message: `is ${language}, and house speaks English` };
}

function* ofInstructions(entry: Entry): Generator<Finding> {
  const { agent, profile } = entry;
  if (unreadBy(agent, profile).includes("instructions") || profile.instructions?.trim()) return;
  yield {
    severity: "warning",
    place: placeOf(entry, "instructions"),
    message: "are missing: the agent knows nothing",
  };
}

function* ofProvider(entry: Entry): Generator<Finding> {
  const { agent, profile, place } = entry;
  const provider = PROVIDERS[agent];
  if (!provider) return;
  for (const name of ["model", "transcriptionModel"] as const)
    if (!profile[name])
      yield {
        severity: "warning",
        place: `${place}.${name}`,
        message: "is missing: the one that the gateway has by itself may be taken away by the provider",
      };
  const { instructions = "", tools = [] } = profile;
  const ofTools = tools.length > 0 ? estimatedTokens(JSON.stringify(tools)) : 0;
  const tokens = estimatedTokens(instructions) + knowledgeTokensOf(profile) + ofTools;
  const { maxTokens, maxTools } = provider;
  const withKnowledge = knowledgeTokensOf(profile) > 0 ? " and the knowledge" : "";
  if (tokens > maxTokens * DOUBTFUL)
    yield {
      severity: tokens > maxTokens / DOUBTFUL ? "error" : "warning",
      place: placeOf(entry, "instructions"),
      message: `are about ${tokens} tokens with the tools${withKnowledge}, and the provider takes ${maxTokens}`,
    };
  if (tools.length > maxTools)
    yield {
      severity: "error",
      place: "profile.tools",
      message: `are ${tools.length}, and the provider takes ${maxTools}`,
    };
}

interface ToolSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

function* ofTools({ profile: { tools = [] } }: ProfileDocument): Generator<Finding> {
  for (const [index, { description, parameters }] of tools.entries()) {
    const place = `profile.tools[${index}]`;
    if (!description)
      yield {
        severity: "warning",
        place: `${place}.description`,
        message: "is missing: the agent guesses when to use it",
      };
    const { properties = {}, required = [] } = (parameters ?? {}) as ToolSchema;
    for (const name of required)
      if (!Object.hasOwn(properties, name))
        yield {
          severity: "warning",
          place: `${place}.parameters.required`,
          message: `has ${JSON.stringify(name)}, which is none of the properties`,
        };
  }
}

/** Nothing is sent to a host that is not named, whatever a profile says: such a tool is none. */
function* ofWebhooks({ profile }: ProfileDocument, { tools }: Deployment): Generator<Finding> {
  for (const { place, message } of webhookFaults(profile, tools))
    yield { severity: "error", place: `profile.${place}`, message };
}

function* ofRecords({ profile }: ProfileDocument, { hasBucket, hasFlightKey }: Deployment): Generator<Finding> {
  const { recording = "off", flightRecord = "off" } = profile;
  const nowhere = "has nowhere to go: no bucket is bound (RECORDINGS)";
  if (recording !== "off" && !hasBucket) yield { severity: "warning", place: "profile.recording", message: nowhere };
  if (flightRecord === "off") return;
  if (!hasBucket) yield { severity: "warning", place: "profile.flightRecord", message: nowhere };
  else if (!hasFlightKey)
    yield {
      severity: "warning",
      place: "profile.flightRecord",
      message: "keeps no bodies: FLIGHT_KEY is not set",
    };
}

/** As the core has it, docs/boundary.md. */
const DEFAULT_MS = { maxCallMs: 300_000, agentReadyMs: 10_000, replyMs: 12_000, deadAirMs: 60_000 } as const;

function* ofLimits({ limits = {} }: ProfileDocument): Generator<Finding> {
  const maxCallMs = limits.maxCallMs ?? DEFAULT_MS.maxCallMs;
  for (const name of ["agentReadyMs", "replyMs", "deadAirMs"] as const) {
    const ms = limits[name] ?? DEFAULT_MS[name];
    if (ms > maxCallMs)
      yield {
        severity: "warning",
        place: `limits.${limits[name] === undefined ? "maxCallMs" : name}`,
        message: `lets the call end, after ${maxCallMs} ms, before ${name}, ${ms} ms, is over`,
      };
  }
}
