import type { Tables } from "./tables.ts";

/**
 * The last snapshot of a call that goes on, for the session that follows if the object is lost.
 *
 * It waits in memory until it is written with the batch of the events that it knows of, in one transaction.
 */
export class Snapshots {
  readonly #tables: Tables;
  #waiting: string | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** In place of the former one. */
  keep(text: string): void {
    this.#waiting = text;
  }

  write(): void {
    if (this.#waiting === undefined) return;
    this.#tables.rows("INSERT OR REPLACE INTO snapshot (one, text) VALUES (1, ?)", this.#waiting);
  }

  /** What was written is stored. */
  onWritten(): void {
    this.#waiting = undefined;
  }

  /** The last one that was written, verbatim. */
  last(): string | undefined {
    return this.#tables.rows<{ text: string }>("SELECT text FROM snapshot")[0]?.text;
  }

  /** The call is over: nobody goes on from here, and what was said in it is not kept twice. */
  clear(): void {
    this.#waiting = undefined;
    this.#tables.rows("DELETE FROM snapshot");
  }
}
