import type { CallLog } from "../call-log.ts";
import { CALL_LOG_TABLES, type Column, redacted, snakeCase, TABLE_NAMES, type TableName } from "../call-log-columns.ts";
import { RetryLaterError } from "../records/outbox.ts";
import { signedHeaders, USER_AGENT } from "../signed-request.ts";

/** A server at the other end did not take what it was sent. */
export class HttpSinkError extends Error {
  readonly code = "http_sink";
  override readonly name = "HttpSinkError";
}

export type HttpFetch = (url: string, init: RequestInit) => Promise<Response>;

/** Rows in one request. */
const MAX_ROWS = 500;

/** @throws unless the answer is a 2xx. What it says is not read: it may be anything. */
async function send(fetch: HttpFetch, url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, { method: "POST", redirect: "manual", ...init });
  await response.body?.cancel();
  if (response.ok) return;
  const message = `answered with ${response.status}`;
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  if (seconds > 0) throw new RetryLaterError(message, seconds * 1000);
  throw new HttpSinkError(message);
}

const TABLES = TABLE_NAMES.filter((table) => CALL_LOG_TABLES[table].supabase);

/** Slashes, and where its interface lies: a project's URL is shown with and without that. */
const API_AT_END = /(?:\/+rest\/v1)?\/*$/;

/** A project at Supabase, or any PostgREST, with tables as docs/records.md describes them. */
export class SupabaseSink {
  readonly #baseUrl: string;
  readonly #key: string;
  readonly #fetch: HttpFetch;

  constructor(baseUrl: string, key: string, fetch: HttpFetch) {
    this.#baseUrl = baseUrl.replace(API_AT_END, "");
    this.#key = key;
    this.#fetch = fetch;
  }

  /** Rows are upserted by their keys: sending them again changes nothing. A call comes last, when it is complete. */
  async write({ call, turns, toolCalls }: CallLog, signal: AbortSignal): Promise<void> {
    await this.#upsert("tool_calls", toolCalls, signal);
    await this.#upsert("turns", turns, signal);
    await this.#upsert("calls", [call], signal);
  }

  /** Resolves if the project answers, takes the key and has the table of calls. */
  check(signal: AbortSignal): Promise<void> {
    const url = `${this.#baseUrl}/rest/v1/calls?select=call_id&limit=0`;
    return send(this.#fetch, url, { method: "GET", headers: this.#headers("handling=strict"), signal });
  }

  /** What was said and who said it goes, the figures stay; as in the call log. */
  async redact(callId: string, signal: AbortSignal): Promise<void> {
    for (const table of TABLES)
      await this.#change("PATCH", table, callId, signal, JSON.stringify(withSnakeCase(redacted(table, "all"))));
  }

  async delete(callId: string, signal: AbortSignal): Promise<void> {
    for (const table of TABLES) await this.#change("DELETE", table, callId, signal);
  }

  #change(method: string, table: string, callId: string, signal: AbortSignal, body: string | null = null) {
    const url = `${this.#baseUrl}/rest/v1/${table}?call_id=eq.${encodeURIComponent(callId)}`;
    return send(this.#fetch, url, { method, headers: this.#headers("return=minimal"), body, signal });
  }

  async #upsert(table: TableName, rows: readonly object[], signal: AbortSignal): Promise<void> {
    const { columns, key } = CALL_LOG_TABLES[table];
    const keys = key.map(snakeCase).join(",");
    const headers = this.#headers("return=minimal,resolution=merge-duplicates,missing=default");
    for (let from = 0; from < rows.length; from += MAX_ROWS) {
      const body = JSON.stringify(rows.slice(from, from + MAX_ROWS).map((row) => supabaseRow(columns, row)));
      const url = `${this.#baseUrl}/rest/v1/${table}?on_conflict=${keys}`;
      await send(this.#fetch, url, { headers, body, signal });
    }
  }

  #headers(prefer: string): Record<string, string> {
    return {
      apikey: this.#key,
      // The newer keys are no JWTs and go into `apikey` alone.
      ...(!this.#key.startsWith("sb_") && { Authorization: `Bearer ${this.#key}` }),
      "Content-Type": "application/json",
      Prefer: prefer,
      "User-Agent": USER_AGENT,
    };
  }
}

/** What there is of a row's columns. */
function supabaseRow(columns: readonly Column[], row: object): Record<string, unknown> {
  const fields = new Map(Object.entries(row));
  const present = columns.filter(({ field }) => fields.has(field));
  return Object.fromEntries(present.map(({ name, field }) => [snakeCase(name), fields.get(field)]));
}

function withSnakeCase(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [snakeCase(name), value]));
}

/** A listener of the deployment's own, which knows us by {@link signedHeaders}. */
export class WebhookSink {
  readonly #url: string;
  readonly #secret: string;
  readonly #fetch: HttpFetch;

  constructor(url: string, secret: string, fetch: HttpFetch) {
    this.#url = url;
    this.#secret = secret;
    this.#fetch = fetch;
  }

  async send(deliveryId: string, body: string, nowMs: number, signal: AbortSignal): Promise<void> {
    const headers = await signedHeaders(this.#secret, deliveryId, body, nowMs);
    await send(this.#fetch, this.#url, { headers, body, signal });
  }
}
