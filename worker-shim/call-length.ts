import { type CallEvent, numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { type Recording, recordingClock } from "./recording.ts";
import type { CallRow } from "./records/call-row.ts";

export interface CallLength {
  /** When the first session was opened, epoch ms; of a call without any, when it was announced. */
  readonly startedMs: number;
  /** From there to the end of the call, by the clock on the wall. */
  readonly durationMs: number;
  /** The end on the clock of the last session. */
  readonly atMs: number;
}

export interface CallLengthSources {
  /** Of a call that is over. */
  readonly row: Pick<CallRow, "createdMs" | "openedMs" | "endedMs" | "outcome" | "sessions">;
  readonly sessions: readonly SessionEvents[];
}

/** What tells where a session lies. A call may have tens of thousands of events: the others are not parsed. */
const PLACING = /"type":"(opened|recordingStarted)"/;

/** Of a session's events those that tell where it lies, and its last. */
function placingEvents({ events }: SessionEvents): CallEvent[] {
  return events.flatMap((line, index) =>
    index === events.length - 1 || PLACING.test(line) ? (parseEvent(line) ?? []) : [],
  );
}

/**
 * How long a call was.
 *
 * The session that ends a call says when, on its own clock, which is that of the wall. What comes of the caller says
 * nothing: frames may come faster than time. Only of a session that was lost nobody says when it ended: it lived at least
 * as long as `lastKnown` says, which is in the outcome.
 */
export function callLength({ row, sessions }: CallLengthSources): CallLength {
  const summary = JSON.parse(row.outcome ?? "{}") as { readonly reason?: string; readonly durationMs?: number };
  const parsed = sessions.map((one) => {
    const events = placingEvents(one);
    return { session: one.session, events, openedMs: events.find(({ type }) => type === "opened")?.epochMs };
  });
  const startedMs = numberOr(parsed[0]?.openedMs, row.openedMs ?? row.createdMs);
  const last = parsed.at(-1);
  const offsetMs = Math.max(0, numberOr(last?.openedMs, startedMs) - startedMs);
  const lastMs = last?.events.at(-1)?.atMs ?? 0;
  const wallMs = Math.max(0, row.endedMs - startedMs);
  const length = (atMs: number) => ({
    startedMs,
    atMs: Math.round(atMs),
    durationMs: Math.round(offsetMs + atMs),
  });
  if (summary.reason === "objectLost") return length(Math.max(numberOr(summary.durationMs, 0), lastMs));
  // One that could not even begin has no clock.
  if (last && last.session < row.sessions) return length(Math.max(lastMs, wallMs - offsetMs));
  return length(numberOr(summary.durationMs, lastMs));
}

export interface KnownSources {
  readonly sessions: readonly SessionEvents[];
  /** When the object has last stored something, epoch ms; undefined where that was not noted. */
  readonly storedMs: number | undefined;
  /** What was stored of a recording. */
  readonly recording: Recording | undefined;
  readonly nowMs: number;
}

/** The last instant that is known of a call that no session has ended. */
export interface LastKnown {
  /** On the clock of its last session. */
  readonly atMs: number;
  readonly epochMs: number;
}

/**
 * Until when a call is known to have gone on: to its last event, and to what its object stored last. Only of a call of
 * which that was not noted the recording tells, whose frames may have come faster than time; it was over by now.
 */
export function lastKnown({ sessions, storedMs, recording, nowMs }: KnownSources): LastKnown {
  const last = sessions.at(-1);
  if (!last) return { atMs: 0, epochMs: storedMs ?? nowMs };
  const events = placingEvents(last);
  const openedMs = numberOr(events.find(({ type }) => type === "opened")?.epochMs, storedMs ?? nowMs);
  const recordedMs = recordingClock(recording, last.session, events)?.endMs ?? 0;
  const livedMs = storedMs === undefined ? Math.min(recordedMs, nowMs - openedMs) : storedMs - openedMs;
  const atMs = Math.round(Math.max(events.at(-1)?.atMs ?? 0, livedMs));
  return { atMs, epochMs: openedMs + atMs };
}
