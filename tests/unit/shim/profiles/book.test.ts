import { beforeEach, describe, expect, it } from "vitest";
import {
  BookRecords,
  DELETED_KEPT_MS,
  type Expected,
  INDEX_KEY,
  keyOf,
  MAX_PROFILES,
  MAX_VERSIONS,
  type Saved,
} from "../../../../worker-shim/profiles/book.ts";
import { type ProfileDocument, readStored } from "../../../../worker-shim/profiles/document.ts";
import { readIndex } from "../../../../worker-shim/profiles/numbers.ts";
import type { ObjectDatabase } from "../../../../worker-shim/records/tables.ts";
import { memoryDatabase } from "../support/fakes.ts";

const ANYTHING: Expected = { type: "anything" };
const NOTHING: Expected = { type: "nothing" };
const SOMETHING: Expected = { type: "something" };
const at = (...versions: number[]): Expected => ({ type: "versions", versions });

/** A document that is told from others by what its agent is told. */
function of(instructions: string, more: Partial<ProfileDocument> = {}): ProfileDocument {
  return { profile: { instructions }, ...more };
}

let database: ObjectDatabase;
let nowMs: number;
let book: BookRecords;

beforeEach(() => {
  database = memoryDatabase();
  nowMs = 1_000_000;
  book = new BookRecords(database, () => nowMs);
});

function versionOf(saved: Saved): number {
  if (!("profile" in saved)) throw new Error(`not saved: ${saved.type}`);
  return saved.profile.version;
}

function instructionsOf(name: string): string | undefined {
  return book.get(name)?.document.profile.instructions;
}

function waiting(): string[] {
  return book.unpublished().map(({ key }) => key);
}

function settleAll(): void {
  for (const one of book.unpublished()) book.settle(one);
}

describe("a profile", () => {
  it("has versions that count up, and is as it was saved last", () => {
    expect(book.save("a", of("one"), ANYTHING)).toEqual({
      type: "created",
      profile: { name: "a", version: 1, savedMs: nowMs, document: of("one") },
    });
    nowMs += 5;
    expect(book.save("a", of("two"), ANYTHING)).toMatchObject({ type: "replaced", profile: { version: 2 } });
    expect(book.get("a")).toEqual({ name: "a", version: 2, savedMs: nowMs, document: of("two") });
    expect(book.version("a", 1)?.document).toEqual(of("one"));
    expect(book.get("b")).toBeUndefined();
  });

  it("stays at its version when the same is saved again", () => {
    book.save("a", of("one"), ANYTHING);
    settleAll();
    expect(book.save("a", of("one"), ANYTHING)).toMatchObject({ type: "same", profile: { version: 1 } });
    expect(book.history("a")?.versions).toHaveLength(1);
    expect(waiting()).toEqual([]);
  });

  it("is listed with what tells it from others, by name", () => {
    book.save("b", of("x", { agent: "house", numbers: ["+1"], description: "desk" }), ANYTHING);
    book.save("a", of("y"), ANYTHING);
    expect(book.list()).toEqual([
      { name: "a", version: 1, savedMs: nowMs, description: undefined, agent: undefined, numbers: [] },
      { name: "b", version: 1, savedMs: nowMs, description: "desk", agent: "house", numbers: ["+1"] },
    ]);
  });

  it("keeps its last versions, and drops the oldest", () => {
    for (let i = 1; i <= MAX_VERSIONS + 2; i++) book.save("a", of(`text ${i}`), ANYTHING);
    const versions = book.history("a")?.versions ?? [];
    expect(versions).toHaveLength(MAX_VERSIONS);
    expect([versions[0]?.version, versions.at(-1)?.version]).toEqual([MAX_VERSIONS + 2, 3]);
    expect(book.version("a", 2)).toBeUndefined();
    expect(book.restore("a", 2, ANYTHING)).toEqual({ type: "unknown" });
  });

  it("is one of so many at most; those that are there can be changed", () => {
    for (const name of ["p0", "p1"]) book.save(name, of("x"), ANYTHING);
    database.exec(
      `WITH RECURSIVE other (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM other WHERE i < ${MAX_PROFILES - 1})
       INSERT INTO profile (name, version) SELECT 'p' || i, 1 FROM other`,
    );
    expect(book.save("one-more", of("x"), ANYTHING)).toEqual({ type: "full" });
    expect(book.save("p0", of("y"), ANYTHING)).toMatchObject({ type: "replaced" });
    book.remove("p1", ANYTHING);
    expect(book.save("one-more", of("x"), ANYTHING)).toMatchObject({ type: "created" });
    expect(book.restore("p1", 1, ANYTHING)).toEqual({ type: "full" });
  });
});

