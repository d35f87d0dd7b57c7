import type { Context, Hono } from "hono";
import type { Announcement } from "../call.ts";
import { isCallId, newCallId } from "../call-id.ts";
import { judgeUpgrade } from "../carriers/twilio/webhook.ts";
import { subjectOf } from "../leases.ts";
import { AGENTS, isAgent } from "../settings.ts";
import { SIGNED_HEADER } from "../stream-door.ts";
import { HttpError } from "./errors.ts";
import { askObject } from "./objects.ts";
import { requireOperator, requireUpgrade } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

/** Hands the upgrade to the call's object. @throws {HttpError} if the object does not take it. */
async function upgrade(
  context: Context<AppEnv>,
  callId: string,
  path: "/leg" | "/observer",
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
  const response = await askObject(() =>
    context.env.CALLS.getByName(callId).fetch(`https://call${path}`, { headers: { ...headers, Upgrade: "websocket" } }),
  );
  if (response.status === 404) throw new HttpError(404, "not_found", "there is no such call");
  if (response.status === 410) throw new HttpError(410, "over", "the call is over");
  if (response.status === 429)
    throw new HttpError(429, "full", "too many streams of this call wait to show a token", { "Retry-After": "1" });
  return response;
}

/** A stream that no webhook has announced, which needs no token. */
async function openUnannounced(context: Context<AppEnv>): Promise<Response> {
  requireUpgrade(context.req.raw);
  await judgeUpgrade(context);
  const { allowUnauthenticated, defaultAgent } = context.get("settings");
  const switchboard = context.get("switchboard");
  if (!allowUnauthenticated) throw new HttpError(401, "unauthorized", "a stream must be announced by the webhook");
  const agent = context.req.query("agent") ?? defaultAgent;
  if (!isAgent(agent)) throw new HttpError(400, "bad_agent", `agent must be one of ${AGENTS.join(", ")}`);
  const call = { callId: newCallId(), carrierCallId: "", agent, authorization: "none", from: "", to: "" } as const;
  const admission = await switchboard.acquire(call.callId, subjectOf(call));
  if (admission === "full" || admission === "numberFull")
    throw new HttpError(503, "full", "there is no room for another call");
  try {
    await askObject<Announcement>(async () => context.env.CALLS.getByName(call.callId).prepare(call));
  } catch (error) {
    context.executionCtx.waitUntil(switchboard.release(call.callId, "notPrepared"));
    throw error;
  }
  return upgrade(context, call.callId, "/leg");
}

export function mediaRoutes(app: Hono<AppEnv>): void {
  app.get("/call", openUnannounced);
  refuseOtherMethods(app, "/call", ["GET"]);
  app.get("/call/:callId", async (context) => {
    requireUpgrade(context.req.raw);
    const standing = await judgeUpgrade(context);
    return upgrade(context, context.req.param("callId"), "/leg", standing === "signed" ? { [SIGNED_HEADER]: "1" } : {});
  });
  refuseOtherMethods(app, "/call/:callId", ["GET"]);
  app.get("/logs", async (context) => {
    requireUpgrade(context.req.raw);
    await requireOperator(context.get("settings"), context.req.raw);
    const callId = context.req.query("call");
    if (callId === undefined) throw new HttpError(400, "no_call", "the query must name a call");
    return upgrade(context, callId, "/observer");
  });
  refuseOtherMethods(app, "/logs", ["GET"]);
}
