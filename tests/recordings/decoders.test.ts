// Recordings were accepted by every validator and clean in libopus, while FFmpeg's own decoder had bursts up to -5 dBFS
// in a silent channel: no test had ever listened with it.

import { describe, expect, it } from "vitest";
import {
  DECODED_HZ,
  DECODERS,
  type Decoder,
  decodeBy,
  disagreementsOfOwn,
  FRAME,
  levelAt,
  type Sides,
} from "../support/decoders.ts";
import { measured } from "../support/measured.ts";
import { RECORDED_CALLS, type RecordedCall, recordedCalls } from "./calls.ts";

/** Of a side that is silent, dBFS. */
const SILENT_DBFS = -70;
/** What a codec takes to fall silent, and its filters' ringing ahead of what comes. */
const FADES_FRAMES = 5;

/** The frames in which `side` is digitally silent, and has been. */
function silentFrames(call: RecordedCall, side: 0 | 1): number[] {
  const size = call.sampleRateHz / 50;
  const frames = call.truth.length / 2 / size;
  const silent = Array.from({ length: frames }, (_, frame) => {
    for (let i = frame * size; i < (frame + 1) * size; i++) if (call.truth[2 * i + side] !== 0) return false;
    return true;
  });
  const found: number[] = [];
  for (let frame = FADES_FRAMES; frame + 1 < frames; frame++)
    if (silent.slice(frame - FADES_FRAMES, frame + 2).every(Boolean)) found.push(frame);
  return found;
}

describe(`${RECORDED_CALLS} recordings`, () => {
  it("are the same to FFmpeg's own decoder and to libopus, and silent where nobody spoke", { timeout: 600_000 }, () => {
    const faults: string[] = [];
    let bytes = 0;
    let seconds = 0;
    let silent = 0;
    let loudest = Number.NEGATIVE_INFINITY;
    for (const call of recordedCalls(RECORDED_CALLS)) {
      const decoded = new Map<Decoder, Sides>(DECODERS.map((decoder) => [decoder, decodeBy(decoder, call.file)]));
      const [own, libopus] = [...decoded.values()];
      if (!own || !libopus) throw new Error("no decoders");
      faults.push(...disagreementsOfOwn(own, call.file).map((fault) => `call ${call.number}: ${fault}`));
      for (const [decoder, sides] of decoded) {
        if (sides[0].length !== call.samples)
          faults.push(`call ${call.number}: ${decoder} has ${sides[0].length} samples of ${call.samples}`);
        for (const side of [0, 1] as const)
          for (const frame of silentFrames(call, side)) {
            const level = levelAt(sides[side], frame * FRAME);
            silent += 1;
            loudest = Math.max(loudest, level);
            if (level > SILENT_DBFS)
              faults.push(`call ${call.number}: ${decoder} has ${level.toFixed(1)} dBFS in silence, frame ${frame}`);
          }
      }
      bytes += call.file.length;
      seconds += call.samples / DECODED_HZ;
    }
    measured(
      `${RECORDED_CALLS} recordings, ${Math.round(seconds)} s at ${((bytes * 8) / seconds / 1000).toFixed(1)} kbit/s: ` +
        `silence at most ${loudest.toFixed(0)} dBFS`,
    );
    expect(faults).toEqual([]);
    expect(silent).toBeGreaterThan(100 * RECORDED_CALLS);
  });
});
