// How much of a text was heard of the audio that speaks it.
//
// Nobody says which word is spoken when. Within a clause words take time as they have characters, within a word or so;
// over sentences that drifts, and pauses take time without a character. So the pauses of the audio are laid on the
// punctuation of the text first.

/** A pause of an item's audio, ms from its beginning. */
export type Pause = readonly [fromMs: number, toMs: number];

/** More marks or pauses than these are left out; what is between them is then told by proportion. */
const MAX_MARKS = 48;
/** What a mark without a pause, or a pause without a mark, weighs against misplacing one by so much, ms. */
const UNMATCHED_MS = 500;

/** A place in the text, in characters, and in the audio, in ms without its pauses. */
interface Anchor {
  readonly characters: number;
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
  const anchors = align(text, spokenMs(receivedMs), breaks(pauses, receivedMs).map(spokenMs));
  const at = spokenMs(Math.max(0, heardMs));
  let end = 0;
  for (const { index } of text.matchAll(/(?<=\S)(?=\s|$)/gu)) {
    if (timeOf(index, anchors) > at) break;
    end = index;
  }
  return text.slice(0, end);
}

/** Where the pauses within the audio begin. */
function breaks(pauses: readonly Pause[], receivedMs: number): number[] {
  return pauses.filter(([from, to]) => from > 0 && to < receivedMs).map(([from]) => from);
}

/** When the text up to a character is spoken. */
function timeOf(characters: number, anchors: readonly Anchor[]): number {
  const next = Math.max(
    1,
    anchors.findIndex((anchor) => anchor.characters >= characters),
  );
  const [from, to] = [anchors[next - 1], anchors[next]];
  if (!from || !to) return 0;
  const share = (characters - from.characters) / (to.characters - from.characters || 1);
  return from.spokenMs + share * (to.spokenMs - from.spokenMs);
}

/**
 * The text's beginning and end, and between them the punctuation marks that pauses stand for: the choice, in order,
 * whose stretches differ least from what their characters take, and leaves the fewest marks and pauses over.
 */
function align(text: string, totalMs: number, pausesMs: readonly number[]): Anchor[] {
  const marks = [...text.matchAll(/[,.;:?!\u2026]["')\]]*(?=\s)/gu)].map(({ 0: mark, index }) => index + mark.length);
  const places = [0, ...marks.slice(0, MAX_MARKS), text.length];
  const times = [0, ...pausesMs.slice(0, MAX_MARKS), totalMs];
  const msPerCharacter = totalMs / Math.max(1, text.length);
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
          const expectedMs = (place - (places[before] ?? 0)) * msPerCharacter;
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
    anchors.unshift({ characters: places[i] ?? 0, spokenMs: times[k] ?? 0 });
    const step = best[i]?.[k];
    [i, k] = [step?.i ?? 0, step?.k ?? 0];
  }
  return [{ characters: 0, spokenMs: 0 }, ...anchors];
}
