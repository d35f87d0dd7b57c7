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

/** The simulated provider's voices, and how many samples a second they have. */
const VOICES = { kal: 8000, kal16: 16_000, awb: 16_000, rms: 16_000, slt: 16_000 };
const SPOKEN =
  "Welcome to our service. Please say the number of your account, or press one for billing, two for support. I see. " +
  "The order of the twenty first of November was shipped on Friday, and it should arrive by Tuesday afternoon. " +
  "Is there anything else that I can do for you? Zero, one, two, three, four, five, six, seven, eight, nine. " +
  "She sells sea shells by the sea shore. The quick brown fox jumps over the lazy dog. Why? No, you need not worry. " +
  "Thank you very much for calling, and have a nice day. Goodbye!";

/** Writes a WAV file of each into `folder`; what speaks in calls beside people. */
function speak(folder: string): void {
  for (const [voice, sampleRateHz] of Object.entries(VOICES)) {
    const file = path.join(folder, `${voice}-${sampleRateHz}.wav`);
    execFileSync("flite", ["-voice", voice, "-t", SPOKEN, "-o", file]);
  }
}

/** Calls [0, count) that the core's recorder has recorded, one at a time. */
export function* recordedCalls(count: number): Generator<RecordedCall> {
  const folder = mkdtempSync(path.join(tmpdir(), "recordings-"));
  try {
    speak(folder);
    for (let number = 0; number < count; number++) {
      execFileSync(path.join(root, "build/release/make_recordings"), [folder, String(number), "1", folder]);
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
