// The object that a later deployment left behind: this one must neither read nor change it.

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { CallRecords } from "../../../worker-shim/records/call-records.ts";
import { SCHEMA_VERSION } from "../../../worker-shim/records/schema.ts";
import { Tables } from "../../../worker-shim/records/tables.ts";
import { CALL } from "./support/call-world.ts";
import { memoryDatabase } from "./support/fakes.ts";

vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    readonly ctx: unknown;
    readonly env: unknown;
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx;
      this.env = env;
    }
  },
}));
vi.mock("../../../worker-shim/module.ts", () => ({ module: {} }));

const HOUR_MS = 3600 * 1000;

beforeAll(() => {
  vi.useFakeTimers({ now: 1_795_000_000_000 });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  // Node's takes no status of an upgrade.
  vi.stubGlobal("WebSocketPair", class {});
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("is refused as a whole, is left as it is, and is looked at again", async () => {
  const database = memoryDatabase();
  const tables = new Tables(database);
  new CallRecords(tables).call.create(CALL, 1_000);
  tables.rows("UPDATE schema SET version = ?", SCHEMA_VERSION + 1);
  const content = () =>
    ["call", "outcome", "batch", "outbox", "agenda", "schema", "snapshot", "pinned"].map((table) =>
      database.exec(`SELECT * FROM ${table}`).toArray(),
    );
  const before = content();
  let alarmMs = 0;
  const { CallSession } = await import("../../../worker-shim/call-session.ts");
  const ctx = {
    id: { name: CALL.callId },
    storage: {
      sql: { exec: database.exec.bind(database) },
      transactionSync: database.transaction.bind(database),
      setAlarm: async (atMs: number) => {
        alarmMs = atMs;
      },
    },
    waitUntil: () => undefined,
  };
  const object = new CallSession(ctx as never, { ENVIRONMENT: "development" } as never);
  expect(console.error).toHaveBeenCalledTimes(1);
  expect((await object.fetch(new Request("https://call/leg"))).status).toBe(503);
  const refused = "the call's object was not opened";
  for (const ask of [
    () => object.prepare(CALL),
    () => object.knows("CA1"),
    () => object.resume("CA1"),
    () => object.carrierEnded("CA1"),
    () => object.operate({ type: "hangUp" }),
    () => object.events(),
    () => object.erase("call"),
    () => object.stage(),
  ])
    await expect((async () => ask())()).rejects.toThrow(refused);
  await object.alarm();
  expect(alarmMs).toBe(Date.now() + HOUR_MS);
  expect(content()).toEqual(before);
});
