// The recordings that the suite is about: made by the core's recorder, the same for the same numbers.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DECODED_HZ } from "../support/decoders.ts";

/** How many calls the suite takes. */
export const RECORDED_CALLS = Number(process.env.RECORDED_CALLS ?? 16);

const root = path.join(import.meta.dirname, "../..");

/** What a recording is of. */
export interface RecordedCall {
  readonly number: number;
  readonly file: Uint8Array;
  readonly sampleRateHz: number;
  /** Caller and agent in turns, at `sampleRateHz`. */
  readonly truth: Int16Array;
  /** Of each side when it is decoded, at 48 kHz. */
  readonly samples: number;
}

/** Calls [0, count) that the core's recorder has recorded, one at a time. */
export function* recordedCalls(count: number): Generator<RecordedCall> {
  const folder = mkdtempSync(path.join(tmpdir(), "recordings-"));
  try {
    for (let number = 0; number < count; number++) {
      execFileSync(path.join(root, "build/release/make_recordings"), [folder, String(number), "1"]);
      const name = path.join(folder, String(number));
      const raw = readFileSync(`${name}.raw`);
      const file = readFileSync(`${name}.opus`);
      // "OpusHead" is the first page's body: RFC 7845, 5.1.
      const sampleRateHz = file.readUInt32LE(28 + 12);
      const truth = new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
      yield { number, file, sampleRateHz, truth, samples: (truth.length / 2) * (DECODED_HZ / sampleRateHz) };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
