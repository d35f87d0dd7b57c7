import { type CallLog, composeCallLog, objectKey } from "./call-log.ts";
import { packPart } from "./flight-file.ts";
import type { Bucket } from "./ports/bucket.ts";
import type { CallLogStore } from "./ports/call-log-store.ts";
import type { SupabaseSink, WebhookSink } from "./ports/http-sinks.ts";
import type { ByteSource } from "./records/bytes.ts";
import type { CallRecords } from "./records/call-records.ts";
import type { CallRow } from "./records/call-row.ts";
import { DELIVERY_TIMEOUT_MS, type Delivery, type Outbox, type Sink } from "./records/outbox.ts";
import type { Settings } from "./settings.ts";

/** The slowest bucket that an upload still reaches in one attempt. */
const BYTES_PER_MS = 100;

/** What one part of a flight record's file holds, before compression. */
const FLIGHT_PART_BYTES = 1024 * 1024;

/** Where rows and messages go, all but bytes. */
const ROW_SINKS = ["callLog", "supabase", "webhook", "analytics"] as const satisfies readonly Sink[];

/** Where a deployment has its calls told; each may be absent. */
export interface Sinks {
  readonly bucket?: Bucket | undefined;
  readonly callLog?: Pick<CallLogStore, "write" | "delete" | "forgetRecording"> | undefined;
  readonly supabase?: Pick<SupabaseSink, "write" | "redact" | "delete"> | undefined;
  readonly webhook?: Pick<WebhookSink, "send"> | undefined;
  readonly analytics?: ((log: CallLog) => void) | undefined;
}

export interface DeliveriesOptions {
  readonly records: CallRecords;
  readonly sinks: Sinks;
  readonly settings: Settings;
  readonly tenant: string;
  nowMs(): number;
}

