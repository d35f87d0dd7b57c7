import type * as v from "valibot";
import { checked } from "../schemas.ts";
import type { Settings } from "../settings.ts";
import { HttpError } from "./errors.ts";

/** The longest body of a request. Overflow: 413. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Where the gateway is reached from outside, without a slash at the end. */
export function publicBaseUrl(settings: Settings, request: Request): string {
  return settings.publicBaseUrl ?? new URL(request.url).origin;
}

/** The URL that the client has asked for, path and query as they came. */
export function publicUrl(settings: Settings, request: Request): string {
  if (settings.publicBaseUrl === undefined) return request.url;
  const target = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(request.url)?.[1] ?? "";
  return settings.publicBaseUrl + target;
}

/** The same base for WebSockets; unencrypted only where the gateway itself is. */
export function socketBaseUrl(baseUrl: string): string {
  return baseUrl.replace(/^http/i, "ws");
}

/** @throws {HttpError} 413 above MAX_BODY_BYTES; what comes after is not read. */
export async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = () => new HttpError(413, "body_too_long", `a body has at most ${MAX_BODY_BYTES} bytes`);
  if (Number(request.headers.get("Content-Length") ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_BODY_BYTES) {
      await reader.cancel();
      throw tooLong();
    }
    chunks.push(value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

/** The JSON of a body. @throws {HttpError} 400 `bad_body` if it is no object */
export async function readObject(request: Request): Promise<object> {
  const text = new TextDecoder().decode(await readBody(request));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Answered below.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HttpError(400, "bad_body", "the body is no JSON object");
  return value;
}

/** The same. @throws {HttpError} also 400 with `code`, naming the field, if it is not what `schema` says */
export async function readJson<S extends v.GenericSchema>(
  request: Request,
  schema: S,
  code = "bad_body",
): Promise<v.InferOutput<S>> {
  const result = checked(schema, await readObject(request), "body");
  if (result.type === "wrong") throw new HttpError(400, code, result.reason);
  return result.value;
}

/** @throws {HttpError} 426 unless the request asks for a WebSocket. */
export function requireUpgrade(request: Request): void {
  if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return;
  throw new HttpError(426, "upgrade_required", "this is a WebSocket", { Upgrade: "websocket" });
}

const COMPARE = { name: "HMAC", hash: "SHA-256" } as const;

/** Compares secrets of any length in a time that tells nothing. */
async function equalSecrets(a: string, b: string): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", crypto.getRandomValues(new Uint8Array(32)), COMPARE, false, [
    "sign",
    "verify",
  ]);
  const encoder = new TextEncoder();
  return crypto.subtle.verify("HMAC", key, await crypto.subtle.sign("HMAC", key, encoder.encode(a)), encoder.encode(b));
}

/** @throws {HttpError} 401 unless the request is an operator's, or unauthenticated ones are allowed. */
export async function requireOperator(settings: Settings, request: Request): Promise<void> {
  const authorization = request.headers.get("Authorization");
  if (authorization === null && settings.allowUnauthenticated) return;
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (token !== undefined && settings.adminToken !== undefined && (await equalSecrets(token, settings.adminToken)))
    return;
  throw new HttpError(401, "unauthorized", "the admin token is required", { "WWW-Authenticate": "Bearer" });
}