describe("two who change the same", () => {
  it("do not overwrite each other: the second one hears what is there", () => {
    const version = versionOf(book.save("a", of("one"), NOTHING));
    expect(book.save("a", of("first"), at(version))).toMatchObject({ type: "replaced", profile: { version: 2 } });
    expect(book.save("a", of("second"), at(version))).toEqual({ type: "changed", version: 2 });
    expect(instructionsOf("a")).toBe("first");
    expect(book.remove("a", at(version))).toEqual({ type: "changed", version: 2 });
    expect(book.restore("a", 1, at(version))).toEqual({ type: "changed", version: 2 });
  });

  it("create it once", () => {
    book.save("a", of("one"), NOTHING);
    expect(book.save("a", of("two"), NOTHING)).toEqual({ type: "changed", version: 1 });
    expect(book.save("b", of("one"), SOMETHING)).toEqual({ type: "changed", version: 0 });
    // The deployment's own default has no version yet.
    expect(book.save("default", of("one"), at(0))).toMatchObject({ type: "created" });
    expect(book.save("default", of("two"), at(0))).toEqual({ type: "changed", version: 1 });
  });

  it("do not take each other's number", () => {
    book.save("a", of("one", { numbers: ["+15551234567", "+1555*"] }), ANYTHING);
    const taken = book.save("b", of("two", { numbers: ["+1556*", "+1555*"] }), ANYTHING);
    expect(taken).toEqual({ type: "claimed", number: "+1555*", by: "a" });
    expect(book.get("b")).toBeUndefined();
    // Its own it may keep, and what it gives up is free.
    expect(book.save("a", of("more", { numbers: ["+1555*"] }), ANYTHING)).toMatchObject({ type: "replaced" });
    expect(book.save("b", of("two", { numbers: ["+15551234567"] }), ANYTHING)).toMatchObject({ type: "created" });
    expect(readIndex(book.index())?.names).toEqual(
      new Map([
        ["+1555*", "a"],
        ["+15551234567", "b"],
      ]),
    );
  });

  it("do not get a number back that another has now", () => {
    book.save("a", of("one", { numbers: ["+1"] }), ANYTHING);
    book.save("a", of("two"), ANYTHING);
    book.save("b", of("three", { numbers: ["+1"] }), ANYTHING);
    expect(book.restore("a", 1, ANYTHING)).toEqual({ type: "claimed", number: "+1", by: "b" });
    expect(book.history("a")?.versions).toHaveLength(2);
  });
});

describe("an old version", () => {
  it("is restored as a new one that says so", () => {
    book.save("a", of("one"), ANYTHING);
    book.save("a", of("two"), ANYTHING);
    expect(book.restore("a", 1, at(2))).toMatchObject({ type: "replaced", profile: { version: 3 } });
    expect(instructionsOf("a")).toBe("one");
    expect(book.history("a")?.versions.map(({ version, restoredFrom }) => [version, restoredFrom])).toEqual([
      [3, 1],
      [2, undefined],
      [1, undefined],
    ]);
  });

  it("is not restored when the rules of today refuse it", () => {
    book.save("a", of("one"), ANYTHING);
    book.save("a", of("two"), ANYTHING);
    database.exec(`UPDATE version SET document = '{"profile":{"colour":"red"}}' WHERE version = 1`);
    const refused = book.restore("a", 1, ANYTHING);
    expect(refused).toEqual({
      type: "outdated",
      reason: expect.stringContaining("document.profile.colour is not known"),
    });
  });
});

