import type { TokenPrices } from "./call-log.ts";
import type { TokenRing } from "./call-token.ts";
import type { UpstreamVariables } from "./ports/upstreams.ts";

/** Variables and secrets as wrangler.toml and .dev.vars.example describe them. */
export interface SettingVariables extends UpstreamVariables {
  readonly ENVIRONMENT?: string;
  readonly PUBLIC_BASE_URL?: string;
  readonly DEFAULT_AGENT?: string;
  readonly ALLOW_UNAUTHENTICATED?: string;
  readonly FAULT_INJECTION?: string;
  readonly MAX_CONCURRENT_CALLS?: string;
  readonly MAX_CALLS_PER_NUMBER?: string;
  readonly MAX_STREAM_RECONNECTS?: string;
  readonly SWITCHBOARD_SHARDS?: string;
  readonly CALL_LOCATION_HINT?: string;
  /** The core's `profile` and `limits`: a table of wrangler.toml, or JSON text. */
  readonly PROFILE?: unknown;
  readonly LIMITS?: unknown;
  readonly TWILIO_AUTH_TOKEN?: string;
  readonly TWILIO_AUTH_TOKEN_PREVIOUS?: string;
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  readonly ADMIN_TOKEN?: string;
  readonly RETENTION_DAYS?: string;
  /** Dollars for a million tokens, {"input","output"}: a table of wrangler.toml, or JSON text. */
  readonly TOKEN_PRICES?: unknown;
  readonly FLIGHT_SAMPLING?: string;
  readonly FLIGHT_KEY?: string;
  readonly SUPABASE_URL?: string;
  readonly SUPABASE_KEY?: string;
  readonly WEBHOOK_URL?: string;
  readonly WEBHOOK_SECRET?: string;
}

/** The deployment's configuration is not what it must be. */
export class ConfigurationError extends Error {
  readonly code = "configuration";
  override readonly name = "ConfigurationError";
}

export const AGENTS = ["parrot", "openai-realtime"] as const;
export type Agent = (typeof AGENTS)[number];

export function isAgent(name: string): name is Agent {
  return (AGENTS as readonly string[]).includes(name);
}

const LOCATION_HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type LocationHint = (typeof LOCATION_HINTS)[number];

const DAY_MS = 24 * 3600 * 1000;
const DEFAULT_RETENTION_DAYS = 30;
const MAX_RETENTION_DAYS = 3650;
const DEFAULT_MAX_CONCURRENT_CALLS = 10_000;
const DEFAULT_MAX_STREAM_RECONNECTS = 3;
const HIGHEST_STREAM_RECONNECTS = 1000;
const MAX_SHARDS = 256;
/** Secrets below this are guessed. */
const MIN_SECRET_CHARACTERS = 16;

export interface Settings {
  readonly production: boolean;
  /** Media and webhooks without proof of origin are taken. Never in production. */
  readonly allowUnauthenticated: boolean;
  /** Calls can be crashed on request. Never in production. */
  readonly faultInjection: boolean;
  /** Without a slash at the end; undefined = as requested. */
  readonly publicBaseUrl: string | undefined;
  readonly defaultAgent: Agent;
  /** Calls at a time in all; 0 = no limit. */
  readonly maxConcurrentCalls: number;
  readonly maxCallsPerNumber: number;
  /** Times that a lost stream of a call may come back; then the call is over. */
  readonly maxStreamReconnects: number;
  readonly switchboardShards: number;
  readonly locationHint: LocationHint | undefined;
  readonly profile: object;
  readonly limits: object;
  /** Newest first; empty = none is configured. */
  readonly twilioAuthTokens: readonly string[];
  readonly tokenRing: TokenRing | undefined;
  readonly adminToken: string | undefined;
  /** From the end of a call to the end of what was said in it. */
  readonly retentionMs: number;
  readonly tokenPrices: TokenPrices | undefined;
  /** The part of calls whose inputs are kept, 0..1; a profile's `flightRecord` "on" keeps all of them. */
  readonly flightSampling: number;
  /** 64 hex digits; without it flight records hold no bodies. */
  readonly flightKey: string | undefined;
  readonly supabase: { readonly url: string; readonly key: string } | undefined;
  readonly webhook: { readonly url: string; readonly secret: string } | undefined;
}

function readInteger(name: string, value: string | undefined, fallback: number, min: number, max: number): number {
  if (!value) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < min || number > max)
    throw new ConfigurationError(`${name} must be an integer from ${min} to ${max}`);
  return number;
}

function readObject(name: string, value: unknown): object {
  if (value === undefined || value === "") return {};
  let object = value;
  if (typeof value === "string") {
    try {
      object = JSON.parse(value);
    } catch (error) {
      throw new ConfigurationError(`${name} is no JSON`, { cause: error });
    }
  }
  if (typeof object !== "object" || object === null || Array.isArray(object))
    throw new ConfigurationError(`${name} is no object`);
  return object;
}

