/** What becomes of spoken digits: nothing; long runs of them are masked; all of them are. */
export const DIGIT_REDACTIONS = ["off", "long", "all"] as const;
export type DigitRedaction = (typeof DIGIT_REDACTIONS)[number];

/** Digits in a row that are masked as `long`: shorter than any card, account or telephone number. */
export const MIN_LONG_DIGITS = 7;
const MASK = "#";

/** English, as recognisers write them; each stands for so many digits. */
const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ...["zero", "oh", "o", "nought", "nil", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"].map(
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
  "hmm",
  "mm",
  "pause",
  "nbsp",
]);

const STARTS_WITH_DIGIT = /^\p{Nd}/u;
/** Digits of any script, words, and whatever lies between. */
const TOKENS = /\p{Nd}+|\p{L}+(?:'\p{L}+)?|[^\p{Nd}\p{L}]+/gu;
/** What may lie between the digits of one number: a pause, however it is written, or what is between texts of a list. */
const GAP = /^[^\p{Nd}\p{L}]{1,12}$/u;

interface Token {
  /** What it says. */
  readonly text: string;
  /** How it is written. */
  readonly written: string;
  /** Of a number, 0 for anything else. */
  readonly digits: number;
  readonly joins: boolean;
}

function tokenOf(text: string, written = text): Token {
  if (STARTS_WITH_DIGIT.test(text)) return { text, written, digits: [...text].length, joins: true };
  const word = text.toLowerCase();
  const digits = NUMBER_WORDS.get(word) ?? 0;
  return { text, written, digits, joins: digits > 0 || FILLERS.has(word) || GAP.test(text) };
}

function masked({ text, written, digits }: Token): string {
  if (digits === 0) return written;
  return STARTS_WITH_DIGIT.test(text) ? MASK.repeat(digits) : MASK;
}

/** One UTF-16 unit, and how it is written. */
interface Unit {
  readonly unit: string;
  readonly written: string;
}

/** The escapes of JSON; `\uXXXX` beside them. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ...['"', "\\", "/"].map((unit): [string, string] => [unit, unit]),
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** JSON in a text of JSON in a text of JSON. What is escaped more often stays as it is. */
const MAX_ESCAPED = 4;

/** The escape that begins at `at`: what it stands for, and how many units it takes. */
function escapeAt(units: readonly Unit[], at: number): { readonly unit: string; readonly length: number } | undefined {
  if (units[at]?.unit !== "\\") return undefined;
  const kind = units[at + 1]?.unit ?? "";
  const simple = ESCAPES.get(kind);
  if (simple !== undefined) return { unit: simple, length: 2 };
  const hex = units.slice(at + 2, at + 6).map(({ unit }) => unit);
  if (kind !== "u" || !/^[0-9A-Fa-f]{4}$/.test(hex.join(""))) return undefined;
  return { unit: String.fromCharCode(Number.parseInt(hex.join(""), 16)), length: 6 };
}

/** Every escape as what it stands for. A text without any, and a backslash that begins none, is left alone. */
function unescaped(units: readonly Unit[]): readonly Unit[] {
  const result: Unit[] = [];
  for (let at = 0; at < units.length; ) {
    const found = escapeAt(units, at);
    const written = units.slice(at, at + (found?.length ?? 1));
    result.push({ unit: found?.unit ?? written[0]?.unit ?? "", written: written.map((one) => one.written).join("") });
    at += written.length;
  }
  return result;
}

/** The tokens of a text. What stands in it as an escape of JSON is what it stands for, and stays written so. */
function* tokensOf(text: string): Generator<Token> {
  if (!text.includes("\\")) {
    for (const [token] of text.matchAll(TOKENS)) yield tokenOf(token);
    return;
  }
  let units: readonly Unit[] = Array.from({ length: text.length }, (_, at) => {
    const unit = text.charAt(at);
    return { unit, written: unit };
  });
  for (let times = 0, before = 0; times < MAX_ESCAPED && units.length !== before; times++) {
    before = units.length;
    units = unescaped(units);
  }
  const said = units.map(({ unit }) => unit).join("");
  for (const { 0: token, index } of said.matchAll(TOKENS)) {
    const written = units.slice(index, index + token.length).map((one) => one.written);
    yield tokenOf(token, written.join(""));
  }
}

/** Runs of tokens that belong to one number, and what lies outside of any. */
function* runsOf(text: string): Generator<readonly Token[]> {
  let run: Token[] = [];
  for (const next of tokensOf(text)) {
    if (next.joins) run.push(next);
    else {
      yield run;
      yield [next];
      run = [];
    }
  }
  yield run;
}

/** The tokens of a text, and whether each is masked. */
function* judgedTokens(text: string, how: DigitRedaction): Generator<readonly [token: Token, isMasked: boolean]> {
  for (const run of runsOf(text)) {
    const digits = run.reduce((sum, token) => sum + token.digits, 0);
    const isLong = digits >= MIN_LONG_DIGITS;
    // One word is no number of somebody's.
    for (const token of run) yield [token, isLong || (how === "all" && STARTS_WITH_DIGIT.test(token.text))];
  }
}

/** `text` with a `#` for each masked digit, and for each word that stands for some. */
export function redactDigits(text: string, how: DigitRedaction): string {
  if (how === "off") return text;
  return [...judgedTokens(text, how)].map(([token, isMasked]) => (isMasked ? masked(token) : token.written)).join("");
}

/** The first `length` units of `text`, with what is masked of it where it is read to its end. */
function redactBeginning(text: string, length: number, how: DigitRedaction): string {
  const parts: string[] = [];
  let left = length;
  for (const [token, isMasked] of judgedTokens(text, how)) {
    if (left <= 0) break;
    const written = token.written.slice(0, left);
    left -= token.written.length;
    if (!isMasked || token.digits === 0) parts.push(written);
    else parts.push(STARTS_WITH_DIGIT.test(token.text) ? MASK.repeat([...written].length) : MASK);
  }
  return parts.join("");
}

/** Of an event that has words in it, which fields. What a provider says of a failure may quote what the caller said. */
const SPOKEN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  transcript: ["text"],
  line: ["said", "heard", "arguments", "result"],
  toolCall: ["arguments"],
  notSaid: ["text"],
  agentFailed: ["message"],
};
/** Fields of a name or a number of the provider's own, which may have a few digits. */
const NAMING_FIELDS: Readonly<Record<string, readonly string[]>> = { agentFailed: ["code", "param"] };
const SPOKEN = /"type":"(transcript|line|toolCall|notSaid|agentFailed)"/;

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
  // The beginning of a number is part of it, although no more of it was heard.
  const { said, heard } = event;
  const isBeginning = typeof said === "string" && typeof heard === "string" && said.startsWith(heard);
  if (isBeginning) event["heard"] = redactBeginning(said, heard.length, how);
  for (const field of SPOKEN_FIELDS[type] ?? []) {
    const value = event[field];
    if (field === "heard" && isBeginning) continue;
    if (typeof value === "string") event[field] = isPiece ? redactPiece(value) : redactDigits(value, how);
  }
  for (const field of NAMING_FIELDS[type] ?? []) {
    const value = event[field];
    if (typeof value === "string") event[field] = redactDigits(value, "long");
  }
  const stored = JSON.stringify(event);
  return { stored, shown: type === "toolCall" ? json : stored };
}

function redactPiece(text: string): string {
  return [...tokensOf(text)].map(masked).join("");
}
