import { type ByteSource, byteSource } from "./bytes.ts";
import { ARCHIVE_TABLE } from "./schema.ts";
import type { Tables } from "./tables.ts";

/** The flight record as it is to be stored: its length must be known before it goes anywhere. */
export class Archive {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Whoever drops a table pays no row for it. */
  clear(): void {
    if (this.#tables.rows("SELECT frame FROM archive LIMIT 1").length === 0) return;
    this.#tables.rows("DROP TABLE archive");
    this.#tables.rows(ARCHIVE_TABLE);
  }

  add(bytes: Uint8Array<ArrayBuffer>): void {
    this.#tables.rows("INSERT INTO archive (bytes) VALUES (?)", bytes.buffer);
  }

  source(): ByteSource {
    return byteSource(this.#tables, { table: "archive", key: "frame", column: "bytes" });
  }
}
