import type { CallLog, LoggedCall, LoggedTurn } from "../call-log.ts";
import { CALL_LOG_TABLES, type Column, redacted, TABLE_NAMES, type TableName } from "../call-log-columns.ts";

/** A bound value holds less than 2 MB; rows go over in texts of this many characters. */
const MAX_BOUND_CHARACTERS = 500_000;
/** Calls in one page of a list. */
export const MAX_PAGE = 100;
/** Questions that are named. */
const POPULAR_QUESTIONS = 20;

/** The part of D1 that is used here. */
export interface D1Like {
  prepare(query: string): D1StatementLike;
  /** In one transaction. */
  batch<T>(statements: D1StatementLike[]): Promise<readonly { readonly success: boolean; readonly results: T[] }[]>;
}

export interface D1StatementLike {
  bind(...values: (string | number | null)[]): D1StatementLike;
}

/** The database's answer is not what it should be. */
export class CallLogError extends Error {
  readonly code = "call_log";
  override readonly name = "CallLogError";
}

export interface CallFilter {
  readonly agent?: string | undefined;
  readonly reason?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** 1: failed calls only, 0: the others. */
  readonly failed?: number | undefined;
  /** Epoch ms, from (with) to (without). */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** The last call of a page. */
export interface CallPosition {
  readonly startedMs: number;
  readonly callId: string;
}

export interface CallFigures {
  readonly calls: number;
  readonly failed: number;
  readonly averageDurationMs: number | null;
  readonly averageLatencyMs: number | null;
  readonly bargeIns: number;
  readonly questions: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number | null;
}

export interface Analytics extends CallFigures {
  readonly perDay: readonly (CallFigures & { readonly day: string })[];
  readonly popularQuestions: readonly { readonly question: string; readonly count: number }[];
  /** Of replies, from the end of the caller's turn to the first audio. */
  readonly latencyPercentilesMs: Readonly<Record<"p50" | "p90" | "p95" | "p99", number | null>>;
}

const FIGURES = `COUNT(*) AS calls, COALESCE(SUM(failed), 0) AS failed, AVG(durationMs) AS averageDurationMs,
  SUM(latencyMs * replies) * 1.0 / NULLIF(SUM(CASE WHEN latencyMs IS NULL THEN 0 ELSE replies END), 0)
    AS averageLatencyMs,
  COALESCE(SUM(bargeIns), 0) AS bargeIns, COALESCE(SUM(questions), 0) AS questions,
  COALESCE(SUM(inputTokens), 0) AS inputTokens, COALESCE(SUM(outputTokens), 0) AS outputTokens,
  SUM(costMicros) AS costMicros`;

/** The log of all calls, in D1. */
export class CallLogStore {
  readonly #database: D1Like;

  constructor(database: D1Like) {
    this.#database = database;
  }

