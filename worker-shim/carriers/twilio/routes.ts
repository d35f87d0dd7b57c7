import type { Context } from "hono";
import { HttpError } from "../../api/errors.ts";
import { askObject } from "../../api/objects.ts";
import { chooseProfile } from "../../api/profiles.ts";
import { publicBaseUrl, socketBaseUrl } from "../../api/requests.ts";
import type { Input, Method, Route } from "../../api/route.ts";
import type { AppEnv } from "../../api/routing.ts";
import type { Announcement, Resumption } from "../../call.ts";
import { callIds, newCallId } from "../../call-id.ts";
import { subjectOf } from "../../leases.ts";
import { busyTwiml, hangUpTwiml, sayTwiml, streamTwiml } from "./twiml.ts";
import { readWebhook } from "./webhook.ts";

function xml(document: string): Response {
  return new Response(document, { headers: { "Content-Type": "text/xml; charset=utf-8" } });
}

function stream(context: Context<AppEnv>, callId: string, token: string): Response {
  const baseUrl = publicBaseUrl(context.get("settings"), context.req.raw);
  return xml(
    streamTwiml({
      streamUrl: `${socketBaseUrl(baseUrl)}/call/${callId}`,
      parameters: { token },
      redirectUrl: `${baseUrl}/twiml/${callId}`,
    }),
  );
}

/**
 * The call that the carrier calls so. While secrets are being exchanged it may have got its name by the previous one.
 *
 * @throws {ConfigurationError} without a secret
 */
async function callIdOf(context: Context<AppEnv>, carrierCallId: string): Promise<string> {
  const { tokenRing } = context.get("settings");
  if (carrierCallId === "") return newCallId();
  const { current, previous } = await callIds(tokenRing, carrierCallId);
  if (previous === undefined) return current;
  const isKnown = await askObject(async () => context.env.CALLS.getByName(previous).knows(carrierCallId));
  return isKnown ? previous : current;
}

/**
 * A call came in: admits it, prepares its object, sends its stream there. One that comes again is the same call, in the
 * same place.
 */
async function answer(context: Context<AppEnv>): Promise<Response> {
  const { carrierCallId, from, to } = await readWebhook(context);
  const { locationHint } = context.get("settings");
  const switchboard = context.get("switchboard");
  // Before it takes a place: its stream will need a token.
  requireTokenSecret(context);
  const { agent, profile } = await chooseProfile(context, to);
  const callId = await callIdOf(context, carrierCallId);
  // The first call of getByName decides where the object lives.
  const where = locationHint ? { locationHint } : {};
  const call = { callId, carrierCallId, agent, authorization: "required", from, to } as const;
  const prepare = () =>
    askObject<Announcement>(async () => context.env.CALLS.getByName(callId, where).prepare(call, profile));
  const tell = (announcement: Announcement) => {
    if (announcement.type === "stream") return stream(context, callId, announcement.token);
    const { say, profile: own = context.get("settings").profile } = profile;
    if (announcement.type === "closed" && say !== undefined) return xml(sayTwiml(say, own.language));
    // Whoever repeats what the carrier once asked learns nothing, and changes nothing.
    return xml(hangUpTwiml());
  };
  // Who is only told something takes no place. A call that was announced within the hours has its own.
  if (profile.say !== undefined) return tell(await prepare());
  const admission = await switchboard.acquire(callId, subjectOf({ to }));
  if (admission === "full" || admission === "numberFull") return xml(busyTwiml());
  const isNew = admission === "granted";
  try {
    const announcement = await prepare();
    const isOver = announcement.type === "over" || announcement.type === "closed";
    if (isOver && isNew) await switchboard.withdraw(callId);
    return tell(announcement);
  } catch (error) {
    // The place of a call that was there before is not given away.
    if (isNew) context.executionCtx.waitUntil(switchboard.release(callId, "notPrepared"));
    throw error;
  }
}

function requireTokenSecret(context: Context<AppEnv>): void {
  if (!context.get("settings").tokenRing) throw new HttpError(503, "configuration", "TOKEN_SECRET is not set");
}

/** A stream is over: the carrier asks whether it shall come back. */
async function resume(context: Context<AppEnv>, { callId }: Input): Promise<Response> {
  const { carrierCallId } = await readWebhook(context);
  // The object could not say why it makes no token.
  if (carrierCallId !== "") requireTokenSecret(context);
  const resumption: Resumption = await askObject<Resumption>(async () =>
    context.env.CALLS.getByName(callId).resume(carrierCallId),
  );
  return resumption.type === "stream" ? stream(context, callId, resumption.token) : xml(hangUpTwiml());
}

/** The carrier reports how its call stands: one that is over before its stream came holds no place any more. */
async function status(context: Context<AppEnv>): Promise<Response> {
  const { carrierCallId, isOver } = await readWebhook(context);
  if (isOver && carrierCallId !== "") {
    const callId = await callIdOf(context, carrierCallId);
    await askObject(async () => context.env.CALLS.getByName(callId).carrierEnded(carrierCallId));
  }
  return new Response(null, { status: 204 });
}

export function webhookRoutes(): readonly Route[] {
  const of = (method: Method, path: string, answer: Route["answer"]) =>
    ({ method, path, access: "carrier", effect: true, answer }) as const;
  return [
    of("GET", "/twiml", answer),
    of("POST", "/twiml", answer),
    of("POST", "/twiml/status", status),
    of("GET", "/twiml/:callId", resume),
    of("POST", "/twiml/:callId", resume),
  ];
}
