import { type CallEvent, numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { GRANULES_PER_MS, type OggPage } from "./ogg.ts";

/** What a call that is over has of a recording: one Ogg Opus file, however many sessions made it. */
export interface Recording {
  readonly bytes: number;
  readonly durationMs: number;
  /** Where in the file what each session recorded ends. */
  readonly parts: readonly { readonly session: number; readonly endMs: number }[];
}

/** What tells a session that it goes on with a former one's recording; docs/boundary.md, Configuration. */
export interface RecordingSoFar {
  readonly serial: number;
  readonly pages: number;
  readonly granule: number;
  readonly ageMs: number;
  readonly pauses: readonly string[];
}

/** The core knows no longer ones. What is missing of such a call is not filled in any more. */
const MAX_AGE_MS = 24 * 3600 * 1000;

/**
 * `last` is the last page that was stored, `sessions` what happened until then. Undefined if nothing was recorded, or
 * the recording is complete.
 */
export function recordingSoFar(
  last: OggPage | undefined,
  sessions: readonly SessionEvents[],
  nowMs: number,
): RecordingSoFar | undefined {
  if (!last || last.ends) return undefined;
  const { serial, sequence, granule } = last;
  // Without the event that tells when it began, it goes on as if nothing were missing.
  let beganMs = nowMs - granule / GRANULES_PER_MS;
  let pauses: unknown;
  for (const { events } of sessions.toReversed()) {
    const parsed = events.flatMap((line) => parseEvent(line) ?? []);
    pauses ??= parsed.findLast(({ type }) => type === "recording")?.pauses;
    const opened = parsed.find(({ type }) => type === "opened");
    const begun = parsed.find(({ type }) => type === "recordingStarted");
    if (begun) beganMs = numberOr(opened?.epochMs, beganMs) + numberOr(begun.startMs, 0) - numberOr(begun.fileMs, 0);
  }
  const ageMs = Math.min(Math.max(0, Math.round(nowMs - beganMs)), MAX_AGE_MS);
  return { serial, pages: sequence + 1, granule, ageMs, pauses: Array.isArray(pauses) ? pauses : [] };
}

/** How the clock of one session and that of the recording lie, ms. */
export interface RecordingClock {
  /** Where in the recording what was said from `fromMs` to `toMs` of the session begins; null if it was over before. */
  inRecording(fromMs: number, toMs: number): number | null;
  /** When the last that was stored of the session's part was recorded, on the session's clock. */
  readonly endMs: number;
}

/** Of a session with `events`; undefined where nothing of it is in the recording. */
export function recordingClock(
  recording: Recording | undefined,
  session: number,
  events: readonly CallEvent[],
): RecordingClock | undefined {
  const begun = events.find(({ type }) => type === "recordingStarted");
  const part = recording?.parts.find((one) => one.session === session);
  if (!begun || !part) return undefined;
  const startMs = numberOr(begun.startMs, 0);
  const offsetMs = numberOr(begun.fileMs, 0) - startMs;
  return {
    // Who speaks at once is heard to have begun a little earlier than the first frame.
    inRecording: (fromMs, toMs) => (toMs >= startMs ? Math.round(Math.max(fromMs, startMs) + offsetMs) : null),
    endMs: part.endMs - offsetMs,
  };
}