function readBaseUrl(name: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (!/^https?:\/\/[^/?#]+(\/[^?#]*)?$/i.test(value) || !URL.canParse(value))
    throw new ConfigurationError(`${name} must be an http(s) URL without query`);
  return value.replace(/\/+$/, "");
}

function readUrl(name: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (!/^https?:/i.test(value) || !URL.canParse(value)) throw new ConfigurationError(`${name} must be an http(s) URL`);
  return value;
}

/** Two variables that make sense together only. */
function readPair<A, B>(names: string, first: A | undefined, second: B | undefined): readonly [A, B] | undefined {
  if (first === undefined && second === undefined) return undefined;
  if (first === undefined || second === undefined) throw new ConfigurationError(`${names} go together`);
  return [first, second];
}

function readPrices(value: unknown): TokenPrices | undefined {
  const { input, output } = readObject("TOKEN_PRICES", value) as { input?: unknown; output?: unknown };
  if (input === undefined && output === undefined) return undefined;
  if (typeof input !== "number" || typeof output !== "number" || input < 0 || output < 0)
    throw new ConfigurationError("TOKEN_PRICES must have numbers for input and output");
  return { input, output };
}

function readFraction(name: string, value: string | undefined): number {
  const fraction = Number(value || 0);
  if (!(fraction >= 0 && fraction <= 1)) throw new ConfigurationError(`${name} must be a number from 0 to 1`);
  return fraction;
}

function readSecret(name: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (value.length < MIN_SECRET_CHARACTERS)
    throw new ConfigurationError(`${name} must have ${MIN_SECRET_CHARACTERS} characters or more`);
  return value;
}

/** @throws {ConfigurationError} naming the variable that is wrong. */
export function readSettings(variables: SettingVariables): Settings {
  const production = variables.ENVIRONMENT === "production";
  const agent = variables.DEFAULT_AGENT || "parrot";
  if (!isAgent(agent)) throw new ConfigurationError(`DEFAULT_AGENT must be one of ${AGENTS.join(", ")}`);
  const hint = LOCATION_HINTS.find((name) => name === variables.CALL_LOCATION_HINT);
  if (variables.CALL_LOCATION_HINT && !hint)
    throw new ConfigurationError(`CALL_LOCATION_HINT must be one of ${LOCATION_HINTS.join(", ")}`);
  const secret = readSecret("TOKEN_SECRET", variables.TOKEN_SECRET);
  const previous = readSecret("TOKEN_SECRET_PREVIOUS", variables.TOKEN_SECRET_PREVIOUS);
  const supabase = readPair(
    "SUPABASE_URL and SUPABASE_KEY",
    readBaseUrl("SUPABASE_URL", variables.SUPABASE_URL),
    variables.SUPABASE_KEY || undefined,
  );
  const webhook = readPair(
    "WEBHOOK_URL and WEBHOOK_SECRET",
    readUrl("WEBHOOK_URL", variables.WEBHOOK_URL),
    readSecret("WEBHOOK_SECRET", variables.WEBHOOK_SECRET),
  );
  const flightKey = variables.FLIGHT_KEY || undefined;
  if (flightKey !== undefined && !/^[0-9a-f]{64}$/i.test(flightKey))
    throw new ConfigurationError("FLIGHT_KEY must be 64 hex digits");
  const authTokens = [variables.TWILIO_AUTH_TOKEN, variables.TWILIO_AUTH_TOKEN_PREVIOUS];
  return {
    production,
    allowUnauthenticated: variables.ALLOW_UNAUTHENTICATED === "true" && !production,
    faultInjection: variables.FAULT_INJECTION === "true" && !production,
    publicBaseUrl: readBaseUrl("PUBLIC_BASE_URL", variables.PUBLIC_BASE_URL),
    defaultAgent: agent,
    maxConcurrentCalls: readInteger(
      "MAX_CONCURRENT_CALLS",
      variables.MAX_CONCURRENT_CALLS,
      DEFAULT_MAX_CONCURRENT_CALLS,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    maxCallsPerNumber: readInteger(
      "MAX_CALLS_PER_NUMBER",
      variables.MAX_CALLS_PER_NUMBER,
      0,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    maxStreamReconnects: readInteger(
      "MAX_STREAM_RECONNECTS",
      variables.MAX_STREAM_RECONNECTS,
      DEFAULT_MAX_STREAM_RECONNECTS,
      0,
      HIGHEST_STREAM_RECONNECTS,
    ),
    switchboardShards: readInteger("SWITCHBOARD_SHARDS", variables.SWITCHBOARD_SHARDS, 1, 1, MAX_SHARDS),
    locationHint: hint,
    profile: readObject("PROFILE", variables.PROFILE),
    limits: readObject("LIMITS", variables.LIMITS),
    twilioAuthTokens: authTokens.flatMap((token) => token || []),
    tokenRing: secret ? { current: secret, previous } : undefined,
    adminToken: readSecret("ADMIN_TOKEN", variables.ADMIN_TOKEN),
    retentionMs:
      readInteger("RETENTION_DAYS", variables.RETENTION_DAYS, DEFAULT_RETENTION_DAYS, 1, MAX_RETENTION_DAYS) * DAY_MS,
    tokenPrices: readPrices(variables.TOKEN_PRICES),
    flightSampling: readFraction("FLIGHT_SAMPLING", variables.FLIGHT_SAMPLING),
    flightKey,
    supabase: supabase && { url: supabase[0], key: supabase[1] },
    webhook: webhook && { url: webhook[0], secret: webhook[1] },
  };
}
