import { Archive } from "./archive.ts";
import { Batches } from "./batches.ts";
import { CallRows } from "./call-row.ts";
import { Outcome } from "./outcome.ts";
import { Pinned } from "./pinned.ts";
import { Snapshots } from "./snapshots.ts";
import type { Tables } from "./tables.ts";

/** The record of one call in its object's SQLite: its parts, and what concerns several of them. */
export class CallRecords {
  readonly call: CallRows;
  readonly batches: Batches;
  readonly outcome: Outcome;
  readonly archive: Archive;
  readonly snapshots: Snapshots;
  readonly pinned: Pinned;
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.call = new CallRows(tables);
    this.batches = new Batches(tables, this.call.find()?.sessions ?? 0);
    this.outcome = new Outcome(tables);
    this.archive = new Archive(tables);
    this.snapshots = new Snapshots(tables);
    this.pinned = new Pinned(tables);
  }

  beginSession(nowMs: number): void {
    this.batches.beginSession();
    this.call.countSession(nowMs);
  }

  /** Writes what waits: the snapshot with the events that it knows of, or neither. */
  flush(): void {
    this.#tables.transaction(() => {
      this.batches.write();
      this.snapshots.write();
    });
    this.batches.onWritten();
    this.snapshots.onWritten();
  }

  /**
   * Writes the outcome and what still waits; a recording that was cut is closed. Returns false, and writes no outcome,
   * if the call has one.
   */
  finish(summary: string, nowMs: number): boolean {
    this.flush();
    if (!this.#tables.exist || this.outcome.isWritten()) return false;
    this.batches.closeRecording();
    this.snapshots.clear();
    return this.outcome.write(summary, nowMs);
  }

  /** Drops the bytes that have been delivered and keeps the events. */
  compact(): void {
    this.archive.clear();
    this.batches.compact();
  }

  /** Drops what the call sounded like, delivered or not: the recording and the flight record. */
  eraseAudio(): void {
    this.batches.eraseAudio();
    this.archive.clear();
    this.outcome.eraseAudio();
  }

  /** Drops all that was said and who said it; that there was a call, and how it ended, stays. */
  erase(): void {
    this.archive.clear();
    this.batches.erase();
    this.call.erase();
  }
}
