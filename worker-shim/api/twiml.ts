import type { Context, Hono } from "hono";
import { type Resumption, subjectOf } from "../call.ts";
import { AGENTS, isAgent } from "../settings.ts";
import { type FormParameters, isForm, isSignedWebhook, parseForm } from "../twilio-signature.ts";
import { busyTwiml, hangUpTwiml, streamTwiml } from "../twiml.ts";
import { HttpError } from "./errors.ts";
import { askObject } from "./objects.ts";
import { isCallId, publicBaseUrl, publicUrl, readBody, socketBaseUrl } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

const METHODS = ["GET", "POST"];

/** 128 random bits; the call's object has this name. */
export function newCallId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function xml(document: string): Response {
  return new Response(document, { headers: { "Content-Type": "text/xml; charset=utf-8" } });
}

/** The carrier's parameters. @throws {HttpError} 403 unless Twilio asks, or unauthenticated requests are allowed. */
async function readWebhook(context: Context<AppEnv>): Promise<FormParameters> {
  const settings = context.get("settings");
  const request = context.req.raw;
  const body = await readBody(request);
  const contentType = request.headers.get("Content-Type") ?? "";
  const signature = request.headers.get("X-Twilio-Signature");
  if (settings.twilioAuthTokens.length === 0) {
    if (!settings.allowUnauthenticated) throw new HttpError(503, "configuration", "TWILIO_AUTH_TOKEN is not set");
  } else if (signature !== null) {
    const url = publicUrl(settings, request);
    const webhook = { url, method: request.method, contentType, body, signature };
    if (!(await isSignedWebhook(settings.twilioAuthTokens, webhook)))
      throw new HttpError(403, "bad_signature", "X-Twilio-Signature is wrong");
  } else if (!settings.allowUnauthenticated) {
    throw new HttpError(403, "no_signature", "X-Twilio-Signature is missing");
  }
  const query = new URL(request.url).search.slice(1);
  const parameters = new Map(parseForm(new TextEncoder().encode(query)));
  if (request.method === "POST" && isForm(contentType))
    for (const [name, values] of parseForm(body)) parameters.set(name, values);
  return parameters;
}

function parameter(parameters: FormParameters, name: string): string {
  return parameters.get(name)?.[0] ?? "";
}

/** @throws {HttpError} 400 if there must be one and there is none. */
function readCallSid(context: Context<AppEnv>, parameters: FormParameters): string {
  const callSid = parameter(parameters, "CallSid");
  if (!/^[A-Za-z0-9]{0,64}$/.test(callSid) || (callSid === "" && !context.get("settings").allowUnauthenticated))
    throw new HttpError(400, "bad_call_sid", "CallSid is missing or not one");
  return callSid;
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

/** A call came in: admits it, prepares its object, sends its stream there. */
async function answer(context: Context<AppEnv>): Promise<Response> {
  const parameters = await readWebhook(context);
  const { defaultAgent, locationHint } = context.get("settings");
  const switchboard = context.get("switchboard");
  const agent = context.req.query("agent") ?? defaultAgent;
  if (!isAgent(agent)) throw new HttpError(400, "bad_agent", `agent must be one of ${AGENTS.join(", ")}`);
  const callSid = readCallSid(context, parameters);
  const [from, to] = [parameter(parameters, "From"), parameter(parameters, "To")];
  const callId = newCallId();
  const admission = await switchboard.acquire(callId, subjectOf({ to }));
  if (admission !== "granted") return xml(busyTwiml());
  try {
    // The first call of getByName decides where the object lives.
    const where = locationHint ? { locationHint } : {};
    const call = { callId, callSid, agent, authorization: "required", from, to } as const;
    const token = await askObject(() => context.env.CALLS.getByName(callId, where).prepare(call));
    return stream(context, callId, token);
  } catch (error) {
    context.executionCtx.waitUntil(switchboard.release(callId, "notPrepared"));
    throw error;
  }
}

/** A stream is over: the carrier asks whether it shall come back. */
async function resume(context: Context<AppEnv>): Promise<Response> {
  const parameters = await readWebhook(context);
  const callId = context.req.param("callId") ?? "";
  if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
  const callSid = readCallSid(context, parameters);
  const resumption: Resumption = await askObject<Resumption>(async () =>
    context.env.CALLS.getByName(callId).resume(callSid),
  );
  return resumption.type === "stream" ? stream(context, callId, resumption.token) : xml(hangUpTwiml());
}

export function twimlRoutes(app: Hono<AppEnv>): void {
  app.on(METHODS, "/twiml", answer);
  refuseOtherMethods(app, "/twiml", METHODS);
  app.post("/twiml/status", async (context) => {
    await readWebhook(context);
    return new Response(null, { status: 204 });
  });
  refuseOtherMethods(app, "/twiml/status", ["POST"]);
  app.on(METHODS, "/twiml/:callId", resume);
  refuseOtherMethods(app, "/twiml/:callId", METHODS);
}
