// Recordings by decoders that are not ours, and whether these agree. Shares no code with the gateway.

import { spawnSync } from "node:child_process";
import path from "node:path";

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

/** What `program` writes. @throws {Error} with what it says, if it says anything at all */
function outputOf(program: string, options: readonly string[], input: Uint8Array): Buffer {
  const { stdout, stderr, status, error } = spawnSync(program, options, { input, maxBuffer: 1 << 30 });
  if (error) throw error;
  if (status !== 0 || stderr.length > 0) throw new Error(`${program} ${options}: ${status} ${stderr.toString()}`);
  return stdout;
}

/** What ffmpeg makes of `input`, at DECODED_HZ. */
function sidesByFfmpeg(options: readonly string[], input: Uint8Array): Sides {
  const pcm = outputOf("ffmpeg", ["-xerror", ...options, "-f", "f32le", "pipe:1"], input);
  return sidesOf(new Float32Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.length)));
}

/** @throws {Error} with what the decoder says, if it says anything at all */
export function decodeBy(decoder: Decoder, file: Uint8Array): Sides {
  return sidesByFfmpeg(["-v", "warning", "-c:a", decoder, "-i", "pipe:0"], file);
}

const PROGRAM = path.join(import.meta.dirname, "../../build/release/decode_recording");
/** By which FFmpeg's own decoder lags behind its resampler, samples; it is the same for all recordings of a rate. */
const OWN_LAG: Readonly<Record<number, number>> = { 8000: 6, 16000: 0 };

/**
 * What libopus makes of a recording, as FFmpeg's own decoder would bring it to DECODED_HZ.
 *
 * A decoder brings the codec's 8 or 16 kHz to 48 with a filter of its own. That of libopus disperses, by up to 1 ms at
 * the edge of the band: where a frame's first or last moment is the loudest in it, the two decoders' frames differ by up
 * to 7 dB although the codec's samples are the same, and no shift of one of them tells this from frames whose samples
 * differ. Here both go through one filter: what is not the same is not the same in the codec, and frames that both
 * decode well are the same to 0.3 dB.
 */
function decodeForOwn(file: Uint8Array): Sides {
  // "OpusHead" is the first page's body: RFC 7845, 5.1.
  const sampleRateHz = Buffer.from(file).readUInt32LE(28 + 12);
  const lag = OWN_LAG[sampleRateHz];
  if (lag === undefined) throw new Error(`a recording at ${sampleRateHz} Hz`);
  const format = ["-v", "error", "-f", "s16le", "-ar", String(sampleRateHz), "-ac", "2"];
  // The length of the filter of FFmpeg's own decoder.
  const resample = ["-af", `aresample=${DECODED_HZ}:filter_size=16`];
  const sides = sidesByFfmpeg([...format, "-i", "pipe:0", ...resample], outputOf(PROGRAM, [], file));
  const lagging = (side: Float32Array) => {
    const later = new Float32Array(side.length);
    later.set(side.subarray(0, side.length - lag), lag);
    return later;
  };
  return [lagging(sides[0]), lagging(sides[1])];
}

/** 20 ms. */
export const FRAME = DECODED_HZ / 50;
/** Below this nobody hears a difference, dBFS. */
export const AUDIBLE_DBFS = -50;
/** Between two decoders of a frame that is heard. */
const MOST_DIFFERENCE_DB = 3;
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
      found.push(`side ${side}, frame ${from / FRAME}: ${level.toFixed(1)} dBFS against ${other.toFixed(1)}`);
    }
  }
  return found;
}

/** What FFmpeg's own decoder and libopus do not decode alike of a recording, of which the former made `own`. */
export function disagreementsOfOwn(own: Sides, file: Uint8Array): string[] {
  const libopus = decodeForOwn(file);
  // What the file's end cuts off is still there.
  const samples = own[0].length;
  return disagreements(own, [libopus[0].subarray(0, samples), libopus[1].subarray(0, samples)]);
}

/** Throws unless every decoder of ffmpeg decodes a recording, and all alike. */
export function decodeByAll(file: Uint8Array): void {
  const [own, libopus] = DECODERS.map((decoder) => decodeBy(decoder, file));
  if (!own || !libopus) throw new Error("no decoders");
  const found = disagreementsOfOwn(own, file);
  if (libopus[0].length !== own[0].length) found.push(`${own[0].length} samples against ${libopus[0].length}`);
  if (found.length > 0) throw new Error(`decoders disagree in ${found.length} places, at first ${found[0]}`);
}