describe("a deleted profile", () => {
  beforeEach(() => {
    book.save("a", of("one", { numbers: ["+1"] }), ANYTHING);
    expect(book.remove("a", at(1))).toEqual({ type: "removed", keptUntilMs: nowMs + DELETED_KEPT_MS });
  });

  it("is gone for calls, and its number is free", () => {
    expect(book.get("a")).toBeUndefined();
    expect(book.list()).toEqual([]);
    expect(book.good("a")).toBeUndefined();
    expect(book.remove("a", ANYTHING)).toEqual({ type: "unknown" });
    expect(book.save("b", of("two", { numbers: ["+1"] }), ANYTHING)).toMatchObject({ type: "created" });
  });

  it("can be restored for 30 days, and goes on counting", () => {
    nowMs += DELETED_KEPT_MS - 1;
    expect(book.sweep()).toBe(nowMs + 1);
    expect(book.history("a")).toMatchObject({ deletedMs: 1_000_000, versions: [{ version: 1 }] });
    expect(book.names()).toEqual(["a"]);
    expect(book.restore("a", 1, ANYTHING)).toMatchObject({ type: "created", profile: { version: 2 } });
    expect(book.sweep()).toBeUndefined();
  });

  it("is forgotten then", () => {
    nowMs += DELETED_KEPT_MS;
    expect(book.sweep()).toBeUndefined();
    expect(book.history("a")).toBeUndefined();
    expect(book.restore("a", 1, ANYTHING)).toEqual({ type: "unknown" });
    expect(database.exec("SELECT * FROM version").toArray()).toEqual([]);
  });

  it("that is saved anew as it was is a new version", () => {
    expect(book.save("a", of("one", { numbers: ["+1"] }), NOTHING)).toMatchObject({
      type: "created",
      profile: { version: 2 },
    });
  });
});

describe("what calls get", () => {
  it("is the newest version that the rules of today take", () => {
    book.save("a", of("one"), ANYTHING);
    book.save("a", of("two"), ANYTHING);
    database.exec(`UPDATE version SET document = '{"profile":{"colour":"red"}}' WHERE version = 2`);
    const read = readStored(book.published(keyOf("a")) ?? "", "a");
    expect(read).toMatchObject({ type: "good", profile: { version: 1, document: of("one") } });
    database.exec(`UPDATE version SET document = '{"profile":{"colour":"red"}}'`);
    expect(book.published(keyOf("a"))).toBeUndefined();
  });

  it("is noted with every change, and a change that comes while it is told is told again", () => {
    book.save("a", of("one"), ANYTHING);
    expect(waiting()).toEqual([INDEX_KEY, keyOf("a")]);
    const [, told] = book.unpublished();
    book.save("a", of("two"), ANYTHING);
    if (told) book.settle(told);
    expect(waiting()).toContain(keyOf("a"));
    if (told) book.postpone(told, nowMs + 60_000);
    expect(book.unpublished().every(({ dueMs }) => dueMs === nowMs)).toBe(true);
    settleAll();
    expect(waiting()).toEqual([]);
    book.republish(keyOf("a"));
    expect(waiting()).toEqual([keyOf("a")]);
  });

  it("knows whether there is a default", () => {
    expect(readIndex(book.index())?.hasDefault).toBe(false);
    book.save("default", of("x"), ANYTHING);
    expect(readIndex(book.index())?.hasDefault).toBe(true);
    book.remove("default", ANYTHING);
    expect(readIndex(book.index())?.hasDefault).toBe(false);
  });
});

it("opens what it has written, and nothing of a later version", () => {
  book.save("a", of("one"), ANYTHING);
  expect(new BookRecords(database).get("a")?.document).toEqual(of("one"));
  database.exec("UPDATE schema SET version = 99");
  expect(() => new BookRecords(database)).toThrow("version 99");
});
