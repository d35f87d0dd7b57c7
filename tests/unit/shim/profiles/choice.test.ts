import { beforeEach, describe, expect, it } from "vitest";
import { BookRecords, INDEX_KEY, keyOf } from "../../../../worker-shim/profiles/book.ts";
import {
  CHOICE_MS,
  INDEX_TTL_MS,
  MAX_REMEMBERED,
  ProfileChooser,
  type ProfileStores,
  REPLICA_MS,
} from "../../../../worker-shim/profiles/choice.ts";
import type { ProfileDocument } from "../../../../worker-shim/profiles/document.ts";
import { FakeLog, MemoryReplica, memoryDatabase, settle, VirtualTime } from "../support/fakes.ts";

const never = () => new Promise<never>(() => undefined);
const fail = async () => {
  throw new Error("gone");
};

let time: VirtualTime;
let log: FakeLog;
let replica: MemoryReplica;
let book: BookRecords;
let asked: string[];
/** What the book does in the place of its work. */
let bookBehaviour: (() => Promise<never>) | undefined;
let stores: ProfileStores;
let chooser: ProfileChooser;

function newIsolate(): ProfileChooser {
  return new ProfileChooser({ log, timers: time, nowMs: () => time.nowMs });
}

beforeEach(() => {
  time = new VirtualTime();
  time.nowMs = 1_000_000;
  log = new FakeLog();
  replica = new MemoryReplica();
  book = new BookRecords(memoryDatabase(), () => time.nowMs);
  asked = [];
  bookBehaviour = undefined;
  stores = {
    replica,
    lookUp: async (key) => {
      asked.push(key);
      if (bookBehaviour) return bookBehaviour();
      return book.published(key);
    },
  };
  chooser = newIsolate();
});

/** Saves, and publishes unless it is said. */
function save(name: string, instructions: string, more: Partial<ProfileDocument> = {}, publish = true): void {
  book.save(name, { profile: { instructions }, ...more }, { type: "anything" });
  if (!publish) return;
  for (const one of book.unpublished()) {
    replica.values.set(one.key, book.published(one.key) ?? "");
    book.settle(one);
  }
}

/** What a call gets, and how long that took. */
async function choose(dialled = "", name?: string) {
  const startMs = time.nowMs;
  let answer: Awaited<ReturnType<ProfileChooser["choose"]>> | undefined;
  void chooser.choose(stores, name, dialled).then((value) => {
    answer = value;
  });
  for (let ms = 0; ms <= CHOICE_MS + 100; ms += 10) {
    await settle();
    if (answer !== undefined) break;
    time.advance(10);
  }
  if (answer === undefined) throw new Error("a call was held up");
  const tookMs = time.nowMs - startMs;
  if (answer === "unknown") return { answer, tookMs, name: undefined, from: undefined, instructions: undefined };
  return { ...answer, tookMs, instructions: answer.profile?.instructions };
}

describe("a call", () => {
  it("has the deployment's own profile where there is no other, and costs nothing then", async () => {
    replica.values.set(INDEX_KEY, book.index());
    expect(await choose("+15551234567")).toMatchObject({
      name: "default",
      version: 0,
      from: "settings",
      by: "default",
    });
    expect(replica.reads).toEqual([INDEX_KEY]);
    await choose("+1");
    expect(replica.reads).toEqual([INDEX_KEY]);
    expect(asked).toEqual([]);
  });

  it("has the profile of its number: the number itself before the longest beginning", async () => {
    save("exact", "E", { numbers: ["+15551234567"] });
    save("area", "A", { numbers: ["+1555*"] });
    save("country", "C", { numbers: ["+1*", "sip:desk@example.com"] });
    save("default", "D");
    const names = async (to: string) => (await choose(to)).instructions;
    expect(await names("+15551234567")).toBe("E");
    expect(await names("+15551234568")).toBe("A");
    expect(await names("+1555")).toBe("A");
    expect(await names("+1666")).toBe("C");
    expect(await names(" 1666")).toBe("C");
    expect(await names("SIP:Desk@example.com;transport=tls")).toBe("C");
    expect(await names("+44")).toBe("D");
    expect(await names("")).toBe("D");
  });

  it("has the profile that is asked for, whatever its number's is", async () => {
    save("a", "A", { numbers: ["+1"], agent: "house", limits: { maxCallMs: 2_000 } });
    save("b", "B");
    expect(await choose("+1", "b")).toMatchObject({ name: "b", by: "request", from: "replica", instructions: "B" });
    expect(await choose("+1")).toMatchObject({ name: "a", by: "number", agent: "house", limits: { maxCallMs: 2_000 } });
    expect((await choose("+1", "default")).from).toBe("settings");
  });

  it.each(["nobody", "", "a b", "__proto__", "x".repeat(65)])("knows no profile %j", async (name) => {
    save("a", "A");
    expect((await choose("+1", name)).answer).toBe("unknown");
  });

  it("costs one read while the numbers are known, and two when they are old", async () => {
    save("a", "A", { numbers: ["+1"] });
    await choose("+1");
    expect(replica.reads).toEqual([INDEX_KEY, keyOf("a")]);
    replica.reads.length = 0;
    for (let i = 0; i < 10; i++) await choose("+1");
    expect(replica.reads).toEqual(Array(10).fill(keyOf("a")));
    time.advance(INDEX_TTL_MS);
    replica.reads.length = 0;
    await choose("+1");
    expect(replica.reads).toEqual([INDEX_KEY, keyOf("a")]);
    expect(asked).toEqual([]);
  });

  it("has what was changed before it, and not what was changed behind it", async () => {
    save("a", "one", { numbers: ["+1"] });
    const first = await choose("+1");
    save("a", "two", { numbers: ["+1"] });
    expect(first.instructions).toBe("one");
    expect(await choose("+1")).toMatchObject({ version: 2, instructions: "two" });
  });
});

