import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { composeCallLog } from "../../../../worker-shim/call-log.ts";
import { oggPages } from "../../../../worker-shim/ogg.ts";
import { CallRecords } from "../../../../worker-shim/records/call-records.ts";
import { Outbox } from "../../../../worker-shim/records/outbox.ts";
import { SCHEMA_VERSION, STEPS } from "../../../../worker-shim/records/schema.ts";
import { type ObjectDatabase, SchemaError, Tables } from "../../../../worker-shim/records/tables.ts";
import { FakeLog, memoryDatabase } from "../support/fakes.ts";

const EPOCH_MS = 1_795_000_000_000;

/** An object's tables as a former version of this code left them. */
function left(name: string): ObjectDatabase {
  return memoryDatabase(readFileSync(new URL(`./fixtures/${name}.sql`, import.meta.url), "utf8"));
}

function tablesOf(database: ObjectDatabase) {
  const query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
  return database
    .exec<{ name: string; sql: string }>(query)
    .toArray()
    .map(({ name }) => ({
      name,
      columns: database
        .exec(`SELECT name, type, "notnull", pk FROM pragma_table_info('${name}') ORDER BY name`)
        .toArray(),
    }));
}

/** Everything that is stored, to the byte. */
function contentOf(database: ObjectDatabase) {
  return tablesOf(database).map(({ name }) => [name, database.exec(`SELECT * FROM ${name}`).toArray()]);
}

function fresh(): ObjectDatabase {
  const database = memoryDatabase();
  new Tables(database).create();
  return database;
}

function read(records: CallRecords, column: "pages" | "inputs") {
  return Buffer.concat([...records.batches.source(column).read()]);
}

function waiting(tables: Tables) {
  const outbox = new Outbox({
    tables,
    log: new FakeLog(),
    deliver: async () => undefined,
    timeoutMs: () => 1,
    nowMs: () => EPOCH_MS,
    random: () => 0,
    sleep: () => new Promise(() => undefined),
  });
  return outbox.waiting.map(({ sink, kind, attempts, dueMs }) => [sink, kind, attempts, dueMs - EPOCH_MS]);
}