  /** All of it or nothing; writing it again changes nothing. */
  async write({ call, turns, toolCalls, events }: CallLog): Promise<void> {
    await this.#batch([
      ...this.#upserts("calls", [call]),
      ...this.#upserts("turns", turns),
      ...this.#upserts("tool_calls", toolCalls),
      ...this.#upserts("events", events),
    ]);
  }

  /** Newest first, after `position`. */
  list(filter: CallFilter, limit: number, position?: CallPosition): Promise<LoggedCall[]> {
    const { where, bindings } = conditions(filter);
    if (position) {
      where.push("(startedMs, callId) < (?, ?)");
      bindings.push(position.startedMs, position.callId);
    }
    const clause = where.length > 0 ? `WHERE ${where.join(" AND ")}` : "";
    const query = `SELECT * FROM calls ${clause} ORDER BY startedMs DESC, callId DESC LIMIT ?`;
    return this.#all(query, ...bindings, Math.min(limit, MAX_PAGE));
  }

  async find(callId: string): Promise<LoggedCall | undefined> {
    const [call] = await this.#all<LoggedCall>("SELECT * FROM calls WHERE callId = ?", callId);
    return call;
  }

  turns(callId: string): Promise<LoggedTurn[]> {
    return this.#all("SELECT * FROM turns WHERE callId = ? ORDER BY seq", callId);
  }

  toolCalls(callId: string): Promise<Record<string, unknown>[]> {
    return this.#all("SELECT * FROM tool_calls WHERE callId = ? ORDER BY seq", callId);
  }

  events(callId: string): Promise<{ readonly body: string }[]> {
    return this.#all("SELECT body FROM events WHERE callId = ? ORDER BY seq", callId);
  }

  /** Forgets the call altogether. */
  async delete(callId: string): Promise<void> {
    await this.#batch(TABLE_NAMES.map((table) => this.#prepare(`DELETE FROM ${table} WHERE callId = ?`, callId)));
  }

  async forgetRecording(callId: string): Promise<void> {
    await this.#all(`UPDATE calls SET ${assignments(redacted("calls", "recording"))} WHERE callId = ?`, callId);
  }

  /** Of calls that began before: what was said and who said it goes, the figures stay. Returns how many calls. */
  async redactBefore(beforeMs: number): Promise<number> {
    const old = "SELECT callId FROM calls WHERE startedMs < ? AND redacted = 0";
    const [count] = await this.#all<{ count: number }>(`SELECT COUNT(*) AS count FROM (${old})`, beforeMs);
    if (!count || count.count === 0) return 0;
    // The calls come last: until then they tell whose items are old.
    const items = TABLE_NAMES.filter((table) => table !== "calls").map((table) => {
      const change =
        CALL_LOG_TABLES[table].expiry === "delete"
          ? `DELETE FROM ${table}`
          : `UPDATE ${table} SET ${assignments(redacted(table, "all"))}`;
      return this.#prepare(`${change} WHERE callId IN (${old})`, beforeMs);
    });
    const calls = `UPDATE calls SET ${assignments({ ...redacted("calls", "all"), redacted: 1 })}
      WHERE startedMs < ? AND redacted = 0`;
    await this.#batch([...items, this.#prepare(calls, beforeMs)]);
    return count.count;
  }

  async figures(sinceMs: number): Promise<CallFigures> {
    const [figures] = await this.#all<CallFigures>(`SELECT ${FIGURES} FROM calls WHERE startedMs >= ?`, sinceMs);
    if (!figures) throw new CallLogError("an aggregate without a row");
    return figures;
  }

  /** Of calls that began in [sinceMs, untilMs). */
  async analytics(sinceMs: number, untilMs: number): Promise<Analytics> {
    const range = "startedMs >= ? AND startedMs < ?";
    const [[totals], perDay, popularQuestions, latencies] = await Promise.all([
      this.#all<CallFigures>(`SELECT ${FIGURES} FROM calls WHERE ${range}`, sinceMs, untilMs),
      this.#all<CallFigures & { day: string }>(
        `SELECT date(startedMs / 1000, 'unixepoch') AS day, ${FIGURES}
         FROM calls WHERE ${range} GROUP BY day ORDER BY day`,
        sinceMs,
        untilMs,
      ),
      this.#all<{ question: string; count: number }>(
        `SELECT question, COUNT(*) AS count FROM turns JOIN calls USING (callId)
         WHERE ${range} AND question IS NOT NULL GROUP BY question ORDER BY count DESC, question LIMIT ?`,
        sinceMs,
        untilMs,
        POPULAR_QUESTIONS,
      ),
      this.#all<{ percent: number; latencyMs: number }>(
        `WITH ordered AS (
           SELECT turns.latencyMs AS latencyMs, ROW_NUMBER() OVER (ORDER BY turns.latencyMs) AS place,
             COUNT(*) OVER () AS total
           FROM turns JOIN calls USING (callId) WHERE ${range} AND turns.latencyMs IS NOT NULL)
         SELECT percents.value AS percent, MIN(latencyMs) AS latencyMs
         FROM ordered, json_each('[50, 90, 95, 99]') AS percents
         WHERE place * 100 >= percents.value * total GROUP BY percents.value`,
        sinceMs,
        untilMs,
      ),
    ]);
    if (!totals) throw new CallLogError("an aggregate without a row");
    const percentile = (percent: number) => latencies.find((row) => row.percent === percent)?.latencyMs ?? null;
    const latencyPercentilesMs = { p50: percentile(50), p90: percentile(90), p95: percentile(95), p99: percentile(99) };
    return { ...totals, perDay, popularQuestions, latencyPercentilesMs };
  }

  /** Throws unless the database answers. */
  async check(): Promise<void> {
    await this.#all("SELECT callId FROM calls LIMIT 1");
  }

  /** Rows as one JSON text a statement: a statement binds 100 values at most. */
  #upserts(table: TableName, rows: readonly object[]): D1StatementLike[] {
    const columns: readonly Column[] = CALL_LOG_TABLES[table].columns;
    const names = columns.map(({ name }) => name).join(", ");
    const select = columns.map(({ field }) => `value ->> '$.${field}'`).join(", ");
    const query = `INSERT OR REPLACE INTO ${table} (${names}) SELECT ${select} FROM json_each(?)`;
    return chunksOf(rows).map((json) => this.#prepare(query, json));
  }

  #prepare(query: string, ...bindings: (string | number | null)[]): D1StatementLike {
    return this.#database.prepare(query).bind(...bindings);
  }

  async #all<T>(query: string, ...bindings: (string | number | null)[]): Promise<T[]> {
    const [rows] = await this.#batch<T>([this.#prepare(query, ...bindings)]);
    return rows ?? [];
  }

  async #batch<T>(statements: D1StatementLike[]): Promise<T[][]> {
    const answers = await this.#database.batch<T>(statements);
    if (answers?.length !== statements.length || answers.some((answer) => !answer.success))
      throw new CallLogError("the database has not done it");
    return answers.map(({ results }) => results);
  }
}

/** What a SET has of constants: texts here are empty. */
function assignments(values: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${typeof value === "string" ? `'${value}'` : value === null ? "NULL" : value}`)
    .join(", ");
}

/** JSON arrays of `rows`, each short enough to be bound. */
function chunksOf(rows: readonly object[]): string[] {
  const chunks: string[] = [];
  let chunk: string[] = [];
  let characters = 0;
  const close = () => {
    if (chunk.length > 0) chunks.push(`[${chunk.join(",")}]`);
    chunk = [];
    characters = 0;
  };
  for (const row of rows) {
    const json = JSON.stringify(row);
    if (characters + json.length > MAX_BOUND_CHARACTERS) close();
    chunk.push(json);
    characters += json.length;
  }
  close();
  return chunks;
}

function conditions(filter: CallFilter): { where: string[]; bindings: (string | number)[] } {
  const tests: [string, string | number | undefined][] = [
    ["agent = ?", filter.agent],
    ["reason = ?", filter.reason],
    ["fromNumber = ?", filter.from],
    ["toNumber = ?", filter.to],
    ["failed = ?", filter.failed],
    ["startedMs >= ?", filter.sinceMs],
    ["startedMs < ?", filter.untilMs],
  ];
  const given = tests.flatMap(([test, value]) => (value === undefined ? [] : [{ test, value }]));
  return { where: given.map(({ test }) => test), bindings: given.map(({ value }) => value) };
}
