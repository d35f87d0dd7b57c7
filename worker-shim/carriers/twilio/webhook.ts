import type { Context } from "hono";
import { HttpError } from "../../api/errors.ts";
import { decodeUtf8, parseObject, publicUrls, readBody, requireUtf8 } from "../../api/requests.ts";
import type { AppEnv } from "../../api/routing.ts";
import type { Settings } from "../../settings.ts";
import type { Standing } from "../../stream-door.ts";
import { callSidFault, isCallSid } from "./call-sid.ts";
import { type FormParameters, isForm, isSignedUpgrade, isSignedWebhook, parseForm } from "./signature.ts";

const SIGNATURE_HEADER = "X-Twilio-Signature";

/** Values of `CallStatus` after which nothing comes any more; lookalikes of Twilio's write the last one with two l. */
const TERMINAL_STATUSES = new Set(["completed", "busy", "failed", "noanswer", "canceled", "cancelled"]);

/** In capitals or not, with a hyphen, an underscore, a space or nothing between words: lookalikes vary, and mean the same. */
function isTerminal(status: string): boolean {
  return TERMINAL_STATUSES.has(status.toLowerCase().replace(/[\s_-]/g, ""));
}

/** What a webhook says about its call. Empty strings where it says nothing. */
export interface Webhook {
  /** CallSid. Empty only where unauthenticated requests are allowed. */
  readonly carrierCallId: string;
  readonly from: string;
  readonly to: string;
  /** Whether the carrier's call is over, as a status callback says. */
  readonly isOver: boolean;
}

/** The parameters that a body has, whichever way it has them. @throws {HttpError} 400, 415 */
function parseBody(contentType: string, body: Uint8Array): FormParameters {
  if (body.length === 0) return new Map();
  if (isForm(contentType)) {
    // A form's bytes are ASCII, or else UTF-8; what they escape is the carrier's.
    decodeUtf8(body);
    return parseForm(body);
  }
  if (!/^application\/json\s*(;|$)/i.test(contentType))
    throw new HttpError(415, "unsupported_media_type", "the body must be a form or JSON");
  const fields = parseObject(body);
  const parameters = new Map<string, string[]>();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string" || typeof value === "number") parameters.set(name, [String(value)]);
  }
  return parameters;
}

/** The URL of a request for which `isSigned` says that it is signed. */
async function findUrl(
  settings: Settings,
  request: Request,
  isSigned: (url: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const url of publicUrls(settings, request)) if (await isSigned(url)) return url;
  return undefined;
}

/** The carrier's parameters. @throws {HttpError} 403 unless Twilio asks, or unauthenticated requests are allowed. */
async function readParameters(context: Context<AppEnv>): Promise<FormParameters> {
  const settings = context.get("settings");
  const request = context.req.raw;
  const contentType = request.headers.get("Content-Type") ?? "";
  requireUtf8(contentType);
  const body = await readBody(request);
  const signature = request.headers.get(SIGNATURE_HEADER);
  if (settings.carrierAuthTokens.length === 0) {
    if (!settings.allowUnauthenticated) throw new HttpError(503, "configuration", "TWILIO_AUTH_TOKEN is not set");
  } else if (signature !== null) {
    const webhook = { method: request.method, contentType, body, signature };
    const url = await findUrl(settings, request, (url) =>
      isSignedWebhook(settings.carrierAuthTokens, { ...webhook, url }),
    );
    if (url === undefined) throw new HttpError(403, "bad_signature", `${SIGNATURE_HEADER} is wrong`);
    const isSignedForm = request.method === "POST" && isForm(contentType);
    const fault = callSidFault(url, isSignedForm ? parseForm(body) : new Map());
    if (fault !== undefined) throw new HttpError(400, "bad_call_sid", fault);
  } else if (!settings.allowUnauthenticated) {
    throw new HttpError(403, "no_signature", `${SIGNATURE_HEADER} is missing`);
  }
  const query = new URL(request.url).search.slice(1);
  const parameters = new Map(parseForm(new TextEncoder().encode(query)));
  if (request.method === "POST") {
    for (const [name, values] of parseBody(contentType, body))
      parameters.set(name, [...(parameters.get(name) ?? []), ...values]);
  }
  return parameters;
}

/** The longest value of a field that is read; a SIP URI has some hundred characters. */
const MAX_VALUE_CHARACTERS = 256;

/** One value, given once or the same each time. Empty if it is not there. @throws {HttpError} 400 */
function onlyValue(parameters: FormParameters, name: string): string {
  const values = new Set(parameters.get(name));
  if (values.size > 1) throw new HttpError(400, "bad_form", `${name} is given twice`);
  const [value = ""] = values;
  if (value.length > MAX_VALUE_CHARACTERS)
    throw new HttpError(400, "bad_form", `${name} must have at most ${MAX_VALUE_CHARACTERS} characters`);
  return value;
}

/** @throws {HttpError} 403 unless Twilio asks; 400 if it does not name its call, which only an unsigned one may */
export async function readWebhook(context: Context<AppEnv>): Promise<Webhook> {
  const parameters = await readParameters(context);
  const carrierCallId = onlyValue(parameters, "CallSid");
  const mayBeMissing = context.get("settings").allowUnauthenticated;
  if (carrierCallId === "" ? !mayBeMissing : !isCallSid(carrierCallId))
    throw new HttpError(400, "bad_call_sid", "CallSid is missing or none");
  return {
    carrierCallId,
    from: onlyValue(parameters, "From"),
    to: onlyValue(parameters, "To"),
    isOver: isTerminal(onlyValue(parameters, "CallStatus")),
  };
}

/** A signature that is there must be right; without one the stream's token decides. @throws {HttpError} 403 */
export async function judgeUpgrade(context: Context<AppEnv>): Promise<Standing> {
  const settings = context.get("settings");
  const signature = context.req.header(SIGNATURE_HEADER);
  if (signature === undefined || settings.carrierAuthTokens.length === 0) return "unsigned";
  const isSigned = (url: string) => isSignedUpgrade(settings.carrierAuthTokens, url, signature);
  if ((await findUrl(settings, context.req.raw, isSigned)) === undefined)
    throw new HttpError(403, "bad_signature", `${SIGNATURE_HEADER} is wrong`);
  return "signed";
}
