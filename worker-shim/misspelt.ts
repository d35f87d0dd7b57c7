/** Names from this length on are one thing still when two slips are made in them, none of which is a word more: DB_URL. */
const LONG_CHARACTERS = 8;
/** What one cuts a word to. */
const MIN_WORD_CHARACTERS = 3;

/** A name without what one gets wrong first. */
function bare(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase();
}

function wordsOf(name: string): string[] {
  return name.toUpperCase().split(/[^A-Z0-9]+/);
}

/** Letters more, less, other or in changed places (neighbours, each once) that make `b` of `a`. */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const other = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, other);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** Whether one is the other, or the other cut. */
function isSameWord(a = "", b = ""): boolean {
  return Math.min(a.length, b.length) >= MIN_WORD_CHARACTERS && (a.startsWith(b) || b.startsWith(a));
}

/** Whether `name` is `known` without words between its first and its last, each of which may be cut: RATE_LIMIT_PER_MIN. */
function isShortened(name: string, known: string): boolean {
  const words = wordsOf(name);
  const all = wordsOf(known);
  if (words.length < 2 || !isSameWord(words[0], all[0]) || !isSameWord(words.at(-1), all.at(-1))) return false;
  let next = 0;
  for (const word of all) if (isSameWord(words[next], word)) next++;
  return next === words.length;
}

/** The one of `known` that somebody must have meant who wrote `name`; undefined for a name of somebody else's. */
export function meantBy(name: string, known: readonly string[]): string | undefined {
  const written = bare(name);
  const slipsTo = (each: string) => slips(written, bare(each));
  const mayHaveTwo = (each: string) =>
    bare(each).length >= LONG_CHARACTERS && wordsOf(name).length <= wordsOf(each).length;
  const isNear = (each: string) => slipsTo(each) <= (mayHaveTwo(each) ? 2 : 1);
  const near = known.filter(isNear).sort((a, b) => slipsTo(a) - slipsTo(b));
  return near[0] ?? known.find((each) => isShortened(name, each));
}
