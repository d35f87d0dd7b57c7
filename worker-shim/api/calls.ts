import type { Context, Hono } from "hono";
import { isCallId } from "../call-id.ts";
import type { LoggedCall, LoggedTurn } from "../call-log.ts";
import { captions } from "../captions.ts";
import type { CallFilter, CallLogStore, CallPosition } from "../ports/call-log-store.ts";
import { MAX_PAGE } from "../ports/call-log-store.ts";
import { callLogStore, type RecordingsBucket, recordingsBucket, supabaseSink } from "../sinks.ts";
import { commandResponse } from "./commands.ts";
import { HttpError } from "./errors.ts";
import { readObject, requireOperator } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

const DEFAULT_PAGE = 50;
const DAY_MS = 24 * 3600 * 1000;
const DEFAULT_ANALYTICS_DAYS = 30;
/** While somebody waits for it. */
const SUPABASE_MS = 10_000;

function notFound(): HttpError {
  return new HttpError(404, "not_found", "there is no such call");
}

/** @throws {HttpError} 503 where no call log is bound. */
export function requireCallLog(context: Context<AppEnv>): CallLogStore {
  const store = callLogStore(context.env, context.get("settings"));
  if (!store) throw new HttpError(503, "configuration", "CALL_LOG is not bound");
  return store;
}

function requireBucket(context: Context<AppEnv>): RecordingsBucket {
  const bucket = recordingsBucket(context.env, context.get("settings"));
  if (!bucket) throw new HttpError(503, "configuration", "RECORDINGS is not bound");
  return bucket;
}

function callIdOf(context: Context<AppEnv>): string {
  const callId = context.req.param("callId") ?? "";
  if (!isCallId(callId)) throw notFound();
  return callId;
}

async function requireCall(context: Context<AppEnv>): Promise<LoggedCall> {
  const call = await requireCallLog(context).find(callIdOf(context));
  if (!call) throw notFound();
  return call;
}

/** Epoch ms, or a date that Date.parse knows. @throws {HttpError} 400 */
function time(context: Context<AppEnv>, name: string): number | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isSafeInteger(ms)) throw new HttpError(400, "bad_query", `${name} must be a time`);
  return ms;
}

function flag(context: Context<AppEnv>, name: string): number | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  if (text !== "true" && text !== "false") throw new HttpError(400, "bad_query", `${name} must be true or false`);
  return text === "true" ? 1 : 0;
}

