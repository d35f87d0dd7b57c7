import { readFileSync, writeFileSync } from "node:fs";
import { decodeAlawSample, decodeSample } from "./mulaw.ts";
import { resample } from "./resample.ts";

export class WavError extends Error {
  readonly code = "wav_unreadable";
}

export interface Wav {
  sampleRateHz: number;
  /** Mono; several channels are averaged. */
  samples: Int16Array;
}

const MIN_FORMAT_BYTES = 16;
const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_MULAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;

/** Reads RIFF WAVE: PCM of 16 bits, mu-law or A-law, any number of channels. @throws {WavError} */
export function parseWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") throw new WavError("not a RIFF WAVE file");
  let format = 0;
  let channels = 0;
  let rate = 0;
  let bits = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    // A streamed header has a size that is too large: the rest of the file is meant.
    const size = Math.min(view.getUint32(at + 4, true), bytes.length - at - 8);
    const body = at + 8;
    if (tag(at) === "fmt ") {
      if (size < MIN_FORMAT_BYTES) throw new WavError("its fmt chunk is cut short");
      format = view.getUint16(body, true);
      channels = view.getUint16(body + 2, true);
      rate = view.getUint32(body + 4, true);
      bits = view.getUint16(body + 14, true);
      if (format === FORMAT_EXTENSIBLE && size >= 26) format = view.getUint16(body + 24, true);
    } else if (tag(at) === "data") {
      const bytesPerSample = format === FORMAT_PCM && bits === 16 ? 2 : 1;
      if (channels < 1 || rate < 1000) throw new WavError("no usable fmt chunk before the data");
      if (!(format === FORMAT_PCM && bits === 16) && format !== FORMAT_ALAW && format !== FORMAT_MULAW) {
        throw new WavError(`format ${format} with ${bits} bits is not read; use PCM16, mu-law or A-law`);
      }
      const frames = Math.floor(size / (bytesPerSample * channels));
      const samples = new Int16Array(frames);
      for (let i = 0; i < frames; i++) {
        let sum = 0;
        for (let c = 0; c < channels; c++) {
          const where = body + (i * channels + c) * bytesPerSample;
          if (bytesPerSample === 2) sum += view.getInt16(where, true);
          else if (format === FORMAT_MULAW) sum += decodeSample(view.getUint8(where));
          else sum += decodeAlawSample(view.getUint8(where));
        }
        samples[i] = Math.round(sum / channels);
      }
      return { sampleRateHz: rate, samples };
    }
    at = body + size + (size % 2);
  }
  throw new WavError("no data chunk");
}

/** Reads a WAV file as 8 kHz mono. @throws {WavError} */
export function readWav8k(path: string): Int16Array {
  const wav = parseWav(readFileSync(path));
  return resample(wav.samples, wav.sampleRateHz, 8000);
}

/** Writes PCM16 mono. */
export function writeWav(path: string, samples: Int16Array, sampleRateHz: number): void {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples.length * 2, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(FORMAT_PCM, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRateHz, 24);
  bytes.writeUInt32LE(sampleRateHz * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples.length * 2, 40);
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i] ?? 0, 44 + i * 2);
  writeFileSync(path, bytes);
}
