// A beat that is more punctual than a timer of Node's, which counts whole milliseconds: a thread that sleeps until the
// next beat is due and then says so. A beat that the listener has not taken yet is not said again.

import { parentPort, workerData } from "node:worker_threads";

const { cells, periodMs } = workerData;
/** As in wheel.ts. */
const STOPPED = 0;
const PENDING = 1;

for (let dueMs = performance.now() + periodMs; Atomics.load(cells, STOPPED) === 0; ) {
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) Atomics.wait(cells, STOPPED, 0, waitMs);
  dueMs = Math.max(dueMs + periodMs, performance.now());
  if (Atomics.exchange(cells, PENDING, 1) === 0) parentPort.postMessage(undefined);
}
