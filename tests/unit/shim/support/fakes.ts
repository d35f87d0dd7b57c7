import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { HttpFailure, Verdict } from "../../../../worker-shim/boundary.ts";
import type { EffectHandler } from "../../../../worker-shim/core.ts";
import type { D1Like, D1StatementLike } from "../../../../worker-shim/ports/call-log-store.ts";
import type { Timers } from "../../../../worker-shim/ports/timers.ts";
import type {
  Log,
  LogFields,
  PeerSocket,
  SessionInputs,
  SessionPorts,
  SqlValue,
} from "../../../../worker-shim/ports.ts";
import type { ObjectDatabase } from "../../../../worker-shim/records/tables.ts";

/** A database of Node behind the interface of the object's, with what `dump` makes. */
export function memoryDatabase(dump = ""): ObjectDatabase {
  const database = new DatabaseSync(":memory:");
  database.exec(dump);
  return {
    transaction: (work) => {
      database.exec("BEGIN");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
    exec: <T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) => {
      const bound = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
      const rows = database.prepare(query).all(...bound);
      const plain = rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            value instanceof Uint8Array ? value.slice().buffer : value,
          ]),
        ),
      );
      return { toArray: () => plain as T[] };
    },
  };
}

/** The call log's migrations, in order. */
export function migrations(): { readonly file: string; readonly sql: string }[] {
  const folder = new URL("../../../../worker-shim/migrations/", import.meta.url);
  const files = readdirSync(folder).sort();
  return files.map((file) => ({ file, sql: readFileSync(new URL(file, folder), "utf8") }));
}

/** A database of Node behind the interface of D1, with the tables of the migrations. */
export class MemoryD1 implements D1Like {
  readonly database = new DatabaseSync(":memory:");
  /** Batches so far. */
  batches = 0;

  constructor() {
    for (const { sql } of migrations()) this.database.exec(sql);
  }

  prepare(query: string): BoundStatement {
    return new BoundStatement(query, []);
  }

  async batch<T>(statements: readonly D1StatementLike[]) {
    this.batches++;
    this.database.exec("BEGIN");
    try {
      const answers = (statements as readonly BoundStatement[]).map(({ query, values }) => ({
        success: true,
        results: this.database.prepare(query).all(...values) as T[],
      }));
      this.database.exec("COMMIT");
      return answers;
    } catch (error) {
      this.database.exec("ROLLBACK");
      throw error;
    }
  }
}

class BoundStatement {
  readonly query: string;
  readonly values: (string | number | null)[];

  constructor(query: string, values: (string | number | null)[]) {
    this.query = query;
    this.values = values;
  }

  bind(...values: (string | number | null)[]): BoundStatement {
    return new BoundStatement(this.query, values);
  }
}

/** KV behind the two interfaces that profiles have of it. */
export class MemoryReplica {
  readonly values = new Map<string, string>();
  /** Every key that was read, and every one that was written. */
  readonly reads: string[] = [];
  readonly writes: string[] = [];
  /** What each operation does in the place of its work; undefined: that. */
  behaviour: (() => Promise<never>) | undefined;

  async get(key: string): Promise<string | null> {
    this.reads.push(key);
    if (this.behaviour) return this.behaviour();
    return this.values.get(key) ?? null;
  }

  async put(key: string, text: string): Promise<void> {
    this.writes.push(key);
    if (this.behaviour) return this.behaviour();
    this.values.set(key, text);
  }

  async delete(key: string): Promise<void> {
    this.writes.push(key);
    if (this.behaviour) return this.behaviour();
    this.values.delete(key);
  }
}

interface StoredText {
  readonly key: string;
  readonly text: string;
  readonly size: number;
  readonly etag: string;
  readonly httpEtag: string;
  readonly uploaded: Date;
  readonly httpMetadata: object;
  readonly customMetadata: Record<string, string>;
}

