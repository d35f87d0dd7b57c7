/**
 * A voice of 125 Hz with moving formants, in syllables of 110 to 230 ms, that any detector takes for speech; 8 kHz. Seeds give
 * different voices.
 */
export function voice(ms: number, seed = 1): Int16Array {
  const kind = seed % VOICES;
  // Made once: synthesis would hold up the carrier's clock.
  voices[kind] ??= synthesise(LONGEST_MS, kind);
  return voices[kind].subarray(0, ms * 8);
}

const VOICES = 7;
const LONGEST_MS = 3500;
const voices: Int16Array[] = [];

/** Makes every voice; before anything is timed. */
export function prepareVoices(): void {
  for (let seed = 0; seed < VOICES; seed++) voice(1, seed);
}

function synthesise(ms: number, seed: number): Int16Array {
  const samples = new Int16Array(ms * 8);
  let random = seed * 7919 + 1;
  const next = () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random / 2 ** 32;
  };
  // No two voices keep time with one another.
  let begin = 0;
  let length = 0;
  for (let i = 0; i < samples.length; i++) {
    const t = i / 8000;
    if (t >= begin + length) {
      begin = t;
      length = 0.11 + 0.12 * next();
    }
    const syllable = 0.3 + 0.7 * Math.sin((Math.PI * (t - begin)) / length);
    let sum = 0;
    for (let harmonic = 1; harmonic <= 26; harmonic++) {
      const hz = (115 + 5 * seed) * harmonic;
      let gain = 0.02;
      for (const formant of [
        500 + 180 * Math.sin(2 * Math.PI * t * (2 + (seed % 3))),
        1500 + 400 * Math.sin(2 * Math.PI * t * 1.7),
        2500,
      ]) {
        gain += 1 / (1 + ((hz - formant) / 130) ** 2);
      }
      sum += gain * Math.sin(2 * Math.PI * hz * t + harmonic * harmonic);
    }
    samples[i] = Math.round(2200 * syllable * (sum + 0.1 * (next() - 0.5)));
  }
  return samples;
}