/** What is told of one call, to whom and how. Everything is made from the call's record: doing it again is harmless. */
export class Deliveries {
  readonly #options: DeliveriesOptions;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** The call's first session begins. */
  announceStart(outbox: Outbox): void {
    if (this.#options.sinks.webhook) outbox.add("webhook", "call.started");
  }

  /** The call has its outcome. */
  announceEnd(outbox: Outbox): void {
    const { records, sinks } = this.#options;
    if (sinks.bucket && records.batches.source("pages").length > 0) outbox.add("bucket", "recording");
    if (sinks.bucket && records.hasInputs) outbox.add("bucket", "flight");
    if (sinks.callLog) outbox.add("callLog", "call");
    if (sinks.supabase) outbox.add("supabase", "call");
    if (sinks.webhook) outbox.add("webhook", "call.ended");
    if (sinks.analytics) outbox.add("analytics", "call");
  }

  /** What is not delivered yet is not wanted any more, what was delivered is to go. */
  announceErasure(outbox: Outbox, what: "recording" | "call"): void {
    const { sinks } = this.#options;
    outbox.drop("bucket");
    if (sinks.bucket) outbox.add("bucket", what === "recording" ? "eraseRecording" : "erase");
    if (what === "recording") {
      if (sinks.callLog) outbox.add("callLog", "forgetRecording");
      return;
    }
    for (const sink of ROW_SINKS) outbox.drop(sink);
    if (sinks.callLog) outbox.add("callLog", "erase");
    if (sinks.supabase) outbox.add("supabase", "erase");
  }

  /** The retention is over; R2 and D1 have a cron for that. */
  announceExpiry(outbox: Outbox): void {
    for (const sink of ["bucket", ...ROW_SINKS] as const) outbox.drop(sink);
    if (this.#options.sinks.supabase) outbox.add("supabase", "redact");
  }

  /** How long an attempt may take: a long recording takes its time. */
  timeoutMs({ sink }: Delivery): number {
    if (sink !== "bucket") return DELIVERY_TIMEOUT_MS;
    const { records } = this.#options;
    return (
      DELIVERY_TIMEOUT_MS +
      (records.batches.source("pages").length + records.batches.source("inputs").length) / BYTES_PER_MS
    );
  }

  async deliver({ sink, kind }: Delivery, signal: AbortSignal): Promise<void> {
    const { records, sinks } = this.#options;
    const row = records.call.find();
    if (!row) return;
    const { callId } = row;
    // A sink that is not configured any more has nothing to wait for.
    switch (`${sink}:${kind}`) {
      case "bucket:recording":
        return this.#putRecording(row, signal);
      case "bucket:flight":
        return this.#putFlight(row, signal);
      // The flight record holds the same audio.
      case "bucket:eraseRecording":
      case "bucket:erase":
        return sinks.bucket?.delete([objectKey("recordings", row, "opus"), objectKey("flights", row, "flight")]);
      case "callLog:call":
        return sinks.callLog?.write(this.#log(row));
      case "callLog:forgetRecording":
        return sinks.callLog?.forgetRecording(callId);
      case "callLog:erase":
        return sinks.callLog?.delete(callId);
      case "supabase:call":
        return sinks.supabase?.write(this.#log(row), signal);
      case "supabase:redact":
        return sinks.supabase?.redact(callId, signal);
      case "supabase:erase":
        return sinks.supabase?.delete(callId, signal);
      case "webhook:call.started":
      case "webhook:call.ended":
        return sinks.webhook?.send(`${callId}:${kind}`, this.#webhookBody(row, kind), this.#options.nowMs(), signal);
      case "analytics:call":
        return sinks.analytics?.(this.#log(row));
      default:
        throw new Error("an unknown delivery");
    }
  }

  #log(row: CallRow): CallLog {
    const { records, settings, tenant } = this.#options;
    const recording = records.outcome.recording();
    return composeCallLog({
      row,
      tenant,
      sessions: records.batches.eventsBySession(),
      recording,
      recordingKey: recording && objectKey("recordings", row, "opus"),
      flightKey: records.outcome.hasFlight() ? objectKey("flights", row, "flight") : undefined,
      prices: settings.tokenPrices,
    });
  }

  #webhookBody(row: CallRow, kind: string): string {
    const { callId, carrierCallId, agent, from, to, createdMs } = row;
    const call = { callId, carrierCallId, agent, from, to, announcedMs: createdMs };
    if (kind === "call.started") return JSON.stringify({ type: kind, call });
    const log = this.#log(row);
    const { summary, ...fields } = log.call;
    const turns = log.turns.map(({ callId: _, seq: __, question: ___, cut, ...rest }) => ({ ...rest, cut: cut === 1 }));
    const toolCalls = log.toolCalls.map(({ callId: _, seq: __, ...rest }) => rest);
    return JSON.stringify({ type: kind, call: { ...fields, summary: JSON.parse(summary) }, turns, toolCalls });
  }

  #putRecording(row: CallRow, signal: AbortSignal): Promise<void> | undefined {
    const { records, sinks, settings } = this.#options;
    const { call } = this.#log(row);
    const { recording } = records.pinned.over(settings).profile;
    const metadata = {
      callId: row.callId,
      agent: row.agent,
      startedMs: String(call.startedMs),
      durationMs: String(call.recordingMs),
      recording: recording ?? "off",
    };
    const options = { contentType: "audio/ogg; codecs=opus", metadata };
    return sinks.bucket?.put(call.recordingKey ?? "", records.batches.source("pages"), options, signal);
  }

  async #putFlight(row: CallRow, signal: AbortSignal): Promise<void> {
    const { records, sinks, settings } = this.#options;
    const inputs = await records.storedInputs();
    const isSealed = records.inputs.stored === "sealed";
    // The last of them may have gone with an object, and been the only ones.
    if (inputs.length === 0) return;
    const encrypted = String(isSealed || settings.flightKey !== undefined);
    const options = { contentType: "application/octet-stream", metadata: { callId: row.callId, encrypted } };
    const file = isSealed ? inputs : await this.#packed(inputs);
    await sinks.bucket?.put(objectKey("flights", row, "flight"), file, options, signal);
  }

  /** R2 wants the length before the bytes: they are made first. */
  async #packed(inputs: ByteSource): Promise<ByteSource> {
    const { records, settings } = this.#options;
    records.archive.clear();
    let index = 0;
    for (const run of runsOf(inputs)) records.archive.add(await packPart(index++, run, settings.flightKey));
    return records.archive.source();
  }
}

/** A source in runs of about FLIGHT_PART_BYTES. */
function* runsOf(source: ByteSource): Generator<Uint8Array<ArrayBuffer>> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const join = () => {
    const run = new Uint8Array(length);
    let offset = 0;
    for (const piece of pieces) {
      run.set(piece, offset);
      offset += piece.length;
    }
    pieces = [];
    length = 0;
    return run;
  };
  for (const piece of source.read()) {
    if (length > 0 && length + piece.length > FLIGHT_PART_BYTES) yield join();
    pieces.push(piece);
    length += piece.length;
  }
  if (length > 0) yield join();
}
