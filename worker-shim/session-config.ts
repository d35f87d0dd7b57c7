import { nextSeq } from "./call-events.ts";
import { LEG } from "./carriers/twilio/leg.ts";
import { recordingSoFar } from "./recording.ts";
import type { CallRecords } from "./records/call-records.ts";
import type { CallRow } from "./records/call-row.ts";
import type { Settings } from "./settings.ts";

export interface SessionConfigOptions {
  /** As it is before this session begins. */
  readonly row: CallRow;
  readonly records: CallRecords;
  readonly settings: Settings;
  readonly nowMs: number;
  /** 0 .. 2^53-1. */
  readonly seed: number;
}

/** What a session of the core is made of, JSON; docs/boundary.md, Configuration. */
export function sessionConfig({ row, records, settings, nowMs, seed }: SessionConfigOptions): string {
  const { batches, snapshots } = records;
  return JSON.stringify({
    callId: row.callId,
    seed,
    epochMs: nowMs,
    leg: LEG,
    agent: row.agent,
    authorization: row.authorization,
    faults: settings.faultInjection ? "allowed" : "refused",
    resumed: row.sessions > 0,
    profile: settings.profile,
    limits: settings.limits,
    firstSeq: nextSeq(batches.events()),
    snapshot: snapshots.last(),
    recordingSoFar: recordingSoFar(batches.lastPage(), batches.eventsBySession(), nowMs),
  });
}
