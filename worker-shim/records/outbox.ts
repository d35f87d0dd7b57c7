import { errorFields } from "../ports/log.ts";
import type { Log } from "../ports.ts";
import type { Tables } from "./tables.ts";

/** Before the second attempt; doubles with each that fails. */
export const RETRY_BASE_MS = 1_000;
export const MAX_RETRY_MS = 3_600_000;
/** What one attempt may take. What it does after that is done again, to the same effect. */
export const DELIVERY_TIMEOUT_MS = 10_000;

/** Where things go. A sink takes its own in order; one that fails holds up no other. */
export type Sink = "bucket" | "callLog" | "supabase" | "webhook" | "analytics";

export interface Delivery {
  readonly id: number;
  readonly sink: Sink;
  readonly kind: string;
  readonly body: string;
  /** Attempts that failed. */
  readonly attempts: number;
  readonly dueMs: number;
}

/** A destination says when it wants to be asked again. */
export class RetryLaterError extends Error {
  readonly code = "retry_later";
  override readonly name = "RetryLaterError";
  readonly afterMs: number;

  constructor(message: string, afterMs: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

/** Resolves once the destination has it; whatever is thrown means that it is to be done again. */
export type Deliver = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

export interface OutboxOptions {
  readonly tables: Tables;
  readonly log: Log;
  readonly deliver: Deliver;
  /** What one attempt may take; DELIVERY_TIMEOUT_MS is the least that makes sense. */
  timeoutMs(delivery: Delivery): number;
  nowMs(): number;
  /** 0 <= value < 1. */
  random(): number;
  /** Resolves after a time, or never if the signal comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * What is to be told to others, in the object's SQLite: at least once, in order for each sink, until it succeeds.
 *
 * An entry is written in the same breath as what it is about, so that there is never one without the other; it goes when
 * its delivery has succeeded. Whoever crashes in between delivers twice: a delivery must be idempotent.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** Sinks that something is being delivered to. */
  readonly #draining = new Map<Sink, Promise<void>>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  add(sink: Sink, kind: string, body = ""): void {
    const dueMs = this.#options.nowMs();
    this.#options.tables.rows(
      "INSERT INTO outbox (sink, kind, body, attempts, dueMs) VALUES (?, ?, ?, 0, ?)",
      sink,
      kind,
      body,
      dueMs,
    );
  }

  /** Forgets what waits for a sink. */
  drop(sink: Sink): void {
    this.#options.tables.rows("DELETE FROM outbox WHERE sink = ?", sink);
  }

  get waiting(): readonly Delivery[] {
    const { tables } = this.#options;
    return tables.exist ? tables.rows<DeliveryColumns>("SELECT * FROM outbox ORDER BY id") : [];
  }

  /** When the next delivery is due; undefined when nothing waits. */
  nextDueMs(): number | undefined {
    const heads = this.#heads();
    return heads.length > 0 ? Math.min(...heads.map(({ dueMs }) => dueMs)) : undefined;
  }

  /**
   * Delivers what is due, all sinks at a time, and resolves when nothing is under way any more. It may be called again
   * meanwhile: what has come since then does not wait for a sink that hangs.
   */
  async run(): Promise<void> {
    for (const { sink, dueMs } of this.#heads()) {
      if (dueMs > this.#options.nowMs() || this.#draining.has(sink)) continue;
      const draining = this.#drain(sink).finally(() => this.#draining.delete(sink));
      this.#draining.set(sink, draining);
    }
    await Promise.all(this.#draining.values());
  }

  async #drain(sink: Sink): Promise<void> {
    for (;;) {
      const head = this.#heads().find((delivery) => delivery.sink === sink);
      if (!head || head.dueMs > this.#options.nowMs() || !(await this.#attempt(head))) return;
    }
  }

  async #attempt(delivery: Delivery): Promise<boolean> {
    const { tables, log, nowMs, random } = this.#options;
    const { id, sink, kind } = delivery;
    const attempts = delivery.attempts + 1;
    try {
      await this.#inTime(delivery);
    } catch (error) {
      const backOffMs = Math.min(MAX_RETRY_MS, RETRY_BASE_MS * 2 ** Math.min(delivery.attempts, 20));
      const askedMs = error instanceof RetryLaterError ? Math.min(error.afterMs, MAX_RETRY_MS) : 0;
      const afterMs = Math.max(askedMs, Math.round(backOffMs * (0.75 + random() / 2)));
      log.warn("a delivery failed", { sink, kind, attempts, afterMs, ...errorFields(error) });
      tables.rows("UPDATE outbox SET attempts = ?, dueMs = ? WHERE id = ?", attempts, nowMs() + afterMs, id);
      return false;
    }
    tables.rows("DELETE FROM outbox WHERE id = ?", id);
    return true;
  }

  async #inTime(delivery: Delivery): Promise<void> {
    const abort = new AbortController();
    const done = new AbortController();
    const late = this.#options.sleep(this.#options.timeoutMs(delivery), done.signal).then(() => {
      abort.abort();
      throw new Error("no answer in time");
    });
    try {
      await Promise.race([this.#options.deliver(delivery, abort.signal), late]);
    } finally {
      done.abort();
    }
  }

  /** The oldest of each sink. */
  #heads(): readonly Delivery[] {
    const { tables } = this.#options;
    if (!tables.exist) return [];
    return tables.rows<DeliveryColumns>("SELECT * FROM outbox WHERE id IN (SELECT MIN(id) FROM outbox GROUP BY sink)");
  }
}

type DeliveryColumns = { id: number; sink: Sink; kind: string; body: string; attempts: number; dueMs: number };
