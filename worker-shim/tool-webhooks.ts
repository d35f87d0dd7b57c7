import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import * as v from "valibot";
import type { Admission, UpstreamTable } from "./ports/upstreams.ts";
import type { HttpRequest } from "./ports.ts";
import type { Profile } from "./profile.ts";
import { signedHeaders } from "./signed-request.ts";

// Tools that the gateway calls by itself, at a URL of the profile: which URLs may stand there, and what a call of one
// shows. The core knows such a tool by its name alone, and asks the upstream `tool:NAME`; docs/boundary.md.

/** A host that tools may be at, as TOOL_HOSTS names it. */
export interface ToolHost {
  /** As URL writes it; behind `*.` where `isWild`: then any name that ends so, and not this one itself. */
  readonly name: string;
  readonly isWild: boolean;
  /** Empty: the scheme's own. */
  readonly port: string;
}

const IS_HOSTS =
  'must be hosts, with commas between them: "tools.example.com", "10.0.0.7:8443", or "*.example.com" for all below one';

/** The names that a wildcard stands for are somebody's: all of a top-level domain are not. */
const WILD = /^\*\.(?=[^.]+\.[^.])/;

function toolHost(text: string): ToolHost | undefined {
  const isWild = WILD.test(text);
  const host = isWild ? text.replace(WILD, "") : text;
  // No path, no user, no scheme: what URL makes of it is the host and the port alone.
  if (!/^[a-z0-9._:[\]-]+$/i.test(host) || !URL.canParse(`ws://${host}`)) return undefined;
  // Of the scheme's own port URL says nothing, also where it was given.
  const port = /:(\d+)$/.exec(host.replace(/^\[.*\]/, ""))?.[1];
  return { name: new URL(`ws://${host}`).hostname, isWild, port: port === undefined ? "" : String(Number(port)) };
}

/** TOOL_HOSTS. */
export const toolHosts = v.pipe(
  v.string(IS_HOSTS),
  v.rawTransform<string, readonly ToolHost[]>(({ dataset: { value }, addIssue, NEVER }) => {
    const hosts = value.split(",").map((part) => toolHost(part.trim()));
    if (hosts.every((host) => host !== undefined)) return hosts;
    addIssue({ message: IS_HOSTS });
    return NEVER;
  }),
);

export interface ToolRules {
  readonly hosts: readonly ToolHost[];
  /** Undefined: there are no webhooks. */
  readonly secret: string | undefined;
  /** On a developer's machine nothing has a certificate. */
  readonly isDevelopment: boolean;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const OWN_PORT: Readonly<Record<string, string>> = { "https:": "443", "http:": "80" };

/** What is wrong about a tool's URL, for this deployment; undefined if nothing is. */
export function webhookUrlFault(url: string, { hosts, isDevelopment }: ToolRules): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "https:" && !isDevelopment && !LOOPBACK.test(hostname)) return "must be an https URL";
  const ownPort = OWN_PORT[protocol] ?? "";
  const isNamed = hosts.some(
    ({ name, isWild, port: named }) =>
      (isWild ? hostname.endsWith(`.${name}`) : hostname === name) && (port || ownPort) === (named || ownPort),
  );
  if (isNamed) return undefined;
  return `must be of a host that TOOL_HOSTS names${hosts.length === 0 ? ", which is not set" : ""}`;
}

/** What arguments are held against is not looked into. */
const VALUES = new Set(["const", "default", "enum", "examples"]);

