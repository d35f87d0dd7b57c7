import { decodeMulaw, encodeMulaw } from "../audio/mulaw.ts";
import { resample } from "../audio/resample.ts";

export type Json = Record<string, unknown>;

/** An audio format object of the session: audio/pcmu at 8 kHz or audio/pcm at 24 kHz. */
export interface AudioFormat {
  type: "audio/pcmu" | "audio/pcm";
  rateHz: 8000 | 24000;
  bytesPerMs: number;
}

export const PCM: AudioFormat = { type: "audio/pcm", rateHz: 24000, bytesPerMs: 48 };
export const PCMU: AudioFormat = { type: "audio/pcmu", rateHz: 8000, bytesPerMs: 8 };

/** A format object as a client sends it; or the error code that the server answers. */
export function parseFormat(value: unknown): AudioFormat | string {
  const format = value as Json | null;
  switch (format?.["type"]) {
    case "audio/pcm":
      if (format["rate"] === undefined) return "missing_required_parameter";
      return format["rate"] === 24000 ? PCM : "invalid_value";
    case "audio/pcmu":
      return format["rate"] === undefined ? PCMU : "unknown_parameter";
    default:
      return "invalid_value";
  }
}

export function formatObject(format: AudioFormat): Json {
  return format.type === "audio/pcm" ? { type: format.type, rate: format.rateHz } : { type: format.type };
}

export function decode(format: AudioFormat, bytes: Buffer): Int16Array {
  if (format.type === "audio/pcmu") return decodeMulaw(bytes);
  const samples = new Int16Array(bytes.length >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2);
  return samples;
}

/** `samples` at `rateHz` in the format. */
export function encode(format: AudioFormat, samples: Int16Array, rateHz: number): Buffer {
  const at = resample(samples, rateHz, format.rateHz);
  if (format.type === "audio/pcmu") return Buffer.from(encodeMulaw(at));
  const bytes = Buffer.alloc(at.length * 2);
  at.forEach((sample, i) => {
    bytes.writeInt16LE(sample, i * 2);
  });
  return bytes;
}
