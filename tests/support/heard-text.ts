// How much of a text was heard of the audio that speaks it: the slow twin of wasm/session/heard_words.h.
//
// Nobody says which word is spoken when. Within a clause words take time as they have letters, within a word or so; over
// sentences that drifts, and pauses take time without a letter. So the pauses of the audio are laid on the punctuation of
// the text first.

/** A pause of an item's audio, ms from its beginning. */
export type Pause = readonly [fromMs: number, toMs: number];

/** More marks or pauses than these are left out; what is between them is then told by proportion. */
const MAX_MARKS = 48;
/** What a mark without a pause, or a pause without a mark, weighs against misplacing one by so much, ms. */
const UNMATCHED_MS = 500;

/** Scripts that are written without spaces. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
/** Where a speaker may pause, with the quotes and brackets that close there. */
const MARKS = /[,.;:?!\u2026]["')\]]*(?=\s)|[\u3001\u3002\uff0c\uff1b\uff1a\uff1f\uff01]["'\u300d\u300f\uff09]*/gu;
/** What takes longer to say than a letter, in letters: a digit or a sign is a word, a syllable's sign a syllable. */
const LONG: readonly (readonly [RegExp, number])[] = [
  [/\p{Nd}/u, 4],
  [/[\p{Sc}%&@#+=]/u, 5],
  [/[\p{sc=Han}\p{sc=Hangul}]/u, 3],
  [/[\p{sc=Hiragana}\p{sc=Katakana}]/u, 2],
];

/** A place in the text, in letters that it takes to say it so far, and in the audio, in ms without its pauses. */
interface Anchor {
  readonly letters: number;
  readonly spokenMs: number;
}

/**
 * What was heard of `text` after `heardMs` of its `receivedMs` of audio: whole words that had ended by then. `pauses`
 * are the audio's, ascending.
 */
export function heardText(text: string, heardMs: number, receivedMs: number, pauses: readonly Pause[] = []): string {
  if (heardMs >= receivedMs) return text;
  const spokenMs = (ms: number) =>
    pauses.reduce((sum, [from, to]) => sum - Math.max(0, Math.min(ms, to) - Math.min(ms, from)), ms);
  const letters = lettersBefore(text);
  const marks = [...text.matchAll(MARKS)].map(({ 0: mark, index }) => letters[index + mark.length] ?? 0);
  const anchors = align(marks, letters.at(-1) ?? 0, breaks(pauses, receivedMs).map(spokenMs), spokenMs(receivedMs));
  const at = spokenMs(Math.max(0, heardMs));
  let end = 0;
  for (const index of wordEnds(text)) {
    if (timeOf(letters[index] ?? 0, anchors) > at) break;
    end = index;
  }
  return text.slice(0, end);
}

/** Where words end, with the marks behind them, ascending. */
function wordEnds(text: string): number[] {
  const ends = [...text.matchAll(/(?<=\S)(?=\s|$)/gu)].map(({ index }) => index);
  if (!UNSPACED.test(text)) return ends;
  for (const { segment, index } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)) {
    const end = index + segment.length;
    if (UNSPACED.test(segment) && !/^\p{P}/u.test(text.slice(end))) ends.push(end);
    else if (/^\p{P}+$/u.test(segment) && UNSPACED.test(text.slice(0, index).at(-1) ?? "")) ends.push(end);
  }
  return [...new Set(ends)].sort((a, b) => a - b);
}

/** By index into `text`: how many letters it takes to say what is before. */
function lettersBefore(text: string): number[] {
  const letters = [0];
  for (const character of text) {
    const length = LONG.find(([which]) => which.test(character))?.[1] ?? 1;
    for (let unit = 0; unit < character.length; unit++) letters.push((letters.at(-1) ?? 0) + length / character.length);
  }
  return letters;
}

/** Where the pauses within the audio begin. */
function breaks(pauses: readonly Pause[], receivedMs: number): number[] {
  return pauses.filter(([from, to]) => from > 0 && to < receivedMs).map(([from]) => from);
}

/** When what takes so many letters is spoken. */
function timeOf(letters: number, anchors: readonly Anchor[]): number {
  const next = Math.max(
    1,
    anchors.findIndex((anchor) => anchor.letters >= letters),
  );
  const [from, to] = [anchors[next - 1], anchors[next]];
  if (!from || !to) return 0;
  const share = (letters - from.letters) / (to.letters - from.letters || 1);
  return from.spokenMs + share * (to.spokenMs - from.spokenMs);
}

/**
 * The text's beginning and end, and between them the marks that pauses stand for: the choice, in order, whose stretches
 * differ least from what their letters take, and leaves the fewest marks and pauses over.
 */
function align(marks: readonly number[], letters: number, pausesMs: readonly number[], totalMs: number): Anchor[] {
  const places = [0, ...marks.slice(0, MAX_MARKS), letters];
  const times = [0, ...pausesMs.slice(0, MAX_MARKS), totalMs];
  const msPerLetter = totalMs / Math.max(1, letters);
  // best[i][k]: the cost of all before, when place i is time k, and what came before them.
  const best = places.map(() => times.map(() => ({ cost: Number.POSITIVE_INFINITY, i: 0, k: 0 })));
  const first = best[0]?.[0];
  if (first) first.cost = 0;
  places.forEach((place, i) => {
    times.forEach((time, k) => {
      const here = best[i]?.[k];
      // The ends belong together.
      if (!here || i === 0 || k === 0 || (i === places.length - 1) !== (k === times.length - 1)) return;
      for (let before = 0; before < i; before++) {
        for (let past = 0; past < k; past++) {
          const from = best[before]?.[past];
          if (!from || !Number.isFinite(from.cost)) continue;
          const expectedMs = (place - (places[before] ?? 0)) * msPerLetter;
          const cost =
            from.cost +
            Math.abs(time - (times[past] ?? 0) - expectedMs) +
            UNMATCHED_MS * (i - before - 1 + (k - past - 1));
          if (cost < here.cost) Object.assign(here, { cost, i: before, k: past });
        }
      }
    });
  });
  const anchors: Anchor[] = [];
  let [i, k] = [places.length - 1, times.length - 1];
  while (i > 0 || k > 0) {
    anchors.unshift({ letters: places[i] ?? 0, spokenMs: times[k] ?? 0 });
    const step = best[i]?.[k];
    [i, k] = [step?.i ?? 0, step?.k ?? 0];
  }
  return [{ letters: 0, spokenMs: 0 }, ...anchors];
}