describe("a replica that is behind", () => {
  it("is not gone back to by an isolate that knows better", async () => {
    save("a", "one", {});
    const old = replica.values.get(keyOf("a")) ?? "";
    time.advance(1_000);
    save("a", "two", {});
    await choose("", "a");
    replica.values.set(keyOf("a"), old);
    expect(await choose("", "a")).toMatchObject({ version: 2, instructions: "two" });
    chooser = newIsolate();
    expect(await choose("", "a")).toMatchObject({ version: 1 });
  });

  it("does not have what the book has: the book is asked", async () => {
    save("a", "A", { numbers: ["+1"] }, false);
    expect(await choose("+1")).toMatchObject({ name: "a", from: "book", instructions: "A" });
    expect(asked).toEqual([INDEX_KEY, keyOf("a")]);
    expect(chooser.counters.replicaMissing).toBe(2);
  });

  it("names a profile that is gone: the call has the default", async () => {
    save("default", "D");
    save("a", "A", { numbers: ["+1"] });
    await choose("+1");
    book.remove("a", { type: "anything" });
    replica.values.delete(keyOf("a"));
    expect(await choose("+1")).toMatchObject({ name: "default", by: "number", problem: "missing", instructions: "D" });
    expect((await choose("", "a")).answer).toBe("unknown");
    expect(chooser.counters.defaulted).toBe(1);
    expect(log.lines.at(-1)).toMatchObject({ message: "a call has the default profile", fields: { profile: "a" } });
  });
});

describe("what is damaged in the replica", () => {
  it.each([
    ["no JSON", "{"],
    ["nothing", "{}"],
    ["another's", '{"name":"b","version":1,"savedMs":1,"document":{"profile":{}}}'],
    ["of other rules", '{"name":"a","version":9,"savedMs":1,"document":{"profile":{"colour":"red"}}}'],
    ["of no version", '{"name":"a","version":0,"savedMs":1,"document":{"profile":{}}}'],
  ])("is had from the book: %s", async (_, text) => {
    save("a", "A");
    replica.values.set(keyOf("a"), text);
    expect(await choose("", "a")).toMatchObject({ from: "book", instructions: "A" });
    expect(chooser.counters.replicaDamaged).toBe(1);
    const fields = { key: keyOf("a"), reason: expect.any(String) };
    expect(log.lines[0]).toEqual({ level: "error", message: "the replica of a profile is damaged", fields });
  });

  it("is had from memory where the book fails as well, and else is the default", async () => {
    save("a", "A");
    await choose("", "a");
    replica.values.set(keyOf("a"), "{");
    bookBehaviour = fail;
    expect(await choose("", "a")).toMatchObject({ from: "memory", version: 1, instructions: "A" });
    expect(chooser.counters).toMatchObject({ remembered: 1, bookFailed: 1, defaulted: 0 });
    chooser = newIsolate();
    expect(await choose("", "a")).toMatchObject({ from: "settings", version: 0, problem: "damaged" });
    expect(chooser.counters.defaulted).toBe(1);
  });

  it("may be the numbers: the book has them", async () => {
    save("a", "A", { numbers: ["+1"] });
    for (const text of ["{", "{}", '{"hasDefault":true,"numbers":[["+1"]]}', '{"hasDefault":1,"numbers":[]}']) {
      chooser = newIsolate();
      replica.values.set(INDEX_KEY, text);
      expect((await choose("+1")).name).toBe("a");
    }
  });
});

