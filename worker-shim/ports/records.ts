import type { SessionEvents } from "../call-events.ts";
import { endStream, GRANULES_PER_MS, OggError, type OggPage, oggPages, preSkipOf } from "../ogg.ts";
import type { SqlDatabase, SqlValue } from "../ports.ts";
import type { Recording } from "../recording.ts";

/** A batch goes to storage when it is this old or this long; one with pages of the recording sooner. */
export const FLUSH_INTERVAL_MS = 1_000;
export const PAGES_FLUSH_MS = 50;
export const MAX_BATCH_CHARACTERS = 64 * 1024;
/** A row holds less than 2 MB; bytes of a batch beyond this go to a row of their own. */
export const MAX_BATCH_BYTES = 1024 * 1024;
/** All events of a call, characters. Overflow: later events are dropped and counted; observers still get them. */
export const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024;

export type Authorization = "required" | "none";

/** What is known of a call before its leg comes. */
export interface ExpectedCall {
  readonly callId: string;
  /** Empty if the webhook brought none, which only an unauthenticated one may. */
  readonly callSid: string;
  readonly agent: string;
  readonly authorization: Authorization;
  readonly from: string;
  readonly to: string;
}

export interface CallRow extends ExpectedCall {
  /** When the call was announced, epoch ms. */
  readonly createdMs: number;
  /** Sessions opened so far; more than one if the object was lost in between. */
  readonly sessions: number;
  /** Serial number of the last token made, and of the last one used. */
  readonly issuedSerial: number;
  readonly usedSerial: number;
  /** When a call without a session is given up, epoch ms; 0 while there is a session. */
  readonly graceUntilMs: number;
  /** JSON of ENDED, undefined while the call is not over. */
  readonly outcome: string | undefined;
  /** When the outcome was written, epoch ms. */
  readonly endedMs: number;
  /** Whether the call is to be forgotten. */
  readonly erased: boolean;
}

/** Bytes of a known length that can be read again and again, a piece at a time. */
export interface ByteSource {
  readonly length: number;
  read(): Iterable<Uint8Array>;
}

type Columns = {
  callId: string;
  callSid: string;
  agent: string;
  authorization: string;
  fromNumber: string;
  toNumber: string;
  createdMs: number;
  sessions: number;
  issuedSerial: number;
  usedSerial: number;
  graceUntilMs: number;
  outcome: string | null;
  endedMs: number | null;
  erased: number;
};

type BytesColumn = "pages" | "inputs";

