import { GRANULES_PER_MS, preSkipOf } from "../ogg.ts";
import type { Recording } from "../recording.ts";
import type { CallRow } from "./call-row.ts";
import type { Tables } from "./tables.ts";

/** Why a call ended that came outside the hours of its profile. */
export const CLOSED = "closed";

export function wasClosed({ outcome = "{}" }: CallRow): boolean {
  return (JSON.parse(outcome) as { readonly reason?: string }).reason === CLOSED;
}

/** How the call ended, and what it had then of a recording and a flight record, delivered or not. */
export class Outcome {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  isWritten(): boolean {
    return this.#tables.rows("SELECT callId FROM outcome").length > 0;
  }

  /** Of a recording that is closed, and of inputs of which the last may still be on their way. */
  write(summary: string, nowMs: number, hasInputs: boolean): boolean {
    const recording = this.stored();
    const written = this.#tables.rows(
      `INSERT INTO outcome (callId, endedMs, summary, recording, flight)
       SELECT callId, ?, ?, ?, ? FROM call RETURNING callId`,
      nowMs,
      summary,
      recording ? JSON.stringify(recording) : null,
      hasInputs ? 1 : 0,
    );
    return written.length > 0;
  }

  /** Undefined if there was none. */
  recording(): Recording | undefined {
    const [row] = this.#tables.rows<{ recording: string | null }>("SELECT recording FROM outcome");
    return row?.recording ? (JSON.parse(row.recording) as Recording) : undefined;
  }

  hasFlight(): boolean {
    return this.#tables.rows("SELECT callId FROM outcome WHERE flight <> 0").length > 0;
  }

  eraseAudio(): void {
    this.#tables.rows("UPDATE outcome SET recording = NULL, flight = 0");
  }

  /** What is stored of the recording of a call that may go on; undefined if nothing is. */
  stored(): Recording | undefined {
    const rows = this.#tables.rows<{ session: number; bytes: number; granule: number; first: number }>(
      `SELECT session, SUM(LENGTH(pages)) AS bytes, MAX(granule) AS granule, MIN(batch) AS first
       FROM batch WHERE pages IS NOT NULL GROUP BY session ORDER BY session`,
    );
    const [head] = rows;
    if (!head) return undefined;
    const [row] = this.#tables.rows<{ pages: ArrayBuffer }>("SELECT pages FROM batch WHERE batch = ?", head.first);
    const preSkip = row ? (preSkipOf(new Uint8Array(row.pages)) ?? 0) : 0;
    const parts = rows.map(({ session, granule }) => ({
      session,
      endMs: Math.max(0, granule - preSkip) / GRANULES_PER_MS,
    }));
    return {
      bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
      durationMs: Math.max(...parts.map(({ endMs }) => endMs)),
      parts,
    };
  }
}
