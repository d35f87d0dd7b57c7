import { Call } from "../../../../worker-shim/call.ts";
import type { CallPlatform } from "../../../../worker-shim/call-platform.ts";
import { Circuits } from "../../../../worker-shim/circuits.ts";
import { Core } from "../../../../worker-shim/core.ts";
import type { Sinks } from "../../../../worker-shim/deliveries.ts";
import type { ExpectedCall } from "../../../../worker-shim/records/call-row.ts";
import type { ObjectDatabase } from "../../../../worker-shim/records/tables.ts";
import { readSettings } from "../../../../worker-shim/settings.ts";
import { FakeCore, resultOf } from "../../../support/fake-core.ts";
import { FakeLog, memoryDatabase, settle, VirtualTime } from "./fakes.ts";

export const EPOCH_MS = 1_795_000_000_000;
export const CALL: ExpectedCall = {
  callId: "c1",
  carrierCallId: "CA1",
  agent: "parrot",
  authorization: "required",
  from: "+15550001111",
  to: "+15550002222",
};

/** What is left of an object between its lives. */
export class World {
  readonly time = new VirtualTime();
  readonly log = new FakeLog();
  upstreams: CallPlatform["upstreams"] = {};
  readonly circuits = new Circuits(() => this.time.nowMs);
  readonly cores: FakeCore[] = [];
  readonly leaseCalls: unknown[][] = [];
  /** What goes on beside the events. */
  readonly work: Promise<void>[] = [];
  sql: ObjectDatabase = memoryDatabase();
  alarmMs: number | undefined;
  deleted = false;
  /** What comes before the storage is deleted. */
  onDelete: (() => Promise<void>) | undefined;
  readonly sinks: Sinks;
  /** What every core does. */
  onInput: FakeCore["onInput"] = (input) => resultOf(input);
  call: Call;

  constructor(variables: Parameters<typeof readSettings>[0] = {}, sinks: Sinks = {}) {
    this.time.nowMs = EPOCH_MS;
    this.variables = variables;
    this.sinks = sinks;
    this.call = this.#make();
  }

  variables: Parameters<typeof readSettings>[0];

  get core(): FakeCore {
    const core = this.cores.at(-1);
    if (!core) throw new Error("no core");
    return core;
  }

  /** The object is lost and made again by its next event. */
  async lose(): Promise<void> {
    this.time.armed.clear();
    this.call = this.#make();
    await this.call.wake();
  }

  /** Lets time pass and runs the alarm when it is due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.time.nowMs + ms;
    while (this.alarmMs !== undefined && this.alarmMs <= endMs) {
      this.time.advance(this.alarmMs - this.time.nowMs);
      this.alarmMs = undefined;
      await this.call.alarm();
    }
    this.time.advance(endMs - this.time.nowMs);
    await settle();
  }

  #make(): Call {
    const platform: CallPlatform = {
      database: this.sql,
      settings: readSettings({ ENVIRONMENT: "development", TOKEN_SECRET: "0123456789abcdef", ...this.variables }),
      switchboard: {
        renew: async (...args) => {
          this.leaseCalls.push(["renew", ...args]);
        },
        release: async (...args) => {
          this.leaseCalls.push(["release", ...args]);
          return true;
        },
      },
      sinks: this.sinks,
      timers: this.time,
      openUpstream: () => new Promise(() => undefined),
      upstreams: this.upstreams,
      fetch: () => new Promise(() => undefined),
      findResource: async () => undefined,
      circuits: this.circuits,
      log: this.log,
      nowMs: () => this.time.nowMs,
      randomSeed: () => 42,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          const timer = this.time.set(resolve, ms);
          signal.addEventListener("abort", () => this.time.clear(timer));
        }),
      instantiate: (witness) => {
        const core = new FakeCore();
        core.onInput = (input) => this.onInput(input);
        this.cores.push(core);
        return new Core(core.exports, witness);
      },
      setAlarm: async (atMs) => {
        this.alarmMs = atMs;
      },
      deleteAll: async () => {
        await this.onDelete?.();
        this.deleted = true;
        this.alarmMs = undefined;
        const tables = this.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'");
        for (const { name } of tables.toArray()) this.sql.exec(`DROP TABLE ${name}`);
      },
      background: (work) => {
        this.work.push(work);
      },
    };
    return new Call(platform);
  }
}
