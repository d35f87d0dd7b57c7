import type { SqlDatabase, SqlValue } from "../ports.ts";
import { MARK_TABLE, SCHEMA_VERSION, STEPS } from "./schema.ts";

/** An object's SQLite. */
export interface ObjectDatabase extends SqlDatabase {
  /** Everything that `work` writes, or nothing of it if it throws. */
  transaction<T>(work: () => T): T;
}

/** The object's tables were made by a later version of this code. They are left as they are. */
export class SchemaError extends Error {
  readonly code = "schema";
  override readonly name = "SchemaError";
}

/**
 * The tables of a call's object. There are none before `create`: asking for a call that does not exist leaves no storage
 * behind.
 */
export class Tables {
  readonly #database: ObjectDatabase;
  #exist = false;
  #forgottenUntilMs: number | undefined;

  /** Brings the tables that are there to the present version. @throws {SchemaError} if they are of a later one */
  constructor(database: ObjectDatabase) {
    this.#database = database;
    const version = this.#read();
    if (version > SCHEMA_VERSION)
      throw new SchemaError(`the tables are of version ${version}, the latest known is ${SCHEMA_VERSION}`);
    if (version > 0 && version < SCHEMA_VERSION) this.#upgrade(version);
  }

  /** Whether there are any. Without them a query is an error. */
  get exist(): boolean {
    return this.#exist;
  }

  /** The call was forgotten, and until when that is known, epoch ms; undefined where it was not. */
  get forgottenUntilMs(): number | undefined {
    return this.#forgottenUntilMs;
  }

  create(): void {
    if (this.#exist) return;
    this.#upgrade(0);
    this.#exist = true;
  }

  rows<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray();
  }

  /** Everything that `work` writes, or nothing of it if it throws. */
  transaction(work: () => void): void {
    this.#database.transaction(work);
  }

  /**
   * While `work` deletes the whole storage there are no tables, and afterwards neither, if it has succeeded: then all that
   * is left is the mark that there was a call, until `forgottenUntilMs`; without that nothing is.
   */
  async whileDeleting(work: () => Promise<void>, forgottenUntilMs?: number): Promise<void> {
    this.#exist = false;
    this.#forgottenUntilMs = forgottenUntilMs;
    try {
      await work();
      if (forgottenUntilMs !== undefined)
        this.#database.transaction(() => {
          this.rows(MARK_TABLE);
          this.rows("INSERT INTO forgotten (untilMs) VALUES (?)", forgottenUntilMs);
        });
    } finally {
      this.#read();
    }
  }

  #upgrade(version: number): void {
    this.#database.transaction(() => {
      for (const step of STEPS.slice(version)) for (const statement of step) this.rows(statement);
      this.rows("UPDATE schema SET version = ?", SCHEMA_VERSION);
    });
  }

  /** Finds what there is; returns the version, 0 without tables. Version 1 did not say which it was. */
  #read(): number {
    const tables = this.rows<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('schema', 'batch', 'forgotten')",
    ).map(({ name }) => name);
    const [mark] = tables.includes("forgotten") ? this.rows<{ untilMs: number }>("SELECT untilMs FROM forgotten") : [];
    this.#forgottenUntilMs = mark?.untilMs;
    const version = this.#version(tables);
    this.#exist = version > 0;
    return version;
  }

  #version(tables: readonly string[]): number {
    if (!tables.includes("schema")) return tables.includes("batch") ? 1 : 0;
    return this.rows<{ version: number }>("SELECT version FROM schema")[0]?.version ?? 0;
  }
}
