import { errorFields } from "../ports/log.ts";
import type { Timers } from "../ports/timers.ts";
import type { Log } from "../ports.ts";
import { type BookRecords, INDEX_KEY, keyOf, type Unpublished } from "./book.ts";
import { TimeoutError, within } from "./within.ts";

/** One write to the replica; after that it has failed. */
export const WRITE_TIMEOUT_MS = 5_000;
/** From a failure to the next attempt, doubled each time up to the last one: a key takes one write a second. */
const FIRST_RETRY_MS = 1_500;
const LAST_RETRY_MS = 10 * 60_000;
/** After a write of which nobody knows what became: when it can no longer come behind a later one. */
const AFTERMATH_MS = 60_000;

/** Where calls read what the book says. */
export interface Replica {
  put(key: string, text: string): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}

export interface PublisherOptions {
  readonly book: BookRecords;
  /** Undefined where none is bound: then nothing waits for it. */
  readonly replica: Replica | undefined;
  readonly timers: Timers;
  readonly log: Log;
  nowMs(): number;
}

/** Tells the replica what the book says, one key after the other, until it has it. */
export class Publisher {
  readonly #options: PublisherOptions;
  #work: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** When there is something to do next, epoch ms; undefined if nothing waits. */
  get dueMs(): number | undefined {
    return this.#options.replica && this.#options.book.unpublished()[0]?.dueMs;
  }

  /** Whether the replica has what the book says of a profile. */
  has(name: string): boolean {
    const { book, replica } = this.#options;
    return replica !== undefined && !book.unpublished().some(({ key }) => key === keyOf(name) || key === INDEX_KEY);
  }

  /** Writes what is due. Never rejects; who asks while it goes on waits for the same. */
  publish(): Promise<void> {
    this.#work ??= this.#publish().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  async #publish(): Promise<void> {
    const { book, replica, nowMs } = this.#options;
    if (!replica) return;
    // What has changed meanwhile is due again, and is found.
    for (;;) {
      const next = book.unpublished().find(({ dueMs }) => dueMs <= nowMs());
      if (!next) return;
      await this.#write(replica, next);
    }
  }

  async #write(replica: Replica, next: Unpublished): Promise<void> {
    const { book, log, timers, nowMs } = this.#options;
    const { key, attempts } = next;
    const text = book.published(key);
    try {
      await within(text === undefined ? replica.delete(key) : replica.put(key, text), WRITE_TIMEOUT_MS, timers);
      book.settle(next);
    } catch (error) {
      log.warn("a profile was not published", { key, attempts, ...errorFields(error) });
      const isOpen = error instanceof TimeoutError;
      const waitMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts);
      book.postpone(next, nowMs() + (isOpen ? Math.max(AFTERMATH_MS, waitMs) : waitMs));
    }
  }
}
