import type { Context, Hono } from "hono";
import type * as v from "valibot";
import { isCallId } from "../call-id.ts";
import { mayAs, type Role } from "../operators.ts";
import { isKnowledgeFile } from "../profiles/knowledge.ts";
import { isProfileName } from "../profiles/name.ts";
import { checked, shownName, table } from "../schemas.ts";
import { offeredTicket } from "../tickets.ts";
import { HttpError } from "./errors.ts";
import { readJson, requireOperator, requireUpgrade } from "./requests.ts";
import type { AppEnv } from "./routing.ts";

/**
 * Who may ask. `operator`: with a token of his own, or the admin's, whose role suffices. `observer`: the same, or with a ticket,
 * which the route itself looks at. `carrier`: with the carrier's signature, which the route itself looks
 * at. `stream`: whoever brings a call's stream; the call's door looks at the token. `harness`: an operator, and only where
 * faults may be injected; elsewhere there is no such route.
 */
export type Access = "anyone" | "operator" | "observer" | "carrier" | "stream" | "harness";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** One method of one path: what it takes, and who may ask. Its tests are made of this: tests/unit/shim/routes.test.ts. */
export interface Route {
  readonly method: Method;
  /** With `:callId`, `:profile`, `:version`, `:file` where it names one; what is none there is answered with 404. */
  readonly path: string;
  readonly access: Access;
  /** The least role of an operator; what is not said is `read` for a GET, and `admin` for what changes something. */
  readonly role?: Role;
  /** A WebSocket: without an upgrade the answer is 426. */
  readonly upgrade?: boolean;
  /** A GET that does something: HEAD is refused. */
  readonly effect?: boolean;
  /** Parameters of the query, from text. Any other, and one that comes twice, is refused; undefined: all are ignored. */
  readonly query?: v.ObjectEntries;
  /** Of a JSON body. */
  readonly body?: v.GenericSchema;
  /** The code of an answer to a wrong body. */
  readonly bodyCode?: string;
  /** The longest body; MAX_BODY_BYTES if it is not said. */
  readonly maxBodyBytes?: number;
  readonly answer: (context: Context<AppEnv>, input: Input) => Promise<Response> | Response;
}

/** What a request brought, checked. */
export interface Input<Q = unknown, B = unknown> {
  /** Of `:callId`; empty where the path names no call. */
  readonly callId: string;
  /** Of `:profile` and `:version`; empty and 0 likewise. */
  readonly profile: string;
  readonly version: number;
  /** Of `:file`; empty likewise. */
  readonly file: string;
  readonly query: Q;
  readonly body: B;
}

interface TypedRoute<Q extends v.ObjectEntries, B extends v.GenericSchema>
  extends Omit<Route, "query" | "body" | "answer"> {
  readonly query?: Q;
  readonly body?: B;
  readonly answer: (
    context: Context<AppEnv>,
    input: Input<v.InferOutput<v.ObjectSchema<Q, undefined>>, v.InferOutput<B>>,
  ) => Promise<Response> | Response;
}

/** A route whose handler knows what its schemas make of a request. */
export function route<const Q extends v.ObjectEntries, B extends v.GenericSchema>(typed: TypedRoute<Q, B>): Route {
  return typed as unknown as Route;
}

/** Which of the routes of one path a request is for. @throws {HttpError} 405 */
function routeFor(routes: readonly Route[], method: string): Route {
  // A HEAD is a GET without its body, and without effect.
  const found = routes.find((one) => one.method === method || (method === "HEAD" && one.method === "GET"));
  if (found && !(method === "HEAD" && (found.effect === true || found.upgrade === true))) return found;
  throw new HttpError(405, "method_not_allowed", "the route does not take this method", { Allow: allowedOf(routes) });
}

function allowedOf(routes: readonly Route[]): string {
  return routes.map(({ method }) => method).join(", ");
}

