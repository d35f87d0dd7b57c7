import type { SqlDatabase, SqlValue } from "./ports.ts";

/** A lease that is not renewed is void after this: three heartbeats. */
export const LEASE_MS = 90_000;

/** Calls in one answer of `list`. */
export const MAX_LISTED_CALLS = 1_000;

/** Who takes a place. */
export interface LeaseSubject {
  readonly tenant: string;
  /** The number that was called; empty = not counted. */
  readonly number: string;
}

/** There is one for now. */
export const TENANT = "default";

/** Who holds the lease of a call. */
export function subjectOf({ to }: { readonly to: string }): LeaseSubject {
  return { tenant: TENANT, number: to };
}

/** The most calls at a time; 0 = no limit. */
export interface LeaseLimits {
  readonly calls: number;
  readonly callsPerNumber: number;
}

/** `held`: the call had its place already. */
export type Admission = "granted" | "held" | "full" | "numberFull";

export interface LeaseCounts {
  readonly active: number;
  /** Calls admitted, ever. */
  readonly admitted: number;
  /** Calls refused, ever. */
  readonly refused: number;
  /** Calls ended, ever, by reason; `expired` = nobody renewed the lease. */
  readonly ended: Readonly<Record<string, number>>;
}

export interface ListedCall {
  readonly callId: string;
  readonly tenant: string;
  readonly sinceMs: number;
}

const ADMITTED = "admitted";
const REFUSED = "refused";
const ENDED_PREFIX = "ended:";

/** Shard `index`'s part of a limit for all: the parts add up. A limit that exists never becomes "no limit". */
export function shareOf(limit: number, shards: number, index: number): number {
  if (limit === 0) return 0;
  return Math.max(1, Math.floor(limit / shards) + (index < limit % shards ? 1 : 0));
}

/** FNV-1a of a call's id, 32 bits. */
export function hashOf(callId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < callId.length; i++) hash = Math.imul(hash ^ callId.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The shard of a call. */
export function shardOf(callId: string, shards: number): number {
  return hashOf(callId) % shards;
}

/** The calls that go on, each with a lease that must be renewed. Times are epoch ms. */
export class Leases {
  readonly #sql: SqlDatabase;

  constructor(sql: SqlDatabase) {
    this.#sql = sql;
    this.#rows(`CREATE TABLE IF NOT EXISTS lease (
      callId TEXT PRIMARY KEY,
      tenant TEXT NOT NULL,
      number TEXT NOT NULL,
      sinceMs INTEGER NOT NULL,
      expiresMs INTEGER NOT NULL
    )`);
    this.#rows("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)");
  }

  /** Asking again for a call that has a lease renews it. */
  acquire(callId: string, subject: LeaseSubject, limits: LeaseLimits, nowMs: number): Admission {
    this.sweep(nowMs);
    if (this.#extend(callId, nowMs)) return "held";
    const refusal = this.#refusal(subject, limits);
    if (refusal) {
      this.#count(REFUSED);
      return refusal;
    }
    this.#insert(callId, subject, nowMs);
    return "granted";
  }

  /** A call that goes on counts, even if its lease was void and there is no room. */
  renew(callId: string, subject: LeaseSubject, nowMs: number): void {
    if (!this.#extend(callId, nowMs)) this.#insert(callId, subject, nowMs);
  }

  /** Returns false if the call has no lease any more. */
  release(callId: string, reason: string): boolean {
    const released = this.#rows("DELETE FROM lease WHERE callId = ? RETURNING callId", callId).length > 0;
    if (released) this.#count(ENDED_PREFIX + reason);
    return released;
  }

  /** A place that was just granted is not needed: it counts as if nobody had asked. */
  withdraw(callId: string): void {
    const withdrawn = this.#rows("DELETE FROM lease WHERE callId = ? RETURNING callId", callId).length > 0;
    if (withdrawn) this.#count(ADMITTED, -1);
  }

  /** Drops what is void; returns how many. */
  sweep(nowMs: number): number {
    const swept = this.#rows("DELETE FROM lease WHERE expiresMs <= ? RETURNING callId", nowMs).length;
    if (swept > 0) this.#count(`${ENDED_PREFIX}expired`, swept);
    return swept;
  }

  /** When the next lease becomes void; undefined without leases. */
  nextExpiryMs(): number | undefined {
    return this.#rows<{ at: number | null }>("SELECT MIN(expiresMs) AS at FROM lease")[0]?.at ?? undefined;
  }

  counts(nowMs: number): LeaseCounts {
    const counters = this.#rows<{ name: string; value: number }>("SELECT name, value FROM counter");
    const values = new Map(counters.map(({ name, value }) => [name, value]));
    const ended = counters
      .filter(({ name }) => name.startsWith(ENDED_PREFIX))
      .map(({ name, value }) => [name.slice(ENDED_PREFIX.length), value] as const);
    return {
      active: this.#countOf("SELECT COUNT(*) AS count FROM lease WHERE expiresMs > ?", nowMs),
      admitted: values.get(ADMITTED) ?? 0,
      refused: values.get(REFUSED) ?? 0,
      ended: Object.fromEntries(ended),
    };
  }

  /** Oldest first. */
  list(nowMs: number): ListedCall[] {
    return this.#rows<{ callId: string; tenant: string; sinceMs: number }>(
      "SELECT callId, tenant, sinceMs FROM lease WHERE expiresMs > ? ORDER BY sinceMs LIMIT ?",
      nowMs,
      MAX_LISTED_CALLS,
    );
  }

  #refusal({ number }: LeaseSubject, limits: LeaseLimits): Admission | undefined {
    if (limits.calls > 0 && this.#countOf("SELECT COUNT(*) AS count FROM lease") >= limits.calls) return "full";
    if (limits.callsPerNumber === 0 || number === "") return undefined;
    const ofNumber = this.#countOf("SELECT COUNT(*) AS count FROM lease WHERE number = ?", number);
    return ofNumber >= limits.callsPerNumber ? "numberFull" : undefined;
  }

  #extend(callId: string, nowMs: number): boolean {
    const query = "UPDATE lease SET expiresMs = ? WHERE callId = ? RETURNING callId";
    return this.#rows(query, nowMs + LEASE_MS, callId).length > 0;
  }

  #insert(callId: string, { tenant, number }: LeaseSubject, nowMs: number): void {
    const query = "INSERT INTO lease (callId, tenant, number, sinceMs, expiresMs) VALUES (?, ?, ?, ?, ?)";
    this.#rows(query, callId, tenant, number, nowMs, nowMs + LEASE_MS);
    this.#count(ADMITTED);
  }

  #count(name: string, by = 1): void {
    this.#rows(
      "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
      name,
      by,
    );
  }

  #countOf(query: string, ...bindings: SqlValue[]): number {
    return this.#rows<{ count: number }>(query, ...bindings)[0]?.count ?? 0;
  }

  #rows<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#sql.exec<T>(query, ...bindings).toArray();
  }
}
