/**
 * Makes tests/golden/heard_words.json, by which the core's rule of heard words (wasm/session/heard_words.h) is held to the
 * rule of tests/support/heard-text.ts, and to the times at which a synthetic voice says its words.
 *
 *   node tests/support/make-heard-words.ts      needs flite
 */

import { writeFileSync } from "node:fs";
import path from "node:path";
import { ANSWERS } from "../simulators/openai-realtime/domain.ts";
import { wordTimes } from "../simulators/speech/word-times.ts";
import { heardText, type Pause } from "./heard-text.ts";

const OUTPUT = path.join(import.meta.dirname, "../golden/heard_words.json");

/** In languages with spaces between words: both rules keep the same. */
const SPACED: readonly string[] = [
  "",
  "word",
  "the quick brown fox jumps over the lazy dog",
  "One, two; three. Four five, six! Seven? Eight nine ten.",
  "abcde fgh, klmno pqrs tuv",
  "abcdefghijk 1234 z",
  "$5 bill",
  "  leading,  double  spaces . And trailing, ",
  "(He said: \"Come in!\") 'Yes.' [Then he left.] Done...  really\u2026 yes",
  "The total is 125 euros, 20 % of which (25 \u20ac) are tax; a+b=c @home #1 & more.",
  "Guten Tag, hier ist die Stra\u00dfe \u201eAm B\u00e4renplatz\u201c, gleich neben dem Bahnhof. \u00d6ffnen wir? Um zehn!",
  "Bien s\u00fbr\u00a0: nous sommes ouverts jusqu\u2019\u00e0 vingt-deux heures, \u00ab\u00a0tous les jours\u00a0\u00bb, m\u00eame le lundi.",
  "\u00bfQui\u00e9n es? Soy yo, se\u00f1or. \u00a1Pase usted, por favor! Son las ocho y media.",
  "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439\u0442\u0435, \u043c\u044b \u043e\u0442\u043a\u0440\u044b\u0442\u044b \u0441 9 \u0434\u043e 17. \u0427\u0435\u043c \u043c\u043e\u0433\u0443 \u043f\u043e\u043c\u043e\u0447\u044c?",
  "\u0645\u0631\u062d\u0628\u0627\u060c \u0646\u062d\u0646 \u0645\u0641\u062a\u0648\u062d\u0648\u0646 \u0643\u0644 \u064a\u0648\u0645. \u0645\u0646 \u0661\u0661 \u062d\u062a\u0649 \u0662\u0662.",
  "\u0928\u092e\u0938\u094d\u0924\u0947, \u0939\u092e \u0939\u0930 \u0926\u093f\u0928 \u0968\u0966 \u092c\u091c\u0947 \u0924\u0915 \u0916\u0941\u0932\u0947 \u0939\u0948\u0902\u0964 \u0927\u0928\u094d\u092f\u0935\u093e\u0926!",
  "\uc548\ub155\ud558\uc138\uc694, \uc800\ud76c\ub294 \ub9e4\uc77c 10\uc2dc\uc5d0 \uc5fd\ub2c8\ub2e4. \uac10\uc0ac\ud569\ub2c8\ub2e4!",
  "Fine \ud83d\ude00 \ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67, thanks! \ud83c\udde9\ud83c\uddea \u{1d7d8}\u{1d7d9} e\u0301te\u0301.",
  Array.from({ length: 60 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))},`).join(" "),
  Array.from({ length: 80 }, (_, i) => "x".repeat(1 + ((i * 7) % 5)) + (i % 3 === 0 ? "." : "")).join(" "),
];

/** In scripts without spaces: what the core keeps may end within a word of this rule. */
const UNSPACED: readonly string[] = [
  "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002\u660e\u65e5\u306f\u5341\u6642\u304b\u3089\u3067\u3059\u3002",
  "\u6211\u4eec\u660e\u5929\u5341\u70b9\u5f00\u95e8\uff0c\u661f\u671f\u65e5\u4f11\u606f\u3002",
  "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a \u0e1c\u0e21\u0e0a\u0e37\u0e48\u0e2d\u0e2a\u0e21\u0e0a\u0e32\u0e22",
  "\u3044\u3089\u3063\u3057\u3083\u3044\u307e\u305b\u3002\u30b3\u30fc\u30d2\u30fc\u306f\u300c\u30a2\u30a4\u30b9\u300d\u3068\u300c\u30db\u30c3\u30c8\u300d\u304c\u3042\u308a\u307e\u3059\u3002\u6771\u4eac\u99c5\u524d\u306e\u55ab\u8336\u5e97\u306b3\u540d\u3067\u4e88\u7d04\u3057\u305f\u3044\u306e\u3067\u3059\u304c\u3001\u6642\u3005\u6df7\u307f\u307e\u3059\u304b\uff1f",
  "\u60a8\u597d\uff0c\u8fd9\u91cc\u662f\u5317\u4eac\u996d\u5e97\uff0c\u8bf7\u95ee\u60a8\u60f3\u9884\u8ba210\u4f4d\u8fd8\u662f12\u4f4d\uff1f\u6211\u4eec\u7684iPhone\u5e94\u7528\u4e5f\u53ef\u4ee5\u4e0b\u5355\u3002\u8c22\u8c22\uff01",
  "\u6b61\u8fce\u5149\u81e8\uff0c\u4eca\u5929\u7684\u7279\u8272\u83dc\u662f\u300c\u7d05\u71d2\u725b\u8089\u9eb5\u300d\uff0c\u4e00\u4efd\u4e00\u767e\u4e8c\u5341\u5143\u3002",
  "\u0e23\u0e49\u0e32\u0e19\u0e40\u0e1b\u0e34\u0e14\u0e17\u0e38\u0e01\u0e27\u0e31\u0e19\u0e15\u0e31\u0e49\u0e07\u0e41\u0e15\u0e48\u0e2a\u0e34\u0e1a\u0e42\u0e21\u0e07\u0e40\u0e0a\u0e49\u0e32\u0e16\u0e36\u0e07\u0e2a\u0e35\u0e48\u0e17\u0e38\u0e48\u0e21 \u0e2d\u0e32\u0e2b\u0e32\u0e23\u0e44\u0e17\u0e22\u0e23\u0e32\u0e04\u0e32 120 \u0e1a\u0e32\u0e17 \u0e19\u0e49\u0e33\u0e1f\u0e23\u0e35",
  "\u0eaa\u0eb0\u0e9a\u0eb2\u0e8d\u0e94\u0eb5 \u0e9e\u0ea7\u0e81\u0ec0\u0eae\u0ebb\u0eb2\u0ec0\u0e9b\u0eb5\u0e94\u0e97\u0eb8\u0e81\u0ea1\u0eb7\u0ec9",
  "\u179f\u17bd\u179f\u17d2\u178f\u17b8 \u1799\u17be\u1784\u1794\u17be\u1780\u179a\u17b6\u179b\u17cb\u1790\u17d2\u1784\u17c3\u17d4 \u17a2\u179a\u1782\u17bb\u178e\u17d4",
  "\u1019\u1004\u103a\u1039\u1002\u101c\u102c\u1015\u102b\u104b \u1000\u103b\u103d\u1014\u103a\u1010\u1031\u102c\u103a\u1010\u102d\u102f\u1037\u1014\u1031\u1037\u1010\u102d\u102f\u1004\u103a\u1038\u1016\u103d\u1004\u1037\u103a\u1015\u102b\u1010\u101a\u103a\u104b",
  "OK, \u4e86\u89e3\u3057\u307e\u3057\u305f. Next: \u6b21\u306f\uff08\u7d0410\u5206\uff09\u5f85\u3063\u3066\u304f\u3060\u3055\u3044, please.",
];

/** Of each text, with none to more pauses than are laid. */
const CASES_A_TEXT = 11;

/** Whole numbers that look drawn by lot and are the same each time (Numerical Recipes' linear congruence). */
function lots(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function somePauses(draw: (below: number) => number, receivedMs: number, count: number): Pause[] {
  const bounds = Array.from({ length: 2 * count }, () => draw(receivedMs + 200) - 50).sort((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => [bounds[2 * i] ?? 0, bounds[2 * i + 1] ?? 0] as const);
}

const bytesOf = (text: string) => Buffer.byteLength(text);

/** [heardMs, receivedMs, pauses, bytes that are kept] */
type Case = readonly [number, number, readonly Pause[], number];

function casesOf(text: string, seed: number): Case[] {
  const draw = lots(seed);
  return Array.from({ length: CASES_A_TEXT }, (_, i) => {
    const receivedMs = 500 + draw(20_000);
    // None, a few, as many as there are marks, or more than are laid.
    const count = [0, 1, 3, 8, 0, 5, 12, 0, 20, 60, 2][i] ?? 0;
    const pauses = somePauses(draw, receivedMs, count);
    const heardMs = i === 0 ? receivedMs : draw(receivedMs + 20) - 10;
    return [heardMs, receivedMs, pauses, bytesOf(heardText(text, heardMs, receivedMs, pauses))];
  });
}

/** Where words end by this rule, in bytes: all that is ever kept. */
function wordEnds(text: string): number[] {
  const kept = new Set<number>();
  for (let heardMs = 0; heardMs <= 20_000; heardMs++) kept.add(bytesOf(heardText(text, heardMs, 20_000)));
  kept.delete(0);
  return [...kept].sort((a, b) => a - b);
}

/** As the core finds them: whole frames, of 80 ms and more. */
function framed(pausesMs: readonly (readonly [number, number])[]): Pause[] {
  return pausesMs
    .map(([from, to]) => [Math.ceil(from / 20) * 20, Math.floor(to / 20) * 20] as const)
    .filter(([from, to]) => to - from >= 80);
}

async function voice(texts: readonly string[]) {
  return Promise.all(
    texts.map(async (text) => {
      const { endsMs, pausesMs, lengthMs } = await wordTimes(text);
      // What ends within a millisecond has ended at the next.
      return { text, endsMs: endsMs.map(Math.ceil), pauses: framed(pausesMs), lengthMs: Math.ceil(lengthMs) };
    }),
  );
}

const fixture = {
  madeBy: "tests/support/make-heard-words.ts",
  spaced: SPACED.map((text, i) => ({ text, cases: casesOf(text, i + 1) })),
  unspaced: UNSPACED.map((text, i) => ({ text, ends: wordEnds(text), cases: casesOf(text, i + 1001) })),
  answers: await voice([
    ...ANSWERS,
    ANSWERS.slice(0, 3).join(" "),
    ANSWERS.slice(3, 7).join(" "),
    ANSWERS.slice(0, 9).join(" "),
  ]),
  numbers: await voice([
    "We are open from 9 to 17 on weekdays, and from 10 to 14 on Saturdays.",
    "Your table for 4 is booked at 7 on the 24th of May.",
    "The total is 125 euros, of which 20 are tax.",
    "It was built in 1987 and has 350 rooms on 12 floors.",
    "Flight 2047 leaves at 6 from gate 23, boarding starts 45 minutes before.",
  ]),
};

const escaped = JSON.stringify(fixture).replace(
  /[^\x20-\x7e]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
);
// A text a line.
writeFileSync(OUTPUT, `${escaped.replaceAll('{"text"', '\n{"text"')}\n`);