/** R2 as documents of profiles use it. */
export class MemoryBucket {
  readonly objects = new Map<string, StoredText>();
  /** Every key that was read, with the ETag that its asker had. */
  readonly reads: (readonly [key: string, known: string | undefined])[] = [];
  /** What each operation does in the place of its work; undefined: that. */
  behaviour: (() => Promise<never>) | undefined;
  #versions = 0;

  /** Puts a text there as somebody else would. */
  store(key: string, text: string, more: Partial<StoredText> = {}): StoredText {
    const etag = `e${++this.#versions}`;
    const size = new TextEncoder().encode(text).length;
    const uploaded = new Date(1_795_000_000_000);
    const metadata = { httpMetadata: { contentType: "text/plain" }, customMetadata: {} };
    const stored = { key, text, size, etag, httpEtag: `"${etag}"`, uploaded, ...metadata, ...more };
    this.objects.set(key, stored);
    return stored;
  }

  async get(key: string, { onlyIf }: { readonly onlyIf?: { readonly etagDoesNotMatch: string } } = {}) {
    this.reads.push([key, onlyIf?.etagDoesNotMatch]);
    if (this.behaviour) return this.behaviour();
    const found = this.objects.get(key);
    if (!found) return null;
    const { text, ...about } = found;
    if (onlyIf?.etagDoesNotMatch === about.etag) return about;
    return { ...about, text: async () => text, body: new Response(text).body };
  }

  async head(key: string) {
    if (this.behaviour) return this.behaviour();
    return this.objects.get(key) ?? null;
  }

  async put(key: string, text: string, options: { onlyIf?: Headers } & Partial<StoredText>) {
    if (this.behaviour) return this.behaviour();
    const { onlyIf, ...more } = options;
    const there = this.objects.get(key)?.httpEtag;
    const match = onlyIf?.get("If-Match") ?? undefined;
    if (match !== undefined && (there === undefined || (match !== "*" && match !== there))) return null;
    if (onlyIf?.get("If-None-Match") === "*" && there !== undefined) return null;
    return this.store(key, text, more);
  }

  async delete(keys: readonly string[]) {
    if (this.behaviour) return this.behaviour();
    for (const key of keys) this.objects.delete(key);
  }

  async list({ prefix = "", limit = 1_000, delimiter }: { prefix?: string; limit?: number; delimiter?: string }) {
    if (this.behaviour) return this.behaviour();
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    if (delimiter !== undefined) {
      const prefixes = keys.map((key) => key.slice(0, key.indexOf(delimiter, prefix.length) + 1));
      return { objects: [], truncated: false as const, delimitedPrefixes: [...new Set(prefixes)] };
    }
    const objects = keys.slice(0, limit).flatMap((key) => this.objects.get(key) ?? []);
    return { objects, truncated: false as const, delimitedPrefixes: [] };
  }
}

/** A clock and timers that only move when told. */
export class VirtualTime implements Timers {
  nowMs = 0;
  readonly armed = new Map<number, { readonly atMs: number; readonly callback: () => void }>();
  /** Timers ever set. */
  count = 0;

  nowUs(): number {
    return this.nowMs * 1000;
  }

  set(callback: () => void, delayMs: number): unknown {
    this.armed.set(++this.count, { atMs: this.nowMs + delayMs, callback });
    return this.count;
  }

  clear(timer: unknown): void {
    this.armed.delete(timer as number);
  }

  /** Runs what becomes due, in order. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.armed].filter(([, { atMs }]) => atMs <= endMs).sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (!due) break;
      const [id, { atMs, callback }] = due;
      this.armed.delete(id);
      this.nowMs = Math.max(this.nowMs, atMs);
      callback();
    }
    this.nowMs = endMs;
  }
}

type Listener = (event: never) => void;

/** A socket that records what is done to it and says what it is told to. */
export class FakeSocket implements PeerSocket {
  binaryType: "blob" | "arraybuffer" = "blob";
  /** binaryType when accept() came; undefined before. */
  acceptedAs: string | undefined;
  readonly sent: unknown[] = [];
  closed: { readonly code: number | undefined; readonly reason: string | undefined } | undefined;
  /** Thrown by send and close. */
  failure: Error | undefined;
  readonly #listeners = new Map<string, Listener[]>();

