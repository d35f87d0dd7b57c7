import type { SqlValue } from "../ports.ts";
import type { ObjectDatabase } from "../records/tables.ts";
import { type ProfileDocument, type ReadProfile, readStored, type StoredProfile, storedText } from "./document.ts";
import { DEFAULT_NAME } from "./name.ts";
import { indexText } from "./numbers.ts";

/** The name of the one object of a deployment. */
export const BOOK_NAME = "profiles";

/** What became of a change, and whether calls elsewhere can see it. */
export interface Written<T> {
  readonly result: T;
  readonly published: boolean;
}

/** Profiles that are not deleted. Overflow: a new one is refused. */
export const MAX_PROFILES = 500;
/** Of one profile. Overflow: the oldest is dropped. */
export const MAX_VERSIONS = 50;
/** A deleted profile can be restored for so long. */
export const DELETED_KEPT_MS = 30 * 24 * 3600 * 1000;

/** Step N leads from version N to N + 1. A step that has been deployed never changes. */
const STEPS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE schema (version INTEGER NOT NULL)",
    "INSERT INTO schema (version) VALUES (1)",
    `CREATE TABLE profile (
       name TEXT PRIMARY KEY,
       version INTEGER NOT NULL,
       deletedMs INTEGER
     ) WITHOUT ROWID`,
    `CREATE TABLE version (
       name TEXT NOT NULL,
       version INTEGER NOT NULL,
       savedMs INTEGER NOT NULL,
       restoredFrom INTEGER,
       document TEXT NOT NULL,
       PRIMARY KEY (name, version)
     )`,
    "CREATE TABLE number (number TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
    // What the replica does not have yet; dueMs is when it is tried next, epoch ms. changes counts what has come since.
    `CREATE TABLE unpublished (
       key TEXT PRIMARY KEY,
       attempts INTEGER NOT NULL,
       dueMs INTEGER NOT NULL,
       changes INTEGER NOT NULL
     ) WITHOUT ROWID`,
  ],
];

/** What must be there now for a change to be made. */
export type Expected =
  | { readonly type: "anything" }
  | { readonly type: "nothing" }
  | { readonly type: "something" }
  /** One of them; 0 where there is none. */
  | { readonly type: "versions"; readonly versions: readonly number[] };

export type Refused =
  | { readonly type: "unknown" }
  /** Somebody else was first. 0: there is no such profile. */
  | { readonly type: "changed"; readonly version: number }
  /** Another profile has that number. */
  | { readonly type: "claimed"; readonly number: string; readonly by: string }
  | { readonly type: "full" }
  | { readonly type: "outdated"; readonly reason: string };

export type Saved = { readonly type: "created" | "replaced" | "same"; readonly profile: StoredProfile } | Refused;

export type Removed = { readonly type: "removed"; readonly keptUntilMs: number } | Refused;

export interface ListedProfile {
  readonly name: string;
  readonly version: number;
  readonly savedMs: number;
  readonly description: string | undefined;
  readonly agent: string | undefined;
  readonly numbers: readonly string[];
}

export interface ListedVersion {
  readonly version: number;
  readonly savedMs: number;
  /** The version that was saved again as this one. */
  readonly restoredFrom: number | undefined;
}

export interface History {
  /** When the profile was deleted, epoch ms; undefined if it is there. */
  readonly deletedMs: number | undefined;
  /** Newest first. */
  readonly versions: readonly ListedVersion[];
}

/** A version as it is kept. */
interface Row {
  readonly name: string;
  readonly version: number;
  readonly savedMs: number;
  readonly document: string;
}

type VersionColumns = { name: string; version: number; savedMs: number; document: string };

export const INDEX_KEY = "numbers";

/** Where the replica has a profile. No name has a colon in it. */
export function keyOf(name: string): string {
  return `profile:${name}`;
}

/**
 * The profiles and their history in one object's SQLite: the only writer, so that versions have an order, a number has one
 * owner, and a change is made on what was there. Times are epoch ms. What it changes it notes for the replica.
 */
export class BookRecords {
  readonly #database: ObjectDatabase;
  readonly #nowMs: () => number;

  /** @throws if the tables are of a later version of this code */
  constructor(database: ObjectDatabase, nowMs: () => number = Date.now) {
    this.#database = database;
    this.#nowMs = nowMs;
    database.transaction(() => this.#upgrade());
  }

  /** By name. */
  list(): ListedProfile[] {
    const rows = this.#rows<VersionColumns>(
      `SELECT version.* FROM profile JOIN version USING (name, version) WHERE deletedMs IS NULL ORDER BY name`,
    );
    return rows.map(({ name, version, savedMs, document }) => {
      const { description, agent, numbers = [] } = JSON.parse(document) as ProfileDocument;
      return { name, version, savedMs, description, agent, numbers };
    });
  }

