import { beforeEach, describe, expect, it } from "vitest";
import { BookRecords, INDEX_KEY, keyOf } from "../../../../worker-shim/profiles/book.ts";
import { readStored } from "../../../../worker-shim/profiles/document.ts";
import { readIndex } from "../../../../worker-shim/profiles/numbers.ts";
import { Publisher, type Replica, WRITE_TIMEOUT_MS } from "../../../../worker-shim/profiles/publisher.ts";
import { FakeLog, MemoryReplica, memoryDatabase, settle, VirtualTime } from "../support/fakes.ts";

let time: VirtualTime;
let log: FakeLog;
let replica: MemoryReplica;
let book: BookRecords;
let publisher: Publisher;

function make(to: Replica | undefined): Publisher {
  return new Publisher({ book, replica: to, timers: time, log, nowMs: () => time.nowMs });
}

beforeEach(() => {
  time = new VirtualTime();
  time.nowMs = 1_000_000;
  log = new FakeLog();
  replica = new MemoryReplica();
  book = new BookRecords(memoryDatabase(), () => time.nowMs);
  publisher = make(replica);
});

function save(name: string, instructions: string): void {
  book.save(name, { profile: { instructions }, numbers: [`+1${name.length}`] }, { type: "anything" });
}

function instructionsOf(name: string): string | undefined {
  const read = readStored(replica.values.get(keyOf(name)) ?? "", name);
  return read.type === "good" ? read.profile.document.profile.instructions : undefined;
}

describe("what was saved", () => {
  it("is published with the numbers, once", async () => {
    save("a", "one");
    expect([publisher.has("a"), publisher.dueMs]).toEqual([false, time.nowMs]);
    await publisher.publish();
    expect(instructionsOf("a")).toBe("one");
    expect(readIndex(replica.values.get(INDEX_KEY) ?? "")?.names).toEqual(new Map([["+11", "a"]]));
    expect([publisher.has("a"), publisher.dueMs]).toEqual([true, undefined]);
    await publisher.publish();
    expect(replica.writes).toHaveLength(2);
  });

  it("goes when it is deleted", async () => {
    save("a", "one");
    await publisher.publish();
    book.remove("a", { type: "anything" });
    await publisher.publish();
    expect([...replica.values.keys()]).toEqual([INDEX_KEY]);
    expect(readIndex(replica.values.get(INDEX_KEY) ?? "")?.names.size).toBe(0);
  });

  it("is published as it is by then, whatever comes while it is written", async () => {
    save("a", "one");
    const release = Promise.withResolvers<void>();
    const writing = new Map<string, string>();
    publisher = make({
      put: async (key, text) => {
        if (writing.size === 0) {
          writing.set(key, text);
          await release.promise;
        }
        await replica.put(key, text);
      },
      delete: (key) => replica.delete(key),
    });
    const [first, second] = [publisher.publish(), publisher.publish()];
    expect(second).toBe(first);
    await settle();
    save("a", "two");
    release.resolve();
    await first;
    expect(instructionsOf("a")).toBe("two");
    expect(publisher.has("a")).toBe(true);
  });
});

describe("a replica that fails", () => {
  it("is told later, and later each time, until it has it", async () => {
    save("a", "one");
    replica.behaviour = async () => {
      throw new Error("429");
    };
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await publisher.publish();
      const dueMs = publisher.dueMs ?? 0;
      waits.push(dueMs - time.nowMs);
      time.advance(dueMs - time.nowMs);
    }
    expect(waits.slice(0, 4)).toEqual([1_500, 3_000, 6_000, 12_000]);
    expect(waits.at(-1)).toBe(600_000);
    expect(publisher.has("a")).toBe(false);
    expect(log.lines[0]).toMatchObject({ level: "warn", message: "a profile was not published" });
    replica.behaviour = undefined;
    await publisher.publish();
    expect([publisher.has("a"), instructionsOf("a")]).toEqual([true, "one"]);
  });

  it("is told of a new change at once", async () => {
    save("a", "one");
    replica.behaviour = async () => {
      throw new Error("429");
    };
    await publisher.publish();
    replica.behaviour = undefined;
    save("a", "two");
    await publisher.publish();
    expect(instructionsOf("a")).toBe("two");
  });

  it("is given up on when it hangs, and told again when nothing old can come any more", async () => {
    save("a", "one");
    replica.behaviour = () => new Promise(() => undefined);
    const done = publisher.publish();
    await settle();
    time.advance(WRITE_TIMEOUT_MS);
    await settle();
    time.advance(WRITE_TIMEOUT_MS);
    await done;
    expect(replica.writes).toHaveLength(2);
    expect((publisher.dueMs ?? 0) - time.nowMs).toBeGreaterThanOrEqual(55_000);
  });

  it("may not be there: nothing waits for it", async () => {
    publisher = make(undefined);
    save("a", "one");
    await publisher.publish();
    expect([publisher.has("a"), publisher.dueMs]).toEqual([false, undefined]);
  });
});
