import { describe, expect, it } from "vitest";
import { dayOfKey, expire, forgetKnowledge } from "../../../worker-shim/retention.ts";
import { FakeLog, MemoryBucket } from "./support/fakes.ts";

const DAY_MS = 24 * 3600 * 1000;
const BEFORE_MS = Date.UTC(2026, 10, 21, 3, 17);

function fakeBucket(keys: string[]) {
  const left = new Set(keys);
  return {
    left,
    lists: 0,
    objects: {
      put: async () => undefined,
      delete: async (gone: readonly string[]) => {
        for (const key of gone) left.delete(key);
      },
    },
    async list({ prefix = "", cursor }: { prefix?: string; cursor?: string }) {
      this.lists++;
      const found = [...left].filter((key) => key.startsWith(prefix) && key > (cursor ?? "")).sort();
      const page = found.slice(0, 2).map((key) => ({ key }));
      return { objects: page, truncated: found.length > 2, cursor: page.at(-1)?.key };
    },
  };
}

describe("retention", () => {
  it("deletes whole days that are over, in every folder, and nothing younger", async () => {
    const days = ["2026/11/17", "2026/11/18", "2026/11/19", "2026/11/20", "2026/11/21"];
    const keys = days.flatMap((day) => [
      `recordings/${day}/a.opus`,
      `recordings/${day}/b.opus`,
      `flights/${day}/a.flight`,
    ]);
    const bucket = fakeBucket([...keys, "other/2020/01/01/x"]);
    const redacted: number[] = [];
    const callLog = {
      redactBefore: async (beforeMs: number) => {
        redacted.push(beforeMs);
        return 3;
      },
    };
    expect(await expire(bucket as never, callLog, BEFORE_MS, new FakeLog())).toEqual({ objects: 12, calls: 3 });
    expect([...bucket.left].sort()).toEqual([
      "flights/2026/11/21/a.flight",
      "other/2020/01/01/x",
      "recordings/2026/11/21/a.opus",
      "recordings/2026/11/21/b.opus",
    ]);
    expect(redacted).toEqual([BEFORE_MS]);
  });

  it("does what it can when one of the two fails", async () => {
    const log = new FakeLog();
    const broken = { list: () => Promise.reject(new Error("no")), objects: {} };
    const callLog = { redactBefore: async () => 1 };
    expect(await expire(broken as never, callLog, BEFORE_MS, log)).toEqual({ objects: 0, calls: 1 });
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    expect(await expire(undefined, undefined, BEFORE_MS, log)).toEqual({ objects: 0, calls: 0 });
  });

  it("reads the day of a key", () => {
    expect(dayOfKey("recordings/2026/11/21/c1.opus")).toBe(Date.UTC(2026, 10, 21));
    expect(dayOfKey("recordings/2026/11/22/c1.opus")).toBe(Date.UTC(2026, 10, 21) + DAY_MS);
    expect(dayOfKey("recordings/x/c1.opus")).toBeUndefined();
  });
});

describe("knowledge of profiles that nobody knows any more", () => {
  const forget = (bucket: MemoryBucket | undefined, log: FakeLog, ...names: string[]) =>
    forgetKnowledge(bucket as unknown as Parameters<typeof forgetKnowledge>[0], async () => names, log);

  it("is deleted, and no other", async () => {
    const bucket = new MemoryBucket();
    for (const key of ["desk/a.md", "desk/b.md", "desk2/a.md", "gone/a.md", "gone/b.md"]) bucket.store(key, "x");
    expect(await forget(bucket, new FakeLog(), "default", "desk", "desk2")).toBe(2);
    expect([...bucket.objects.keys()]).toEqual(["desk/a.md", "desk/b.md", "desk2/a.md"]);
    expect(await forget(undefined, new FakeLog())).toBe(0);
  });

  it("stays where it is not known whose it is", async () => {
    const bucket = new MemoryBucket();
    bucket.store("desk/a.md", "x");
    const log = new FakeLog();
    const failing = async () => {
      throw new Error("gone");
    };
    const deleted = forgetKnowledge(bucket as unknown as Parameters<typeof forgetKnowledge>[0], failing, log);
    expect([await deleted, bucket.objects.size, log.lines[0]?.level]).toEqual([0, 1, "error"]);
  });
});
