import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, it } from "vitest";
import { oggPages } from "../../../../worker-shim/ogg.ts";
import {
  MAX_BATCH_BYTES,
  MAX_BATCH_CHARACTERS,
  MAX_EVENT_CHARACTERS,
} from "../../../../worker-shim/records/batches.ts";
import { CallRecords } from "../../../../worker-shim/records/call-records.ts";
import type { ExpectedCall } from "../../../../worker-shim/records/call-row.ts";
import { type ObjectDatabase, Tables } from "../../../../worker-shim/records/tables.ts";
import { memoryDatabase } from "../support/fakes.ts";
import { opusBatches } from "../support/opus-file.ts";

const CALL: ExpectedCall = {
  callId: "c1",
  carrierCallId: "CA1",
  agent: "parrot",
  authorization: "required",
  from: "+15550001111",
  to: "+15550002222",
};

let sql: ObjectDatabase;
let records: CallRecords;

function count(table: string): number {
  return sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).toArray()[0]?.n ?? -1;
}

beforeEach(() => {
  sql = memoryDatabase();
  records = new CallRecords(new Tables(sql));
});

describe("a call that nobody has announced", () => {
  it("is not found and leaves no storage behind", () => {
    expect(records.call.find()).toBeUndefined();
    expect(records.batches.events()).toEqual([]);
    expect(count("sqlite_master")).toBe(0);
  });
});

describe("a call", () => {
  beforeEach(() => {
    records.call.create(CALL, 1_000);
  });

  it("is found, by the next object as well", () => {
    const expected = {
      ...CALL,
      sessions: 0,
      issuedSerial: 0,
      usedSerial: 0,
      reconnects: 0,
      outcome: undefined,
      endedMs: 0,
      createdMs: 1_000,
      erased: false,
    };
    expect(records.call.find()).toMatchObject(expected);
    expect(new CallRecords(new Tables(sql)).call.find()).toMatchObject(expected);
  });

  it("keeps its record when it is announced again", () => {
    records.call.issueToken();
    records.call.create({ ...CALL, carrierCallId: "CA2" }, 2_000);
    expect(records.call.find()).toMatchObject({ carrierCallId: "CA1", issuedSerial: 1 });
  });

  it("counts its sessions and the streams that came back", () => {
    records.beginSession(1_000);
    records.call.countReconnect();
    expect(new CallRecords(new Tables(sql)).call.find()).toMatchObject({ sessions: 1, reconnects: 1 });
  });

  it("gives tokens serial numbers", () => {
    expect(records.call.issueToken()).toBe(1);
    expect(new CallRecords(new Tables(sql)).call.issueToken()).toBe(2);
  });

  it("takes each token once, and none before the latest used", () => {
    expect(records.call.useToken(1)).toBe(true);
    expect(records.call.useToken(1)).toBe(false);
    expect(records.call.useToken(3)).toBe(true);
    expect(records.call.useToken(2)).toBe(false);
    expect(new CallRecords(new Tables(sql)).call.useToken(3)).toBe(false);
    expect(records.call.useToken(Number.NaN)).toBe(false);
  });

  it("has one outcome, the first", () => {
    expect(records.finish('{"reason":"hangUp"}', 10_000)).toBe(true);
    expect(records.finish('{"reason":"coreFault"}', 11_000)).toBe(false);
    expect(new CallRecords(new Tables(sql)).finish('{"reason":"objectLost"}', 12_000)).toBe(false);
    expect(records.call.find()).toMatchObject({ outcome: '{"reason":"hangUp"}', endedMs: 10_000 });
  });

  it("writes events in batches, in order, and what waits with the outcome", () => {
    records.batches.addEvent('{"a":1}');
    records.batches.addEvent('{"a":2}');
    expect(count("batch")).toBe(0);
    records.batches.flush();
    records.batches.flush();
    expect(count("batch")).toBe(1);
    records.batches.addEvent('{"a":3}');
    expect(records.batches.events()).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
    records.finish("{}", 1);
    expect(new CallRecords(new Tables(sql)).batches.events()).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  });

  it("says that a batch is long enough, and waits for the snapshot that knows of it", () => {
    records.batches.addEvent(`"${"x".repeat(MAX_BATCH_CHARACTERS - 4)}"`);
    expect(records.batches.isFull).toBe(false);
    records.batches.addEvent('"y"');
    expect(records.batches.isFull).toBe(true);
    expect(count("batch")).toBe(0);
    records.snapshots.keep("{}");
    records.flush();
    expect(records.batches.isFull).toBe(false);
    expect(count("batch")).toBe(1);
    expect(count("snapshot")).toBe(1);
  });

  it("writes a batch at once that fills half a row", () => {
    records.batches.addEvent(`"${"x".repeat(MAX_BATCH_BYTES / 2)}"`);
    expect(count("batch")).toBe(1);
  });

  it("drops and counts events beyond the bound, also across objects", () => {
    const event = `"${"x".repeat(MAX_BATCH_CHARACTERS - 3)}"`;
    const fitting = MAX_EVENT_CHARACTERS / (event.length + 1);
    for (let i = 0; i < fitting; i++) records.batches.addEvent(event);
    expect(records.batches.droppedEvents).toBe(0);
    records.batches.addEvent('"one more"');
    expect(records.batches.droppedEvents).toBe(1);
    expect(records.batches.events()).toHaveLength(fitting);
    const next = new CallRecords(new Tables(sql));
    next.batches.addEvent(event);
    expect(next.batches.droppedEvents).toBe(1);
  });
});