  /** Every name that there is something of, deleted ones that can be restored included. */
  names(): string[] {
    return this.#rows<{ name: string }>("SELECT name FROM profile ORDER BY name").map(({ name }) => name);
  }

  /** As it is now, whatever the rules of today say of it. */
  get(name: string): StoredProfile | undefined {
    const current = this.#current(name);
    return current === undefined ? undefined : this.version(name, current);
  }

  version(name: string, version: number): StoredProfile | undefined {
    const [row] = this.#versions(name, version);
    return row && { ...row, document: JSON.parse(row.document) as ProfileDocument };
  }

  /** Undefined for a name that is not known, or not any more. */
  history(name: string): History | undefined {
    const [profile] = this.#rows<{ deletedMs: number | null }>("SELECT deletedMs FROM profile WHERE name = ?", name);
    if (!profile) return undefined;
    const versions = this.#rows<{ version: number; savedMs: number; restoredFrom: number | null }>(
      "SELECT version, savedMs, restoredFrom FROM version WHERE name = ? ORDER BY version DESC",
      name,
    );
    return {
      deletedMs: profile.deletedMs ?? undefined,
      versions: versions.map((one) => ({ ...one, restoredFrom: one.restoredFrom ?? undefined })),
    };
  }

  /** The newest version that a call can have by the rules of today, as text; undefined if there is none. */
  good(name: string): string | undefined {
    if (this.#current(name) === undefined) return undefined;
    for (const row of this.#versions(name)) {
      const text = textOf(row);
      if (readStored(text, name).type === "good") return text;
    }
    return undefined;
  }

  index(): string {
    const numbers = this.#rows<{ number: string; name: string }>("SELECT number, name FROM number ORDER BY number");
    const names = new Map(numbers.map(({ number, name }) => [number, name]));
    return indexText({ names, hasDefault: this.#current(DEFAULT_NAME) !== undefined });
  }

  /** Saves what has been checked. The same again changes nothing. */
  save(name: string, document: ProfileDocument, expected: Expected): Saved {
    return this.#transaction(() => this.#save(name, document, expected, null));
  }

  /** Saves an old version again, as a new one; also of a profile that was deleted. */
  restore(name: string, version: number, expected: Expected): Saved {
    return this.#transaction(() => {
      const [row] = this.#versions(name, version);
      if (!row) return { type: "unknown" };
      const read: ReadProfile = readStored(textOf(row), name);
      if (read.type === "bad") return { type: "outdated", reason: read.reason };
      return this.#save(name, read.profile.document, expected, version);
    });
  }

  /** Its versions are kept, DELETED_KEPT_MS. */
  remove(name: string, expected: Expected): Removed {
    return this.#transaction(() => {
      const current = this.#current(name);
      if (current === undefined) return { type: "unknown" };
      if (!isExpected(expected, current)) return { type: "changed", version: current };
      const nowMs = this.#nowMs();
      this.#rows("UPDATE profile SET deletedMs = ? WHERE name = ?", nowMs, name);
      this.#rows("DELETE FROM number WHERE name = ?", name);
      this.#note(keyOf(name));
      this.#note(INDEX_KEY);
      return { type: "removed", keptUntilMs: nowMs + DELETED_KEPT_MS };
    });
  }

  /** Forgets profiles that were deleted long ago. Returns when the next is due; undefined if none is deleted. */
  sweep(): number | undefined {
    return this.#transaction(() => {
      const dueMs = this.#nowMs() - DELETED_KEPT_MS;
      const forgotten = this.#rows<{ name: string }>("DELETE FROM profile WHERE deletedMs <= ? RETURNING name", dueMs);
      for (const { name } of forgotten) this.#rows("DELETE FROM version WHERE name = ?", name);
      const [next] = this.#rows<{ at: number | null }>("SELECT MIN(deletedMs) AS at FROM profile");
      return next?.at == null ? undefined : next.at + DELETED_KEPT_MS;
    });
  }

  /** What the replica has under a key; undefined: nothing. */
  published(key: string): string | undefined {
    if (key === INDEX_KEY) return this.index();
    const name = key.slice(keyOf("").length);
    return this.good(name);
  }

  /** What the replica is to be told, and when; the earliest first. */
  unpublished(): readonly Unpublished[] {
    return this.#rows<Unpublished>("SELECT * FROM unpublished ORDER BY dueMs, key");
  }

  /** Somebody did not find in the replica what is here. */
  republish(key: string): void {
    const query = "INSERT OR IGNORE INTO unpublished (key, attempts, dueMs, changes) VALUES (?, 0, ?, 0)";
    this.#rows(query, key, this.#nowMs());
  }

  /** The replica has it. What has changed while it was told is still to be told. */
  settle({ key, changes }: Unpublished): void {
    this.#rows("DELETE FROM unpublished WHERE key = ? AND changes = ?", key, changes);
  }

  /** The replica is to be told again at `dueMs`. */
  postpone({ key, attempts, changes }: Unpublished, dueMs: number): void {
    const query = "UPDATE unpublished SET attempts = ?, dueMs = ? WHERE key = ? AND changes = ?";
    this.#rows(query, attempts + 1, dueMs, key, changes);
  }

  #save(name: string, document: ProfileDocument, expected: Expected, restoredFrom: number | null): Saved {
    const current = this.#current(name);
    if (!isExpected(expected, current)) return { type: "changed", version: current ?? 0 };
    const numbers = document.numbers ?? [];
    for (const number of numbers) {
      const query = "SELECT name FROM number WHERE number = ? AND name <> ?";
      const [other] = this.#rows<{ name: string }>(query, number, name);
      if (other) return { type: "claimed", number, by: other.name };
    }
    const text = JSON.stringify(document);
    const [before] = current === undefined ? [] : this.#versions(name, current);
    if (before?.document === text) return { type: "same", profile: { ...before, document } };
    if (current === undefined && this.#count() >= MAX_PROFILES) return { type: "full" };
    const savedMs = this.#nowMs();
    const version = this.#nextVersion(name);
    this.#rows(
      "INSERT INTO version (name, version, savedMs, restoredFrom, document) VALUES (?, ?, ?, ?, ?)",
      ...[name, version, savedMs, restoredFrom, text],
    );
    this.#rows("DELETE FROM version WHERE name = ? AND version <= ?", name, version - MAX_VERSIONS);
    this.#rows(
      `INSERT INTO profile (name, version, deletedMs) VALUES (?, ?, NULL)
       ON CONFLICT (name) DO UPDATE SET version = excluded.version, deletedMs = NULL`,
      ...[name, version],
    );
    this.#rows("DELETE FROM number WHERE name = ?", name);
    for (const number of numbers) this.#rows("INSERT INTO number (number, name) VALUES (?, ?)", number, name);
    this.#note(keyOf(name));
    this.#note(INDEX_KEY);
    return {
      type: current === undefined ? "created" : "replaced",
      profile: { name, version, savedMs, document },
    };
  }

  /** The number of the version that counts; undefined for what is not there. */
  #current(name: string): number | undefined {
    const query = "SELECT version FROM profile WHERE name = ? AND deletedMs IS NULL";
    return this.#rows<{ version: number }>(query, name)[0]?.version;
  }

  #nextVersion(name: string): number {
    const [last] = this.#rows<{ version: number }>("SELECT version FROM profile WHERE name = ?", name);
    return (last?.version ?? 0) + 1;
  }

  #count(): number {
    const query = "SELECT COUNT(*) AS count FROM profile WHERE deletedMs IS NULL";
    return this.#rows<{ count: number }>(query)[0]?.count ?? 0;
  }

  /** Newest first, or the one of that number. */
  #versions(name: string, version?: number): Row[] {
    const columns = "SELECT name, version, savedMs, document FROM version WHERE name = ?";
    if (version !== undefined) return this.#rows<VersionColumns>(`${columns} AND version = ?`, name, version);
    return this.#rows<VersionColumns>(`${columns} ORDER BY version DESC`, name);
  }

  /** The replica is to be told at once, however often it has failed so far. */
  #note(key: string): void {
    this.#rows(
      `INSERT INTO unpublished (key, attempts, dueMs, changes) VALUES (?, 0, ?, 0)
       ON CONFLICT (key) DO UPDATE SET attempts = 0, dueMs = excluded.dueMs, changes = changes + 1`,
      ...[key, this.#nowMs()],
    );
  }

  #upgrade(): void {
    const [schema] = this.#rows<{ name: string }>("SELECT name FROM sqlite_master WHERE name = 'schema'");
    const version = schema ? (this.#rows<{ version: number }>("SELECT version FROM schema")[0]?.version ?? 0) : 0;
    if (version > STEPS.length) throw new Error(`the book's tables are of version ${version}`);
    if (version === STEPS.length) return;
    for (const statement of STEPS.slice(version).flat()) this.#rows(statement);
    this.#rows("UPDATE schema SET version = ?", STEPS.length);
  }

  #transaction<T>(work: () => T): T {
    return this.#database.transaction(work);
  }

  #rows<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray();
  }
}

export type Unpublished = {
  readonly key: string;
  /** That have failed. */
  readonly attempts: number;
  readonly dueMs: number;
  readonly changes: number;
};

function textOf({ name, version, savedMs, document }: Row): string {
  return storedText({ name, version, savedMs, document: JSON.parse(document) as ProfileDocument });
}

function isExpected(expected: Expected, current: number | undefined): boolean {
  switch (expected.type) {
    case "anything":
      return true;
    case "nothing":
      return current === undefined;
    case "something":
      return current !== undefined;
    case "versions":
      return expected.versions.includes(current ?? 0);
    default:
      return expected satisfies never;
  }
}
