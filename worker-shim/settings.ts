import * as v from "valibot";
import { AGENTS, type Agent } from "./agents.ts";
import type { TokenPrices } from "./call-log.ts";
import type { TokenRing } from "./call-token.ts";
import {
  type CarrierVariables,
  carrierAuthTokens,
  carrierVariables,
  isCarrierToken,
} from "./carriers/twilio/settings.ts";
import { meantBy } from "./misspelt.ts";
import { type KnownOperator, operatorTokens } from "./operators.ts";
import { isPlaceholder } from "./placeholders.ts";
import type { UpstreamVariables } from "./ports/upstreams.ts";
import { type Limits, limits, type Profile, profile } from "./profile.ts";
import { checked, decimal, fraction, headerValue, oneOf, orJson, secret, shownName, table, url } from "./schemas.ts";
import { missingService } from "./services.ts";
import { type ToolRules, toolHosts, webhookFault } from "./tool-webhooks.ts";

/** Variables and secrets as wrangler.toml and .dev.vars.example describe them. */
export interface SettingVariables extends UpstreamVariables, CarrierVariables {
  readonly ENVIRONMENT?: string;
  readonly PUBLIC_BASE_URL?: string;
  readonly DEFAULT_AGENT?: string;
  readonly ALLOW_UNAUTHENTICATED?: string;
  readonly FAULT_INJECTION?: string;
  readonly MAX_CONCURRENT_CALLS?: string;
  readonly MAX_CALLS_PER_NUMBER?: string;
  readonly MAX_STREAM_RECONNECTS?: string;
  readonly RATE_LIMIT_PER_MINUTE?: string;
  readonly SWITCHBOARD_SHARDS?: string;
  readonly CALL_LOCATION_HINT?: string;
  /** The core's `profile` and `limits`: a table of wrangler.toml, or JSON text. */
  readonly PROFILE?: unknown;
  readonly LIMITS?: unknown;
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  readonly ADMIN_TOKEN?: string;
  readonly ADMIN_TOKEN_PREVIOUS?: string;
  /** {"NAME":{"role","sha256":[]}}: a table of wrangler.toml, or JSON text. */
  readonly OPERATOR_TOKENS?: unknown;
  readonly RETENTION_DAYS?: string;
  /** Dollars for a million tokens, {"input","output"}: a table of wrangler.toml, or JSON text. */
  readonly TOKEN_PRICES?: unknown;
  readonly FLIGHT_SAMPLING?: string;
  readonly FLIGHT_KEY?: string;
  readonly SUPABASE_URL?: string;
  readonly SUPABASE_KEY?: string;
  readonly WEBHOOK_URL?: string;
  readonly WEBHOOK_SECRET?: string;
  readonly TOOL_HOSTS?: string;
  readonly TOOL_SECRET?: string;
}

/** The deployment's configuration is not what it must be. */
export class ConfigurationError extends Error {
  readonly code = "configuration";
  override readonly name = "ConfigurationError";
}

export const ENVIRONMENTS = ["development", "staging", "production"] as const;

export { AGENTS, type Agent };

export function isAgent(name: string): name is Agent {
  return (AGENTS as readonly string[]).includes(name);
}