describe("the recording", () => {
  const read = (column: "pages" | "inputs" = "pages") => {
    const { length, read } = records.batches.source(column);
    const bytes = Buffer.concat([...read()]);
    expect(bytes.length).toBe(length);
    return bytes;
  };
  const add = (seconds: number, whole: boolean, serial: number) => {
    for (const { granule, pages } of opusBatches(seconds, whole, serial)) {
      records.batches.addPages(granule, pages);
      records.batches.flush();
    }
  };
  const ends = () => [...oggPages(read())].filter(({ ends }) => ends).map(({ serial }) => serial);

  beforeEach(() => {
    records.call.create(CALL, 1_000);
    records.beginSession(1_000);
  });

  it("comes back as it was given, a row a batch", () => {
    add(3, true, 7);
    expect(count("batch")).toBe(3);
    expect(read()).toEqual(Buffer.concat(opusBatches(3, true, 7).map(({ pages }) => pages)));
    records.finish("{}", 5_000);
    expect(records.outcome.recording()).toEqual({
      bytes: read().length,
      durationMs: 3_000 - 312 / 48,
      parts: [{ session: 1, endMs: 3_000 - 312 / 48 }],
    });
  });

  it("shares its row with what else there is to write", () => {
    records.batches.addEvent('{"a":1}');
    records.batches.addInputs(Uint8Array.of(1, 2));
    records.batches.addInputs(Uint8Array.of(3));
    add(1, true, 7);
    expect(count("batch")).toBe(1);
    expect([...read("inputs")]).toEqual([1, 2, 3]);
  });

  it("that was cut is closed with the outcome", () => {
    add(3, false, 7);
    expect(ends()).toEqual([]);
    records.finish("{}", 5_000);
    expect(ends()).toEqual([7]);
    expect(records.outcome.recording()?.bytes).toBe(read().length);
  });

  it("is one file, whoever goes on with it, and closed once", () => {
    const all = opusBatches(5, false, 7);
    for (const { granule, pages } of all.slice(0, 2)) records.batches.addPages(granule, pages);
    records.batches.flush();
    const next = new CallRecords(new Tables(sql));
    expect(next.batches.lastPage()).toMatchObject({ serial: 7, sequence: 3, granule: 2 * 48_000 });
    next.beginSession(1_000);
    for (const { granule, pages } of all.slice(2)) next.batches.addPages(granule, pages);
    next.finish("{}", 9_000);
    expect(ends()).toEqual([7]);
    expect(next.outcome.recording()).toEqual({
      bytes: read().length,
      durationMs: 5_000 - 312 / 48,
      parts: [
        { session: 1, endMs: 2_000 - 312 / 48 },
        { session: 2, endMs: 5_000 - 312 / 48 },
      ],
    });
  });

  it("of nothing but headers is none, and can be gone on with", () => {
    const [batch] = opusBatches(1, false, 8);
    if (!batch) throw new Error("no pages");
    const headers = [...oggPages(batch.pages)].slice(0, 2).reduce((sum, { length }) => sum + length, 0);
    records.batches.addPages(0, batch.pages.subarray(0, headers));
    records.batches.flush();
    expect(new CallRecords(new Tables(sql)).batches.lastPage()).toMatchObject({ serial: 8, sequence: 1, granule: 0 });
    records.finish("{}", 9_000);
    expect(records.outcome.recording()).toBeUndefined();
    expect(records.batches.source("pages").length).toBe(0);
  });

  it("that is no Ogg does not cost the outcome", () => {
    expect(records.batches.lastPage()).toBeUndefined();
    records.batches.addPages(1, Uint8Array.of(1, 2, 3));
    records.batches.flush();
    expect(records.batches.lastPage()).toBeUndefined();
    expect(records.finish("{}", 1)).toBe(true);
  });

  it("loses its bytes, but not the events, when it was delivered", () => {
    add(2, true, 7);
    const event = `{"type":"x","text":"${"y".repeat(200_000)}"}`;
    for (let i = 0; i < 9; i++) records.batches.addEvent(event);
    records.batches.addInputs(Uint8Array.of(1));
    records.finish("{}", 1);
    expect(records.batches.hasBytes()).toBe(true);
    records.compact();
    expect(records.batches.hasBytes()).toBe(false);
    expect(records.batches.source("pages").length).toBe(0);
    expect(records.batches.events()).toEqual(Array(9).fill(event));
    // A row holds less than 2 MB.
    expect(count("batch")).toBeGreaterThan(1);
    expect(records.outcome.recording()?.bytes).toBeGreaterThan(0);
    expect(records.outcome.hasFlight()).toBe(true);
  });

  it("goes on request, and what was said as well with the call", () => {
    records.batches.addEvent('{"type":"transcript","atMs":1,"text":"secret"}');
    records.batches.addInputs(Uint8Array.of(1));
    add(1, true, 7);
    records.finish("{}", 1);
    records.eraseAudio();
    expect([records.batches.hasBytes(), records.outcome.hasFlight(), records.outcome.recording()]).toEqual([
      false,
      false,
      undefined,
    ]);
    expect(records.batches.events()).toHaveLength(1);
    records.erase();
    expect(records.batches.events()).toEqual([]);
    expect(records.call.find()).toMatchObject({ from: "", to: "", erased: true });
  });

  it("takes no more memory in an hour than in a minute", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    // What is written is not kept: the memory is that of the records alone.
    let rows = 0;
    const nowhere: ObjectDatabase = {
      transaction: (work) => work(),
      exec: (query, ...bindings) => {
        if (query.startsWith("INSERT INTO batch")) rows++;
        else return sql.exec(query, ...bindings);
        return { toArray: () => [] };
      },
    };
    const one = new CallRecords(new Tables(nowhere));
    const used = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const talk = (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        one.batches.addPages(second * 48_000, new Uint8Array(4_000));
        one.batches.addInputs(new Uint8Array(20_000));
        one.batches.addEvent(`{"type":"state","atMs":${second}}`);
        one.batches.flush();
      }
    };
    talk(60);
    const minute = used();
    talk(3_540);
    // What the test's own program left elsewhere comes and goes: the least of a few looks is what is held.
    const hour = Math.min(...Array.from({ length: 5 }, used));
    expect(hour - minute).toBeLessThan(64 * 1024);
    expect(rows).toBe(3_600);
  });

  it("keeps a row below what storage takes", () => {
    for (let i = 0; i < 5; i++) records.batches.addInputs(new Uint8Array(700_000));
    records.batches.flush();
    const longest =
      sql.exec<{ bytes: number }>("SELECT MAX(LENGTH(inputs)) AS bytes FROM batch").toArray()[0]?.bytes ?? 0;
    expect(longest).toBeLessThan(2_000_000);
    expect(records.batches.source("inputs").length).toBe(3_500_000);
  });
});
