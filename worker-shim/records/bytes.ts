import type { Tables } from "./tables.ts";

/** Bytes of a known length that can be read again and again, a piece at a time. */
export interface ByteSource {
  readonly length: number;
  read(): Iterable<Uint8Array>;
}

/** Where bytes lie: a column of a table, in the order of a key from 0. */
export interface BytePlace {
  readonly table: string;
  readonly key: string;
  readonly column: string;
}

export function byteSource(tables: Tables, { table, key, column }: BytePlace): ByteSource {
  const [sum] = tables.rows<{ bytes: number | null }>(`SELECT SUM(LENGTH(${column})) AS bytes FROM ${table}`);
  const next = (after: number) =>
    tables.rows<{ place: number; bytes: ArrayBuffer }>(
      `SELECT ${key} AS place, ${column} AS bytes FROM ${table}
       WHERE ${key} > ? AND ${column} IS NOT NULL ORDER BY ${key} LIMIT 1`,
      after,
    )[0];
  return {
    length: sum?.bytes ?? 0,
    *read() {
      for (let row = next(-1); row; row = next(row.place)) yield new Uint8Array(row.bytes);
    },
  };
}

/** All chunks as one value of SQLite; null for none. */
export function blob(chunks: readonly Uint8Array[]): ArrayBuffer | null {
  if (chunks.length === 0) return null;
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes.buffer;
}
