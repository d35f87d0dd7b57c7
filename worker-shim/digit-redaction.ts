/** What becomes of spoken digits: nothing; long runs of them are masked; all of them are. */
export const DIGIT_REDACTIONS = ["off", "long", "all"] as const;
export type DigitRedaction = (typeof DIGIT_REDACTIONS)[number];

/** Digits in a row that are masked as `long`: shorter than any card, account or telephone number. */
export const MIN_LONG_DIGITS = 7;
const MASK = "#";

/** English, as recognisers write them; each stands for so many digits. */
const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ...["zero", "oh", "nought", "nil", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"].map(
    (word): [string, number] => [word, 1],
  ),
  ...["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"].map(
    (word): [string, number] => [word, 2],
  ),
  ...["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"].map((word): [string, number] => [
    word,
    2,
  ]),
  // "four hundred" is 400: it adds two.
  ...["hundred", "double"].map((word): [string, number] => [word, 1]),
  ...["thousand", "triple", "treble"].map((word): [string, number] => [word, 2]),
]);
/** What people say between the digits of a number. */
const FILLERS = new Set([
  "and",
  "then",
  "dash",
  "hyphen",
  "minus",
  "space",
  "dot",
  "point",
  "slash",
  "uh",
  "um",
  "er",
  "eh",
]);

/** Digits of any script, words, and whatever lies between. */
const TOKENS = /\p{Nd}+|\p{L}+(?:'\p{L}+)?|[^\p{Nd}\p{L}]+/gu;
/** What may lie between the digits of one number: a pause, as it is written. A line's end is none. */
const GAP = /^[\s.,;:/()+*_\u2010-\u2015\u00b7\u2022-]{1,4}$/u;

interface Token {
  readonly text: string;
  /** Of a number, 0 for anything else. */
  readonly digits: number;
  readonly joins: boolean;
}

function tokenOf(text: string): Token {
  if (/^\p{Nd}/u.test(text)) return { text, digits: [...text].length, joins: true };
  const word = text.toLowerCase();
  const digits = NUMBER_WORDS.get(word) ?? 0;
  return { text, digits, joins: digits > 0 || FILLERS.has(word) || GAP.test(text) };
}

function masked({ text, digits }: Token): string {
  if (digits === 0) return text;
  return /^\p{Nd}/u.test(text) ? MASK.repeat(digits) : MASK;
}

/** Runs of tokens that belong to one number, and what lies outside of any. */
function* runsOf(text: string): Generator<readonly Token[]> {
  let run: Token[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    const next = tokenOf(token);
    if (next.joins) run.push(next);
    else {
      yield run;
      yield [next];
      run = [];
    }
  }
  yield run;
}

/** `text` with a `#` for each masked digit, and for each word that stands for some. */
export function redactDigits(text: string, how: DigitRedaction): string {
  if (how === "off") return text;
  const parts: string[] = [];
  for (const run of runsOf(text)) {
    const digits = run.reduce((sum, token) => sum + token.digits, 0);
    const isLong = digits >= MIN_LONG_DIGITS;
    // One word is no number of somebody's.
    const isMasked = (token: Token) => isLong || (how === "all" && /^\p{Nd}/u.test(token.text));
    for (const token of run) parts.push(isMasked(token) ? masked(token) : token.text);
  }
  return parts.join("");
}

/** Of an event that has words in it, which fields. */
const SPOKEN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  transcript: ["text"],
  line: ["said", "heard", "arguments", "result"],
  toolCall: ["arguments"],
  notSaid: ["text"],
};
const SPOKEN = /"type":"(transcript|line|toolCall|notSaid)"/;

/** An event as it is kept, and as it is shown while it happens. */
export interface RedactedEvent {
  readonly stored: string;
  readonly shown: string;
}

/**
 * Masks spoken digits in an event of a call, JSON, before it is kept, shown or told to anybody.
 *
 * Of what is still being said each piece comes alone, and a number in several: there every digit and every such word is
 * masked. Whoever answers a tool's call needs its arguments: it is shown as it is while it happens, and kept masked.
 */
export function redactEvent(json: string, how: DigitRedaction): RedactedEvent {
  if (how === "off" || !SPOKEN.test(json)) return { stored: json, shown: json };
  const event = JSON.parse(json) as Record<string, unknown>;
  const type = String(event["type"]);
  const isPiece = type === "transcript" && event["final"] !== true;
  for (const field of SPOKEN_FIELDS[type] ?? []) {
    const value = event[field];
    if (typeof value === "string") event[field] = isPiece ? redactPiece(value) : redactDigits(value, how);
  }
  const stored = JSON.stringify(event);
  return { stored, shown: type === "toolCall" ? json : stored };
}

function redactPiece(text: string): string {
  return text.replaceAll(TOKENS, (token) => masked(tokenOf(token)));
}
