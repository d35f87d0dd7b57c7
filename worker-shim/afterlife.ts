import type { Agenda } from "./agenda.ts";
import type { Deliveries } from "./deliveries.ts";
import { errorFields } from "./ports/log.ts";
import type { Log } from "./ports.ts";
import type { CallRecords } from "./records/call-records.ts";
import type { CallRow } from "./records/call-row.ts";
import type { Outbox } from "./records/outbox.ts";
import type { Tables } from "./records/tables.ts";

/** While deliveries are under way: when they are looked after if the object is lost over them. */
const DELIVERY_GUARD_MS = 30_000;
/** After the retention: how long a destination is still asked to forget. */
export const EXPIRY_GRACE_MS = 7 * 24 * 3600 * 1000;
/**
 * How long it is known of a call that is deleted that there was one. A webhook of the carrier's has no date: signed once, it
 * is as good years later, and would begin the call anew. What is known is the call's id, by its object's name, and this
 * time: a row in a storage of its own.
 */
export const MARK_MS = 365 * 24 * 3600 * 1000;
/** The least time from deliveries to the next ones. */
const MIN_DELIVERY_GAP_MS = 50;

/** What became of a wish to have something forgotten. */
export type Erasure = "begun" | "live" | "unknown";

export interface AfterlifeOptions {
  readonly tables: Tables;
  readonly records: CallRecords;
  readonly agenda: Agenda;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly retentionMs: number;
  readonly log: Log;
  nowMs(): number;
  deleteAll(): Promise<void>;
  /** Replaces the object's only alarm. */
  setAlarm(atMs: number): void;
  background(work: Promise<void>): void;
}

/** What becomes of a call's record: it is delivered, then it expires or is erased, and at last it is deleted. */
export class Afterlife {
  readonly #options: AfterlifeOptions;

  constructor(options: AfterlifeOptions) {
    this.#options = options;
  }

  /** The object was made anew: the agenda has what the records and the settings of today say. */
  wake(row: CallRow): void {
    const { agenda, outbox, retentionMs } = this.#options;
    const deliveryMs = outbox.nextDueMs();
    if (deliveryMs === undefined) agenda.clear("delivery");
    else agenda.set("delivery", deliveryMs);
    if (row.outcome === undefined) return;
    if (row.erased) this.#setDeletion(row);
    else agenda.set("retention", row.endedMs + retentionMs);
  }

  /** The call's first session begins. */
  announceStart(): void {
    const { agenda, deliveries, outbox, nowMs } = this.#options;
    deliveries.announceStart(outbox);
    if (outbox.nextDueMs() !== undefined) agenda.set("delivery", nowMs());
  }

  /** The call has its outcome. */
  begin(endedMs: number): void {
    const { agenda, deliveries, outbox, retentionMs } = this.#options;
    deliveries.announceEnd(outbox);
    agenda.clear("heartbeat", "grace");
    agenda.set("retention", endedMs + retentionMs);
    if (outbox.nextDueMs() !== undefined) this.#deliverNow();
  }

  /** Forgets the recording, or the call as a whole, here and wherever it was delivered. */
  erase(row: CallRow | undefined, what: "recording" | "call"): Erasure {
    if (!row || row.erased) return "unknown";
    if (row.outcome === undefined) return "live";
    const { agenda, deliveries, outbox, records } = this.#options;
    if (what === "recording") records.eraseAudio();
    else records.erase();
    deliveries.announceErasure(outbox, what);
    if (what === "call") {
      agenda.clear("retention");
      this.#setDeletion(row);
    }
    this.#deliverNow();
    return "begun";
  }

  /** Delivers what is due, and drops what was delivered. */
  async deliver(): Promise<void> {
    const { agenda, outbox, records, nowMs } = this.#options;
    agenda.set("delivery", nowMs() + DELIVERY_GUARD_MS);
    await outbox.run();
    // Meanwhile the call may have ended, or its record may be gone.
    const row = records.call.find();
    if (!row) return;
    const isOver = row.outcome !== undefined;
    const { waiting } = outbox;
    if (isOver && waiting.every(({ sink }) => sink !== "bucket") && records.batches.hasBytes()) records.compact();
    const dueMs = outbox.nextDueMs();
    if (dueMs !== undefined) {
      agenda.set("delivery", Math.max(dueMs, nowMs() + MIN_DELIVERY_GAP_MS));
      return;
    }
    agenda.clear("delivery");
    agenda.arm();
    if (row.erased) await this.delete(row);
  }

  /** The retention is over: what was said goes, here and where only this object knows of it. */
  async expire(row: CallRow): Promise<void> {
    const { agenda, deliveries, outbox, records } = this.#options;
    this.#noteUndone();
    records.erase();
    deliveries.announceExpiry(outbox);
    agenda.clear("retention");
    this.#setDeletion(row);
    await this.deliver();
  }

  /** Whether there was a call, of which nothing is known any more. */
  get isForgotten(): boolean {
    return this.#options.tables.forgottenUntilMs !== undefined;
  }

  /** Deletes the record as a whole. A call that its carrier can announce again leaves the mark that it was. */
  async delete({ carrierCallId }: CallRow): Promise<void> {
    const { agenda, tables, deleteAll, nowMs } = this.#options;
    this.#noteUndone();
    await tables.whileDeleting(deleteAll, carrierCallId === "" ? undefined : nowMs() + MARK_MS);
    agenda.forget();
    await this.keepMark();
  }

  /** Sees to it that the mark of a forgotten call goes when its time is over. Without one it does nothing. */
  async keepMark(): Promise<void> {
    const { tables, deleteAll, nowMs, setAlarm } = this.#options;
    const untilMs = tables.forgottenUntilMs;
    if (untilMs === undefined) return;
    if (nowMs() >= untilMs) await tables.whileDeleting(deleteAll);
    else setAlarm(untilMs);
  }

  #setDeletion({ endedMs }: CallRow): void {
    const { agenda, retentionMs } = this.#options;
    agenda.set("deletion", endedMs + retentionMs + EXPIRY_GRACE_MS);
  }

  /**
   * Not by the alarm, which may still wait for a destination that hangs. The agenda has it as well, for the next object
   * if this one is lost. In a later task: the core's effects may still be under way.
   */
  #deliverNow(): void {
    const { agenda, background, log, nowMs } = this.#options;
    agenda.set("delivery", nowMs());
    const work = Promise.resolve().then(() => this.deliver());
    background(work.catch((error) => log.error("what is to be told waits", errorFields(error))));
  }

  #noteUndone(): void {
    const { log, outbox } = this.#options;
    const { waiting } = outbox;
    if (waiting.length > 0) log.error("a call's record ends with deliveries undone", { deliveries: waiting.length });
  }
}
