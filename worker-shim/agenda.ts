import type { Tables } from "./records/tables.ts";

/**
 * What the alarm is for.
 *
 * `heartbeat`: the lease is renewed. `grace`: a call without a session is given up. `delivery`: what is to be told goes
 * out. `retention`: what was said is forgotten. `deletion`: nothing of the call is left, told or not.
 */
export type Errand = "heartbeat" | "grace" | "delivery" | "retention" | "deletion";

export interface AgendaOptions {
  readonly tables: Tables;
  nowMs(): number;
  /** Replaces the object's only alarm. */
  setAlarm(atMs: number): void;
}

/**
 * Why the object's one alarm goes off, and when: each errand has one due time, the least of them is the alarm.
 *
 * It is stored with every change, so that the next object knows it when this one is lost. There must be tables before
 * something is put on it.
 */
export class Agenda {
  readonly #options: AgendaOptions;
  readonly #dueMs = new Map<Errand, number>();
  /** What the alarm is set to; undefined where that is not known. */
  #armedMs: number | undefined;

  constructor(options: AgendaOptions) {
    this.#options = options;
    if (!options.tables.exist) return;
    const rows = options.tables.rows<{ errand: Errand; dueMs: number }>("SELECT errand, dueMs FROM agenda");
    for (const { errand, dueMs } of rows) this.#dueMs.set(errand, dueMs);
  }

  /** Undefined if it is not on the agenda. */
  dueMs(errand: Errand): number | undefined {
    return this.#dueMs.get(errand);
  }

  set(errand: Errand, dueMs: number): void {
    if (this.#dueMs.get(errand) !== dueMs) {
      this.#options.tables.rows("INSERT OR REPLACE INTO agenda (errand, dueMs) VALUES (?, ?)", errand, dueMs);
      this.#dueMs.set(errand, dueMs);
    }
    this.arm();
  }

  /** The alarm stays as it is: one that comes for nothing does no harm. */
  clear(...errands: readonly Errand[]): void {
    for (const errand of errands)
      if (this.#dueMs.delete(errand)) this.#options.tables.rows("DELETE FROM agenda WHERE errand = ?", errand);
  }

  /** What is due, the longest overdue first. Each stays until it is set anew or cleared. */
  due(): Errand[] {
    const nowMs = this.#options.nowMs();
    const due = [...this.#dueMs].filter(([, atMs]) => atMs <= nowMs);
    return due.sort(([, a], [, b]) => a - b).map(([errand]) => errand);
  }

  /** The alarm has gone off: there is none until something arms it. */
  onAlarm(): void {
    this.#armedMs = undefined;
  }

  /** Sees to it that the alarm comes for the least due. */
  arm(): void {
    if (this.#dueMs.size === 0) return;
    const leastMs = Math.min(...this.#dueMs.values());
    if (leastMs === this.#armedMs) return;
    this.#armedMs = leastMs;
    this.#options.setAlarm(Math.max(leastMs, this.#options.nowMs()));
  }

  /** The tables are gone. */
  forget(): void {
    this.#dueMs.clear();
    this.#armedMs = undefined;
  }
}
