import { DurableObject } from "cloudflare:workers";
import type { Env } from "./env.ts";
import { ConsoleLog } from "./ports/log.ts";
import { platformTimers } from "./ports/timers.ts";
import {
  BookRecords,
  type Expected,
  type History,
  INDEX_KEY,
  keyOf,
  type ListedProfile,
  type Removed,
  type Saved,
  type Written,
} from "./profiles/book.ts";
import type { ProfileDocument, StoredProfile } from "./profiles/document.ts";
import { Publisher } from "./profiles/publisher.ts";
import { within } from "./profiles/within.ts";
import { settingsOf } from "./settings.ts";
import { profileReplica } from "./sinks.ts";

/** KV may go on for so long to say that it does not have what was just written: it is not written again for that. */
const REPUBLISH_MS = 60_000;

/** How long an operator waits for the replica; what takes longer goes on without him. */
const PUBLISH_WAIT_MS = 2_000;

/** The profiles of the deployment: what is written here is published to KV, where calls read it. */
export class ProfileBook extends DurableObject<Env> {
  readonly #book: BookRecords;
  readonly #publisher: Publisher;
  /** By key, when it was last published; of the profiles that there are. Epoch ms. */
  readonly #told = new Map<string, number>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    this.#book = new BookRecords({
      exec: (query, ...bindings) => storage.sql.exec(query, ...bindings),
      transaction: (work) => storage.transactionSync(work),
    });
    this.#publisher = new Publisher({
      book: this.#book,
      replica: profileReplica(env, settingsOf(env)),
      timers: platformTimers,
      log: new ConsoleLog(),
      nowMs: Date.now,
    });
  }

  async list(): Promise<ListedProfile[]> {
    return this.#book.list();
  }

  /** Every name that there is something of. */
  async names(): Promise<string[]> {
    return this.#book.names();
  }

  async get(name: string): Promise<StoredProfile | undefined> {
    return this.#book.get(name);
  }

  async history(name: string): Promise<History | undefined> {
    return this.#book.history(name);
  }

  async version(name: string, version: number): Promise<StoredProfile | undefined> {
    return this.#book.version(name, version);
  }

  save(name: string, document: ProfileDocument, expected: Expected): Promise<Written<Saved>> {
    return this.#written(name, this.#book.save(name, document, expected));
  }

  restore(name: string, version: number, expected: Expected): Promise<Written<Saved>> {
    return this.#written(name, this.#book.restore(name, version, expected));
  }

  remove(name: string, expected: Expected): Promise<Written<Removed>> {
    return this.#written(name, this.#book.remove(name, expected));
  }

  /** For a call that did not find it in KV, which gets it again, but not more than once a minute. */
  async lookUp(key: string): Promise<string | undefined> {
    const text = this.#book.published(key);
    const nowMs = Date.now();
    if (text === undefined || nowMs - (this.#told.get(key) ?? 0) < REPUBLISH_MS) return text;
    this.#told.set(key, nowMs);
    this.#book.republish(key);
    await this.#arm();
    return text;
  }

  override async alarm(): Promise<void> {
    await this.#publisher.publish();
    await this.#arm();
  }

  async #written<T>(name: string, result: T): Promise<Written<T>> {
    for (const key of [keyOf(name), INDEX_KEY]) this.#told.set(key, Date.now());
    // Before anything is waited for: the object may be lost meanwhile.
    await this.#arm();
    await within(this.#publisher.publish(), PUBLISH_WAIT_MS, platformTimers).catch(() => undefined);
    await this.#arm();
    return { result, published: this.#publisher.has(name) };
  }

  /** One alarm, for what is to be done first. */
  async #arm(): Promise<void> {
    const forgetMs = this.#book.sweep() ?? Number.POSITIVE_INFINITY;
    const dueMs = Math.min(forgetMs, this.#publisher.dueMs ?? Number.POSITIVE_INFINITY);
    if (dueMs < Number.POSITIVE_INFINITY) await this.ctx.storage.setAlarm(dueMs);
    else await this.ctx.storage.deleteAlarm();
  }
}
