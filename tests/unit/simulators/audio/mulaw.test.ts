import { describe, expect, it } from "vitest";
import {
  decodeAlawSample,
  decodeMulaw,
  decodeSample,
  encodeMulaw,
  encodeSample,
  MULAW_SILENCE,
} from "../../../simulators/audio/mulaw.ts";

describe("mu-law", () => {
  it.each([
    [0, 0xff],
    [1000, 0xce],
    [-1000, 0x4e],
    [32767, 0x80],
    [-32768, 0x00],
  ])("encodes %i", (sample, code) => {
    expect(encodeSample(sample)).toBe(code);
  });

  it("gives every code back, but for the second zero", () => {
    for (let code = 0; code < 256; code++) expect(encodeSample(decodeSample(code))).toBe(code === 0x7f ? 0xff : code);
  });

  it("is off by half a step of the segment at most", () => {
    for (let sample = -32635; sample <= 32635; sample++) {
      const code = encodeSample(sample);
      const step = 8 << ((~code >> 4) & 7);
      expect(Math.abs(decodeSample(code) - sample)).toBeLessThanOrEqual(step / 2);
    }
  });

  it("takes silence for silence", () => {
    expect([...decodeMulaw(Uint8Array.of(MULAW_SILENCE, 0x7f))].map(Math.abs)).toEqual([0, 0]);
    expect([...encodeMulaw(Int16Array.of(0, 1000))]).toEqual([MULAW_SILENCE, 0xce]);
  });
});

describe("A-law", () => {
  it.each([
    [0xd5, 8],
    [0x55, -8],
    [0xaa, 32256],
    [0x2a, -32256],
  ])("decodes %i", (code, sample) => {
    expect(decodeAlawSample(code)).toBe(sample);
  });
});
