import { faultsOf } from "../schemas.ts";
import type { Agent } from "../settings.ts";
import { document, type ProfileDocument } from "./document.ts";

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
  /** Where recordings and flight records go. */
  readonly hasBucket: boolean;
  readonly hasFlightKey: boolean;
}

/** Faults of the schema that are told at once. */
const MAX_FAULTS = 100;

/** What agents need that a deployment may lack, and how it gets it. */
const NEEDS: Readonly<Record<string, { readonly upstream: string; readonly by: string } | undefined>> = {
  "openai-realtime": { upstream: "openai", by: "OPENAI_API_KEY is not set" },
  house: { upstream: "speech", by: "no speech Worker is bound (SPEECH)" },
};

/** Agents that follow rules of their own. */
const RULED: ReadonlySet<string> = new Set(["parrot", "house"]);

/** Agents whose instructions and tools a provider reads: what it takes, and what it calls itself by. */
const PROVIDERS: Readonly<Record<string, { readonly maxTokens: number; readonly maxTools: number } | undefined>> = {
  // Instructions and tools of a session together (platform.openai.com, Realtime, session).
  "openai-realtime": { maxTokens: 16_384, maxTools: 128 },
};

/** A token of English is about four bytes, of other languages about two (three of UTF-8 a character and a half). */
const BYTES_PER_TOKEN = { ascii: 4, other: 2 } as const;
/** The estimate is good to about a third: from here on it may be too much. */
const DOUBTFUL = 0.75;

/** About how many tokens a text is; the provider alone knows. */
export function estimatedTokens(text: string): number {
  const bytes = new TextEncoder().encode(text);
  let ascii = 0;
  for (const byte of bytes) if (byte < 0x80) ascii++;
  return Math.ceil(ascii / BYTES_PER_TOKEN.ascii + (bytes.length - ascii) / BYTES_PER_TOKEN.other);
}

/** What would be wrong about calls with this profile. `value` is anything that is meant to be a document. */
export function findingsOf(value: unknown, deployment: Deployment): readonly Finding[] {
  const faults = faultsOf(document, value, MAX_FAULTS);
  if (faults.length > 0) return faults.map((fault) => ({ severity: "error", ...fault }));
  const known = value as ProfileDocument;
  const agent = known.agent ?? deployment.defaultAgent;
  return [
    ...missingUpstream(agent, deployment),
    ...ofProvider(agent, known),
    ...ofTools(known),
    ...ofRecords(known, deployment),
    ...ofLimits(known),
  ];
}

function* missingUpstream(agent: string, { upstreams }: Deployment): Generator<Finding> {
  const need = NEEDS[agent];
  if (need && !upstreams.has(need.upstream))
    yield { severity: "error", place: "agent", message: `is ${agent}, for which ${need.by}` };
}

function* ofProvider(agent: string, { profile }: ProfileDocument): Generator<Finding> {
  const provider = PROVIDERS[agent];
  if (RULED.has(agent)) {
    for (const name of ["instructions", "model", "voice", "transcriptionModel"] as const)
      if (profile[name]) yield unread(`profile.${name}`, agent);
    if (profile.tools?.length) yield unread("profile.tools", agent);
  }
  if (!provider) return;
  for (const name of ["model", "transcriptionModel"] as const)
    if (!profile[name])
      yield {
        severity: "warning",
        place: `profile.${name}`,
        message: "is missing: the one that the gateway has by itself may be taken away by the provider",
      };
  const { instructions = "", tools = [] } = profile;
  const tokens = estimatedTokens(instructions) + (tools.length > 0 ? estimatedTokens(JSON.stringify(tools)) : 0);
  const { maxTokens, maxTools } = provider;
  if (tokens > maxTokens * DOUBTFUL)
    yield {
      severity: tokens > maxTokens / DOUBTFUL ? "error" : "warning",
      place: "profile.instructions",
      message: `are about ${tokens} tokens with the tools, and the provider takes ${maxTokens}`,
    };
  if (instructions.trim() === "")
    yield { severity: "warning", place: "profile.instructions", message: "are missing: the agent knows nothing" };
  if (tools.length > maxTools)
    yield {
      severity: "error",
      place: "profile.tools",
      message: `are ${tools.length}, and the provider takes ${maxTools}`,
    };
}

function unread(place: string, agent: string): Finding {
  return { severity: "warning", place, message: `is nothing that ${agent} reads` };
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
