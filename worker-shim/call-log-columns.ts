import type { LoggedCall, LoggedEvent, LoggedToolCall, LoggedTurn } from "./call-log.ts";

/** As SQLite has it, in D1. */
type SqlType = "TEXT" | "TEXT NOT NULL" | "INTEGER" | "INTEGER NOT NULL";

/**
 * What a column tells of a person: nothing, what was said or who said it, or where it can be listened to. What is
 * personal goes when the retention ends; a recording may go before.
 */
type Personal = "no" | "yes" | "recording";

export interface Column {
  readonly name: string;
  readonly type: SqlType;
  /** The field of the logged row that it holds. */
  readonly field: string;
  readonly personal: Personal;
}

export interface Table {
  /** Names of columns. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** What becomes of a row when the retention ends: what is personal in it goes, or all of it. */
  readonly expiry: "redact" | "delete";
  /** Whether Supabase has it too, by the same names with underscores. */
  readonly supabase: boolean;
}

type Spec = readonly [type: SqlType, personal?: Personal];

/** A column for each field of a row, by the field's name. */
function columnsOf(specs: Readonly<Record<string, Spec>>): Column[] {
  return Object.entries(specs).map(([field, [type, personal = "no"]]) => ({ name: field, type, field, personal }));
}

const ITEM_KEY = ["callId", "seq"];

/**
 * The call log's tables: the only place where its columns are written down. What is written, what expires and what
 * Supabase gets is made of it; worker-shim/migrations makes the same tables, and a test compares them.
 */
export const CALL_LOG_TABLES = {
  calls: {
    key: ["callId"],
    expiry: "redact",
    supabase: true,
    columns: columnsOf({
      callId: ["TEXT"],
      carrierCallId: ["TEXT NOT NULL", "yes"],
      tenant: ["TEXT NOT NULL"],
      agent: ["TEXT NOT NULL"],
      fromNumber: ["TEXT NOT NULL", "yes"],
      toNumber: ["TEXT NOT NULL", "yes"],
      startedMs: ["INTEGER NOT NULL"],
      endedMs: ["INTEGER NOT NULL"],
      durationMs: ["INTEGER NOT NULL"],
      reason: ["TEXT NOT NULL"],
      failed: ["INTEGER NOT NULL"],
      sessions: ["INTEGER NOT NULL"],
      questions: ["INTEGER NOT NULL"],
      replies: ["INTEGER NOT NULL"],
      bargeIns: ["INTEGER NOT NULL"],
      resumes: ["INTEGER NOT NULL"],
      inputTokens: ["INTEGER NOT NULL"],
      outputTokens: ["INTEGER NOT NULL"],
      costMicros: ["INTEGER"],
      latencyMs: ["INTEGER"],
      recordingKey: ["TEXT", "recording"],
      recordingBytes: ["INTEGER NOT NULL", "recording"],
      recordingMs: ["INTEGER NOT NULL"],
      flightKey: ["TEXT", "recording"],
      summary: ["TEXT NOT NULL"],
    } satisfies Record<keyof LoggedCall, Spec>),
  },
  turns: {
    key: ITEM_KEY,
    expiry: "redact",
    supabase: true,
    columns: columnsOf({
      callId: ["TEXT NOT NULL"],
      seq: ["INTEGER NOT NULL"],
      role: ["TEXT NOT NULL"],
      startMs: ["INTEGER NOT NULL"],
      endMs: ["INTEGER NOT NULL"],
      recordingMs: ["INTEGER"],
      latencyMs: ["INTEGER"],
      text: ["TEXT NOT NULL", "yes"],
      cut: ["INTEGER NOT NULL"],
      question: ["TEXT", "yes"],
      said: ["TEXT", "yes"],
      latencyHeardMs: ["INTEGER"],
      item: ["TEXT"],
      textState: ["TEXT"],
    } satisfies Record<keyof LoggedTurn, Spec>),
  },
  tool_calls: {
    key: ITEM_KEY,
    expiry: "redact",
    supabase: true,
    columns: columnsOf({
      callId: ["TEXT NOT NULL"],
      seq: ["INTEGER NOT NULL"],
      atMs: ["INTEGER NOT NULL"],
      toolCallId: ["TEXT NOT NULL"],
      name: ["TEXT NOT NULL"],
      arguments: ["TEXT NOT NULL", "yes"],
      result: ["TEXT", "yes"],
      state: ["TEXT"],
    } satisfies Record<keyof LoggedToolCall, Spec>),
  },
  events: {
    key: ITEM_KEY,
    expiry: "delete",
    supabase: false,
    columns: columnsOf({
      callId: ["TEXT NOT NULL"],
      seq: ["INTEGER NOT NULL"],
      atMs: ["INTEGER NOT NULL"],
      type: ["TEXT NOT NULL"],
      body: ["TEXT NOT NULL", "yes"],
    } satisfies Record<keyof LoggedEvent, Spec>),
  },
} as const satisfies Readonly<Record<string, Table>>;

export type TableName = keyof typeof CALL_LOG_TABLES;

export const TABLE_NAMES = Object.keys(CALL_LOG_TABLES) as readonly TableName[];

/** What a column holds when what it held is forgotten. */
function emptyValue(type: SqlType): string | number | null {
  if (!type.endsWith("NOT NULL")) return null;
  return type.startsWith("TEXT") ? "" : 0;
}

/** By column: what a row holds when what is personal in it is forgotten, or its recording alone. */
export function redacted(
  table: TableName,
  what: "all" | "recording",
): Readonly<Record<string, string | number | null>> {
  const columns: readonly Column[] = CALL_LOG_TABLES[table].columns;
  const gone = columns.filter(({ personal }) => personal === "recording" || (what === "all" && personal === "yes"));
  return Object.fromEntries(gone.map(({ name, type }) => [name, emptyValue(type)]));
}

/** The same as Supabase has it. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
