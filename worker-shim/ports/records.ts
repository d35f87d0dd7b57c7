import type { SqlDatabase, SqlValue } from "../ports.ts";

/** A batch of events goes to storage when it is this old or this long. */
export const FLUSH_INTERVAL_MS = 1_000;
export const MAX_BATCH_CHARACTERS = 64 * 1024;
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
}

type Columns = {
  callId: string;
  callSid: string;
  agent: string;
  authorization: string;
  fromNumber: string;
  toNumber: string;
  sessions: number;
  issuedSerial: number;
  usedSerial: number;
  graceUntilMs: number;
  outcome: string | null;
  endedMs: number | null;
};

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
     graceUntilMs INTEGER NOT NULL
   )`,
  `CREATE TABLE IF NOT EXISTS outcome (
     callId TEXT PRIMARY KEY,
     endedMs INTEGER NOT NULL,
     summary TEXT NOT NULL
   )`,
  // One row a batch: rows are what costs. JSON text of each event, a line each.
  `CREATE TABLE IF NOT EXISTS eventBatch (
     batch INTEGER PRIMARY KEY,
     lines TEXT NOT NULL
   )`,
];

/**
 * The record of one call in its object's SQLite.
 *
 * Nothing is written before `create`: asking for a call that does not exist leaves no storage behind. Events wait in
 * memory until `flush`; everything else is written at once.
 */
export class CallRecords {
  readonly #sql: SqlDatabase;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #storedCharacters = 0;
  #droppedEvents = 0;
  #hasTables: boolean;

  constructor(sql: SqlDatabase) {
    this.#sql = sql;
    this.#hasTables =
      this.#rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'eventBatch'").length > 0;
    if (!this.#hasTables) return;
    const [sum] = this.#rows<{ characters: number | null }>("SELECT SUM(LENGTH(lines)) AS characters FROM eventBatch");
    this.#storedCharacters = sum?.characters ?? 0;
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
    const { fromNumber, toNumber, outcome, endedMs, authorization, ...rest } = row;
    return {
      ...rest,
      authorization: authorization === "none" ? "none" : "required",
      from: fromNumber,
      to: toNumber,
      outcome: outcome ?? undefined,
      endedMs: endedMs ?? 0,
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
    this.#rows("UPDATE call SET sessions = sessions + 1, graceUntilMs = 0");
  }

  setGrace(untilMs: number): void {
    this.#rows("UPDATE call SET graceUntilMs = ?", untilMs);
  }

  addEvent(json: string): void {
    const characters = json.length + 1;
    if (this.#storedCharacters + this.#pendingCharacters + characters > MAX_EVENT_CHARACTERS) {
      this.#droppedEvents++;
      return;
    }
    this.#pending.push(json);
    this.#pendingCharacters += characters;
    if (this.#pendingCharacters >= MAX_BATCH_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    this.#rows("INSERT INTO eventBatch (lines) VALUES (?)", this.#pending.join("\n"));
    this.#storedCharacters += this.#pendingCharacters;
    this.#pending = [];
    this.#pendingCharacters = 0;
  }

  /** Every event so far, oldest first. */
  events(): string[] {
    if (!this.#hasTables) return [];
    const batches = this.#rows<{ lines: string }>("SELECT lines FROM eventBatch ORDER BY batch");
    return [...batches.flatMap(({ lines }) => lines.split("\n")), ...this.#pending];
  }

  /** Writes the outcome and what events still wait. Returns false, and writes no outcome, if the call has one. */
  finish(summary: string, nowMs: number): boolean {
    this.flush();
    const written = this.#rows(
      `INSERT INTO outcome (callId, endedMs, summary) SELECT callId, ?, ? FROM call WHERE true
       ON CONFLICT (callId) DO NOTHING RETURNING callId`,
      nowMs,
      summary,
    );
    return written.length > 0;
  }

  #rows<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#sql.exec<T>(query, ...bindings).toArray();
  }
}
