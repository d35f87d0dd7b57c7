import { beforeEach, describe, expect, it } from "vitest";
import type { CallLog, LoggedCall } from "../../../worker-shim/call-log.ts";
import { CallLogError, CallLogStore } from "../../../worker-shim/ports/call-log-store.ts";
import { MemoryD1 } from "./support/fakes.ts";

const DAY_MS = 24 * 3600 * 1000;
const EPOCH_MS = Date.UTC(2026, 10, 1);

let d1: MemoryD1;
let store: CallLogStore;

function log(index: number, fields: Partial<LoggedCall> = {}): CallLog {
  const callId = `c${String(index).padStart(3, "0")}`;
  const call: LoggedCall = {
    callId,
    carrierCallId: "CA1",
    tenant: "default",
    agent: "parrot",
    fromNumber: "+1",
    toNumber: "+2",
    startedMs: EPOCH_MS + index * 1_000,
    endedMs: EPOCH_MS + index * 1_000 + 500,
    durationMs: 500,
    reason: "hangUp",
    failed: 0,
    sessions: 1,
    questions: 1,
    replies: 1,
    bargeIns: 2,
    resumes: 0,
    inputTokens: 10,
    outputTokens: 20,
    costMicros: 30,
    latencyMs: 100 + index,
    recordingKey: `recordings/${callId}`,
    recordingBytes: 9,
    recordingMs: 400,
    flightKey: null,
    summary: "{}",
    ...fields,
  };
  const turn = { callId, startMs: 1, endMs: 2, recordingMs: null, latencyMs: null, latencyHeardMs: null, cut: 0 };
  const question = { text: "Where's it?", said: "Where's it?", item: "u1", textState: "final" } as const;
  const answer = { text: 'Here, "\u00e9".', said: 'Here, "\u00e9". Or', item: "", textState: "partial" } as const;
  return {
    call,
    turns: [
      { ...turn, seq: 0, role: "caller", ...question, question: index % 3 ? "where's it" : "how much" },
      { ...turn, seq: 1, role: "agent", ...answer, question: null, latencyMs: 100 + index },
    ],
    toolCalls: [
      {
        ...{ callId, seq: 0, atMs: 5, toolCallId: "t1", name: "look", arguments: '{"a":1}' },
        ...{ result: "nine", state: "answered" },
      },
    ],
    events: [{ callId, seq: 0, atMs: 6, type: "fault", body: '{"type":"fault"}' }],
  };
}

function count(table: string): number {
  return (d1.database.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get() as { n: number }).n;
}

beforeEach(() => {
  d1 = new MemoryD1();
  store = new CallLogStore(d1);
});

