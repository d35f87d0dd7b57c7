/** A bigram model of a domain's sentences, ARPA format, absolute back-off; words in lower case. */

export function wordsOf(sentence: string): string[] {
  return sentence.toLowerCase().match(/[a-z']+/g) ?? [];
}

/** Probability kept for what was not seen after a word. */
const BACK_OFF = 0.02;

export function arpaModel(sentences: readonly string[]): string {
  const unigrams = new Map<string, number>();
  const bigrams = new Map<string, Map<string, number>>();
  let total = 0;
  for (const sentence of sentences) {
    const words = ["<s>", ...wordsOf(sentence), "</s>"];
    words.forEach((word, i) => {
      if (word !== "<s>") {
        unigrams.set(word, (unigrams.get(word) ?? 0) + 1);
        total++;
      }
      const next = words[i + 1];
      if (next === undefined) return;
      const followers = bigrams.get(word) ?? new Map<string, number>();
      followers.set(next, (followers.get(next) ?? 0) + 1);
      bigrams.set(word, followers);
    });
  }
  const log = (p: number) => Math.log10(p).toFixed(4);
  const lines: string[] = [];
  const vocabulary = ["<s>", ...unigrams.keys()];
  const pairs = [...bigrams].reduce((sum, [, followers]) => sum + followers.size, 0);
  lines.push("\\data\\", `ngram 1=${vocabulary.length}`, `ngram 2=${pairs}`, "", "\\1-grams:");
  for (const word of vocabulary) {
    const p = word === "<s>" ? 1e-9 : (unigrams.get(word) ?? 0) / total;
    // What follows a word unseen is drawn from the unigrams that were not seen after it.
    const seen = [...(bigrams.get(word)?.keys() ?? [])].reduce((sum, w) => sum + (unigrams.get(w) ?? 0) / total, 0);
    const weight = word === "</s>" ? 1 : BACK_OFF / Math.max(1e-6, 1 - seen);
    lines.push(`${log(p)} ${word} ${log(weight)}`);
  }
  lines.push("", "\\2-grams:");
  for (const [word, followers] of bigrams) {
    const sum = [...followers.values()].reduce((a, b) => a + b, 0);
    for (const [next, count] of followers) lines.push(`${log(((1 - BACK_OFF) * count) / sum)} ${word} ${next}`);
  }
  lines.push("", "\\end\\", "");
  return lines.join("\n");
}