/** What of a schema cannot be applied: a pattern that is none, or a reference out of it. */
function schemaFault(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  for (const [key, value] of Object.entries(schema)) {
    if (VALUES.has(key)) continue;
    if (key === "$ref" && typeof value === "string" && !value.startsWith("#"))
      return "must not refer to another schema";
    const patterns = key === "patternProperties" && typeof value === "object" ? Object.keys(value ?? {}) : [];
    if (key === "pattern" && typeof value === "string") patterns.push(value);
    if (!patterns.every(isPattern)) return "must not have a pattern that is no regular expression";
    const fault = schemaFault(value);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** Where something in a profile is that is wrong for this deployment, from the profile on, and what it must be. */
export interface WebhookFault {
  /** As in `tools[1].webhook.url`. */
  readonly place: string;
  readonly message: string;
}

/** The tools that the gateway could not call here, one fault each. */
export function* webhookFaults({ tools = [] }: Pick<Profile, "tools">, rules: ToolRules): Generator<WebhookFault> {
  for (const [index, { webhook, parameters }] of tools.entries()) {
    if (!webhook) continue;
    const place = `tools[${index}]`;
    const urlFault = webhookUrlFault(webhook.url, rules);
    if (urlFault !== undefined) {
      yield { place: `${place}.webhook.url`, message: urlFault };
      continue;
    }
    const fault = schemaFault(parameters);
    if (fault !== undefined) yield { place: `${place}.parameters`, message: fault };
  }
}

/** The first of {@link webhookFaults}, as a sentence; undefined if there is none. */
export function webhookFault(profile: Profile, rules: ToolRules): string | undefined {
  const [fault] = webhookFaults(profile, rules);
  return fault && `${fault.place} ${fault.message}`;
}

/** As the core may see it: that the gateway calls a tool, not where. */
export function withoutUrls({ tools, ...profile }: Profile): object {
  if (!tools) return profile;
  return { ...profile, tools: tools.map(({ webhook, ...tool }) => ({ ...tool, ...(webhook && { webhook: true }) })) };
}

/** By the newest of its drafts, which providers write for. Interpreted: the platform allows no code that is made. */
const DRAFT = "2020-12";
/** The model is told so much of what is wrong. */
const MAX_REASON_CHARACTERS = 300;

/**
 * The schema without its formats, which only annotate in that draft (JSON Schema Validation 2020-12, 7.2.1): the library
 * asserts them, and would refuse a time without a zone as people say it.
 */
function withoutFormats(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutFormats);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => key !== "format" || typeof value !== "string")
      .map(([key, value]) => [key, VALUES.has(key) ? value : withoutFormats(value)]),
  );
}

/** What is wrong about a tool's arguments, for the model that made them; undefined if nothing is. */
export function argumentsFault(schema: object | undefined, value: unknown): string | undefined {
  if (schema === undefined) return undefined;
  try {
    const { valid, errors } = new Validator(withoutFormats(schema) as Schema, DRAFT).validate(value);
    return valid ? undefined : `arguments: ${shownError(errors)}`;
  } catch {
    // A reference that leads nowhere: the profile's, and found when it is used.
    return "arguments: the tool's schema cannot be applied";
  }
}

/** The innermost of the errors: those around it only say that there is one. */
function shownError(errors: readonly OutputUnit[]): string {
  const last = errors.at(-1);
  if (!last) return "they do not match the schema";
  const place = last.instanceLocation === "#" ? "" : `${last.instanceLocation.replace(/^#\//, "")}: `;
  return `${place}${last.error}`.slice(0, MAX_REASON_CHARACTERS);
}

const IDEMPOTENCY_KEY = "idempotency-key";

/** Checks a call of a tool, and signs it. */
async function admit(
  schema: object | undefined,
  secret: string,
  { body, headers }: HttpRequest,
  nowMs: number,
): Promise<Admission> {
  if (!(body instanceof Uint8Array)) return { type: "refused", reason: "no call of a tool" };
  const text = new TextDecoder().decode(body);
  const fault = argumentsFault(schema, (JSON.parse(text) as { readonly arguments: unknown }).arguments);
  if (fault !== undefined) return { type: "refused", reason: fault };
  return { type: "admitted", headers: await signedHeaders(secret, headers[IDEMPOTENCY_KEY] ?? "", text, nowMs) };
}

export interface ToolCallOptions {
  readonly rules: ToolRules;
  nowMs(): number;
  /**
   * Writes down what the core has told so far, before a tool hears of a call: a session that follows a lost object knows
   * of it, and does not have it made under another key.
   */
  flush(): void;
}

/**
 * The tools of a profile as upstreams. One at a host that is not named any more, since the profile was pinned, is none:
 * nothing is sent there.
 */
export function toolUpstreams({ tools = [] }: Profile, { rules, nowMs, flush }: ToolCallOptions): UpstreamTable {
  const { secret } = rules;
  if (secret === undefined) return {};
  const called = tools.flatMap(({ name, parameters, webhook }) => {
    if (!webhook || webhookUrlFault(webhook.url, rules) !== undefined) return [];
    const admission = async (request: HttpRequest) => {
      const admitted = await admit(parameters, secret, request, nowMs());
      if (admitted.type === "admitted") flush();
      return admitted;
    };
    return [[`tool:${name}`, { baseUrl: webhook.url, headers: {}, isWhole: true, admit: admission }] as const];
  });
  return Object.fromEntries(called);
}
