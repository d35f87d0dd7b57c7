import type * as v from "valibot";
import { parseJson } from "../json-text.ts";
import { ANYONE, type Operator, operatorOf } from "../operators.ts";
import { checked, shownName } from "../schemas.ts";
import type { Settings } from "../settings.ts";
import { HttpError } from "./errors.ts";

/** The longest body of a request, where its route does not say otherwise. Overflow: 413. */
export const MAX_BODY_BYTES = 64 * 1024;
/** How long a body may take to come. Overflow: 408. */
export const MAX_BODY_MS = 10_000;

/** Where the gateway is reached from outside, without a slash at the end. */
export function publicBaseUrl(settings: Settings, request: Request): string {
  return settings.publicBaseUrl ?? new URL(request.url).origin;
}

/** The URLs that the client may have asked for, path and query as they came: of a base that is written otherwise, two. */
export function publicUrls({ publicBaseUrl, writtenBaseUrl = "" }: Settings, request: Request): readonly string[] {
  if (publicBaseUrl === undefined) return [request.url];
  const target = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(request.url)?.[1] ?? "";
  return [...new Set([publicBaseUrl, writtenBaseUrl])].map((base) => base + target);
}

/** The same base for WebSockets; unencrypted only where the gateway itself is. */
export function socketBaseUrl(baseUrl: string): string {
  return baseUrl.replace(/^http/i, "ws");
}

function tooLong(maxBytes: number): HttpError {
  return new HttpError(413, "body_too_long", `a body has at most ${maxBytes} bytes`);
}

/** Rejects with 408 when its time is over. */
async function inTime<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new HttpError(408, "body_too_slow", `a body takes at most ${MAX_BODY_MS} ms`)),
    Math.max(0, deadlineMs - Date.now()),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const deadlineMs = Date.now() + MAX_BODY_MS;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), deadlineMs);
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    // Who hangs up in the middle is nobody's fault here, and hears no answer.
    throw new HttpError(400, "body_abandoned", "the body was not sent to its end");
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/**
 * @throws {HttpError} 413 above `maxBytes`, 408 after MAX_BODY_MS, 415 for one that is encoded, 400 for one that does
 * not come to its end; what comes after is not read
 */
export async function readBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("Content-Encoding")?.trim().toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "identity")
    throw new HttpError(415, "unsupported_encoding", "Content-Encoding must be identity");
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBytes) throw tooLong(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ? chunksOf(request.body) : []) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong(maxBytes);
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

/** @throws {HttpError} 415 if a body is said to be in other letters than UTF-8 */
export function requireUtf8(contentType: string): void {
  const [, charset = "utf-8"] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType) ?? [];
  if (!/^(utf-?8|us-ascii)$/i.test(charset))
    throw new HttpError(415, "unsupported_charset", "the body's charset must be utf-8");
}

/** @throws {HttpError} 400 `bad_body` for what is not UTF-8, whatever it is said to be */
export function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    throw new HttpError(400, "bad_body", "the body is not UTF-8");
  }
}

/** @throws {HttpError} 400 `bad_body` for what is no JSON object in UTF-8, or has a key twice, naming it */
export function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  const text = decodeUtf8(body);
  try {
    const parsed = parseJson(text);
    if (parsed.type === "doubledKey")
      throw new HttpError(400, "bad_body", `${shownName(parsed.key)} is given twice`, {}, parsed.key);
    value = parsed.value;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    // Answered below.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HttpError(400, "bad_body", "the body is no JSON object");
  return value as Record<string, unknown>;
}

/**
 * The JSON of a body, as `schema` has it.
 *
 * @throws {HttpError} 400 `bad_body` if it is no object, 400 with `code`, naming the field, if it is not what `schema` says
 */
export async function readJson<S extends v.GenericSchema>(
  request: Request,
  schema: S,
  code = "bad_body",
  maxBytes = MAX_BODY_BYTES,
): Promise<v.InferOutput<S>> {
  requireUtf8(request.headers.get("Content-Type") ?? "");
  const result = checked(schema, parseObject(await readBody(request, maxBytes)), "body");
  if (result.type === "wrong") throw new HttpError(400, code, result.reason);
  return result.value;
}

/** A parameter of the query that may be there once. @throws {HttpError} 400 for two that differ */
export function onlyParameter(request: Request, name: string): string | undefined {
  const values = new Set(new URL(request.url).searchParams.getAll(name));
  if (values.size > 1) throw new HttpError(400, "bad_query", `${name} is given twice`);
  return [...values][0];
}

/** @throws {HttpError} 426 unless the request asks for a WebSocket. */
export function requireUpgrade(request: Request): void {
  if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return;
  throw new HttpError(426, "upgrade_required", "this is a WebSocket", { Upgrade: "websocket" });
}

/**
 * Who asks.
 *
 * @throws {HttpError} 401 unless the request is an operator's, or unauthenticated ones are allowed; 503 where there is no
 * token that it could show
 */
export async function requireOperator(settings: Settings, request: Request): Promise<Operator> {
  const authorization = request.headers.get("Authorization");
  if (authorization === null && settings.allowUnauthenticated) return ANYONE;
  const { adminToken, previousAdminToken, operators } = settings;
  if (adminToken === undefined && operators.length === 0)
    throw new HttpError(503, "configuration", "ADMIN_TOKEN is not set");
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  const adminTokens = [adminToken, previousAdminToken].filter((one) => one !== undefined);
  const operator = token === undefined ? undefined : await operatorOf({ adminTokens, operators }, token);
  if (operator) return operator;
  throw new HttpError(401, "unauthorized", "an operator's token is required", { "WWW-Authenticate": "Bearer" });
}
