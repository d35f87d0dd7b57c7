import type { Context } from "hono";
import type { Announcement } from "../call.ts";
import { isCallId, newCallId } from "../call-id.ts";
import { LEG_PATH, SIGNED_HEADER } from "../call-object.ts";
import { judgeUpgrade } from "../carriers/twilio/webhook.ts";
import { subjectOf } from "../leases.ts";
import { HttpError } from "./errors.ts";
import { askObject, newerSchema } from "./objects.ts";
import { chooseProfile } from "./profiles.ts";
import type { Route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

/** Hands the upgrade to the call's object. @throws {HttpError} if the object does not take it; what 401 means its asker knows */
export async function upgrade(
  context: Context<AppEnv>,
  callId: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
  const response = await askObject(() =>
    context.env.CALLS.getByName(callId).fetch(`https://call${path}`, { headers: { ...headers, Upgrade: "websocket" } }),
  );
  if (response.status === 404) throw new HttpError(404, "not_found", "there is no such call");
  if (response.status === 410) throw new HttpError(410, "over", "the call is over");
  if (response.status === 503) throw newerSchema();
  if (response.status === 429)
    throw new HttpError(429, "full", "too many streams of this call wait to show a token", { "Retry-After": "1" });
  return response;
}

/** A stream that no webhook has announced, which needs no token. */
async function openUnannounced(context: Context<AppEnv>): Promise<Response> {
  await judgeUpgrade(context);
  const { allowUnauthenticated } = context.get("settings");
  const switchboard = context.get("switchboard");
  if (!allowUnauthenticated) throw new HttpError(401, "unauthorized", "a stream must be announced by the webhook");
  const { agent, profile } = await chooseProfile(context, "");
  // Nobody could tell the caller.
  if (profile.say !== undefined) throw new HttpError(409, "closed", "the profile does not answer at this hour");
  const call = { callId: newCallId(), carrierCallId: "", agent, authorization: "none", from: "", to: "" } as const;
  const admission = await switchboard.acquire(call.callId, subjectOf(call));
  if (admission === "full" || admission === "numberFull")
    throw new HttpError(503, "full", "there is no room for another call");
  try {
    await askObject<Announcement>(async () => context.env.CALLS.getByName(call.callId).prepare(call, profile));
    return await upgrade(context, call.callId, LEG_PATH);
  } catch (error) {
    context.executionCtx.waitUntil(forsake(context, call.callId));
    throw error;
  }
}

/** Ends a call whose only stream was not taken, and gives its place away at once. */
async function forsake(context: Context<AppEnv>, callId: string): Promise<void> {
  try {
    await context.env.CALLS.getByName(callId).carrierEnded("");
  } finally {
    // Of one that does not answer, or does not know the call. What the object has released is released once.
    await context.get("switchboard").release(callId, "notPrepared");
  }
}

export function mediaRoutes(): readonly Route[] {
  return [
    { method: "GET", path: "/call", access: "stream", upgrade: true, answer: openUnannounced },
    {
      method: "GET",
      path: "/call/:callId",
      access: "stream",
      upgrade: true,
      answer: async (context, { callId }) => {
        const standing = await judgeUpgrade(context);
        const { allowUnauthenticated, tokenRing } = context.get("settings");
        // Nobody could show a token: it would look like the stream's fault.
        if (!tokenRing && !allowUnauthenticated) throw new HttpError(503, "configuration", "TOKEN_SECRET is not set");
        if (standing === "unsigned" && !allowUnauthenticated) context.get("limits").upgrade(context);
        return upgrade(context, callId, LEG_PATH, standing === "signed" ? { [SIGNED_HEADER]: "1" } : {});
      },
    },
  ];
}
