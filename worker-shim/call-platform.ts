import type { Circuits } from "./circuits.ts";
import type { Core, CoreWitness } from "./core.ts";
import type { Sinks } from "./deliveries.ts";
import type { HttpFetch } from "./ports/http.ts";
import type { FindResource } from "./ports/resources.ts";
import type { OpenUpstream } from "./ports/sockets.ts";
import type { Timers } from "./ports/timers.ts";
import type { UpstreamTable } from "./ports/upstreams.ts";
import type { Log } from "./ports.ts";
import type { ObjectDatabase } from "./records/tables.ts";
import type { Settings } from "./settings.ts";
import type { SwitchboardClient } from "./switchboard-client.ts";

/** What the object gives to the call. */
export interface CallPlatform {
  readonly database: ObjectDatabase;
  readonly settings: Settings;
  readonly switchboard: Pick<SwitchboardClient, "renew" | "release">;
  readonly sinks: Sinks;
  readonly timers: Timers;
  readonly openUpstream: OpenUpstream;
  readonly upstreams: UpstreamTable;
  readonly fetch: HttpFetch;
  readonly findResource: FindResource;
  readonly log: Log;
  /** Of the isolate. */
  readonly circuits: Pick<Circuits, "isSkipped" | "failed" | "succeeded">;
  nowMs(): number;
  /** 0 .. 2^53-1. */
  randomSeed(): number;
  /** Resolves after a time, or never if the signal comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  instantiate(witness: CoreWitness | undefined): Core;
  setAlarm(atMs: number): Promise<void>;
  deleteAll(): Promise<void>;
  /** Keeps the object alive until the promise settles. */
  background(work: Promise<void>): void;
}
