// Recordings by decoders that are not ours, and whether these agree. Shares no code with the gateway.

import { spawnSync } from "node:child_process";

/** Samples a second of what is decoded. */
export const DECODED_HZ = 48_000;

/** Caller and agent. */
export type Sides = readonly [Float32Array, Float32Array];

/** FFmpeg's own decoder, which reads the packets by itself, and libopus, which browsers and most players are built on. */
export const DECODERS = ["opus", "libopus"] as const;
export type Decoder = (typeof DECODERS)[number];

/** Both sides of what comes in turns. */
export function sidesOf(interleaved: Float32Array): Sides {
  const count = interleaved.length >> 1;
  const sides: Sides = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    sides[0][i] = interleaved[2 * i] ?? 0;
    sides[1][i] = interleaved[2 * i + 1] ?? 0;
  }
  return sides;
}

/** @throws {Error} with what the decoder says, if it says anything at all */
export function decodeBy(decoder: Decoder, file: Uint8Array): Sides {
  const options = ["-v", "warning", "-xerror", "-c:a", decoder, "-i", "pipe:0", "-f", "f32le", "pipe:1"];
  const { stdout, stderr, status, error } = spawnSync("ffmpeg", options, { input: file, maxBuffer: 1 << 30 });
  if (error) throw error;
  if (status !== 0 || stderr.length > 0) throw new Error(`${decoder}: ${status} ${stderr.toString()}`);
  return sidesOf(new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length)));
}

/** 20 ms. */
export const FRAME = DECODED_HZ / 50;
/** Below this nobody hears a difference, dBFS. */
export const AUDIBLE_DBFS = -50;
/** Between two decoders of a frame that is heard. */
const MOST_DIFFERENCE_DB = 3;
/**
 * Each decoder brings 8 and 16 kHz to 48 kHz with a filter of its own; their delays differ by up to 0.1 ms, which is
 * much of a frame whose last moment is where somebody begins to speak.
 */
const MOST_SHIFT = 5;

const decibels = (power: number) => 10 * Math.log10(Math.max(power, 1e-12));

/** Level of the frame that begins with sample `from`, dBFS. */
export function levelAt(side: Float32Array, from: number): number {
  let sum = 0;
  for (let i = Math.max(0, from); i < from + FRAME; i++) sum += (side[i] ?? 0) ** 2;
  return decibels(sum / FRAME);
}

/** Of two decoders' output of one file: what is not the same for a listener. Empty if nothing. */
export function disagreements(a: Sides, b: Sides): string[] {
  const found: string[] = [];
  for (const side of [0, 1] as const) {
    if (a[side].length !== b[side].length) found.push(`${a[side].length} samples against ${b[side].length}`);
    for (let from = 0; from + FRAME <= a[side].length; from += FRAME) {
      const level = levelAt(a[side], from);
      const other = levelAt(b[side], from);
      if (Math.max(level, other) <= AUDIBLE_DBFS || Math.abs(level - other) <= MOST_DIFFERENCE_DB) continue;
      let nearest = Math.abs(level - other);
      for (let shift = -MOST_SHIFT; shift <= MOST_SHIFT; shift++)
        nearest = Math.min(nearest, Math.abs(level - levelAt(b[side], from + shift)));
      if (nearest <= MOST_DIFFERENCE_DB) continue;
      found.push(`side ${side}, frame ${from / FRAME}: ${level.toFixed(1)} dBFS against ${other.toFixed(1)}`);
    }
  }
  return found;
}

/** Decodes a recording by every decoder of ffmpeg; throws unless they agree. What libopus made of it. */
export function decodeByAll(file: Uint8Array): Sides {
  const [own, libopus] = DECODERS.map((decoder) => decodeBy(decoder, file));
  if (!own || !libopus) throw new Error("no decoders");
  const found = disagreements(own, libopus);
  if (found.length > 0) throw new Error(`decoders disagree in ${found.length} places, at first ${found[0]}`);
  return libopus;
}
