import { errorFields } from "../ports/log.ts";
import type { Timers } from "../ports/timers.ts";
import type { Log } from "../ports.ts";
import { type KnowledgeDocument, MAX_KNOWLEDGE_BYTES } from "./knowledge.ts";
import { within } from "./within.ts";

/** A call waits so long for the documents of its profile, all together; then it begins with those that are here. */
export const KNOWLEDGE_MS = 500;
/** A document that an isolate has is not asked for again before it is as old as this. */
export const FRESH_MS = 30_000;
/** Of all documents that an isolate keeps, characters. Overflow: those that were used longest ago go. */
export const MAX_SHELVED_CHARACTERS = 4 * 1024 * 1024;

/** A document as it is stored. */
export interface StoredKnowledge {
  readonly etag: string;
  readonly text: string;
}

/** Where documents lie. */
export interface KnowledgeStore {
  /** `known` is the ETag of what the asker has: `same` if that is what is there. Undefined: there is none. */
  get(profile: string, file: string, known: string | undefined): Promise<StoredKnowledge | "same" | undefined>;
}

export interface ShelfOptions {
  readonly log: Log;
  readonly timers: Timers;
  nowMs(): number;
}

interface Shelved extends StoredKnowledge {
  /** When it was last known to be what is there. */
  readonly atMs: number;
}

export interface ReadKnowledge {
  /** In the order in which they were asked for. */
  readonly documents: readonly KnowledgeDocument[];
  /** Those that are not there, or that nobody knows in time. */
  readonly missing: readonly string[];
}

/** The documents of profiles that an isolate has read lately. */
export class KnowledgeShelf {
  readonly #options: ShelfOptions;
  readonly #shelved = new Map<string, Shelved>();
  #characters = 0;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /**
   * The documents `files` of a profile: as they are in the store, or, where that does not answer in time, as they were when
   * they were last read here. Takes KNOWLEDGE_MS at most, and never rejects.
   */
  async read(store: KnowledgeStore | undefined, profile: string, files: readonly string[]): Promise<ReadKnowledge> {
    const untilMs = this.#options.nowMs() + KNOWLEDGE_MS;
    const texts = await Promise.all(files.map((file) => this.#read(store, profile, file, untilMs)));
    const documents = files.flatMap((file, index) => {
      const text = texts[index];
      return text === undefined ? [] : [{ file, text }];
    });
    const missing = files.filter((_, index) => texts[index] === undefined);
    if (missing.length > 0)
      this.#options.log.warn("a call begins without some of its knowledge", { profile, missing: missing.join(", ") });
    return { documents, missing };
  }

  /** It was just stored. */
  put(profile: string, file: string, stored: StoredKnowledge): void {
    const key = knowledgeKey(profile, file);
    this.#drop(key);
    this.#shelved.set(key, { ...stored, atMs: this.#options.nowMs() });
    this.#characters += stored.text.length;
    for (const [oldest] of this.#shelved) {
      if (this.#characters <= MAX_SHELVED_CHARACTERS) return;
      this.#drop(oldest);
    }
  }

  forget(profile: string, file: string): void {
    this.#drop(knowledgeKey(profile, file));
  }

  async #read(
    store: KnowledgeStore | undefined,
    profile: string,
    file: string,
    untilMs: number,
  ): Promise<string | undefined> {
    const { log, timers, nowMs } = this.#options;
    const known = this.#shelved.get(knowledgeKey(profile, file));
    if (known && nowMs() - known.atMs < FRESH_MS) return known.text;
    if (!store) return undefined;
    try {
      const found = await within(store.get(profile, file, known?.etag), untilMs - nowMs(), timers);
      if (found === undefined) {
        this.forget(profile, file);
        return undefined;
      }
      const stored = found === "same" ? known : found;
      if (!stored) return undefined;
      this.put(profile, file, { etag: stored.etag, text: stored.text });
      return stored.text;
    } catch (error) {
      log.warn("a document was not read", { profile, file, isOld: known !== undefined, ...errorFields(error) });
      return known?.text;
    }
  }

  #drop(key: string): void {
    this.#characters -= this.#shelved.get(key)?.text.length ?? 0;
    this.#shelved.delete(key);
  }
}

/** No name has a slash in it. */
export function knowledgeKey(profile: string, file: string): string {
  return `${profile}/${file}`;
}

/** The part of R2 that documents are read by. */
interface ObjectReader {
  get(
    key: string,
    options: { readonly onlyIf?: { readonly etagDoesNotMatch: string } },
  ): Promise<{ readonly etag: string; readonly size: number; text?(): Promise<string> } | null | undefined>;
}

/** What lies in a bucket, and may have been put there by somebody else. @throws if it is too long */
export function bucketKnowledge(bucket: ObjectReader): KnowledgeStore {
  return {
    async get(profile, file, known) {
      const options = known === undefined ? {} : { onlyIf: { etagDoesNotMatch: known } };
      const object = await bucket.get(knowledgeKey(profile, file), options);
      if (!object) return undefined;
      if (!object.text) return "same";
      if (object.size > MAX_KNOWLEDGE_BYTES) throw new Error(`the document has ${object.size} bytes`);
      return { etag: object.etag, text: await object.text() };
    },
  };
}