// One row a batch: rows are what costs. `lines` is JSON text of each event, a
// line each; `pages` are Ogg pages up to `granule`; `inputs` are the flight
// log's.
const BATCH = `CREATE TABLE IF NOT EXISTS batch (
  batch INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  lines TEXT,
  granule INTEGER,
  pages BLOB,
  inputs BLOB
)`;

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS call (
     callId TEXT PRIMARY KEY,
     callSid TEXT NOT NULL,
     agent TEXT NOT NULL,
     authorization TEXT NOT NULL,
     fromNumber TEXT NOT NULL,
     toNumber TEXT NOT NULL,
     createdMs INTEGER NOT NULL,
     sessions INTEGER NOT NULL DEFAULT 0,
     issuedSerial INTEGER NOT NULL DEFAULT 0,
     usedSerial INTEGER NOT NULL DEFAULT 0,
     graceUntilMs INTEGER NOT NULL,
     erased INTEGER NOT NULL DEFAULT 0
   )`,
  `CREATE TABLE IF NOT EXISTS outcome (
     callId TEXT PRIMARY KEY,
     endedMs INTEGER NOT NULL,
     summary TEXT NOT NULL,
     recording TEXT,
     flight INTEGER NOT NULL
   )`,
  BATCH,
];

/**
 * The record of one call in its object's SQLite.
 *
 * Nothing is written before `create`: asking for a call that does not exist leaves no storage behind. Events, pages and
 * inputs wait in memory until `flush`, which writes one row for all of them; everything else is written at once.
 */
export class CallRecords {
  readonly #sql: SqlDatabase;
  #lines: string[] = [];
  #lineCharacters = 0;
  #pages: Uint8Array[] = [];
  #granule: number | null = null;
  #inputs: Uint8Array[] = [];
  #bytes = 0;
  #session = 0;
  #storedCharacters = 0;
  #droppedEvents = 0;
  #hasTables: boolean;

  constructor(sql: SqlDatabase) {
    this.#sql = sql;
    this.#hasTables = this.#findTables();
    if (!this.#hasTables) return;
    const [sum] = this.#rows<{ characters: number | null }>("SELECT SUM(LENGTH(lines)) AS characters FROM batch");
    this.#storedCharacters = sum?.characters ?? 0;
    this.#session = this.find()?.sessions ?? 0;
  }

  /** While `work` deletes the whole storage there is no call, and afterwards neither, if it has succeeded. */
  async whileDeleting(work: () => Promise<void>): Promise<void> {
    this.#hasTables = false;
    try {
      await work();
    } finally {
      this.#hasTables = this.#findTables();
    }
  }

  /** Events that found no room since this object was made. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  find(): CallRow | undefined {
    if (!this.#hasTables) return undefined;
    const [row] = this.#rows<Columns>(
      `SELECT call.*, outcome.summary AS outcome, outcome.endedMs AS endedMs
       FROM call LEFT JOIN outcome USING (callId)`,
    );
    if (!row) return undefined;
    const { fromNumber, toNumber, outcome, endedMs, authorization, erased, ...rest } = row;
    return {
      ...rest,
      authorization: authorization === "none" ? "none" : "required",
      from: fromNumber,
      to: toNumber,
      outcome: outcome ?? undefined,
      endedMs: endedMs ?? 0,
      erased: erased !== 0,
    };
  }

  /** Begins the record; a call that has one keeps it. */
  create(call: ExpectedCall, nowMs: number, graceUntilMs: number): void {
    if (!this.#hasTables) for (const statement of SCHEMA) this.#rows(statement);
    this.#hasTables = true;
    this.#rows(
      `INSERT OR IGNORE INTO call
         (callId, callSid, agent, authorization, fromNumber, toNumber, createdMs, graceUntilMs)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      call.callId,
      call.callSid,
      call.agent,
      call.authorization,
      call.from,
      call.to,
      nowMs,
      graceUntilMs,
    );
  }

  /** Returns the serial number of a new token, from 1, which must be used before the grace is over. */
  issueToken(graceUntilMs: number): number {
    const [row] = this.#rows<{ issuedSerial: number }>(
      `UPDATE call SET issuedSerial = issuedSerial + 1, graceUntilMs = MAX(graceUntilMs, ?) RETURNING issuedSerial`,
      graceUntilMs,
    );
    if (!row) throw new Error("a token for no call");
    return row.issuedSerial;
  }

  /** Returns true the first time, and only if no later token was used before. */
  useToken(serial: number): boolean {
    const used = this.#rows("UPDATE call SET usedSerial = ? WHERE usedSerial < ? RETURNING usedSerial", serial, serial);
    return used.length > 0;
  }

  beginSession(): void {
    this.flush();
    this.#rows("UPDATE call SET sessions = sessions + 1, graceUntilMs = 0");
    this.#session++;
  }

  setGrace(untilMs: number): void {
    this.#rows("UPDATE call SET graceUntilMs = ?", untilMs);
  }

  addEvent(json: string): void {
    const characters = json.length + 1;
    if (this.#storedCharacters + this.#lineCharacters + characters > MAX_EVENT_CHARACTERS) {
      this.#droppedEvents++;
      return;
    }
    this.#lines.push(json);
    this.#lineCharacters += characters;
    if (this.#lineCharacters >= MAX_BATCH_CHARACTERS) this.flush();
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
    if (this.#lines.length + this.#pages.length + this.#inputs.length === 0) return;
    this.#rows(
      "INSERT INTO batch (session, lines, granule, pages, inputs) VALUES (?, ?, ?, ?, ?)",
      this.#session,
      this.#lines.length > 0 ? this.#lines.join("\n") : null,
      this.#granule,
      blob(this.#pages),
      blob(this.#inputs),
    );
    this.#storedCharacters += this.#lineCharacters;
    this.#lines = [];
    this.#lineCharacters = 0;
    this.#pages = [];
    this.#granule = null;
    this.#inputs = [];
    this.#bytes = 0;
  }

  /** Every event so far, oldest first. */
  events(): string[] {
    return this.eventsBySession().flatMap(({ events }) => events);
  }

  /** Sessions from 1, oldest first. */
  eventsBySession(): SessionEvents[] {
    if (!this.#hasTables) return [];
    const batches = this.#rows<{ session: number; lines: string }>(
      "SELECT session, lines FROM batch WHERE lines IS NOT NULL ORDER BY batch",
    ).map(({ session, lines }) => ({ session, events: lines.split("\n") }));
    batches.push({ session: this.#session, events: [...this.#lines] });
    const sessions: { readonly session: number; readonly events: string[] }[] = [];
    for (const { session, events } of batches) {
      if (sessions.at(-1)?.session !== session) sessions.push({ session, events: [] });
      sessions.at(-1)?.events.push(...events);
    }
    return sessions.filter(({ events }) => events.length > 0);
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

  /**
   * Writes the outcome and what still waits; a recording that was cut is closed. Returns false, and writes no outcome,
   * if the call has one.
   */
  finish(summary: string, nowMs: number): boolean {
    this.flush();
    const over = this.#rows("SELECT callId FROM outcome").length > 0;
    if (!this.#hasTables || over) return false;
    this.#closeRecording();
    const recording = this.#recording();
    const written = this.#rows(
      `INSERT INTO outcome (callId, endedMs, summary, recording, flight)
       SELECT callId, ?, ?, ?, EXISTS (SELECT 1 FROM batch WHERE inputs IS NOT NULL) FROM call RETURNING callId`,
      nowMs,
      summary,
      recording ? JSON.stringify(recording) : null,
    );
    return written.length > 0;
  }

  /** The recording as it was when the call ended, delivered or not; undefined if there was none. */
  outcomeRecording(): Recording | undefined {
    const [row] = this.#rows<{ recording: string | null }>("SELECT recording FROM outcome");
    return row?.recording ? (JSON.parse(row.recording) as Recording) : undefined;
  }

  /** Whether the call that ended had a flight record, delivered or not. */
  hasFlight(): boolean {
    return this.#rows("SELECT callId FROM outcome WHERE flight <> 0").length > 0;
  }

  /** Whether there are bytes that `compact` would drop. */
  hasBytes(): boolean {
    return this.#rows("SELECT batch FROM batch WHERE pages IS NOT NULL OR inputs IS NOT NULL LIMIT 1").length > 0;
  }

  /** The flight record as it is to be stored. */
  clearArchive(): void {
    this.#rows("DROP TABLE IF EXISTS archive");
    this.#rows("CREATE TABLE archive (frame INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
  }

  addToArchive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#rows("INSERT INTO archive (bytes) VALUES (?)", bytes.buffer);
  }

  archive(): ByteSource {
    return this.#source("archive", "frame", "bytes");
  }

  /** What was written of the recording; undefined if nothing was. */
  #recording(): Recording | undefined {
    const rows = this.#rows<{ session: number; bytes: number; granule: number; first: number }>(
      `SELECT session, SUM(LENGTH(pages)) AS bytes, MAX(granule) AS granule, MIN(batch) AS first
       FROM batch WHERE pages IS NOT NULL GROUP BY session ORDER BY session`,
    );
    const [head] = rows;
    if (!head) return undefined;
    const [row] = this.#rows<{ pages: ArrayBuffer }>("SELECT pages FROM batch WHERE batch = ?", head.first);
    const preSkip = row ? (preSkipOf(new Uint8Array(row.pages)) ?? 0) : 0;
    const parts = rows.map(({ session, granule }) => ({
      session,
      endMs: Math.max(0, granule - preSkip) / GRANULES_PER_MS,
    }));
    return {
      bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
      durationMs: Math.max(...parts.map(({ endMs }) => endMs)),
      parts,
    };
  }

  /** All pages of the recording, or the whole flight record, row by row. */
  source(column: BytesColumn): ByteSource {
    return this.#source("batch", "batch", column);
  }

  /**
   * Drops the bytes that have been delivered and keeps the events: whoever drops a table pays no row for it, and what is
   * kept goes into as few rows as hold it.
   */
  compact(): void {
    const sessions = this.eventsBySession();
    this.#rows("DROP TABLE IF EXISTS archive");
    this.#rows("DROP TABLE batch");
    this.#rows(BATCH);
    for (const { session, events } of sessions) {
      let lines: string[] = [];
      let characters = 0;
      const write = () => {
        if (lines.length > 0) this.#rows("INSERT INTO batch (session, lines) VALUES (?, ?)", session, lines.join("\n"));
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

  /** Drops what the call sounded like, delivered or not: the recording and the flight record. */
  eraseAudio(): void {
    this.#rows(
      `UPDATE batch SET pages = NULL, granule = NULL, inputs = NULL WHERE pages IS NOT NULL OR inputs IS NOT NULL`,
    );
    this.#rows("DROP TABLE IF EXISTS archive");
    this.#rows("UPDATE outcome SET recording = NULL, flight = 0");
  }

  /** Drops all that was said and who said it; that there was a call, and how it ended, stays. */
  erase(): void {
    this.#bytes = 0;
    this.#lines = [];
    this.#lineCharacters = 0;
    this.#pages = [];
    this.#granule = null;
    this.#inputs = [];
    this.#rows("DROP TABLE IF EXISTS archive");
    this.#rows("DROP TABLE batch");
    this.#rows(BATCH);
    this.#rows("UPDATE call SET fromNumber = '', toNumber = '', erased = 1");
  }

  #findTables(): boolean {
    return this.#rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'batch'").length > 0;
  }

  #source(table: string, key: string, column: string): ByteSource {
    const [sum] = this.#rows<{ bytes: number | null }>(`SELECT SUM(LENGTH(${column})) AS bytes FROM ${table}`);
    const next = (after: number) =>
      this.#rows<{ place: number; bytes: ArrayBuffer }>(
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

  #makeRoom(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > MAX_BATCH_BYTES) this.flush();
    this.#bytes += bytes;
  }

  /** A recording that no session ended is told to end where it is; one of nothing but headers is none. */
  #closeRecording(): void {
    const [sum] = this.#rows<{ granule: number | null }>("SELECT MAX(granule) AS granule FROM batch");
    if (sum?.granule === 0) this.#rows("UPDATE batch SET pages = NULL, granule = NULL");
    const row = this.#lastPages();
    let ended: Uint8Array<ArrayBuffer> | undefined;
    try {
      ended = row && endStream(row.pages);
    } catch (error) {
      // What is no page cannot be mended; the outcome matters more.
      if (!(error instanceof OggError)) throw error;
    }
    if (row && ended) this.#rows("UPDATE batch SET pages = ? WHERE batch = ?", ended.buffer, row.batch);
  }

  #lastPages(): { readonly batch: number; readonly pages: Uint8Array } | undefined {
    const [row] = this.#rows<{ batch: number; pages: ArrayBuffer }>(
      "SELECT batch, pages FROM batch WHERE pages IS NOT NULL ORDER BY batch DESC LIMIT 1",
    );
    return row && { batch: row.batch, pages: new Uint8Array(row.pages) };
  }

  #rows<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#sql.exec<T>(query, ...bindings).toArray();
  }
}

function blob(chunks: readonly Uint8Array[]): ArrayBuffer | null {
  if (chunks.length === 0) return null;
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes.buffer;
}
