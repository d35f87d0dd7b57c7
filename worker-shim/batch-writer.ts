import type { CoreWitness } from "./core.ts";
import { FlightRecorder, MAX_CHUNK_BYTES } from "./flight-recorder.ts";
import { errorFields } from "./ports/log.ts";
import type { Timers } from "./ports/timers.ts";
import type { Log } from "./ports.ts";
import { ALIVE_INTERVAL_MS, FLUSH_INTERVAL_MS, MAX_BATCH_BYTES, PAGES_FLUSH_MS } from "./records/batches.ts";
import type { CallRecords } from "./records/call-records.ts";
import { Speakers } from "./speakers.ts";

/** All inputs of a call, bytes before compression. Overflow: the record ends there; what it has replays. */
export const MAX_FLIGHT_BYTES = 256 * 1024 * 1024;

/**
 * Events after which the next session must know more: a greeting, a reply, the result of a tool or what was entered is
 * owed; a reply is here as a whole, so that it can be told what was heard of it.
 */
const TELLING = /"type":"(started|dtmf|turnEnded|toolCall|usage)"/;

export interface BatchWriterOptions {
  readonly records: Pick<CallRecords, "batches" | "snapshots" | "inputs" | "flush">;
  readonly timers: Timers;
  readonly log: Log;
  nowMs(): number;
  background(work: Promise<void>): void;
}

/**
 * Writes a batch about once a second: what happens in a session, its recording, its inputs if they are kept, and its last
 * snapshot. While somebody speaks and there is nothing else to write it writes that the object lives.
 */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #timer: unknown;
  #dueMs = Number.POSITIVE_INFINITY;
  #flight: FlightRecorder | undefined;
  #flightBytes = 0;
  readonly #speakers = new Speakers();

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  event(json: string): void {
    const { batches } = this.#options.records;
    batches.addEvent(json);
    this.#speakers.onEvent(json);
    if (batches.isFull) this.#flushWithin(0);
    else this.#flushWithin(TELLING.test(json) ? PAGES_FLUSH_MS : FLUSH_INTERVAL_MS);
  }

  pages(granule: number, pages: Uint8Array<ArrayBuffer>): void {
    this.#options.records.batches.addPages(granule, pages);
    // A page is a second old already. Not at once: what goes out with the same input does not wait for storage.
    this.#flushWithin(PAGES_FLUSH_MS);
  }

  snapshot(text: string): void {
    this.#options.records.snapshots.keep(text);
    this.#flushWithin(FLUSH_INTERVAL_MS);
  }

  /**
   * Keeps a session's inputs from here on, with their bodies and sealed if there is a key. Undefined if there is no room
   * for them, or if they were sealed and there is no key any more.
   */
  beginFlight(keyHex: string | undefined): CoreWitness | undefined {
    const { batches, inputs } = this.#options.records;
    const { length } = batches.source("inputs");
    const { stored } = inputs;
    if (length > MAX_FLIGHT_BYTES || (stored === "sealed" && keyHex === undefined)) return undefined;
    const flight = new FlightRecorder(keyHex === undefined ? "redacted" : "full");
    // What a former version of this code left plain goes on plain: one file is one or the other until it is delivered.
    if (keyHex !== undefined && stored !== "plain") inputs.begin(keyHex);
    // A session after the first goes on behind the former one's, in the same file.
    const header = flight.take();
    if (stored === "none") this.#keepInputs(header);
    this.#flight = flight;
    this.#flightBytes = length + header.length;
    return {
      input: (nowUs, tag, body) => flight.input(nowUs, tag, body),
      effects: (bytes) => {
        flight.effects(bytes);
        // Earlier if peers say a lot.
        this.#flushWithin(flight.waiting > MAX_CHUNK_BYTES ? 0 : FLUSH_INTERVAL_MS);
      },
    };
  }

  /** The session is over: writes what is left of it. What is still being sealed waits for its delivery. */
  end(): void {
    this.#speakers.clear();
    this.flush();
    this.#flight = undefined;
  }

  flush(): void {
    this.#disarm();
    try {
      this.#takeInputs();
      const { batches } = this.#options.records;
      if (this.#speakers.areHeard && !batches.isWaiting) batches.writeAlive();
      this.#options.records.flush();
    } catch (error) {
      // They wait for the next batch; the outcome takes what is left.
      this.#options.log.error("a batch was not written", errorFields(error));
    }
    if (this.#speakers.areHeard) this.#flushWithin(ALIVE_INTERVAL_MS);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.timers.clear(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** A batch is due: its inputs are sealed first, so that they are in the same row. */
  #onDue(): void {
    const { background, records } = this.#options;
    if (!records.inputs.isOn) {
      this.flush();
      return;
    }
    this.#disarm();
    this.#takeInputs();
    // A piece that cannot be sealed is missing; the rest is written all the same.
    const sealed = records.inputs.settled().catch((error) => {
      this.#options.log.error("inputs were not sealed", errorFields(error));
    });
    background(sealed.then(() => this.flush()));
  }

  #flushWithin(ms: number): void {
    const { timers, nowMs } = this.#options;
    const dueMs = nowMs() + ms;
    if (dueMs >= this.#dueMs) return;
    if (this.#timer !== undefined) timers.clear(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = timers.set(() => this.#onDue(), ms);
  }

  /** Moves what was kept of the inputs to the next batch; beyond the bound it is dropped. */
  #takeInputs(): void {
    const inputs = this.#flight?.take();
    if (!inputs || inputs.length === 0 || this.#flightBytes > MAX_FLIGHT_BYTES) return;
    this.#flightBytes += inputs.length;
    for (let at = 0; at < inputs.length; at += MAX_BATCH_BYTES)
      this.#keepInputs(inputs.subarray(at, at + MAX_BATCH_BYTES));
  }

  #keepInputs(piece: Uint8Array<ArrayBuffer>): void {
    const { batches, inputs } = this.#options.records;
    if (inputs.isOn) inputs.add(piece);
    else batches.addInputs(piece);
  }
}
