import type { Context } from "hono";
import * as v from "valibot";
import type { Erasure } from "../afterlife.ts";
import type { CommandResult } from "../boundary.ts";
import type { Stage } from "../call.ts";
import { type LoggedCall, type LoggedTurn, OUTCOMES } from "../call-log.ts";
import { captions } from "../captions.ts";
import { forbidCommand, refuseCommand } from "../commands.ts";
import { ANYONE } from "../operators.ts";
import type { CallLogStore, CallPosition } from "../ports/call-log-store.ts";
import { MAX_PAGE } from "../ports/call-log-store.ts";
import { anyObject, oneOf } from "../schemas.ts";
import { AGENTS } from "../settings.ts";
import { callLogStore, type RecordingsBucket, recordingsBucket, supabaseSink } from "../sinks.ts";
import { commandResponse } from "./commands.ts";
import { HttpError } from "./errors.ts";
import { askObject } from "./objects.ts";
import { count, flag, number, time } from "./query.ts";
import { wantedOf } from "./ranges.ts";
import { type Method, type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

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

function isLive(): HttpError {
  return new HttpError(409, "live", "the call is not over");
}

/** Why the log does not have a call: its object knows more, and says the same to whoever wants to delete it. */
async function whyNotLogged(context: Context<AppEnv>, callId: string): Promise<HttpError> {
  const stage = await askObject<Stage>(async () => context.env.CALLS.getByName(callId).stage());
  switch (stage) {
    case "live":
      return isLive();
    case "over":
      return new HttpError(409, "not_logged", "the call is over, and not in the log yet", { "Retry-After": "1" });
    case "unknown":
      return notFound();
    default:
      return stage satisfies never;
  }
}

/** @throws {HttpError} 404 for a call that there is not; 409 for one that goes on, or is not in the log yet */
async function requireCall(context: Context<AppEnv>, callId: string): Promise<LoggedCall> {
  const call = await requireCallLog(context).find(callId);
  if (!call) throw await whyNotLogged(context, callId);
  return call;
}

/** A range of times that is none. @throws {HttpError} 400 */
function refuseEmptyRange(sinceMs: number | undefined, untilMs: number | undefined): void {
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
    throw new HttpError(400, "bad_query", "since must be before until");
}

function encodeCursor({ startedMs, callId }: CallPosition): string {
  return btoa(`${startedMs}:${callId}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(cursor: string): CallPosition {
  try {
    const [, startedMs, callId] =
      /^(\d+):([A-Za-z0-9_-]+)$/.exec(atob(cursor.replaceAll("-", "+").replaceAll("_", "/"))) ?? [];
    const position = { startedMs: Number(startedMs), callId: callId ?? "" };
    if (Number.isSafeInteger(position.startedMs) && encodeCursor(position) === cursor) return position;
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

const LIST_QUERY = {
  limit: v.optional(count(1, MAX_PAGE)),
  cursor: v.optional(v.string()),
  agent: v.optional(oneOf(AGENTS)),
  reason: v.optional(oneOf(OUTCOMES)),
  from: v.optional(number()),
  to: v.optional(number()),
  failed: v.optional(flag()),
  since: v.optional(time()),
  until: v.optional(time()),
};

async function list(context: Context<AppEnv>, query: v.InferOutput<v.ObjectSchema<typeof LIST_QUERY, undefined>>) {
  const { limit = DEFAULT_PAGE, cursor, since: sinceMs, until: untilMs, ...filters } = query;
  refuseEmptyRange(sinceMs, untilMs);
  const calls = await requireCallLog(context).list(
    { ...filters, sinceMs, untilMs },
    limit,
    cursor === undefined ? undefined : decodeCursor(cursor),
  );
  const last = calls.length === limit ? calls.at(-1) : undefined;
  return context.json({ calls: calls.map(shown), cursor: last ? encodeCursor(last) : null });
}

function noRecording(): HttpError {
  return new HttpError(404, "no_recording", "there is no recording of this call");
}

async function recording(context: Context<AppEnv>, callId: string): Promise<Response> {
  const { recordingKey: key } = await requireCall(context, callId);
  const bucket = requireBucket(context);
  const about = key === null ? null : await bucket.head(key);
  if (key === null || !about) throw noRecording();
  const { size, httpEtag, httpMetadata } = about;
  const { headers: asked, method } = context.req.raw;
  const condition = asked.get("If-Range");
  // RFC 9110, 14.2: a range is one of GET's alone.
  const isRanged = method === "GET" && (condition === null || condition === httpEtag);
  const wanted = wantedOf(isRanged ? asked.get("Range") : null, size);
  if (wanted.type === "unsatisfiable")
    throw new HttpError(416, "bad_range", "the recording ends before", { "Content-Range": `bytes */${size}` });
  const { offset, length } = wanted.type === "part" ? wanted : { offset: 0, length: size };
  const headers = new Headers({
    "Content-Type": httpMetadata?.contentType ?? "audio/ogg; codecs=opus",
    "Content-Disposition": `inline; filename="${callId}.opus"`,
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    "Content-Length": String(length),
    ETag: httpEtag,
  });
  if (wanted.type === "part") headers.set("Content-Range", `bytes ${offset}-${offset + length - 1}/${size}`);
  const status = wanted.type === "part" ? 206 : 200;
  if (method === "HEAD") return new Response(null, { status, headers });
  const object = await bucket.get(key, wanted.type === "part" ? { range: { offset, length } } : {});
  if (!object || !("body" in object)) throw noRecording();
  return new Response(object.body, { status, headers });
}

async function flight(context: Context<AppEnv>, callId: string): Promise<Response> {
  const { flightKey: key } = await requireCall(context, callId);
  const bucket = key === null ? undefined : requireBucket(context);
  const isHead = context.req.raw.method === "HEAD";
  const object = key === null ? null : await (isHead ? bucket?.head(key) : bucket?.get(key, {}));
  if (!object) throw new HttpError(404, "no_flight", "there is no flight record of this call");
  return new Response("body" in object ? (object as R2ObjectBody).body : null, {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(object.size),
      "Content-Disposition": `attachment; filename="${callId}.flight"`,
      "Cache-Control": "private, no-store",
    },
  });
}

async function events(context: Context<AppEnv>, callId: string): Promise<Response> {
  const all = await askObject(async () => context.env.CALLS.getByName(callId).events());
  if (all) return context.json({ complete: true, events: all.map((line) => JSON.parse(line) as unknown) });
  // The call's own record is gone; the log kept what says why it went as it did.
  await requireCall(context, callId);
  const kept = await requireCallLog(context).events(callId);
  return context.json({ complete: false, events: kept.map(({ body }) => JSON.parse(body) as unknown) });
}

async function erase(context: Context<AppEnv>, callId: string, what: "recording" | "call"): Promise<Response> {
  const erasure = await askObject<Erasure>(async () => context.env.CALLS.getByName(callId).erase(what));
  if (erasure === "live") throw isLive();
  if (erasure === "begun") return context.json({ status: "accepted" }, 202);
  // Its object is gone: what is left lies in the log and the bucket.
  const { recordingKey, flightKey } = await requireCall(context, callId);
  const keys = [recordingKey, flightKey].filter((key) => key !== null);
  if (keys.length > 0) await requireBucket(context).objects.delete(keys);
  const store = requireCallLog(context);
  if (what === "call") await supabaseSink(context.get("settings"))?.delete(callId, AbortSignal.timeout(SUPABASE_MS));
  await (what === "recording" ? store.forgetRecording(callId) : store.delete(callId));
  return context.json({ status: "deleted" });
}

const ANALYTICS_QUERY = { since: v.optional(time()), until: v.optional(time()) };

async function analytics(context: Context<AppEnv>, query: { since?: number | undefined; until?: number | undefined }) {
  const untilMs = query.until ?? Math.max(Date.now(), query.since ?? 0) + DAY_MS;
  const sinceMs = query.since ?? Math.max(0, untilMs - DEFAULT_ANALYTICS_DAYS * DAY_MS);
  refuseEmptyRange(sinceMs, untilMs);
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
export function callRoutes(): readonly Route[] {
  const ofCall = (
    method: Method,
    rest: string,
    answer: (context: Context<AppEnv>, callId: string) => Promise<Response>,
  ) =>
    route({
      method,
      path: `/api/calls/:callId${rest}`,
      access: "operator",
      query: {},
      answer: (context, { callId }) => answer(context, callId),
    });
  return [
    route({
      method: "GET",
      path: "/api/calls",
      access: "operator",
      query: LIST_QUERY,
      answer: (context, { query }) => list(context, query),
    }),
    ofCall("GET", "", async (context, callId) => {
      const call = await requireCall(context, callId);
      const store = requireCallLog(context);
      const [turns, toolCalls] = await Promise.all([store.turns(callId), store.toolCalls(callId)]);
      return context.json({ call: shown(call), turns: turns.map(shownTurn), toolCalls });
    }),
    ofCall("DELETE", "", (context, callId) => erase(context, callId, "call")),
    ofCall("GET", "/recording", recording),
    ofCall("DELETE", "/recording", (context, callId) => erase(context, callId, "recording")),
    ofCall("GET", "/captions.vtt", async (context, callId) => {
      const { recordingMs } = await requireCall(context, callId);
      const document = captions(await requireCallLog(context).turns(callId), recordingMs);
      return new Response(document, { headers: { "Content-Type": "text/vtt; charset=utf-8" } });
    }),
    ofCall("GET", "/flight", flight),
    ofCall("GET", "/events", events),
    route({
      method: "POST",
      path: "/api/calls/:callId/commands",
      access: "operator",
      // Each command has a role of its own.
      role: "read",
      query: {},
      body: anyObject,
      // Once: what has been done is not done again.
      answer: async (context, { callId, body }) => {
        const operator = context.get("operator") ?? ANYONE;
        const ask = async () => context.env.CALLS.getByName(callId).operate(body, operator);
        return commandResponse(
          // What is nested too deep does not even reach the object.
          refuseCommand(body) ?? forbidCommand(body, operator) ?? (await askObject<CommandResult>(ask, 1)),
        );
      },
    }),
    route({
      method: "GET",
      path: "/api/analytics",
      access: "operator",
      query: ANALYTICS_QUERY,
      answer: (context, { query }) => analytics(context, query),
    }),
  ];
}
