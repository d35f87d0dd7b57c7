import { beforeEach, describe, expect, it } from "vitest";
import {
  type Delivery,
  MAX_RETRY_MS,
  Outbox,
  type OutboxOptions,
  RETRY_BASE_MS,
  RetryLaterError,
} from "../../../../worker-shim/records/outbox.ts";
import { Tables } from "../../../../worker-shim/records/tables.ts";
import { FakeLog, memoryDatabase, settle, VirtualTime } from "../support/fakes.ts";

const TIMEOUT_MS = 10_000;

let tables: Tables;
let time: VirtualTime;
let log: FakeLog;
let delivered: string[];
/** What the next deliveries to a sink do; nothing = succeed. */
let answers: Map<string, (() => Promise<void>)[]>;

function outbox(overrides: Partial<OutboxOptions> = {}): Outbox {
  return new Outbox({
    tables,
    log,
    deliver: async ({ sink, kind }: Delivery) => {
      await answers.get(sink)?.shift()?.();
      delivered.push(`${sink}:${kind}`);
    },
    timeoutMs: () => TIMEOUT_MS,
    nowMs: () => time.nowMs,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = time.set(resolve, ms);
        signal.addEventListener("abort", () => time.clear(timer));
      }),
    ...overrides,
  });
}

const fail = () => Promise.reject(new Error("no"));

beforeEach(() => {
  tables = new Tables(memoryDatabase());
  tables.create();
  time = new VirtualTime();
  log = new FakeLog();
  delivered = [];
  answers = new Map();
});

describe("an outbox", () => {
  it("that is empty leaves no storage behind", async () => {
    const sql = memoryDatabase();
    const box = outbox({ tables: new Tables(sql) });
    await box.run();
    expect(box.nextDueMs()).toBeUndefined();
    expect(sql.exec("SELECT * FROM sqlite_master").toArray()).toEqual([]);
  });

  it("delivers in order for each sink and is empty then", async () => {
    const box = outbox();
    box.add("webhook", "call.started");
    box.add("callLog", "call");
    box.add("webhook", "call.ended");
    expect(box.nextDueMs()).toBe(0);
    await box.run();
    expect(delivered.filter((one) => one.startsWith("webhook"))).toEqual([
      "webhook:call.started",
      "webhook:call.ended",
    ]);
    expect(delivered).toContain("callLog:call");
    expect(box.waiting).toEqual([]);
  });

  it("does not keep what comes later waiting for a sink that hangs, and asks that one once", async () => {
    const box = outbox();
    let asked = 0;
    const hang = () => {
      asked++;
      return new Promise<void>(() => undefined);
    };
    answers.set("webhook", [hang]);
    box.add("webhook", "call.started");
    const first = box.run();
    box.add("callLog", "call");
    box.add("webhook", "call.ended");
    const second = box.run();
    await settle();
    expect(delivered).toEqual(["callLog:call"]);
    expect(asked).toBe(1);
    time.advance(TIMEOUT_MS);
    await Promise.all([first, second]);
    expect(box.waiting.map(({ kind, attempts }) => [kind, attempts])).toEqual([
      ["call.started", 1],
      ["call.ended", 0],
    ]);
    time.advance(RETRY_BASE_MS);
    await box.run();
    expect(delivered).toEqual(["callLog:call", "webhook:call.started", "webhook:call.ended"]);
  });

  it("holds back what is behind a failure, and only in that sink", async () => {
    const box = outbox();
    answers.set("webhook", [fail]);
    box.add("webhook", "first");
    box.add("webhook", "second");
    box.add("supabase", "call");
    await box.run();
    expect(delivered).toEqual(["supabase:call"]);
    expect(box.waiting.map(({ kind, attempts }) => [kind, attempts])).toEqual([
      ["first", 1],
      ["second", 0],
    ]);
    time.advance(RETRY_BASE_MS);
    await box.run();
    expect(delivered.slice(1)).toEqual(["webhook:first", "webhook:second"]);
  });

  it("doubles the wait with each failure, to a bound", async () => {
    const box = outbox();
    answers.set("callLog", Array(40).fill(fail));
    box.add("callLog", "call");
    const waits: number[] = [];
    for (let i = 0; i < 40; i++) {
      await box.run();
      const dueMs = box.nextDueMs() ?? Number.NaN;
      waits.push(dueMs - time.nowMs);
      time.advance(dueMs - time.nowMs);
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((n) => n * RETRY_BASE_MS));
    expect(Math.max(...waits)).toBe(MAX_RETRY_MS);
    expect(waits.at(-1)).toBe(MAX_RETRY_MS);
    await box.run();
    expect(delivered).toEqual(["callLog:call"]);
  });

  it("does nothing before the time", async () => {
    const box = outbox();
    answers.set("callLog", [fail]);
    box.add("callLog", "call");
    await box.run();
    time.advance(RETRY_BASE_MS - 1);
    await box.run();
    expect(delivered).toEqual([]);
  });

  it("waits as long as it is asked to", async () => {
    const box = outbox();
    answers.set("webhook", [() => Promise.reject(new RetryLaterError("busy", 120_000))]);
    box.add("webhook", "call.ended");
    await box.run();
    expect(box.nextDueMs()).toBe(120_000);
  });

  it("gives up an attempt that takes too long, and tells it so", async () => {
    let aborted = false;
    const box = outbox({
      deliver: (_, signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
    });
    box.add("callLog", "call");
    const run = box.run();
    await settle();
    time.advance(TIMEOUT_MS);
    await run;
    expect(aborted).toBe(true);
    expect(box.waiting).toMatchObject([{ attempts: 1, dueMs: TIMEOUT_MS + RETRY_BASE_MS }]);
    expect(time.armed.size).toBe(0);
  });

  it("goes on where a lost object was, doing again what was under way", async () => {
    const box = outbox();
    box.add("callLog", "call");
    box.add("webhook", "call.ended");
    answers.set("callLog", [() => new Promise(() => undefined)]);
    box.run().catch(() => undefined);
    await settle();
    expect(delivered).toEqual(["webhook:call.ended"]);
    await outbox().run();
    expect(delivered).toEqual(["webhook:call.ended", "callLog:call"]);
  });

  it("forgets what is not wanted any more, even while it is under way", async () => {
    const box = outbox();
    let release = () => {};
    answers.set("bucket", [
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    ]);
    box.add("bucket", "recording");
    const run = box.run();
    await settle();
    box.drop("bucket");
    box.add("bucket", "erase");
    release();
    await run;
    expect(delivered).toEqual(["bucket:recording", "bucket:erase"]);
    expect(box.waiting).toEqual([]);
  });
});
