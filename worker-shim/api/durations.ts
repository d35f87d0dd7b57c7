import type { MiddlewareHandler } from "hono";
import { errorFields } from "../ports/log.ts";
import type { Log } from "../ports.ts";
import { requestNotes } from "../sinks.ts";
import { HttpError } from "./errors.ts";
import { type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

/** A request that takes longer is noted. */
export const SLOW_REQUEST_MS = 1_000;
/** How long a note is kept. */
const NOTE_TTL_S = 24 * 3600;
const NOTE_PREFIX = "slow:";
const MAX_LISTED_NOTES = 100;

/** Tells each answer how long it took and where it was made; keeps a note of one that took long. */
export function measureRequests(log: Log): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const startMs = Date.now();
    await next();
    const durationMs = Date.now() - startMs;
    const { raw } = context.req;
    // A socket's upgrade is no answer, and takes no header.
    if (context.res.status === 101) return;
    const region = (raw as { cf?: { colo?: unknown } }).cf?.colo;
    context.header("X-Worker-Duration", String(durationMs));
    context.header("X-Worker-Region", typeof region === "string" ? region : "local");
    if (durationMs <= SLOW_REQUEST_MS) return;
    // The path without its query, which may hold what is personal.
    const note = {
      atMs: startMs,
      durationMs,
      method: raw.method,
      path: new URL(raw.url).pathname,
      status: context.res.status,
    };
    log.warn("a request was slow", note);
    const key = `${NOTE_PREFIX}${new Date(startMs).toISOString()}:${crypto.randomUUID().slice(0, 8)}`;
    const kept = requestNotes(context.env, context.get("settings"))?.put(key, JSON.stringify(note), NOTE_TTL_S);
    if (kept)
      context.executionCtx.waitUntil(kept.catch((error) => log.error("a note was not kept", errorFields(error))));
  };
}

/** GET /api/slow-requests: the notes of the last 24 hours, oldest first, at most 100. */
export function slowRequestRoutes(): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/api/slow-requests",
      access: "operator",
      query: {},
      answer: async (context) => {
        const notes = requestNotes(context.env, context.get("settings"));
        if (!notes) throw new HttpError(503, "configuration", "REQUESTS is not bound");
        const { keys } = await notes.list(NOTE_PREFIX, MAX_LISTED_NOTES);
        const texts = await Promise.all(keys.map(({ name }) => notes.get(name)));
        return context.json({ requests: texts.flatMap((text) => (text === null ? [] : [JSON.parse(text)])) });
      },
    }),
  ];
}
