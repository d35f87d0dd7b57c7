import { lastResortOf } from "./agents.ts";
import { lastLine, nextSeq, numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { LEG } from "./carriers/twilio/leg.ts";
import { GRANULES_PER_MS } from "./ogg.ts";
import { type RecordingSoFar, recordingSoFar } from "./recording.ts";
import type { CallRecords } from "./records/call-records.ts";
import type { CallRow } from "./records/call-row.ts";
import type { Settings } from "./settings.ts";
import { withoutUrls } from "./tool-webhooks.ts";

export interface SessionConfigOptions {
  /** As it is before this session begins. */
  readonly row: CallRow;
  readonly records: CallRecords;
  readonly settings: Settings;
  readonly nowMs: number;
  /** When the carrier asked for the stream again, if it did; epoch ms. */
  readonly resumedMs?: number | undefined;
  /** 0 .. 2^53-1. */
  readonly seed: number;
  /** Whether the house can speak here. */
  readonly hasSpeech: boolean;
  /** Which agents of the profile's list others are tried before, by their indices. */
  readonly skipped: readonly number[];
}

/** From the end of a stream to the carrier's question what to do now: its notice, and a half round trip. */
const RESUME_MS = 100;

/**
 * While somebody speaks, the longest that a living session has stored nothing: ALIVE_INTERVAL_MS, or a page of the
 * recording that is not full and a batch that waits; and half a second in which a machine is busy.
 */
const MAX_UNSTORED_MS = 2_000;

/** When the first session was opened, epoch ms. */
function callEpochMs(row: CallRow, sessions: readonly SessionEvents[]): number {
  const opened = sessions[0]?.events.map(parseEvent).find((event) => event?.type === "opened");
  return row.openedMs ?? numberOr(opened?.epochMs, row.createdMs);
}

/**
 * Until when the last session lived, as far as is known; epoch ms. That is when the carrier noticed its loss, but while
 * somebody speaks no session lives for long without having stored anything. `storedMs` is when one last wrote, and so
 * lived.
 */
function aliveMs(
  sessions: readonly SessionEvents[],
  resumedMs: number | undefined,
  storedMs: number | undefined,
): number {
  const events = sessions.at(-1)?.events.flatMap((line) => parseEvent(line) ?? []) ?? [];
  const opened = events.find(({ type }) => type === "opened");
  const lastMs = numberOr(opened?.epochMs, 0) + numberOr(events.at(-1)?.atMs, 0);
  const noticedMs = resumedMs === undefined ? 0 : resumedMs - RESUME_MS;
  const latestMs = storedMs === undefined ? noticedMs : Math.min(noticedMs, storedMs + MAX_UNSTORED_MS);
  return Math.max(opened ? lastMs : 0, storedMs ?? 0, latestMs);
}

/** What is known of the sessions before this one; empty for the first. */
function before(
  { row, nowMs, resumedMs }: SessionConfigOptions,
  sessions: readonly SessionEvents[],
  recording: RecordingSoFar | undefined,
  writtenMs: number | undefined,
) {
  if (row.sessions === 0) return {};
  // Only of a call that an older deployment began and that has stored nothing since the recording tells: its frames may
  // have come faster than time.
  const recordedMs = recording && Math.min(nowMs, nowMs - recording.ageMs + recording.granule / GRANULES_PER_MS);
  const storedMs = writtenMs ?? recordedMs;
  const beganMs = callEpochMs(row, sessions);
  const events = sessions.flatMap((session) => session.events);
  return {
    callEpochMs: beganMs,
    aliveMs: Math.max(0, Math.round(aliveMs(sessions, resumedMs, storedMs)) - beganMs),
    lastLine: lastLine(events),
  };
}

/** What a session of the core is made of, JSON; docs/boundary.md, Configuration. */
export function sessionConfig(options: SessionConfigOptions): string {
  const { row, records, settings, nowMs, seed, hasSpeech, skipped } = options;
  const { batches, snapshots } = records;
  const { profile, limits } = records.pinned.over(settings);
  const sessions = batches.eventsBySession();
  const recording = recordingSoFar(batches.lastPage(), sessions, nowMs);
  return JSON.stringify({
    callId: row.callId,
    seed,
    epochMs: nowMs,
    leg: LEG,
    agent: row.agent,
    authorization: row.authorization,
    faults: settings.faultInjection ? "allowed" : "refused",
    resumed: row.sessions > 0,
    profile: {
      ...withoutUrls(profile),
      ...(lastResortOf(row.agent, profile, hasSpeech) === "house" && { lastResort: "house" }),
    },
    ...(skipped.length > 0 && { skipped }),
    limits,
    ...before(options, sessions, recording, batches.storedMs(row.openedMs)),
    firstSeq: nextSeq(batches.events()),
    snapshot: snapshots.last(),
    recordingSoFar: recording,
  });
}