describe("a replica that does not answer", () => {
  it.each([
    ["hangs", never, REPLICA_MS],
    ["fails", fail, 0],
  ])("%s: the book is asked in time", async (_, behaviour, ms) => {
    save("a", "A", { numbers: ["+1"] });
    await choose("+1");
    replica.behaviour = behaviour;
    const { tookMs, ...chosen } = await choose("+1");
    expect(chosen).toMatchObject({ name: "a", from: "book", instructions: "A" });
    expect(tookMs).toBe(ms);
    expect(chooser.counters.replicaFailed).toBe(1);
  });

  // It was waited for twice, and no time was left for the book.
  it("is waited for once, also where nothing is known yet", async () => {
    save("a", "A", { numbers: ["+1"] });
    replica.behaviour = never;
    expect(await choose("+1")).toMatchObject({ from: "book", instructions: "A", tookMs: REPLICA_MS });
    expect(asked).toEqual([INDEX_KEY, keyOf("a")]);
  });

  it("and a book that does not either: what was last known, and after that the default", async () => {
    save("a", "A", { numbers: ["+1"] });
    await choose("+1");
    [replica.behaviour, bookBehaviour] = [never, never];
    expect(await choose("+1")).toMatchObject({ from: "memory", instructions: "A", tookMs: CHOICE_MS });
    // With numbers that are old as well.
    time.advance(INDEX_TTL_MS);
    expect(await choose("+1")).toMatchObject({ from: "memory", instructions: "A" });
    chooser = newIsolate();
    expect(await choose("+1")).toMatchObject({ from: "settings", tookMs: CHOICE_MS });
    expect(await choose("+1", "a")).toMatchObject({ from: "settings", problem: "unreachable", tookMs: CHOICE_MS });
  });

  it("is not there at all: each call asks the book", async () => {
    save("a", "A", { numbers: ["+1"] });
    stores = { ...stores, replica: undefined };
    expect(await choose("+1")).toMatchObject({ from: "book", instructions: "A" });
    expect((await choose("", "nobody")).answer).toBe("unknown");
  });
});

it("remembers so many, those that were used last", async () => {
  for (let i = 0; i <= MAX_REMEMBERED; i++) {
    const profile = { name: `p${i}`, version: 1, savedMs: 1, document: { profile: {} } };
    chooser.remember(profile, JSON.stringify(profile));
  }
  [replica.behaviour, bookBehaviour] = [fail, fail];
  expect((await choose("", `p${MAX_REMEMBERED}`)).from).toBe("memory");
  expect((await choose("", "p0")).from).toBe("settings");
});

it("has what was saved here at once, and forgets what was deleted here", async () => {
  save("a", "one");
  await choose("", "a");
  const next = { name: "a", version: 2, savedMs: time.nowMs + 1, document: { profile: { instructions: "two" } } };
  chooser.remember(next, JSON.stringify(next));
  expect((await choose("", "a")).instructions).toBe("two");
  chooser.forget("a");
  book.remove("a", { type: "anything" });
  replica.values.delete(keyOf("a"));
  expect((await choose("", "a")).answer).toBe("unknown");
});

describe("a profile with hours", () => {
  // The clock stands at a quarter past midnight of a Thursday, UTC.
  const closed = (outside: object) => ({ hours: { timeZone: "UTC", open: [], outside } }) as Partial<ProfileDocument>;
  const open = { timeZone: "UTC", open: [{ days: ["thu"], from: "00:15", to: "00:20" }] } as const;

  it("is that of the call within them, and another one outside", async () => {
    save("desk", "D", { numbers: ["+1"], hours: { ...open, outside: { profile: "night" } } });
    save("night", "N");
    expect(await choose("+1")).toMatchObject({ name: "desk", by: "number" });
    time.advance(5 * 60_000);
    for (const [dialled, name] of [
      ["+1", undefined],
      ["", "desk"],
    ] as const)
      expect(await choose(dialled, name)).toMatchObject({
        ...{ name: "night", version: 1, by: "hours", outside: "desk", instructions: "N", from: "replica" },
      });
  });

  it("may only have something to say", async () => {
    save("desk", "D", closed({ say: "We are closed." }));
    expect(await choose("", "desk")).toMatchObject({
      ...{ name: "desk", by: "hours", outside: "desk", say: "We are closed.", instructions: "D" },
    });
  });

  it("goes one step and no further, whatever the other's hours are", async () => {
    save("a", "A", closed({ profile: "b" }));
    save("b", "B", closed({ profile: "a" }));
    expect(await choose("", "a")).toMatchObject({ name: "b", by: "hours", instructions: "B" });
    save("self", "S", closed({ profile: "self" }));
    expect(await choose("", "self")).toMatchObject({ name: "self", by: "hours", instructions: "S" });
  });

  it("may name the deployment's own", async () => {
    save("desk", "D", closed({ profile: "default" }));
    expect(await choose("", "desk")).toMatchObject({ name: "default", version: 0, by: "hours", outside: "desk" });
    save("default", "Own");
    expect(await choose("", "desk")).toMatchObject({ name: "default", version: 1, by: "hours", instructions: "Own" });
  });

  it("is that of the call where the other cannot be had", async () => {
    save("desk", "D", closed({ profile: "gone" }));
    expect(await choose("", "desk")).toMatchObject({ name: "desk", by: "request", problem: "missing" });
    expect(chooser.counters.defaulted).toBe(1);
    save("gone", "G");
    await choose("", "desk");
    chooser.forget("gone");
    replica.behaviour = never;
    bookBehaviour = never;
    const { tookMs, ...chosen } = await choose("", "desk");
    expect(chosen).toMatchObject({ name: "desk", problem: "unreachable" });
    // All told.
    expect(tookMs).toBeLessThanOrEqual(CHOICE_MS + 10);
  });
});