function encodeCursor({ startedMs, callId }: CallPosition): string {
  return btoa(`${startedMs}:${callId}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(cursor: string): CallPosition {
  try {
    const [, startedMs, callId] =
      /^(\d+):([A-Za-z0-9_-]+)$/.exec(atob(cursor.replaceAll("-", "+").replaceAll("_", "/"))) ?? [];
    if (startedMs !== undefined && callId !== undefined) return { startedMs: Number(startedMs), callId };
  } catch {
    // Answered below.
  }
  throw new HttpError(400, "bad_query", "cursor is none of ours");
}

/** What an operator reads of a call; JSON where the database has text and numbers. */
function shown({ summary, failed, startedMs, endedMs, ...call }: LoggedCall) {
  const { redacted, ...rest } = call as typeof call & { redacted?: number };
  return {
    ...rest,
    startedAt: new Date(startedMs).toISOString(),
    endedAt: new Date(endedMs).toISOString(),
    startedMs,
    endedMs,
    failed: failed === 1,
    redacted: redacted === 1,
    summary: JSON.parse(summary) as unknown,
  };
}

function shownTurn({ callId: _, question: __, cut, ...turn }: LoggedTurn) {
  return { ...turn, cut: cut === 1 };
}

async function list(context: Context<AppEnv>): Promise<Response> {
  const limit = Number(context.req.query("limit") ?? DEFAULT_PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new HttpError(400, "bad_query", `limit must be from 1 to ${MAX_PAGE}`);
  const filter: CallFilter = {
    agent: context.req.query("agent"),
    reason: context.req.query("reason"),
    from: context.req.query("from"),
    to: context.req.query("to"),
    failed: flag(context, "failed"),
    sinceMs: time(context, "since"),
    untilMs: time(context, "until"),
  };
  const cursor = context.req.query("cursor");
  const calls = await requireCallLog(context).list(
    filter,
    limit,
    cursor === undefined ? undefined : decodeCursor(cursor),
  );
  const last = calls.length === limit ? calls.at(-1) : undefined;
  return context.json({ calls: calls.map(shown), cursor: last ? encodeCursor(last) : null });
}

async function recording(context: Context<AppEnv>): Promise<Response> {
  const { recordingKey: key, callId } = await requireCall(context);
  const bucket = requireBucket(context);
  const requestHeaders = context.req.raw.headers;
  // Only "bytes=from-to", "bytes=from-" and "bytes=-last" are ranges; whatever else asks for the whole.
  const [asked, from] = /^bytes=(?:(\d+)-\d*|-\d+)$/.exec(requestHeaders.get("Range") ?? "") ?? [];
  const ranged = asked !== undefined;
  if (key !== null && from !== undefined) {
    const size = (await bucket.head(key))?.size ?? 0;
    if (Number(from) >= size)
      throw new HttpError(416, "bad_range", "the recording ends before", { "Content-Range": `bytes */${size}` });
  }
  const object = key === null ? null : await bucket.get(key, ranged ? { range: requestHeaders } : {});
  if (!object || !("body" in object)) throw new HttpError(404, "no_recording", "there is no recording of this call");
  const headers = new Headers({
    "Content-Type": object.httpMetadata?.contentType ?? "audio/ogg; codecs=opus",
    "Content-Disposition": `inline; filename="${callId}.opus"`,
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    ETag: object.httpEtag,
  });
  const range = ranged ? (object.range as { offset?: number; length?: number } | undefined) : undefined;
  const offset = range?.offset ?? 0;
  const length = range?.length ?? object.size - offset;
  headers.set("Content-Length", String(length));
  if (range) headers.set("Content-Range", `bytes ${offset}-${offset + length - 1}/${object.size}`);
  return new Response(object.body, { status: range ? 206 : 200, headers });
}

async function flight(context: Context<AppEnv>): Promise<Response> {
  const { flightKey: key, callId } = await requireCall(context);
  const object = key === null ? null : await requireBucket(context).get(key, {});
  if (!object || !("body" in object)) throw new HttpError(404, "no_flight", "there is no flight record of this call");
  return new Response(object.body, {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(object.size),
      "Content-Disposition": `attachment; filename="${callId}.flight"`,
      "Cache-Control": "private, no-store",
    },
  });
}

async function events(context: Context<AppEnv>): Promise<Response> {
  const callId = callIdOf(context);
  const all = await context.env.CALLS.getByName(callId).events();
  if (all) return context.json({ complete: true, events: all.map((line) => JSON.parse(line) as unknown) });
  // The call's own record is gone; the log kept what says why it went as it did.
  await requireCall(context);
  const kept = await requireCallLog(context).events(callId);
  return context.json({ complete: false, events: kept.map(({ body }) => JSON.parse(body) as unknown) });
}

async function erase(context: Context<AppEnv>, what: "recording" | "call"): Promise<Response> {
  const callId = callIdOf(context);
  const erasure = await context.env.CALLS.getByName(callId).erase(what);
  if (erasure === "live") throw new HttpError(409, "live", "the call is not over");
  if (erasure === "begun") return context.json({ status: "accepted" }, 202);
  // Its object is gone: what is left lies in the log and the bucket.
  const { recordingKey, flightKey } = await requireCall(context);
  const keys = [recordingKey, flightKey].filter((key) => key !== null);
  if (keys.length > 0) await requireBucket(context).objects.delete(keys);
  const store = requireCallLog(context);
  if (what === "call") await supabaseSink(context.get("settings"))?.delete(callId, AbortSignal.timeout(SUPABASE_MS));
  await (what === "recording" ? store.forgetRecording(callId) : store.delete(callId));
  return context.json({ status: "deleted" });
}

async function command(context: Context<AppEnv>): Promise<Response> {
  const callId = callIdOf(context);
  const body = await readObject(context.req.raw);
  return commandResponse(await context.env.CALLS.getByName(callId).operate(body));
}

async function analytics(context: Context<AppEnv>): Promise<Response> {
  const untilMs = time(context, "until") ?? Date.now() + DAY_MS;
  const sinceMs = time(context, "since") ?? untilMs - DEFAULT_ANALYTICS_DAYS * DAY_MS;
  const figures = await requireCallLog(context).analytics(sinceMs, untilMs);
  const ratio = (value: number, of: number) => (of > 0 ? value / of : null);
  const { perDay, popularQuestions, latencyPercentilesMs, ...totals } = figures;
  const tokens = totals.inputTokens + totals.outputTokens;
  return context.json({
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    sessions: totals.calls,
    sessionsPerDay: perDay.map(({ day, calls }) => ({ day, sessions: calls })),
    questionsPerSession: ratio(totals.questions, totals.calls),
    averageSessionMs: totals.averageDurationMs,
    tokensPerSession: ratio(tokens, totals.calls),
    costPerSessionUsd: totals.costMicros === null ? null : ratio(totals.costMicros / 1e6, totals.calls),
    popularQuestions,
    latencyPercentilesMs,
    averageLatencyMs: totals.averageLatencyMs,
    errorRate: ratio(totals.failed, totals.calls),
    bargeIns: totals.bargeIns,
    perDay,
  });
}

/** docs/records.md; all of it is for operators. */
export function callRoutes(app: Hono<AppEnv>): void {
  const route = (
    method: "get" | "post" | "delete",
    path: string,
    handler: (context: Context<AppEnv>) => Promise<Response>,
  ) =>
    app[method](path, async (context) => {
      await requireOperator(context.get("settings"), context.req.raw);
      return handler(context);
    });
  route("get", "/api/calls", list);
  refuseOtherMethods(app, "/api/calls", ["GET"]);
  route("get", "/api/calls/:callId", async (context) => {
    const call = await requireCall(context);
    const store = requireCallLog(context);
    const [turns, toolCalls] = await Promise.all([store.turns(call.callId), store.toolCalls(call.callId)]);
    return context.json({ call: shown(call), turns: turns.map(shownTurn), toolCalls });
  });
  route("delete", "/api/calls/:callId", (context) => erase(context, "call"));
  refuseOtherMethods(app, "/api/calls/:callId", ["GET", "DELETE"]);
  route("get", "/api/calls/:callId/recording", recording);
  route("delete", "/api/calls/:callId/recording", (context) => erase(context, "recording"));
  refuseOtherMethods(app, "/api/calls/:callId/recording", ["GET", "DELETE"]);
  route("get", "/api/calls/:callId/captions.vtt", async (context) => {
    const call = await requireCall(context);
    const document = captions(await requireCallLog(context).turns(call.callId));
    return new Response(document, { headers: { "Content-Type": "text/vtt; charset=utf-8" } });
  });
  refuseOtherMethods(app, "/api/calls/:callId/captions.vtt", ["GET"]);
  route("get", "/api/calls/:callId/flight", flight);
  refuseOtherMethods(app, "/api/calls/:callId/flight", ["GET"]);
  route("get", "/api/calls/:callId/events", events);
  refuseOtherMethods(app, "/api/calls/:callId/events", ["GET"]);
  route("post", "/api/calls/:callId/commands", command);
  refuseOtherMethods(app, "/api/calls/:callId/commands", ["POST"]);
  route("get", "/api/analytics", analytics);
  refuseOtherMethods(app, "/api/analytics", ["GET"]);
}
