import type { SnapshotPort, SqlDatabase } from "../ports.ts";

const TABLE = `CREATE TABLE IF NOT EXISTS snapshot (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  text TEXT NOT NULL
)`;

/**
 * The last snapshot of a call in its object's SQLite, in a row of its own.
 *
 * It waits in memory until `flush`, which is to be called with the batch of the events that it knows of: both are written
 * or neither. A call without snapshots has no table of them.
 */
export class CallSnapshots implements SnapshotPort {
  readonly #sql: SqlDatabase;
  readonly #onChange: () => void;
  #waiting: string | undefined;

  /** `onChange`: something waits. */
  constructor(sql: SqlDatabase, onChange: () => void) {
    this.#sql = sql;
    this.#onChange = onChange;
  }

  snapshot(text: string): void {
    this.#waiting = text;
    this.#onChange();
  }

  /** The last one that was written, verbatim. */
  last(): string | undefined {
    if (!this.#hasTable()) return undefined;
    return this.#sql.exec<{ text: string }>("SELECT text FROM snapshot").toArray()[0]?.text;
  }

  flush(): void {
    if (this.#waiting === undefined) return;
    this.#sql.exec(TABLE).toArray();
    this.#sql.exec("INSERT OR REPLACE INTO snapshot (one, text) VALUES (1, ?)", this.#waiting).toArray();
    this.#waiting = undefined;
  }

  /** The call is over: nobody goes on from here, and what was said in it is not kept twice. */
  clear(): void {
    this.#waiting = undefined;
    if (this.#hasTable()) this.#sql.exec("DROP TABLE snapshot").toArray();
  }

  #hasTable(): boolean {
    const query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'snapshot'";
    return this.#sql.exec(query).toArray().length > 0;
  }
}
