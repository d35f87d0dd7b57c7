import type { Context } from "hono";
import * as v from "valibot";
import { isCallId } from "../call-id.ts";
import { OBSERVER_PATH } from "../call-object.ts";
import { ANYONE, mayAs, type Operator, ROLES } from "../operators.ts";
import { oneOf, table } from "../schemas.ts";
import { mintTicket, newNonce, nonceOf, OBSERVER_PROTOCOL, TICKET_LIFETIME_MS } from "../tickets.ts";
import { HttpError } from "./errors.ts";
import { upgrade } from "./media.ts";
import { askObject } from "./objects.ts";
import { count, flag } from "./query.ts";
import { type Route, route, ticketOf } from "./route.ts";
import type { AppEnv } from "./routing.ts";

/** Far more events than a call keeps. */
const MAX_SEQ = 999_999_999;

const LOGS_QUERY = {
  call: v.optional(v.pipe(v.string(), v.nonEmpty("must name a call"))),
  after: v.optional(count(0, MAX_SEQ)),
  levels: v.optional(flag()),
};

interface LogsQuery {
  readonly call?: string | undefined;
  readonly after?: number | undefined;
  readonly levels?: 0 | 1 | undefined;
}

/** What the call's object is told of who comes: who he is, or the ticket that he brings. */
async function observer(context: Context<AppEnv>, callId: string): Promise<Readonly<Record<string, string>>> {
  const ticket = ticketOf(context.req.raw);
  if (ticket === undefined) return { ...(context.get("operator") ?? ANYONE) };
  const { tokenRing } = context.get("settings");
  const nonce = tokenRing && (await nonceOf(tokenRing, callId, ticket, Date.now()));
  if (nonce === undefined) throw badTicket();
  return { ticket: nonce };
}

function badTicket(): HttpError {
  return new HttpError(401, "unauthorized", "the ticket is another call's, was used, or has expired");
}

async function watch(context: Context<AppEnv>, { call, after, levels }: LogsQuery): Promise<Response> {
  if (call === undefined) throw new HttpError(400, "no_call", "the query must name a call");
  const who = await observer(context, call);
  const query = new URLSearchParams({
    ...who,
    ...(after !== undefined && { after: String(after) }),
    ...(levels === 1 && { levels: "1" }),
  });
  const response = await upgrade(context, call, `${OBSERVER_PATH}?${query}`);
  if (response.status === 401) throw badTicket();
  return response;
}

const ticketRequest = table({
  call: v.pipe(v.string("must be a call's id"), v.check(isCallId, "must be a call's id")),
  /** Less than one's own, for a page that is only to look. */
  role: v.optional(oneOf(ROLES)),
});

async function makeTicket(
  context: Context<AppEnv>,
  { call, role }: { readonly call: string; readonly role?: Operator["role"] | undefined },
): Promise<Response> {
  const asking = context.get("operator") ?? ANYONE;
  if (role !== undefined && !mayAs(asking.role, role))
    throw new HttpError(403, "forbidden", `role is ${role}, and yours is ${asking.role}`);
  const { tokenRing } = context.get("settings");
  if (!tokenRing) throw new HttpError(503, "configuration", "TOKEN_SECRET is not set");
  const nonce = newNonce();
  const operator = { name: asking.name, role: role ?? asking.role };
  const isKnown = await askObject<boolean>(
    async () => context.env.CALLS.getByName(call).expectObserver(nonce, operator),
    1,
  );
  if (!isKnown) throw new HttpError(404, "not_found", "there is no such call");
  const expiresMs = Date.now() + TICKET_LIFETIME_MS;
  const ticket = await mintTicket(tokenRing, call, nonce, expiresMs);
  const protocols = [OBSERVER_PROTOCOL, `ticket.${ticket}`];
  return context.json({ ticket, protocols, role: operator.role, expiresMs }, 201, { "Cache-Control": "no-store" });
}

export function observerRoutes(): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/logs",
      access: "observer",
      upgrade: true,
      query: LOGS_QUERY,
      answer: (context, { query }) => watch(context, query as LogsQuery),
    }),
    route({
      method: "POST",
      path: "/api/tickets",
      access: "operator",
      // Who may look may let a page look.
      role: "read",
      query: {},
      body: ticketRequest,
      bodyCode: "bad_ticket",
      answer: (context, { body }) => makeTicket(context, body),
    }),
  ];
}
