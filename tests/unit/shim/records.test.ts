import { beforeEach, describe, expect, it } from "vitest";
import {
  CallRecords,
  type ExpectedCall,
  MAX_BATCH_CHARACTERS,
  MAX_EVENT_CHARACTERS,
} from "../../../worker-shim/ports/records.ts";
import type { SqlDatabase } from "../../../worker-shim/ports.ts";
import { memoryDatabase } from "./support/fakes.ts";

const CALL: ExpectedCall = {
  callId: "c1",
  callSid: "CA1",
  agent: "parrot",
  authorization: "required",
  from: "+15550001111",
  to: "+15550002222",
};

let sql: SqlDatabase;
let records: CallRecords;

function count(table: string): number {
  return sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).toArray()[0]?.n ?? -1;
}

beforeEach(() => {
  sql = memoryDatabase();
  records = new CallRecords(sql);
});

describe("a call that nobody has announced", () => {
  it("is not found and leaves no storage behind", () => {
    expect(records.find()).toBeUndefined();
    expect(records.events()).toEqual([]);
    expect(count("sqlite_master")).toBe(0);
  });
});

describe("a call", () => {
  beforeEach(() => {
    records.create(CALL, 1_000, 76_000);
  });

  it("is found, by the next object as well", () => {
    const expected = {
      ...CALL,
      sessions: 0,
      issuedSerial: 0,
      usedSerial: 0,
      graceUntilMs: 76_000,
      outcome: undefined,
      endedMs: 0,
    };
    expect(records.find()).toMatchObject(expected);
    expect(new CallRecords(sql).find()).toMatchObject(expected);
  });

  it("keeps its record when it is announced again", () => {
    records.issueToken(0);
    records.create({ ...CALL, callSid: "CA2" }, 2_000, 77_000);
    expect(records.find()).toMatchObject({ callSid: "CA1", issuedSerial: 1 });
  });

  it("counts its sessions and has no grace during one", () => {
    records.beginSession();
    expect(records.find()).toMatchObject({ sessions: 1, graceUntilMs: 0 });
    records.setGrace(5_000);
    expect(records.find()).toMatchObject({ sessions: 1, graceUntilMs: 5_000 });
  });

  it("gives tokens serial numbers and prolongs the grace", () => {
    expect(records.issueToken(50_000)).toBe(1);
    expect(records.find()?.graceUntilMs).toBe(76_000);
    expect(records.issueToken(90_000)).toBe(2);
    expect(records.find()?.graceUntilMs).toBe(90_000);
  });

  it("takes each token once, and none before the latest used", () => {
    expect(records.useToken(1)).toBe(true);
    expect(records.useToken(1)).toBe(false);
    expect(records.useToken(3)).toBe(true);
    expect(records.useToken(2)).toBe(false);
    expect(new CallRecords(sql).useToken(3)).toBe(false);
    expect(records.useToken(Number.NaN)).toBe(false);
  });

  it("has one outcome, the first", () => {
    expect(records.finish('{"reason":"hangUp"}', 10_000)).toBe(true);
    expect(records.finish('{"reason":"coreFault"}', 11_000)).toBe(false);
    expect(new CallRecords(sql).finish('{"reason":"objectLost"}', 12_000)).toBe(false);
    expect(records.find()).toMatchObject({ outcome: '{"reason":"hangUp"}', endedMs: 10_000 });
  });

  it("writes events in batches, in order, and what waits with the outcome", () => {
    records.addEvent('{"a":1}');
    records.addEvent('{"a":2}');
    expect(count("eventBatch")).toBe(0);
    records.flush();
    records.flush();
    expect(count("eventBatch")).toBe(1);
    records.addEvent('{"a":3}');
    expect(records.events()).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
    records.finish("{}", 1);
    expect(new CallRecords(sql).events()).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  });

  it("writes a batch that is long enough at once", () => {
    records.addEvent(`"${"x".repeat(MAX_BATCH_CHARACTERS)}"`);
    expect(count("eventBatch")).toBe(1);
  });

  it("drops and counts events beyond the bound, also across objects", () => {
    const event = `"${"x".repeat(MAX_BATCH_CHARACTERS - 3)}"`;
    const fitting = MAX_EVENT_CHARACTERS / (event.length + 1);
    for (let i = 0; i < fitting; i++) records.addEvent(event);
    expect(records.droppedEvents).toBe(0);
    records.addEvent('"one more"');
    expect(records.droppedEvents).toBe(1);
    expect(records.events()).toHaveLength(fitting);
    const next = new CallRecords(sql);
    next.addEvent(event);
    expect(next.droppedEvents).toBe(1);
  });
});
