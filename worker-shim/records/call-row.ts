import type { Tables } from "./tables.ts";

export type Authorization = "required" | "none";

/** What is known of a call before its leg comes. */
export interface ExpectedCall {
  readonly callId: string;
  /** Empty if the webhook brought none, which only an unauthenticated one may. */
  readonly carrierCallId: string;
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
  /** Times that the carrier was told to bring a lost stream back. */
  readonly reconnects: number;
  /** JSON of ENDED, undefined while the call is not over. */
  readonly outcome: string | undefined;
  /** When the first session was opened, epoch ms; undefined before, and where it was not written down. */
  readonly openedMs: number | undefined;
  /** When the outcome was written, epoch ms. */
  readonly endedMs: number;
  /** Whether the call is to be forgotten. */
  readonly erased: boolean;
}

type Columns = {
  callId: string;
  carrierCallId: string;
  agent: string;
  authorization: string;
  fromNumber: string;
  toNumber: string;
  createdMs: number;
  sessions: number;
  issuedSerial: number;
  usedSerial: number;
  reconnects: number;
  outcome: string | null;
  endedMs: number | null;
  openedMs: number | null;
  erased: number;
};

/** The row of the object's one call: who calls whom, and what its streams have used up. Written at once. */
export class CallRows {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  find(): CallRow | undefined {
    if (!this.#tables.exist) return undefined;
    const [row] = this.#tables.rows<Columns>(
      `SELECT call.*, outcome.summary AS outcome, outcome.endedMs AS endedMs
       FROM call LEFT JOIN outcome USING (callId)`,
    );
    if (!row) return undefined;
    const { fromNumber, toNumber, outcome, endedMs, openedMs, authorization, erased, ...rest } = row;
    return {
      ...rest,
      authorization: authorization === "none" ? "none" : "required",
      from: fromNumber,
      to: toNumber,
      outcome: outcome ?? undefined,
      endedMs: endedMs ?? 0,
      openedMs: openedMs ?? undefined,
      erased: erased !== 0,
    };
  }

  /** Begins the record; a call that has one keeps it. */
  create(call: ExpectedCall, nowMs: number): void {
    this.#tables.create();
    this.#tables.rows(
      `INSERT OR IGNORE INTO call (callId, carrierCallId, agent, authorization, fromNumber, toNumber, createdMs)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      call.callId,
      call.carrierCallId,
      call.agent,
      call.authorization,
      call.from,
      call.to,
      nowMs,
    );
  }

  /** Returns the serial number of a new token, from 1. */
  issueToken(): number {
    const [row] = this.#tables.rows<{ issuedSerial: number }>(
      "UPDATE call SET issuedSerial = issuedSerial + 1 RETURNING issuedSerial",
    );
    if (!row) throw new Error("a token for no call");
    return row.issuedSerial;
  }

  /** Returns true the first time, and only if no later token was used before. */
  useToken(serial: number): boolean {
    const query = "UPDATE call SET usedSerial = ? WHERE usedSerial < ? RETURNING usedSerial";
    return this.#tables.rows(query, serial, serial).length > 0;
  }

  countReconnect(): void {
    this.#tables.rows("UPDATE call SET reconnects = reconnects + 1");
  }

  countSession(nowMs: number): void {
    // Of a call that an older deployment began it is not known.
    const query = `UPDATE call SET openedMs = CASE sessions WHEN 0 THEN ? ELSE openedMs END, sessions = sessions + 1`;
    this.#tables.rows(query, nowMs);
  }

  /** Drops who called whom. */
  erase(): void {
    this.#tables.rows("UPDATE call SET fromNumber = '', toNumber = '', erased = 1");
  }
}
