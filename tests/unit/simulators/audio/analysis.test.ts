import { describe, expect, it } from "vitest";
import { align, clicks, frameLevels, gaps, speechBounds } from "../../../simulators/audio/analysis.ts";
import { decodeMulaw, encodeMulaw } from "../../../simulators/audio/mulaw.ts";

/** Noise of a fixed seed: correlates with nothing but itself. */
function noise(length: number, peak: number, seed = 1): Int16Array {
  let state = seed;
  return Int16Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * peak);
  });
}

/** Syllables: a low tone that swells and fades four times a second. */
function voice(ms: number): Int16Array {
  return Int16Array.from({ length: ms * 8 }, (_, k) =>
    Math.round(6000 * Math.sin((2 * Math.PI * 180 * k) / 8000) * Math.abs(Math.sin((2 * Math.PI * 2 * k) / 8000))),
  );
}

function embed(part: Int16Array, length: number, offset: number, gain = 1): Int16Array {
  const whole = new Int16Array(length);
  part.forEach((sample, k) => {
    whole[offset + k] = Math.round(gain * sample);
  });
  return whole;
}

describe("levels", () => {
  it("are RMS against full scale, one a whole frame", () => {
    const [loud, quiet, silent] = frameLevels(
      Int16Array.from({ length: 500 }, (_, k) => (k < 160 ? 16384 : k < 320 ? 328 : 0)),
    );
    expect(loud).toBeCloseTo(-6.02, 2);
    expect(quiet).toBeCloseTo(-40, 1);
    expect(silent).toBe(-100);
  });

  it("bound the speech of a recording", () => {
    expect(speechBounds(embed(noise(1600, 8000), 8000, 3200))).toEqual({ start: 3200, end: 4800 });
    expect(speechBounds(new Int16Array(800))).toBeUndefined();
  });
});

describe("align", () => {
  it("finds an exact copy to the sample", () => {
    const part = noise(4000, 8000);
    const found = align(embed(part, 16000, 4321), part);
    expect(found?.offset).toBe(4321);
    expect(found?.gain).toBeCloseTo(1, 6);
    expect(found?.snrDb).toBeGreaterThan(80);
  });

  it("matches the gain and does not count it as noise", () => {
    const part = noise(4000, 8000);
    const found = align(embed(part, 16000, 999, 0.5), part);
    expect(found?.offset).toBe(999);
    expect(found?.gain).toBeCloseTo(0.5, 2);
    expect(found?.snrDb).toBeGreaterThan(70);
  });

  it("tells the noise of mu-law", () => {
    const part = voice(500);
    const found = align(embed(decodeMulaw(encodeMulaw(part)), 16000, 2000), part);
    expect(found?.offset).toBe(2000);
    expect(found?.snrDb).toBeGreaterThan(33);
    expect(found?.snrDb).toBeLessThan(45);
  });

  it("tells added noise by its level", () => {
    const part = noise(8000, 8000);
    const whole = embed(part, 16000, 1000);
    const added = noise(16000, 800, 7);
    whole.forEach((sample, k) => {
      whole[k] = sample + (added[k] ?? 0);
    });
    expect(align(whole, part)?.snrDb).toBeCloseTo(20, 0);
  });

  it("finds no good copy where there is none", () => {
    expect(align(noise(8000, 8000, 3), noise(4000, 8000, 4))?.snrDb ?? -Infinity).toBeLessThan(0);
    expect(align(new Int16Array(10), new Int16Array(11))).toBeUndefined();
  });
});

describe("clicks", () => {
  it("are jumps that the reference does not have", () => {
    const reference = voice(500);
    expect(clicks(reference, reference)).toEqual([]);
    const heard = reference.slice();
    heard[2001] = (heard[2001] ?? 0) + 4000;
    expect(clicks(heard, reference)).toEqual([2001, 2002]);
  });

  it("are not the quantisation of mu-law", () => {
    const reference = voice(500);
    expect(clicks(decodeMulaw(encodeMulaw(reference)), reference)).toEqual([]);
  });
});

describe("gaps", () => {
  it("are silence where the reference sounds", () => {
    const reference = noise(4000, 8000);
    const heard = reference.slice();
    heard.fill(1000, 1599, 1761);
    heard.fill(0, 1600, 1760);
    expect(gaps(heard, reference)).toEqual([{ at: 1600, length: 160 }]);
  });

  it("are not the pauses of the reference, nor shorter than asked for", () => {
    const reference = embed(noise(800, 8000), 4000, 0);
    const heard = reference.slice();
    heard.fill(1000, 99, 161);
    heard.fill(0, 100, 160);
    expect(gaps(heard, reference)).toEqual([]);
    expect(gaps(heard, reference, 60)).toEqual([{ at: 100, length: 60 }]);
  });
});
