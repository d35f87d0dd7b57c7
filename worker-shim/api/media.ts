import type { Context, Hono } from "hono";
import { subjectOf } from "../call.ts";
import { AGENTS, isAgent } from "../settings.ts";
import { isSignedUpgrade } from "../twilio-signature.ts";
import { HttpError } from "./errors.ts";
import { askObject } from "./objects.ts";
import { isCallId, publicUrl, requireOperator, requireUpgrade } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";
import { newCallId } from "./twiml.ts";

/** Hands the upgrade to the call's object. @throws {HttpError} if the object does not take it. */
async function upgrade(context: Context<AppEnv>, callId: string, path: "/leg" | "/observer"): Promise<Response> {
  if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
  const response = await askObject(() =>
    context.env.CALLS.getByName(callId).fetch(`https://call${path}`, { headers: { Upgrade: "websocket" } }),
  );
  if (response.status === 404) throw new HttpError(404, "not_found", "there is no such call");
  if (response.status === 410) throw new HttpError(410, "over", "the call is over");
  return response;
}

/** A signature that is there must be right; without one the stream's token decides. */
async function refuseForgedUpgrade(context: Context<AppEnv>): Promise<void> {
  const settings = context.get("settings");
  const signature = context.req.header("X-Twilio-Signature");
  if (signature === undefined || settings.twilioAuthTokens.length === 0) return;
  if (!(await isSignedUpgrade(settings.twilioAuthTokens, publicUrl(settings, context.req.raw), signature)))
    throw new HttpError(403, "bad_signature", "X-Twilio-Signature is wrong");
}

/** A stream that no webhook has announced, which needs no token. */
async function openUnannounced(context: Context<AppEnv>): Promise<Response> {
  requireUpgrade(context.req.raw);
  await refuseForgedUpgrade(context);
  const { allowUnauthenticated, defaultAgent } = context.get("settings");
  const switchboard = context.get("switchboard");
  if (!allowUnauthenticated) throw new HttpError(401, "unauthorized", "a stream must be announced by the webhook");
  const agent = context.req.query("agent") ?? defaultAgent;
  if (!isAgent(agent)) throw new HttpError(400, "bad_agent", `agent must be one of ${AGENTS.join(", ")}`);
  const call = { callId: newCallId(), callSid: "", agent, authorization: "none", from: "", to: "" } as const;
  if ((await switchboard.acquire(call.callId, subjectOf(call))) !== "granted")
    throw new HttpError(503, "full", "there is no room for another call");
  try {
    await askObject(() => context.env.CALLS.getByName(call.callId).prepare(call));
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
    await refuseForgedUpgrade(context);
    return upgrade(context, context.req.param("callId"), "/leg");
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