describe("the call log", () => {
  it("gives back what was written, in one transaction", async () => {
    const written = log(1);
    await store.write(written);
    expect(d1.batches).toBe(1);
    expect(await store.find("c001")).toEqual({ ...written.call, redacted: 0 });
    expect(await store.turns("c001")).toEqual(written.turns);
    expect(await store.toolCalls("c001")).toEqual(written.toolCalls);
    expect(await store.events("c001")).toEqual([{ body: '{"type":"fault"}' }]);
    expect(await store.find("c002")).toBeUndefined();
  });

  it("is the same when it is written again", async () => {
    for (let i = 0; i < 3; i++) await store.write(log(1));
    expect(["calls", "turns", "tool_calls", "events"].map(count)).toEqual([1, 2, 1, 1]);
  });

  it("takes more turns than one value holds", async () => {
    const [turn] = log(1).turns;
    const turns = Array.from({ length: 3_000 }, (_, seq) => ({ ...turn, seq, text: "x".repeat(500) }));
    await store.write({ ...log(1), turns: turns as never });
    expect(count("turns")).toBe(3_000);
  });

  it("does not believe an answer that is wrong", async () => {
    for (const answer of [undefined, [], [{ success: false, results: [] }]]) {
      const broken = new CallLogStore({ prepare: (query) => d1.prepare(query), batch: async () => answer as never });
      await expect(broken.write(log(1))).rejects.toThrow(CallLogError);
      await expect(broken.find("c001")).rejects.toThrow(CallLogError);
    }
  });

  it("is read in pages, newest first, whatever is added meanwhile", async () => {
    // Some began at the same time.
    for (let i = 0; i < 25; i++) await store.write(log(i, { startedMs: EPOCH_MS + Math.floor(i / 4) }));
    const seen: string[] = [];
    let position: { startedMs: number; callId: string } | undefined;
    for (;;) {
      const page = await store.list({}, 4, position);
      seen.push(...page.map(({ callId }) => callId));
      position = page.at(-1);
      if (page.length < 4) break;
      await store.write(log(100 + seen.length, { startedMs: EPOCH_MS + DAY_MS }));
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `c${String(24 - i).padStart(3, "0")}`));
  });

  it("is filtered", async () => {
    for (let i = 0; i < 6; i++) await store.write(log(i, { agent: i % 2 ? "parrot" : "x", failed: i === 3 ? 1 : 0 }));
    const ids = async (...args: Parameters<CallLogStore["list"]>) => (await store.list(...args)).map((c) => c.callId);
    expect(await ids({ agent: "x" }, 9)).toEqual(["c004", "c002", "c000"]);
    expect(await ids({ failed: 1 }, 9)).toEqual(["c003"]);
    expect(await ids({ failed: 0, agent: "parrot" }, 9)).toEqual(["c005", "c001"]);
    expect(await ids({ sinceMs: EPOCH_MS + 4_000, untilMs: EPOCH_MS + 5_000 }, 9)).toEqual(["c004"]);
    expect(await ids({ from: "+9" }, 9)).toEqual([]);
    expect(await ids({ reason: "hangUp", to: "+2" }, 2)).toEqual(["c005", "c004"]);
  });

  it("has figures for a time, and for each of its days", async () => {
    for (let i = 0; i < 100; i++)
      await store.write(log(i, { startedMs: EPOCH_MS + (i % 2) * DAY_MS, failed: i < 10 ? 1 : 0, durationMs: i }));
    await store.write(log(200, { startedMs: EPOCH_MS + 9 * DAY_MS }));
    const figures = await store.analytics(EPOCH_MS, EPOCH_MS + 5 * DAY_MS);
    expect(figures).toMatchObject({ calls: 100, failed: 10, questions: 100, bargeIns: 200, costMicros: 3_000 });
    expect(figures.averageDurationMs).toBeCloseTo(49.5);
    expect(figures.averageLatencyMs).toBeCloseTo(149.5);
    expect(figures.perDay.map(({ day, calls }) => [day, calls])).toEqual([
      ["2026-11-01", 50],
      ["2026-11-02", 50],
    ]);
    expect(figures.popularQuestions).toEqual([
      { question: "where's it", count: 66 },
      { question: "how much", count: 34 },
    ]);
    // The smallest with at least so many percent at or below it.
    expect(figures.latencyPercentilesMs).toEqual({ p50: 149, p90: 189, p95: 194, p99: 198 });
  });

  it("has no figures of nothing", async () => {
    const nothing = await store.analytics(0, EPOCH_MS);
    expect(nothing).toMatchObject({ calls: 0, averageDurationMs: null, costMicros: null, perDay: [] });
    expect(nothing.latencyPercentilesMs).toEqual({ p50: null, p90: null, p95: null, p99: null });
  });

  it("forgets a call, or its recording", async () => {
    await store.write(log(1));
    await store.write(log(2));
    await store.forgetRecording("c001");
    expect(await store.find("c001")).toMatchObject({ recordingKey: null, recordingBytes: 0 });
    await store.delete("c001");
    expect(["calls", "turns", "tool_calls", "events"].map(count)).toEqual([1, 2, 1, 1]);
    expect(await store.find("c001")).toBeUndefined();
  });

  it("forgets what was said before a time and who said it, and keeps the figures", async () => {
    for (let i = 0; i < 4; i++) await store.write(log(i));
    const before = await store.figures(0);
    expect(await store.redactBefore(EPOCH_MS + 2_000)).toBe(2);
    expect(await store.redactBefore(EPOCH_MS + 2_000)).toBe(0);
    expect(await store.figures(0)).toEqual(before);
    expect(await store.find("c001")).toMatchObject({
      fromNumber: "",
      toNumber: "",
      carrierCallId: "",
      recordingKey: null,
    });
    expect((await store.turns("c001")).map(({ text, question }) => [text, question])).toEqual([
      ["", null],
      ["", null],
    ]);
    expect(await store.events("c001")).toEqual([]);
    expect((await store.turns("c002"))[0]?.text).toBe("Where's it?");
    expect((await store.find("c003"))?.fromNumber).toBe("+1");
  });
});
