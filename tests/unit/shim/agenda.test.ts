import { beforeEach, describe, expect, it } from "vitest";
import { Agenda } from "../../../worker-shim/agenda.ts";
import { Tables } from "../../../worker-shim/records/tables.ts";
import { memoryDatabase, VirtualTime } from "./support/fakes.ts";

let time: VirtualTime;
let tables: Tables;
/** What the alarm was set to, each time. */
let alarms: number[];

/** The agenda of the next object. */
function wake(): Agenda {
  return new Agenda({ tables, nowMs: () => time.nowMs, setAlarm: (atMs) => alarms.push(atMs) });
}

beforeEach(() => {
  time = new VirtualTime();
  time.nowMs = 1_000;
  tables = new Tables(memoryDatabase());
  tables.create();
  alarms = [];
});

describe("an agenda", () => {
  it("has the alarm come for the least due", () => {
    const agenda = wake();
    agenda.set("retention", 9_000);
    agenda.set("heartbeat", 5_000);
    agenda.set("delivery", 7_000);
    expect(alarms).toEqual([9_000, 5_000]);
  });

  it("sets the alarm for what is next once it has gone off", () => {
    const agenda = wake();
    agenda.set("heartbeat", 5_000);
    agenda.set("delivery", 7_000);
    time.advance(4_000);
    agenda.onAlarm();
    expect(agenda.due()).toEqual(["heartbeat"]);
    agenda.set("heartbeat", 35_000);
    expect([agenda.due(), alarms]).toEqual([[], [5_000, 7_000]]);
  });

  it("keeps what is due until it is set anew or cleared", () => {
    const agenda = wake();
    agenda.set("delivery", 3_000);
    agenda.set("grace", 2_000);
    agenda.set("retention", 4_000);
    time.advance(2_000);
    expect(agenda.due()).toEqual(["grace", "delivery"]);
    agenda.clear("grace");
    agenda.set("delivery", 3_001);
    expect(agenda.due()).toEqual([]);
  });

  it("does not set an alarm into the past", () => {
    wake().set("delivery", 500);
    expect(alarms).toEqual([1_000]);
  });

  it("is the next object's as well, with an alarm that may have been lost", () => {
    const first = wake();
    first.set("grace", 5_000);
    first.set("delivery", 6_000);
    first.clear("grace");
    const next = wake();
    expect([next.dueMs("grace"), next.dueMs("delivery")]).toEqual([undefined, 6_000]);
    next.arm();
    expect(alarms).toEqual([5_000, 6_000]);
  });

  it("writes only what changes", () => {
    const changes = () => tables.rows<{ n: number }>("SELECT total_changes() AS n")[0]?.n;
    const agenda = wake();
    agenda.set("retention", 9_000);
    const before = changes();
    agenda.set("retention", 9_000);
    agenda.clear("grace", "deletion");
    expect([changes(), alarms]).toEqual([before, [9_000]]);
  });

  it("of a call that does not exist leaves no storage behind, and sets no alarm", () => {
    const database = memoryDatabase();
    tables = new Tables(database);
    const agenda = wake();
    agenda.arm();
    agenda.clear("delivery");
    expect(agenda.due()).toEqual([]);
    expect(alarms).toEqual([]);
    expect(database.exec("SELECT * FROM sqlite_master").toArray()).toEqual([]);
  });
});