  accept(): void {
    this.acceptedAs = this.binaryType;
  }

  send(message: unknown): void {
    if (this.failure) throw this.failure;
    this.sent.push(message);
  }

  close(code?: number, reason?: string): void {
    if (this.failure) throw this.failure;
    this.closed ??= { code, reason };
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  emit(type: "message" | "close" | "error", event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  /** Messages to it, decoded. */
  get json(): Record<string, unknown>[] {
    return this.sent.map((message) => JSON.parse(String(message)));
  }
}

export class FakeInputs implements SessionInputs {
  readonly calls: unknown[][] = [];

  onSocketOpened(channel: number, subprotocol: string): void {
    this.calls.push(["opened", channel, subprotocol]);
  }
  onSocketText(channel: number, text: string): void {
    this.calls.push(["text", channel, text]);
  }
  onSocketBinary(channel: number, bytes: ArrayBuffer): void {
    this.calls.push(["binary", channel, [...new Uint8Array(bytes)]]);
  }
  onSocketClosed(channel: number, code: number, httpStatus: number, reason: string): void {
    this.calls.push(["closed", channel, code, httpStatus, reason]);
  }
  onHttpHeaders(channel: number, status: number, headers: Readonly<Record<string, string>>): void {
    this.calls.push(["headers", channel, status, headers]);
  }
  onHttpChunk(channel: number, bytes: Uint8Array): void {
    this.calls.push(["chunk", channel, new TextDecoder().decode(bytes)]);
  }
  onHttpDone(channel: number): void {
    this.calls.push(["done", channel]);
  }
  onHttpFailed(channel: number, failure: HttpFailure, reason: string): void {
    this.calls.push(["failed", channel, failure, reason]);
  }
  onResource(name: string, bytes: Uint8Array | undefined): void {
    this.calls.push(["resource", name, bytes && new TextDecoder().decode(bytes)]);
  }
  onTimer(): void {
    this.calls.push(["timer"]);
  }
  onAuthorized(verdict: Verdict): void {
    this.calls.push(["authorized", verdict]);
  }
  onPortFault(error: unknown): void {
    this.calls.push(["fault", error]);
  }
}

type Note = (...args: unknown[]) => void;

/** Ports that write down what is asked of them. */
export function notedPorts(done: unknown[][]): SessionPorts {
  const note =
    (name: string): Note =>
    (...args) => {
      done.push([name, ...args]);
    };
  return {
    sockets: {
      sendText: note("sendText"),
      sendBinary: note("sendBinary"),
      connect: note("connect"),
      close: note("close"),
      shutDown: note("shutDown"),
    },
    http: { fetch: note("fetch"), abort: note("abort"), credit: note("credit"), shutDown: note("shutDownHttp") },
    resources: { load: note("load") },
    timer: { setDeadline: note("setDeadline"), stop: note("stop") },
    authorizer: { authorize: note("authorize") },
    events: { event: note("event"), ended: note("ended") },
    recorder: { record: note("record") },
    snapshots: { snapshot: note("snapshot") },
  };
}

/** Writes down every effect: its name and what came with it. */
export function notedEffects(done: unknown[][]): EffectHandler {
  const handle =
    (_: object, name: string | symbol) =>
    (...args: unknown[]) =>
      done.push([name, ...args]);
  return new Proxy({}, { get: handle }) as EffectHandler;
}

export class FakeLog implements Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "info", message, fields });
  }
  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "warn", message, fields });
  }
  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "error", message, fields });
  }
}

/** Lets everything that is settled run. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
