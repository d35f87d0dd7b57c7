import type { SessionEvents } from "../call-events.ts";
import { endStream, OggError, type OggPage, oggPages } from "../ogg.ts";
import { type ByteSource, blob, byteSource } from "./bytes.ts";
import { BATCH_TABLE } from "./schema.ts";
import type { Tables } from "./tables.ts";

/** A batch goes to storage when it is this old or this long; one with pages of the recording sooner. */
export const FLUSH_INTERVAL_MS = 1_000;
export const PAGES_FLUSH_MS = 50;
/** While somebody speaks the object writes at least so often. Pages of a recording come sooner. */
export const ALIVE_INTERVAL_MS = 1_500;
export const MAX_BATCH_CHARACTERS = 64 * 1024;
/** A row holds less than 2 MB; bytes of a batch beyond this go to a row of their own. */
export const MAX_BATCH_BYTES = 1024 * 1024;
/** All events of a call, characters. Overflow: later events are dropped and counted; observers still get them. */
export const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024;

type BytesColumn = "pages" | "inputs";

/**
 * Events, pages of the recording and inputs of one call. They wait in memory until `flush`, which writes one row for all
 * of them.
 */
export class Batches {
  readonly #tables: Tables;
  readonly #nowMs: () => number;
  #lines: string[] = [];
  #lineCharacters = 0;
  #pages: Uint8Array[] = [];
  #granule: number | null = null;
  #inputs: Uint8Array[] = [];
  #bytes = 0;
  #session: number;
  #storedCharacters = 0;
  #droppedEvents = 0;
  /** Counts the tables that there were. */
  #table = 0;

  /** `session` is the number of the last one so far, 0 before the first. */
  constructor(tables: Tables, session: number, nowMs: () => number = Date.now) {
    this.#tables = tables;
    this.#nowMs = nowMs;
    this.#session = session;
    if (!tables.exist) return;
    const [sum] = tables.rows<{ characters: number | null }>("SELECT SUM(LENGTH(lines)) AS characters FROM batch");
    this.#storedCharacters = sum?.characters ?? 0;
  }

  /** What comes before the first session is told with it. */
  get #stored(): number {
    return Math.max(1, this.#session);
  }

  /** Events that found no room since this object was made. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  /** A flush is due as soon as the input is done with, and the snapshot that knows of its events is here. */
  get isFull(): boolean {
    return this.#lineCharacters >= MAX_BATCH_CHARACTERS;
  }

  /** What comes from here on belongs to the next session. */
  beginSession(): void {
    this.flush();
    this.#session++;
  }