/** Why there is no such agent with this profile, or none of its list; undefined if there is. */
export function agentFault(agent: Agent, profile: Profile, place: string): string | undefined {
  const { agents } = profile;
  if (!agents) return oneAgentFault(agent, profile, place);
  for (const [index, { agent: name, ...own }] of agents.entries()) {
    const fault = oneAgentFault(name, { ...profile, ...own }, `${place}.agents[${index}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function oneAgentFault(agent: Agent, profile: Profile, place: string): string | undefined {
  if (agent === "scribe") return profile.stt ? undefined : `${place}.stt is missing: the agent scribe is made of stt`;
  if (agent !== "cascade") return undefined;
  const missing = missingService(profile);
  return missing && `${place}.${missing} is missing: the agent cascade is made of stt, llm and tts`;
}

const LOCATION_HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type LocationHint = (typeof LOCATION_HINTS)[number];

const DAY_MS = 24 * 3600 * 1000;
/** Secrets below this are guessed. */
const MIN_SECRET_CHARACTERS = 16;

export interface Settings {
  readonly environment: (typeof ENVIRONMENTS)[number];
  readonly production: boolean;
  /** Media and webhooks without proof of origin are taken. Never in production. */
  readonly allowUnauthenticated: boolean;
  /** Calls can be crashed on request. Never in production. */
  readonly faultInjection: boolean;
  /** As URL has it, without a slash at the end; undefined = as requested. */
  readonly publicBaseUrl: string | undefined;
  /** The same as it was written, in capitals or other letters: the carrier may sign either. */
  readonly writtenBaseUrl: string | undefined;
  readonly defaultAgent: Agent;
  /** Calls at a time in all; 0 = no limit. */
  readonly maxConcurrentCalls: number;
  readonly maxCallsPerNumber: number;
  /** Times that a lost stream of a call may come back; then the call is over. */
  readonly maxStreamReconnects: number;
  /** Missing or wrong proofs that an address may bring in a minute; 0 = no limits for any address. */
  readonly rateLimitPerMinute: number;
  readonly switchboardShards: number;
  readonly locationHint: LocationHint | undefined;
  readonly profile: Profile;
  readonly limits: Limits;
  /** Newest first; empty = none is configured. */
  readonly carrierAuthTokens: readonly string[];
  readonly upstreams: UpstreamVariables;
  readonly tokenRing: TokenRing | undefined;
  readonly adminToken: string | undefined;
  /** Counts as well, while the token is being exchanged. */
  readonly previousAdminToken: string | undefined;
  /** Those with tokens of their own. */
  readonly operators: readonly KnownOperator[];
  /** From the end of a call to the end of what was said in it. */
  readonly retentionMs: number;
  readonly tokenPrices: TokenPrices | undefined;
  /** The part of calls whose inputs are kept, 0..1; a profile's `flightRecord` "on" keeps all of them. */
  readonly flightSampling: number;
  /** 64 hex digits; without it flight records hold no bodies. */
  readonly flightKey: string | undefined;
  readonly supabase: { readonly url: string; readonly key: string } | undefined;
  readonly webhook: { readonly url: string; readonly secret: string } | undefined;
  readonly tools: ToolRules;
}

const withoutSlash = (text: string) => text.replace(/\/+$/, "");
/** Whatever of it may be written in several ways, as everybody reads it: scheme and host in lower case, the host in ASCII. */
const normalised = [
  v.check((text: string) => new URL(text).port !== "0", "must be an http(s) URL whose port is not 0"),
  v.transform((text: string) => new URL(text).href),
] as const;
/** Routes are at the root of their host. */
const hostUrl = v.pipe(
  url(/^https?:\/\/[^/?]+\/?$/i, "an http(s) URL of a host alone, without path, query, fragment or user"),
  ...normalised,
  v.transform(withoutSlash),
);
const baseUrl = v.pipe(
  url(/^https?:[^?]+$/i, "an http(s) URL without query, fragment, user or spaces"),
  ...normalised,
  v.transform(withoutSlash),
);
const anyUrl = v.pipe(url(/^https?:/i, "an http(s) URL without fragment, user or spaces"), ...normalised);
const socketUrl = v.pipe(
  url(/^(http|ws)s?:[^?]+$/i, "an http(s) or ws(s) URL without query, fragment, user or spaces"),
  ...normalised,
  v.transform(withoutSlash),
);
/** A door is opened by exactly "true". What else somebody may have meant by "yes" is not guessed. */
const door = v.pipe(
  v.picklist(["true", "false"], "must be true or false, in lower case, as a text"),
  v.transform((value) => value === "true"),
);
const MAX_PRICE = 1_000_000;
const IS_PRICE = `must be a number of dollars from 0 to ${MAX_PRICE}`;
const price = v.pipe(v.number(IS_PRICE), v.minValue(0, IS_PRICE), v.maxValue(MAX_PRICE, IS_PRICE));
const headerText = v.optional(headerValue(v.string("must be a text")));
const longSecret = v.optional(secret(MIN_SECRET_CHARACTERS));
/** Of somebody else, who knows how long it is. */
const headerSecret = v.optional(headerValue(secret(1)));

/** Every variable: what it must be, and what it is where it is not set. */
const variablesSchema = v.object({
  ENVIRONMENT: v.optional(
    v.picklist(ENVIRONMENTS, `must be one of ${ENVIRONMENTS.join(", ")}, in lower case`),
    // There is no default: who forgets it must not run with open doors, nor with closed ones by chance.
    "" as never,
  ),
  PUBLIC_BASE_URL: v.optional(hostUrl),
  DEFAULT_AGENT: v.optional(oneOf(AGENTS), "parrot"),
  ALLOW_UNAUTHENTICATED: v.optional(door, "false"),
  FAULT_INJECTION: v.optional(door, "false"),
  MAX_CONCURRENT_CALLS: v.optional(decimal(0, Number.MAX_SAFE_INTEGER), 10_000),
  MAX_CALLS_PER_NUMBER: v.optional(decimal(0, Number.MAX_SAFE_INTEGER), 0),
  MAX_STREAM_RECONNECTS: v.optional(decimal(0, 1000), 3),
  RATE_LIMIT_PER_MINUTE: v.optional(decimal(0, 1_000_000), 120),
  SWITCHBOARD_SHARDS: v.optional(decimal(1, 256), 1),
  CALL_LOCATION_HINT: v.optional(oneOf(LOCATION_HINTS)),
  PROFILE: v.optional(orJson(profile), {}),
  LIMITS: v.optional(orJson(limits), {}),
  ...carrierVariables,
  OPENAI_API_KEY: headerSecret,
  OPENAI_BASE_URL: v.optional(socketUrl, "https://api.openai.com"),
  OPENAI_ORGANIZATION: headerText,
  OPENAI_PROJECT: headerText,
  DEEPGRAM_API_KEY: headerSecret,
  DEEPGRAM_BASE_URL: v.optional(socketUrl, "https://api.deepgram.com"),
  TOKEN_SECRET: longSecret,
  TOKEN_SECRET_PREVIOUS: longSecret,
  ADMIN_TOKEN: v.optional(headerValue(secret(MIN_SECRET_CHARACTERS))),
  ADMIN_TOKEN_PREVIOUS: v.optional(headerValue(secret(MIN_SECRET_CHARACTERS))),
  OPERATOR_TOKENS: v.optional(orJson(operatorTokens), {}),
  RETENTION_DAYS: v.optional(decimal(1, 3650), 30),
  TOKEN_PRICES: v.optional(orJson(table({ input: v.optional(price), output: v.optional(price) })), {}),
  FLIGHT_SAMPLING: v.optional(fraction(), 0),
  FLIGHT_KEY: v.optional(
    v.pipe(v.string("must be 64 hex digits"), v.regex(/^[0-9a-f]{64}$/i, "must be 64 hex digits")),
  ),
  SUPABASE_URL: v.optional(baseUrl),
  SUPABASE_KEY: headerSecret,
  WEBHOOK_URL: v.optional(anyUrl),
  WEBHOOK_SECRET: longSecret,
  TOOL_HOSTS: v.optional(toolHosts),
  TOOL_SECRET: longSecret,
  WEATHER_BASE_URL: v.optional(baseUrl, "https://api.open-meteo.com"),
});

/** Two values that make sense together only. */
function pair<A, B>(place: readonly [string, string], first: A | undefined, second: B | undefined) {
  if (first === undefined && second === undefined) return undefined;
  if (first === undefined) throw new ConfigurationError(`${place[0]} is missing: it goes with ${place[1]}`);
  if (second === undefined) throw new ConfigurationError(`${place[1]} is missing: it goes with ${place[0]}`);
  return [first, second] as const;
}

/** By their names, and of those that are being exchanged the former ones. */
const SECRET = /_(?:KEY|SECRET|TOKEN)(?:_PREVIOUS)?$/;

/** Where others call, no secret is one that everybody knows, or that opens something else as well. */
function refuseKnownSecrets(given: readonly (readonly [name: string, value: unknown])[]): void {
  const former = (name: string) => name.replace(/_PREVIOUS$/, "");
  const secrets = given.filter((one): one is [string, string] => SECRET.test(one[0]) && typeof one[1] === "string");
  for (const [index, [name, value]] of secrets.entries()) {
    if (isPlaceholder(value))
      throw new ConfigurationError(`${name} must be a secret of your own: it looks like a placeholder`);
    if (isCarrierToken(name) && value.length < MIN_SECRET_CHARACTERS)
      throw new ConfigurationError(`${name} must have ${MIN_SECRET_CHARACTERS} characters or more`);
    const twin = secrets.slice(0, index).find(([other, same]) => same === value && former(other) !== former(name));
    if (twin) throw new ConfigurationError(`${name} must be a secret of its own: it is the same as ${twin[0]}`);
  }
}

/** Beside settings there are bindings, and variables of somebody else's. */
const isSetting = (name: string) => Object.hasOwn(variablesSchema.entries, name);

/** What the platform binds: an object of a class. A variable is a text or a table. */
function isBinding(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) !== Object.prototype;
}

/** A name that is none of a setting but must have been meant as one would leave the setting at its default. */
function refuseMisspelt(variables: object): void {
  const names = Object.keys(variablesSchema.entries);
  for (const [name, value] of Object.entries(variables)) {
    if (isSetting(name) || value === "" || isBinding(value)) continue;
    const meant = meantBy(name, names);
    if (meant !== undefined)
      throw new ConfigurationError(`${shownName(name)} is not known; ${meant} may be what is meant`);
  }
}

/** @throws {ConfigurationError} naming the variable that is wrong, and what it must be. Never its value. */
export function readSettings(variables: SettingVariables): Settings {
  refuseMisspelt(variables);
  // A variable that is empty is not set.
  const given = Object.entries(variables).filter(([name, value]) => isSetting(name) && value !== "");
  const result = checked(variablesSchema, Object.fromEntries(given), "");
  if (result.type === "wrong") throw new ConfigurationError(result.reason);
  const { value } = result;
  const missing = agentFault(value.DEFAULT_AGENT, value.PROFILE, "PROFILE");
  if (missing !== undefined) throw new ConfigurationError(missing);
  const production = value.ENVIRONMENT === "production";
  if (value.ENVIRONMENT !== "development") refuseKnownSecrets(given);
  const supabase = pair(["SUPABASE_URL", "SUPABASE_KEY"], value.SUPABASE_URL, value.SUPABASE_KEY);
  const webhook = pair(["WEBHOOK_URL", "WEBHOOK_SECRET"], value.WEBHOOK_URL, value.WEBHOOK_SECRET);
  const called = pair(["TOOL_HOSTS", "TOOL_SECRET"], value.TOOL_HOSTS, value.TOOL_SECRET);
  const isDevelopment = value.ENVIRONMENT === "development";
  const tools: ToolRules = { hosts: called?.[0] ?? [], secret: called?.[1], isDevelopment };
  const fault = webhookFault(value.PROFILE, tools);
  if (fault !== undefined) throw new ConfigurationError(`PROFILE.${fault}`);
  const { input, output } = value.TOKEN_PRICES;
  const prices = pair(["TOKEN_PRICES.input", "TOKEN_PRICES.output"], input, output);
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_ORGANIZATION, OPENAI_PROJECT, WEATHER_BASE_URL } = value;
  const { DEEPGRAM_API_KEY, DEEPGRAM_BASE_URL } = value;
  return {
    environment: value.ENVIRONMENT,
    production,
    allowUnauthenticated: value.ALLOW_UNAUTHENTICATED && !production,
    faultInjection: value.FAULT_INJECTION && !production,
    publicBaseUrl: value.PUBLIC_BASE_URL,
    writtenBaseUrl: value.PUBLIC_BASE_URL && withoutSlash(variables.PUBLIC_BASE_URL ?? ""),
    defaultAgent: value.DEFAULT_AGENT,
    maxConcurrentCalls: value.MAX_CONCURRENT_CALLS,
    maxCallsPerNumber: value.MAX_CALLS_PER_NUMBER,
    maxStreamReconnects: value.MAX_STREAM_RECONNECTS,
    rateLimitPerMinute: value.RATE_LIMIT_PER_MINUTE,
    switchboardShards: value.SWITCHBOARD_SHARDS,
    locationHint: value.CALL_LOCATION_HINT,
    profile: value.PROFILE,
    limits: value.LIMITS,
    carrierAuthTokens: carrierAuthTokens(value),
    upstreams: {
      OPENAI_API_KEY,
      OPENAI_BASE_URL,
      OPENAI_ORGANIZATION,
      OPENAI_PROJECT,
      DEEPGRAM_API_KEY,
      DEEPGRAM_BASE_URL,
      WEATHER_BASE_URL,
    },
    tokenRing: value.TOKEN_SECRET ? { current: value.TOKEN_SECRET, previous: value.TOKEN_SECRET_PREVIOUS } : undefined,
    adminToken: value.ADMIN_TOKEN,
    previousAdminToken: value.ADMIN_TOKEN_PREVIOUS,
    operators: value.OPERATOR_TOKENS,
    retentionMs: value.RETENTION_DAYS * DAY_MS,
    tokenPrices: prices && { input: prices[0], output: prices[1] },
    flightSampling: value.FLIGHT_SAMPLING,
    flightKey: value.FLIGHT_KEY,
    supabase: supabase && { url: supabase[0], key: supabase[1] },
    webhook: webhook && { url: webhook[0], secret: webhook[1] },
    tools,
  };
}

/** By the isolate's variables: an isolate has the same ones as long as it lives. */
const known = new WeakMap<SettingVariables, Settings | ConfigurationError>();

/** {@link readSettings}, once for each set of variables. @throws {ConfigurationError} each time, if they are wrong */
export function settingsOf(variables: SettingVariables): Settings {
  let settings = known.get(variables);
  if (!settings) {
    try {
      settings = readSettings(variables);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      settings = error;
    }
    known.set(variables, settings);
  }
  if (settings instanceof ConfigurationError) throw settings;
  return settings;
}