describe("tables of version 1", () => {
  it.each(["object-v1-live", "object-v1-over"])("of %s become those of a new object", (name) => {
    const database = left(name);
    new Tables(database);
    expect(tablesOf(database)).toEqual(tablesOf(fresh()));
    expect(database.exec("SELECT version FROM schema").toArray()).toEqual([{ version: SCHEMA_VERSION }]);
    // The next object finds nothing to do.
    const before = contentOf(database);
    new Tables(database);
    expect(contentOf(database)).toEqual(before);
  });

  describe("with a call that goes on", () => {
    let tables: Tables;
    let records: CallRecords;

    beforeEach(() => {
      tables = new Tables(left("object-v1-live"));
      records = new CallRecords(tables);
    });

    it("are read as they were written", () => {
      expect(records.call.find()).toEqual({
        callId: "c1",
        carrierCallId: "CA1",
        agent: "parrot",
        authorization: "required",
        from: "+15550001111",
        to: "+15550002222",
        createdMs: EPOCH_MS,
        sessions: 1,
        issuedSerial: 1,
        usedSerial: 1,
        reconnects: 0,
        outcome: undefined,
        endedMs: 0,
        erased: false,
      });
      expect(records.batches.events().map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
        ...["opened", "started", "agentReady", "recordingStarted", "turnEnded"],
      ]);
      expect(records.batches.lastPage()).toMatchObject({ serial: 7, sequence: 3, granule: 96_000, ends: false });
      // Nobody had noted when.
      expect(records.batches.storedMs(1)).toBeUndefined();
      expect([...read(records, "inputs")]).toEqual([1, 2, 3, 0, 1, 2, 3, 1]);
      expect(waiting(tables)).toEqual([["webhook", "call.started", 0, 1_000]]);
      expect(tables.rows("SELECT * FROM agenda")).toEqual([]);
    });

    it("take what the call still has to say", () => {
      records.beginSession(1_000);
      expect(records.call.issueToken()).toBe(2);
      expect([records.call.useToken(1), records.call.useToken(2)]).toEqual([false, true]);
      records.batches.addEvent('{"type":"state","atMs":1}');
      expect(records.finish('{"reason":"objectLost"}', EPOCH_MS + 9_000)).toBe(true);
      expect([...oggPages(read(records, "pages"))].at(-1)?.ends).toBe(true);
      expect(records.call.find()).toMatchObject({ sessions: 2, endedMs: EPOCH_MS + 9_000 });
      expect(records.outcome.recording()).toMatchObject({ parts: [{ session: 1 }] });
    });
  });

  it("of a call that has a snapshot keep it", () => {
    const database = left("object-v1-live");
    database.exec("CREATE TABLE snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL)");
    database.exec("INSERT INTO snapshot (one, text) VALUES (1, 'what was said')");
    const { snapshots } = new CallRecords(new Tables(database));
    expect(tablesOf(database)).toEqual(tablesOf(fresh()));
    expect(snapshots.last()).toBe("what was said");
  });

  it("of a call whose stream has not come keep the time that it has", () => {
    const database = left("object-v1-live");
    database.exec("UPDATE call SET sessions = 0, usedSerial = 0, issuedSerial = 3, graceUntilMs = 77");
    const tables = new Tables(database);
    expect(tables.rows("SELECT * FROM agenda")).toEqual([{ errand: "grace", dueMs: 77 }]);
    expect(new CallRecords(tables).call.find()).toMatchObject({ reconnects: 2 });
  });

  describe("with a call that is over", () => {
    let tables: Tables;
    let records: CallRecords;

    beforeEach(() => {
      tables = new Tables(left("object-v1-over"));
      records = new CallRecords(tables);
    });

    it("are read as they were written", () => {
      const row = records.call.find();
      expect(row).toMatchObject({ issuedSerial: 2, reconnects: 1, endedMs: EPOCH_MS + 2_000, erased: false });
      expect(JSON.parse(row?.outcome ?? "")).toMatchObject({ reason: "callerHangUp" });
      const recording = records.outcome.recording();
      expect(recording).toEqual({
        bytes: read(records, "pages").length,
        durationMs: 1993.5,
        parts: [{ session: 1, endMs: 1993.5 }],
      });
      expect([records.outcome.hasFlight(), records.batches.hasBytes()]).toEqual([true, true]);
      if (!row) throw new Error("no call");
      const log = composeCallLog({
        row,
        tenant: "default",
        sessions: records.batches.eventsBySession(),
        recording,
        recordingKey: "r",
        flightKey: "f",
        prices: undefined,
      });
      expect(log.call).toMatchObject({ carrierCallId: "CA1", reason: "callerHangUp", recordingMs: 1994 });
      expect(log.turns).toMatchObject([{ role: "caller", text: "It's me." }]);
    });

    it("have the same waiting, at the same times", () => {
      expect(waiting(tables)).toEqual([
        ["webhook", "call.started", 0, 1_000],
        ["bucket", "recording", 0, 1_000],
        ["bucket", "flight", 0, 1_000],
        ["callLog", "call", 2, 5_000],
        ["webhook", "call.ended", 0, 1_000],
      ]);
      // No id is given again.
      tables.rows("DELETE FROM outbox");
      tables.rows("INSERT INTO outbox (sink, kind, body, attempts, dueMs) VALUES ('webhook', 'x', '', 0, 0)");
      expect(tables.rows("SELECT id FROM outbox")).toEqual([{ id: 6 }]);
    });

    it("can be packed, compacted and erased", () => {
      expect(records.archive.source().length).toBe(0);
      records.archive.add(Uint8Array.of(1, 2));
      expect(records.archive.source().length).toBe(2);
      records.compact();
      expect([records.batches.hasBytes(), records.archive.source().length]).toEqual([false, 0]);
      expect(records.batches.events()).toHaveLength(6);
      records.erase();
      expect(records.call.find()).toMatchObject({ from: "", to: "", erased: true });
    });
  });
});

describe("an object's tables", () => {
  it("of a later version are refused and left as they are", () => {
    const database = left("object-v1-over");
    new Tables(database);
    database.exec("UPDATE schema SET version = ?", SCHEMA_VERSION + 1);
    const before = contentOf(database);
    expect(() => new Tables(database)).toThrow(SchemaError);
    expect(() => new Tables(database)).toThrow(
      `the tables are of version ${SCHEMA_VERSION + 1}, the latest known is ${SCHEMA_VERSION}`,
    );
    expect(contentOf(database)).toEqual(before);
  });

  it("stay as they were when a step fails", () => {
    const database = left("object-v1-over");
    const before = contentOf(database);
    const last = STEPS.at(-1)?.at(-1);
    const failing: ObjectDatabase = {
      transaction: (work) => database.transaction(work),
      exec: (query, ...bindings) => {
        if (query === last) throw new Error("no room");
        return database.exec(query, ...bindings);
      },
    };
    expect(() => new Tables(failing)).toThrow("no room");
    expect(contentOf(database)).toEqual(before);
  });

  it("are the same after what was delivered is dropped", () => {
    const database = fresh();
    const tables = new Tables(database);
    const records = new CallRecords(tables);
    records.archive.add(Uint8Array.of(1));
    records.compact();
    expect(tablesOf(database)).toEqual(tablesOf(fresh()));
  });
});
