/** Measures on 8 kHz recordings: where speech lies, how two of them align, clicks and gaps. */

const FRAME = 160;

/** Level of each whole 20 ms frame, dBFS of its root mean square; -100 for silence. */
export function frameLevels(samples: Int16Array): number[] {
  const levels: number[] = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let sum = 0;
    for (let i = at; i < at + FRAME; i++) sum += (samples[i] ?? 0) ** 2;
    levels.push(Math.max(-100, 10 * Math.log10(sum / FRAME / 32768 ** 2 || 1e-10)));
  }
  return levels;
}

/** First and end sample of what is within 35 dB of the loudest frame and above -55 dBFS; undefined if nothing is. */
export function speechBounds(samples: Int16Array): { start: number; end: number } | undefined {
  const levels = frameLevels(samples);
  const threshold = Math.max(-55, Math.max(-100, ...levels) - 35);
  const first = levels.findIndex((level) => level > threshold);
  if (first < 0) return undefined;
  const last = levels.findLastIndex((level) => level > threshold);
  return { start: first * FRAME, end: (last + 1) * FRAME };
}

export interface Alignment {
  /** Where `part` begins in `whole`, samples. */
  offset: number;
  /** What `part` has to be multiplied by to match. */
  gain: number;
  /** Power of the matched part over that of the difference, dB. */
  snrDb: number;
}

/** Of the middle of a part, samples: where it is sought at first. */
const SOUGHT = 2048;

/** Finds `part` in `whole` to the sample: its middle by correlation everywhere, then all of it at the best places. */
export function align(whole: Int16Array, part: Int16Array): Alignment | undefined {
  if (part.length === 0 || whole.length < part.length) return undefined;
  const length = Math.min(SOUGHT, part.length);
  const from = Math.floor((part.length - length) / 2);
  const sought = part.subarray(from, from + length);
  const scores: { offset: number; score: number }[] = [];
  for (let offset = 0; offset + part.length <= whole.length; offset++) {
    const heard = whole.subarray(offset + from, offset + from + length);
    let dot = 0;
    let energy = 1;
    for (let i = 0; i < length; i++) {
      const h = heard[i] ?? 0;
      dot += h * (sought[i] ?? 0);
      energy += h * h;
    }
    scores.push({ offset, score: dot / Math.sqrt(energy) });
  }
  scores.sort((a, b) => b.score - a.score);
  let best: Alignment | undefined;
  for (const { offset } of scores.slice(0, 16)) {
    const candidate = match(whole, part, offset);
    if (!best || candidate.snrDb > best.snrDb) best = candidate;
  }
  return best;
}

function match(whole: Int16Array, part: Int16Array, offset: number): Alignment {
  let dot = 0;
  let energy = 0;
  for (let i = 0; i < part.length; i++) {
    const p = part[i] ?? 0;
    dot += p * (whole[offset + i] ?? 0);
    energy += p * p;
  }
  const gain = energy === 0 ? 0 : dot / energy;
  let error = 0;
  for (let i = 0; i < part.length; i++) error += (gain * (part[i] ?? 0) - (whole[offset + i] ?? 0)) ** 2;
  return { offset, gain, snrDb: 10 * Math.log10((gain * gain * energy) / Math.max(error, 1e-9)) };
}

/** Samples where `heard` departs from `reference` by a jump that the reference does not have. */
export function clicks(heard: Int16Array, reference: Int16Array): number[] {
  const found: number[] = [];
  for (let i = 1; i < heard.length && i < reference.length; i++) {
    const jump = Math.abs((heard[i] ?? 0) - (heard[i - 1] ?? 0));
    const allowed = Math.abs((reference[i] ?? 0) - (reference[i - 1] ?? 0));
    if (jump - allowed > 1500 && jump > 4 * allowed) found.push(i);
  }
  return found;
}

/** Runs of digital silence of at least `minSamples` in `heard` where `reference` has sound. */
export function gaps(heard: Int16Array, reference: Int16Array, minSamples = 80): { at: number; length: number }[] {
  const found: { at: number; length: number }[] = [];
  let run = 0;
  let sound = 0;
  for (let i = 0; i <= heard.length; i++) {
    const silent = i < heard.length && Math.abs(heard[i] ?? 0) <= 8;
    if (silent) {
      run++;
      sound = Math.max(sound, Math.abs(reference[i] ?? 0));
    } else {
      if (run >= minSamples && sound > 200) found.push({ at: i - run, length: run });
      run = 0;
      sound = 0;
    }
  }
  return found;
}
