import { frameLevels } from "../audio/analysis.ts";
import { resample } from "../audio/resample.ts";
import { say, type Voice } from "./say.ts";

/** Quieter is silence, dBFS. */
const FLOOR_DB = -50;
/** Of 1: what is less like any sentence is none of them. */
const LEAST_LIKENESS = 0.92;

function shape(samples: Int16Array): number[] {
  return frameLevels(samples).map((level) => Math.max(0, level - FLOOR_DB));
}

/** The likeness of two shapes, the one moved against the other as is best for it: 0 to 1. */
function likeness(one: readonly number[], other: readonly number[]): number {
  const length = (of: readonly number[]) => Math.sqrt(of.reduce((sum, level) => sum + level * level, 0));
  const scale = length(one) * length(other);
  let best = 0;
  for (let shift = -other.length; shift < one.length; shift++) {
    let product = 0;
    for (let i = Math.max(0, shift); i < Math.min(one.length, other.length + shift); i++)
      product += (one[i] ?? 0) * (other[i - shift] ?? 0);
    best = Math.max(best, product);
  }
  return scale > 0 ? best / scale : 0;
}

/**
 * Voice and ears for calls of a few sentences, each said by one voice: they know a sentence by the shape of its level,
 * at a hundredth of what recognition costs. Whatever is not one of them, or only a part, is heard as nothing.
 */
export async function knownSpeech(sentences: readonly string[], voice: Voice) {
  const known = await Promise.all(
    sentences.map(async (text) => {
      const words = text.toLowerCase().replaceAll(/[^a-z' ]/g, "");
      return { words, shape: shape(await say(text, { voice })) };
    }),
  );
  return {
    say: (text: string) => say(text, { voice: "slt", rateHz: 16_000 }),
    hear: async (samples: Int16Array, rateHz: number) => {
      const heard = shape(resample(samples, rateHz, 8000));
      const ranked = known.map((one) => ({ ...one, like: likeness(heard, one.shape) }));
      const best = ranked.sort((a, b) => b.like - a.like)[0];
      return best && best.like >= LEAST_LIKENESS ? best.words : "";
    },
  };
}
