import { Archive } from "./archive.ts";
import { Batches } from "./batches.ts";
import type { ByteSource } from "./bytes.ts";
import { CallRows } from "./call-row.ts";
import { Outcome } from "./outcome.ts";
import { Pinned } from "./pinned.ts";
import { SealedInputs } from "./sealed-inputs.ts";
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
  readonly inputs: SealedInputs;
  readonly #tables: Tables;

  constructor(tables: Tables, nowMs: () => number = Date.now) {
    this.#tables = tables;
    this.call = new CallRows(tables);
    this.batches = new Batches(tables, this.call.find()?.sessions ?? 0, nowMs);
    this.outcome = new Outcome(tables);
    this.archive = new Archive(tables);
    this.snapshots = new Snapshots(tables);
    this.pinned = new Pinned(tables);
    this.inputs = new SealedInputs(this.batches);
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
    return this.outcome.write(summary, nowMs, this.hasInputs);
  }

  /** Whether there are inputs, stored or on their way. */
  get hasInputs(): boolean {
    return this.inputs.isBusy || this.batches.source("inputs").length > 0;
  }

  /** All inputs, when the last is stored. */
  async storedInputs(): Promise<ByteSource> {
    await this.inputs.settled();
    this.flush();
    return this.batches.source("inputs");
  }

  /** Drops the bytes that have been delivered and keeps the events. */
  compact(): void {
    this.archive.clear();
    this.batches.compact();
  }

  /** Drops what the call sounded like, delivered or not: the recording and the flight record. */
  eraseAudio(): void {
    this.inputs.drop();
    this.batches.eraseAudio();
    this.archive.clear();
    this.outcome.eraseAudio();
  }

  /** Drops all that was said and who said it; that there was a call, and how it ended, stays. */
  erase(): void {
    this.inputs.drop();
    this.archive.clear();
    this.batches.erase();
    this.call.erase();
  }
}
