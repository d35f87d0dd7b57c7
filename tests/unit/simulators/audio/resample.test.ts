import { describe, expect, it } from "vitest";
import { resample } from "../../../simulators/audio/resample.ts";

function tone(hz: number, rateHz: number, ms: number): Int16Array {
  return Int16Array.from({ length: (rateHz * ms) / 1000 }, (_, k) =>
    Math.round(10000 * Math.sin((2 * Math.PI * hz * k) / rateHz)),
  );
}

/** RMS of the middle half, where no end is near. */
function rms(samples: ArrayLike<number>): number {
  let sum = 0;
  const from = samples.length >> 2;
  for (let k = from; k < 3 * from; k++) sum += (samples[k] ?? 0) ** 2;
  return Math.sqrt(sum / (2 * from));
}

describe("resample", () => {
  it.each([16000, 22050, 24000, 44100, 48000])("keeps a tone in place from %i Hz", (rateHz) => {
    const got = resample(tone(1000, rateHz, 200), rateHz, 8000);
    const expected = tone(1000, 8000, 200);
    expect(Math.abs(got.length - expected.length)).toBeLessThanOrEqual(1);
    const error = Float64Array.from(got, (sample, k) => sample - (expected[k] ?? 0));
    // A delay of a fiftieth of a sample would show: -36 dB.
    expect(20 * Math.log10(rms(error) / rms(expected))).toBeLessThan(-36);
  });

  it("loses less than 1 dB at the top of the telephone band", () => {
    const level = rms(resample(tone(3400, 48000, 200), 48000, 8000)) / rms(tone(3400, 48000, 200));
    expect(20 * Math.log10(level)).toBeGreaterThan(-1);
  });

  it("does not fold what 8 kHz cannot hold", () => {
    const level = rms(resample(tone(5000, 48000, 200), 48000, 8000)) / rms(tone(5000, 48000, 200));
    expect(20 * Math.log10(level)).toBeLessThan(-50);
  });

  it("leaves a recording at its rate alone, and limits at full scale", () => {
    expect([...resample(Int16Array.of(1, 2, 3), 8000, 8000)]).toEqual([1, 2, 3]);
    const square = Int16Array.from({ length: 1600 }, (_, k) => (k % 40 < 20 ? 32767 : -32768));
    for (const sample of resample(square, 16000, 8000)) expect(Math.abs(sample)).toBeGreaterThan(0);
  });
});
