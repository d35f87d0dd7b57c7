import { Worker } from "node:worker_threads";

const FRAME_MS = 20;
/** As in beat.mjs. */
const STOPPED = 0;
const PENDING = 1;

/** What happens every 20 ms, and in between at times that it names itself. */
export interface Spoke {
  /** The next 20 ms are due. */
  frame(nowMs: number): void;
  /** The earliest time at which `wake` is wanted; Infinity for none. */
  readonly wakeMs: number;
  wake(nowMs: number): void;
}

/** When spoke `index` of `count` is due next after `nowMs`: their phases are spread evenly over 20 ms. */
export function nextDue(index: number, count: number, nowMs: number): number {
  const phaseMs = (index * FRAME_MS) / count;
  return Math.floor((nowMs - phaseMs) / FRAME_MS + 1) * FRAME_MS + phaseMs;
}

/** Turns many spokes, each 20 ms apart from itself, at the beats next to their phases. A late frame is made up for. */
export class Wheel {
  readonly #spokes: { readonly spoke: Spoke; dueMs: number }[] = [];
  readonly #count: number;
  readonly #cells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  readonly #thread: Worker;
  /** How late each frame was since it was last taken, ms. */
  #lateness: number[] = [];
  /** Set when a spoke threw. */
  failure: unknown;

  /** `beatMs`: what is due within a beat goes out together. */
  constructor(count: number, beatMs: number) {
    this.#count = count;
    this.#thread = new Worker(new URL("./beat.mjs", import.meta.url), {
      workerData: { cells: this.#cells, periodMs: beatMs },
    });
    this.#thread.on("message", () => {
      Atomics.store(this.#cells, PENDING, 0);
      try {
        this.#beat(performance.now());
      } catch (error) {
        this.failure ??= error;
      }
    });
  }

  add(index: number, spoke: Spoke): void {
    this.#spokes.push({ spoke, dueMs: nextDue(index, this.#count, performance.now()) });
  }

  takeLateness(): number[] {
    const taken = this.#lateness;
    this.#lateness = [];
    return taken;
  }

  async stop(): Promise<void> {
    Atomics.store(this.#cells, STOPPED, 1);
    Atomics.notify(this.#cells, STOPPED);
    await this.#thread.terminate();
  }

  #beat(nowMs: number): void {
    for (const entry of this.#spokes) {
      if (entry.spoke.wakeMs <= nowMs) entry.spoke.wake(nowMs);
      if (entry.dueMs > nowMs) continue;
      this.#lateness.push(nowMs - entry.dueMs);
      entry.dueMs += FRAME_MS;
      entry.spoke.frame(nowMs);
    }
  }
}
