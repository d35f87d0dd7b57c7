/** G.711 mu-law in plain TypeScript, from the segments of ITU-T G.711; independent of the core's. */

export const MULAW_SILENCE = 0xff;

export function encodeSample(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), 32635) + 132;
  let segment = 7;
  while (segment > 0 && magnitude < 128 << segment) segment--;
  const step = (magnitude >> (segment + 3)) & 15;
  return ((sample < 0 ? 0x7f : 0xff) ^ ((segment << 4) | step)) & 0xff;
}

export function decodeSample(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = (((inverted & 15) << 3) + 132) << ((inverted >> 4) & 7);
  return inverted & 0x80 ? 132 - magnitude : magnitude - 132;
}

const DECODE = Int16Array.from({ length: 256 }, (_, code) => decodeSample(code));

export function encodeMulaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, encodeSample);
}

export function decodeMulaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (code) => DECODE[code] ?? 0);
}

/** A-law, for WAV files only. */
export function decodeAlawSample(code: number): number {
  const even = code ^ 0x55;
  const segment = (even >> 4) & 7;
  const base = (even & 15) << 4;
  const magnitude = segment === 0 ? base + 8 : (base + 0x108) << (segment - 1);
  return even & 0x80 ? magnitude : -magnitude;
}