/** Every value of a query, each name once. @throws {HttpError} 400 */
export function readQuery(request: Request, entries: v.ObjectEntries): unknown {
  // Without a prototype: __proto__ is a name like others, and not known.
  const values = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URL(request.url).searchParams) {
    // What URLs make of bytes that are none of UTF-8, in a name or in a value.
    if ((name + value).includes("\ufffd")) throw new HttpError(400, "bad_query", `${shownName(name)} must be UTF-8`);
    if (Object.hasOwn(values, name)) throw new HttpError(400, "bad_query", `${shownName(name)} is given twice`);
    values[name] = value;
  }
  const result = checked(table(entries), values, "");
  if (result.type === "wrong") throw new HttpError(400, "bad_query", result.reason);
  return result.value;
}

/** What an operator needs for it. */
export function leastRole({ access, method, role }: Pick<Route, "access" | "method" | "role">): Role {
  if (access === "harness") return "admin";
  return role ?? (method === "GET" ? "read" : "admin");
}

/** The ticket of an upgrade that shows nothing better. */
export function ticketOf({ headers }: Request): string | undefined {
  if (headers.has("Authorization")) return undefined;
  return offeredTicket(headers.get("Sec-WebSocket-Protocol") ?? undefined);
}

/** @throws {HttpError} 401 for nobody, 403 for somebody whose role does not suffice */
async function authorizeOperator(context: Context<AppEnv>, least: Role): Promise<void> {
  const operator = await requireOperator(context.get("settings"), context.req.raw);
  context.set("operator", operator);
  if (mayAs(operator.role, least)) return;
  throw new HttpError(403, "forbidden", `the role ${operator.role} may not do this: it takes ${least}`);
}

async function authorize(context: Context<AppEnv>, route: Route): Promise<void> {
  const { access } = route;
  if (access === "harness" && !context.get("settings").faultInjection) throw noSuchRoute();
  // What a ticket is worth its route says.
  const brings = access === "observer" && ticketOf(context.req.raw) !== undefined;
  if (access === "operator" || access === "harness" || (access === "observer" && !brings))
    await authorizeOperator(context, leastRole(route));
}

export function noSuchRoute(): HttpError {
  return new HttpError(404, "not_found", "there is no such route");
}

/** @throws {HttpError} 404 for what names no call */
function callIdOf(context: Context<AppEnv>): string {
  const callId = context.req.param("callId");
  if (callId === undefined) return "";
  if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
  return callId;
}

/** @throws {HttpError} 404 for what can be no profile's name */
function profileOf(context: Context<AppEnv>): string {
  const name = context.req.param("profile");
  if (name === undefined) return "";
  if (!isProfileName(name))
    throw new HttpError(404, "not_found", "there is no such profile; a name has 1 to 64 letters, digits, - and _");
  return name;
}

/** @throws {HttpError} 404 for what can be no version's number */
function versionOf(context: Context<AppEnv>): number {
  const version = context.req.param("version");
  if (version === undefined) return 0;
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new HttpError(404, "not_found", "there is no such version");
  return Number(version);
}

/** @throws {HttpError} 404 for what can be no document's name */
function fileOf(context: Context<AppEnv>): string {
  const file = context.req.param("file");
  if (file === undefined) return "";
  if (!isKnowledgeFile(file))
    throw new HttpError(
      404,
      "not_found",
      "there is no such document; a name has 1 to 64 letters, digits, . _ and -, and begins with no dot",
    );
  return file;
}

/** Mounts the table: what a path does not take is refused by name, in the same order everywhere. */
export function mount(app: Hono<AppEnv>, routes: readonly Route[]): void {
  for (const [path, ofPath] of Map.groupBy(routes, (one) => one.path)) {
    app.all(path, async (context) => {
      const { raw } = context.req;
      const isHarness = ofPath.every(({ access }) => access === "harness");
      if (isHarness && !context.get("settings").faultInjection) throw noSuchRoute();
      if (raw.method === "OPTIONS") return new Response(null, { status: 204, headers: { Allow: allowedOf(ofPath) } });
      const one = routeFor(ofPath, raw.method);
      if (one.access === "anyone") context.get("limits").anonymous(context);
      if (one.upgrade) requireUpgrade(raw);
      await authorize(context, one);
      const input = {
        callId: callIdOf(context),
        profile: profileOf(context),
        version: versionOf(context),
        file: fileOf(context),
        query: one.query && readQuery(raw, one.query),
        body: one.body && (await readJson(raw, one.body, one.bodyCode, one.maxBodyBytes)),
      };
      return one.answer(context, input);
    });
  }
}
