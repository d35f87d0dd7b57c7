import type { Context } from "hono";
import * as v from "valibot";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { upstreamTable } from "../ports/upstreams.ts";
import {
  BOOK_NAME,
  type Expected,
  type History,
  type ListedProfile,
  type Refused,
  type Removed,
  type Saved,
  type Written,
} from "../profiles/book.ts";
import type { ChosenProfile, ProfileStores } from "../profiles/choice.ts";
import {
  document,
  MAX_DOCUMENT_BYTES,
  type ProfileDocument,
  type StoredProfile,
  storedText,
} from "../profiles/document.ts";
import { type Deployment, type Finding, findingsOf } from "../profiles/findings.ts";
import { documentJsonSchema } from "../profiles/json-schema.ts";
import { knowledgeTokensOf, tellKnowledge } from "../profiles/knowledge.ts";
import { DEFAULT_NAME } from "../profiles/name.ts";
import { anyObject, shownName } from "../schemas.ts";
import { AGENTS, type Agent, agentFault, isAgent, type Settings } from "../settings.ts";
import { profileReplica } from "../sinks.ts";
import { HttpError } from "./errors.ts";
import { inTime } from "./health.ts";
import { knowledgeFindings, knowledgeStore } from "./knowledge.ts";
import { askObject, MAX_ATTEMPTS } from "./objects.ts";
import { onlyParameter } from "./requests.ts";
import { type Input, type Method, type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

const log = new ConsoleLog();

/** docs/profiles.md; all of it is for operators, but for what a call has. */

/** What a call is begun with. */
export interface CallProfile {
  readonly agent: Agent;
  readonly profile: ChosenProfile;
}

/**
 * What a call to the number `dialled` has: the profile that the query names, else the number's, else the default; its
 * agent, unless the query names another.
 *
 * @throws {HttpError} 404 for a profile that there is not, 400 for an agent, 503 if the profile lacks what it is made of
 */
export async function chooseProfile(context: Context<AppEnv>, dialled: string): Promise<CallProfile> {
  const { raw } = context.req;
  const asked = onlyParameter(raw, "profile");
  const wanted = onlyParameter(raw, "agent");
  if (wanted !== undefined && !isAgent(wanted))
    throw new HttpError(400, "bad_agent", `agent must be one of ${AGENTS.join(", ")}`);
  const profile = await context.get("chooser").choose(storesOf(context), asked, dialled);
  if (profile === "unknown")
    throw new HttpError(404, "unknown_profile", `there is no profile ${shownName(asked ?? "")}`);
  const settings = context.get("settings");
  const { agents, ...own } = profile.profile ?? settings.profile;
  const agent = wanted ?? agents?.[0]?.agent ?? profile.agent ?? settings.defaultAgent;
  const place = profile.profile ? `profile ${profile.name}: profile` : "PROFILE";
  // Who names an agent wants that one, and no other of a list.
  const isAlone = wanted !== undefined && agents !== undefined;
  const fault = agentFault(agent, isAlone ? own : (profile.profile ?? settings.profile), place);
  if (fault !== undefined) throw new HttpError(503, "configuration", fault);
  return { agent, profile: await withKnowledge(context, isAlone ? { ...profile, profile: own } : profile) };
}

/** With the documents that it names behind its instructions, as far as they are here in time. */
async function withKnowledge(context: Context<AppEnv>, chosen: ChosenProfile): Promise<ChosenProfile> {
  const profile = chosen.profile ?? context.get("settings").profile;
  const { instructions = "", knowledge = [] } = profile;
  if (knowledge.length === 0 || chosen.say !== undefined) return chosen;
  const { documents, missing } = await context.get("shelf").read(knowledgeStore(context), chosen.name, knowledge);
  const { instructions: told, ...report } = tellKnowledge(instructions, documents, knowledgeTokensOf(profile));
  return { ...chosen, profile: { ...profile, instructions: told }, knowledge: { ...report, missing } };
}

function storesOf(context: Context<AppEnv>): ProfileStores {
  return {
    replica: profileReplica(context.env, context.get("settings")),
    lookUp: async (key) => book(context).lookUp(key),
  };
}

function book(context: Context<AppEnv>) {
  return context.env.PROFILE_BOOK.getByName(BOOK_NAME);
}

/** Asks the book, which may be asked again. */
function read<T>(ask: () => Promise<T>): Promise<T> {
  return askObject(ask, MAX_ATTEMPTS, "the book of profiles");
}

/** Asks it once: a change that was made is not made again. */
function write<T>(ask: () => Promise<T>): Promise<T> {
  return askObject(ask, 1, "the book of profiles");
}

function noSuchProfile(): HttpError {
  return new HttpError(404, "not_found", "there is no such profile");
}

function etag(version: number): string {
  return `"${version}"`;
}

const NO_STORE = { "Cache-Control": "no-store" };

/** What is there by itself, until somebody saves one of its name. */
function bundled({ defaultAgent, profile, limits }: Settings) {
  return { name: DEFAULT_NAME, version: 0, document: { agent: defaultAgent, profile, limits } };
}

function shown({ name, version, savedMs, document }: StoredProfile) {
  return { name, version, updated: new Date(savedMs).toISOString(), document };
}

async function list(context: Context<AppEnv>): Promise<Response> {
  const settings = context.get("settings");
  const saved = await read<ListedProfile[]>(async () => book(context).list());
  const profiles = saved.map(({ name, version, savedMs, description = null, agent, numbers }) => ({
    name,
    version,
    updated: new Date(savedMs).toISOString(),
    description,
    agent: agent ?? settings.defaultAgent,
    numbers,
    bundled: false,
  }));
  const ofDeployment = {
    name: DEFAULT_NAME,
    version: 0,
    updated: null,
    description: null,
    agent: settings.defaultAgent,
    numbers: [],
    bundled: true,
  };
  const hasDefault = profiles.some(({ name }) => name === DEFAULT_NAME);
  const { counters } = context.get("chooser");
  return context.json({ profiles: hasDefault ? profiles : [ofDeployment, ...profiles], counters }, 200, NO_STORE);
}

async function get(context: Context<AppEnv>, name: string): Promise<Response> {
  const saved = await read<StoredProfile | undefined>(async () => book(context).get(name));
  if (saved) return context.json(shown(saved), 200, { ETag: etag(saved.version), ...NO_STORE });
  if (name !== DEFAULT_NAME) throw noSuchProfile();
  const own = { ...bundled(context.get("settings")), updated: null, bundled: true };
  return context.json(own, 200, { ETag: etag(0), ...NO_STORE });
}

/** What the request says must be there: `If-Match`, `If-None-Match: *`. @throws {HttpError} 400 */
function expectedOf(request: Request): Expected {
  const match = request.headers.get("If-Match")?.trim();
  const none = request.headers.get("If-None-Match")?.trim();
  if (none !== undefined) {
    if (none === "*" && match === undefined) return { type: "nothing" };
    throw new HttpError(400, "bad_precondition", "If-None-Match must be * and the only condition");
  }
  if (match === undefined) return { type: "anything" };
  if (match === "*") return { type: "something" };
  const tags = match.split(",").map((tag) => tag.trim());
  if (!tags.every((tag) => /^(?:W\/)?"[^"]*"$/.test(tag)))
    throw new HttpError(400, "bad_precondition", 'If-Match must be an ETag, such as "3", or *');
  // What is no version's, and what is weak, is never the one that is there.
  return {
    type: "versions",
    versions: tags.flatMap((tag) => (/^"\d{1,9}"$/.test(tag) ? Number(tag.slice(1, -1)) : [])),
  };
}

function refusal(refused: Refused): HttpError {
  switch (refused.type) {
    case "unknown":
      return noSuchProfile();
    case "changed": {
      const { version } = refused;
      const message = version === 0 ? "there is no such profile" : `the profile is at version ${version}`;
      return new HttpError(412, "changed", message, { ETag: etag(version) });
    }
    case "claimed":
      return new HttpError(
        409,
        "number_taken",
        `numbers has ${refused.number}, which is profile ${shownName(refused.by)}'s`,
      );
    case "full":
      return new HttpError(409, "too_many_profiles", "there are as many profiles as there can be");
    case "outdated":
      return new HttpError(409, "outdated_version", `the version cannot be used any more: ${refused.reason}`);
    default:
      return refused satisfies never;
  }
}

async function answerTo(context: Context<AppEnv>, { result, published }: Written<Saved>): Promise<Response> {
  if (!("profile" in result)) throw refusal(result);
  const { profile } = result;
  const chooser = context.get("chooser");
  chooser.remember(profile, storedText(profile));
  chooser.forgetIndex();
  const findings = await allFindings(context, profile.name, profile.document);
  const created = result.type === "created";
  return context.json({ ...shown(profile), published, findings }, created ? 201 : 200, {
    ETag: etag(profile.version),
    ...(created && { Location: `/api/profiles/${profile.name}` }),
    ...NO_STORE,
  });
}

async function put(context: Context<AppEnv>, name: string, saved: ProfileDocument): Promise<Response> {
  const expected = expectedOf(context.req.raw);
  return answerTo(context, await write<Written<Saved>>(async () => book(context).save(name, saved, expected)));
}

async function restore(context: Context<AppEnv>, name: string, version: number): Promise<Response> {
  const expected = expectedOf(context.req.raw);
  return answerTo(context, await write<Written<Saved>>(async () => book(context).restore(name, version, expected)));
}

async function remove(context: Context<AppEnv>, name: string): Promise<Response> {
  const expected = expectedOf(context.req.raw);
  const { result, published } = await write<Written<Removed>>(async () => book(context).remove(name, expected));
  if (result.type !== "removed") throw refusal(result);
  context.get("chooser").forget(name);
  return context.json({ status: "deleted", keptUntil: new Date(result.keptUntilMs).toISOString(), published });
}

async function versions(context: Context<AppEnv>, name: string): Promise<Response> {
  const history = await read<History | undefined>(async () => book(context).history(name));
  if (!history) throw noSuchProfile();
  const { deletedMs } = history;
  return context.json(
    {
      name,
      deleted: deletedMs === undefined ? null : new Date(deletedMs).toISOString(),
      versions: history.versions.map(({ version, savedMs, restoredFrom = null }) => ({
        version,
        updated: new Date(savedMs).toISOString(),
        restoredFrom,
      })),
    },
    200,
    NO_STORE,
  );
}

async function version(context: Context<AppEnv>, name: string, number: number): Promise<Response> {
  const saved = await read<StoredProfile | undefined>(async () => book(context).version(name, number));
  if (!saved) throw new HttpError(404, "not_found", "there is no such version");
  return context.json(shown(saved), 200, { ETag: etag(number), ...NO_STORE });
}

function deploymentOf(context: Context<AppEnv>): Deployment {
  const { env } = context;
  const settings = context.get("settings");
  return {
    defaultAgent: settings.defaultAgent,
    upstreams: new Set(Object.keys(upstreamTable(settings.upstreams, env))),
    tools: settings.tools,
    hasBucket: env.RECORDINGS !== undefined,
    hasFlightKey: settings.flightKey !== undefined,
  };
}

/** What would be wrong about calls with `value` for a profile `name`: by itself, and by what there is beside it. */
async function allFindings(context: Context<AppEnv>, name: string, value: unknown): Promise<readonly Finding[]> {
  const own = findingsOf(value, deploymentOf(context));
  // Of what the schema refuses nothing else is known.
  if (!v.safeParse(document, value).success) return own;
  const { profile, hours } = value as ProfileDocument;
  const others = await Promise.all([
    orUnknown("profile.knowledge", knowledgeFindings(context, name, profile)),
    orUnknown("hours.outside.profile", outsideFindings(context, name, hours)),
  ]);
  return [...own, ...others.flat()];
}

/** A store that does not answer is no reason to take back what was saved. */
async function orUnknown(place: string, findings: Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await inTime(findings);
  } catch (error) {
    log.error("a profile was not checked", { place, ...errorFields(error) });
    return [{ severity: "warning", place, message: "was not looked at: a store does not answer" }];
  }
}

/** The same, and about saving it. */
async function check(context: Context<AppEnv>, name: string, value: unknown): Promise<Response> {
  const own = await allFindings(context, name, value);
  const findings = [...own, ...(await takenNumbers(context, name, value))];
  const ok = !findings.some(({ severity }) => severity === "error");
  return context.json({ name, ok, findings }, 200, NO_STORE);
}

/** What is wrong about the profile that calls have outside the hours of this one. */
async function outsideFindings(
  context: Context<AppEnv>,
  name: string,
  hours: ProfileDocument["hours"],
): Promise<readonly Finding[]> {
  const other = hours?.outside.profile;
  if (other === undefined) return [];
  const place = "hours.outside.profile";
  if (other === name) return [{ severity: "error", place, message: "is this profile: its hours would have no effect" }];
  const saved = await read<StoredProfile | undefined>(async () => book(context).get(other));
  if (!saved && other !== DEFAULT_NAME)
    return [{ severity: "error", place, message: `is ${shownName(other)}, which there is not` }];
  if (saved?.document.hours === undefined) return [];
  const message = `is ${shownName(other)}, which has hours of its own: they do not count then`;
  return [{ severity: "warning", place, message }];
}

async function takenNumbers(context: Context<AppEnv>, name: string, value: unknown): Promise<readonly Finding[]> {
  const { numbers } = value as { readonly numbers?: unknown };
  if (!Array.isArray(numbers)) return [];
  const others = await read<ListedProfile[]>(async () => book(context).list());
  const owners = new Map(
    others
      .filter((one) => one.name !== name)
      .flatMap((one) => one.numbers.map((number) => [number, one.name] as const)),
  );
  return numbers.flatMap((number, index): Finding[] => {
    const owner = typeof number === "string" ? owners.get(number) : undefined;
    if (owner === undefined) return [];
    return [{ severity: "error", place: `numbers[${index}]`, message: `is profile ${shownName(owner)}'s` }];
  });
}

async function checkSaved(context: Context<AppEnv>, name: string): Promise<Response> {
  const saved = await read<StoredProfile | undefined>(async () => book(context).get(name));
  if (saved) return check(context, name, saved.document);
  if (name !== DEFAULT_NAME) throw noSuchProfile();
  return check(context, name, bundled(context.get("settings")).document);
}

export function profileRoutes(): readonly Route[] {
  const of = (method: Method, rest: string, answer: (context: Context<AppEnv>, input: Input) => Promise<Response>) =>
    route({ method, path: `/api/profiles/:profile${rest}`, access: "operator", query: {}, answer });
  return [
    route({
      method: "GET",
      path: "/api/profiles",
      access: "operator",
      query: {},
      answer: (context) => list(context),
    }),
    // Before the profiles' own: no name has a dot.
    route({
      method: "GET",
      path: "/api/profiles/schema.json",
      access: "operator",
      query: {},
      answer: () =>
        new Response(JSON.stringify(documentJsonSchema()), { headers: { "Content-Type": "application/schema+json" } }),
    }),
    of("GET", "", (context, { profile }) => get(context, profile)),
    route({
      method: "PUT",
      path: "/api/profiles/:profile",
      access: "operator",
      query: {},
      body: document,
      bodyCode: "bad_profile",
      maxBodyBytes: MAX_DOCUMENT_BYTES,
      answer: (context, { profile, body }) => put(context, profile, body),
    }),
    of("DELETE", "", (context, { profile }) => remove(context, profile)),
    of("GET", "/check", (context, { profile }) => checkSaved(context, profile)),
    route({
      method: "POST",
      path: "/api/profiles/:profile/check",
      access: "operator",
      // It changes nothing.
      role: "read",
      query: {},
      body: anyObject,
      maxBodyBytes: MAX_DOCUMENT_BYTES,
      answer: (context, { profile, body }) => check(context, profile, body),
    }),
    of("GET", "/versions", (context, { profile }) => versions(context, profile)),
    of("GET", "/versions/:version", (context, input) => version(context, input.profile, input.version)),
    of("POST", "/versions/:version/restore", (context, input) => restore(context, input.profile, input.version)),
  ];
}