  addEvent(json: string): void {
    const characters = json.length + 1;
    if (this.#storedCharacters + this.#lineCharacters + characters > MAX_EVENT_CHARACTERS) {
      this.#droppedEvents++;
      return;
    }
    this.#lines.push(json);
    this.#lineCharacters += characters;
    if (this.#lineCharacters >= MAX_BATCH_BYTES / 2) this.flush();
  }

  /** Whole pages of the recording up to `granule`. */
  addPages(granule: number, pages: Uint8Array): void {
    this.#makeRoom(pages.length);
    this.#pages.push(pages);
    this.#granule = granule;
  }

  /** A piece of the flight record, at most MAX_BATCH_BYTES. */
  addInputs(inputs: Uint8Array): void {
    this.#makeRoom(inputs.length);
    this.#inputs.push(inputs);
  }

  flush(): void {
    this.write();
    this.onWritten();
  }

  /** The first half of `flush`, for a transaction; what waits is kept until the second. */
  write(): void {
    if (!this.isWaiting) return;
    this.#tables.rows(
      "INSERT INTO batch (session, lines, granule, pages, inputs, storedMs) VALUES (?, ?, ?, ?, ?, ?)",
      this.#stored,
      this.#lines.length > 0 ? this.#lines.join("\n") : null,
      this.#granule,
      blob(this.#pages),
      blob(this.#inputs),
      this.#nowMs(),
    );
  }

  /** Writes that the object lives, and nothing else. */
  writeAlive(): void {
    const last = "SELECT batch FROM batch ORDER BY batch DESC LIMIT 1";
    const query = `UPDATE batch SET storedMs = ? WHERE batch = (${last}) RETURNING batch`;
    if (this.#tables.rows(query, this.#nowMs()).length > 0) return;
    this.#tables.rows("INSERT INTO batch (session, storedMs) VALUES (?, ?)", this.#session, this.#nowMs());
  }

  /**
   * When the object has last written something here, epoch ms; undefined where that was not noted. `openedMs`, when the
   * first session was opened, is the least: what comes before it may be all that is here.
   */
  storedMs(openedMs: number | undefined): number | undefined {
    const query = "SELECT storedMs FROM batch ORDER BY batch DESC LIMIT 1";
    const [row] = this.#tables.rows<{ storedMs: number | null }>(query);
    if (!row) return openedMs;
    return row.storedMs === null ? undefined : Math.max(row.storedMs, openedMs ?? 0);
  }

  /** Whether there is something to write. */
  get isWaiting(): boolean {
    return this.#lines.length + this.#pages.length + this.#inputs.length > 0;
  }

  /** What was written is stored. */
  onWritten(): void {
    this.#storedCharacters += this.#lineCharacters;
    this.#forgetWaiting();
  }

  /** Every event so far, oldest first. */
  events(): string[] {
    return this.eventsBySession().flatMap(({ events }) => events);
  }

  /**
   * Every event but the first `skip`, oldest first, a row of them in memory at a time. Whoever takes his time finds what
   * has come meanwhile, wherever it is by then.
   */
  *eventsAfter(skip: number): Generator<string> {
    let [taken, table, batch, before] = [skip, this.#table, -1, 0];
    for (;;) {
      // The rows were packed anew: from the first one again.
      if (table !== this.#table) [table, batch, before] = [this.#table, -1, 0];
      const query = "SELECT batch, lines FROM batch WHERE batch > ? AND lines IS NOT NULL ORDER BY batch LIMIT 1";
      const [row] = this.#tables.exist ? this.#tables.rows<{ batch: number; lines: string }>(query, batch) : [];
      const lines: readonly string[] = row
        ? row.lines.split("\n")
        : this.#lines.slice(taken - before, taken - before + 1);
      if (lines.length === 0) return;
      const from = row ? Math.max(0, taken - before) : 0;
      if (row) [batch, before] = [row.batch, before + lines.length];
      for (const line of lines.slice(from)) {
        taken++;
        yield line;
      }
    }
  }

  /** Sessions from 1, oldest first. */
  eventsBySession(): SessionEvents[] {
    if (!this.#tables.exist) return [];
    const batches = this.#tables
      .rows<{ session: number; lines: string }>(
        "SELECT session, lines FROM batch WHERE lines IS NOT NULL ORDER BY batch",
      )
      .map(({ session, lines }) => ({ session, events: lines.split("\n") }));
    batches.push({ session: this.#stored, events: [...this.#lines] });
    const sessions: { readonly session: number; readonly events: string[] }[] = [];
    for (const { session, events } of batches) {
      if (sessions.at(-1)?.session !== session) sessions.push({ session, events: [] });
      sessions.at(-1)?.events.push(...events);
    }
    return sessions.filter(({ events }) => events.length > 0);
  }

  /** All pages of the recording, or the whole flight record, row by row. */
  source(column: BytesColumn): ByteSource {
    return byteSource(this.#tables, { table: "batch", key: "batch", column });
  }

  /** Whether there are bytes that `compact` would drop. */
  hasBytes(): boolean {
    const query = "SELECT batch FROM batch WHERE pages IS NOT NULL OR inputs IS NOT NULL LIMIT 1";
    return this.#tables.rows(query).length > 0;
  }

  /** The last page of the recording that was stored; undefined if there is none. */
  lastPage(): OggPage | undefined {
    const row = this.#lastPages();
    if (!row) return undefined;
    try {
      return [...oggPages(row.pages)].at(-1);
    } catch (error) {
      if (error instanceof OggError) return undefined;
      throw error;
    }
  }

  /** A recording that no session ended is told to end where it is; one of nothing but headers is none. */
  closeRecording(): void {
    const [sum] = this.#tables.rows<{ granule: number | null }>("SELECT MAX(granule) AS granule FROM batch");
    if (sum?.granule === 0) this.#tables.rows("UPDATE batch SET pages = NULL, granule = NULL");
    const row = this.#lastPages();
    let ended: Uint8Array<ArrayBuffer> | undefined;
    try {
      ended = row && endStream(row.pages);
    } catch (error) {
      // What is no page cannot be mended; the outcome matters more.
      if (!(error instanceof OggError)) throw error;
    }
    if (row && ended) this.#tables.rows("UPDATE batch SET pages = ? WHERE batch = ?", ended.buffer, row.batch);
  }

  /**
   * Drops the bytes that have been delivered and keeps the events: whoever drops a table pays no row for it, and what is
   * kept goes into as few rows as hold it.
   */
  compact(): void {
    const sessions = this.eventsBySession();
    this.#replaceTable();
    for (const { session, events } of sessions) {
      let lines: string[] = [];
      let characters = 0;
      const write = () => {
        const query = "INSERT INTO batch (session, lines) VALUES (?, ?)";
        if (lines.length > 0) this.#tables.rows(query, session, lines.join("\n"));
        lines = [];
        characters = 0;
      };
      for (const event of events) {
        if (characters + event.length > MAX_BATCH_BYTES / 2) write();
        lines.push(event);
        characters += event.length + 1;
      }
      write();
    }
  }

  /** Drops the recording and the flight record. */
  eraseAudio(): void {
    this.#tables.rows(
      "UPDATE batch SET pages = NULL, granule = NULL, inputs = NULL WHERE pages IS NOT NULL OR inputs IS NOT NULL",
    );
  }

  erase(): void {
    this.#forgetWaiting();
    this.#replaceTable();
  }

  #replaceTable(): void {
    this.#table++;
    this.#tables.rows("DROP TABLE batch");
    this.#tables.rows(BATCH_TABLE);
  }

  #forgetWaiting(): void {
    this.#lines = [];
    this.#lineCharacters = 0;
    this.#pages = [];
    this.#granule = null;
    this.#inputs = [];
    this.#bytes = 0;
  }

  #makeRoom(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > MAX_BATCH_BYTES) this.flush();
    this.#bytes += bytes;
  }

  #lastPages(): { readonly batch: number; readonly pages: Uint8Array } | undefined {
    const [row] = this.#tables.rows<{ batch: number; pages: ArrayBuffer }>(
      "SELECT batch, pages FROM batch WHERE pages IS NOT NULL ORDER BY batch DESC LIMIT 1",
    );
    return row && { batch: row.batch, pages: new Uint8Array(row.pages) };
  }
}
