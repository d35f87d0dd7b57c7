/** What becomes of spoken digits: nothing; long runs of them are masked; all of them are. */
export const DIGIT_REDACTIONS = ["off", "long", "all"] as const;
export type DigitRedaction = (typeof DIGIT_REDACTIONS)[number];

/** Digits in a row that are masked as `long`: shorter than any card, account or telephone number. */
export const MIN_LONG_DIGITS = 7;
const MASK = "#";

/** English, as recognisers write them; each stands for so many digits. */
const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ...[
    "zero",
    "oh",
    "o",
    "nought",
    "naught",
    "nil",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
  ].map((word): [string, number] => [word, 1]),
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
  ["quadruple", 3],
]);
/** What people say between the digits of a number, word by word. */
const FILLERS: ReadonlySet<string> = new Set(
  [
    "and then dash hyphen minus plus space dot point slash comma next pause nbsp",
    "uh um er erm eh ah hm hmm mm mhm uhm ehm ahm huh aha uhuh ohh",
    "you know i mean let me see like so well just actually okay ok right yes yeah sorry wait hold on",
    // Chinese and Japanese: hesitation, "and then", "and", a dash, a dot, and what parts a telephone number.
    "\u55ef \u5443 \u989d \u554a \u54e6 \u90a3\u4e2a \u7136\u540e \u548c \u6760 \u6a2a\u6760 \u70b9 \u306e \u3048\u3048\u3068 \u3048\u3063\u3068 \u3048\u30fc\u3068 \u3042\u306e",
  ].flatMap((words) => words.split(" ")),
);

/** Each letter once, however often it is repeated. */
function collapsed(word: string): string {
  return word.replace(/(.)\1+/gu, "$1");
}

const COLLAPSED_FILLERS: ReadonlySet<string> = new Set([...FILLERS].map(collapsed));
const COLLAPSED_NUMBERS: ReadonlyMap<string, number> = new Map(
  [...NUMBER_WORDS].map(([word, digits]) => [collapsed(word), digits]),
);

/** How many digits a word in lower case stands for. In a long one a letter may stand three times: a teen is no ten. */
function wordDigits(word: string): number {
  return NUMBER_WORDS.get(word) ?? (/(.)\1\1/u.test(word) ? (COLLAPSED_NUMBERS.get(collapsed(word)) ?? 0) : 0);
}

/** Whether a word in lower case is said between digits, as long as somebody likes: "ummm", "sooo". */
function isFiller(word: string): boolean {
  return FILLERS.has(word) || (/(.)\1/u.test(word) && COLLAPSED_FILLERS.has(collapsed(word)));
}

/** Numerals of Chinese and Japanese, which are letters by name: digits, tens and more, and the forms of finance. */
const HAN = [
  "\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5e7a\u4e24\u5169",
  "\u5341\u767e\u5343\u4e07\u842c\u4ebf\u5104\u5eff\u5345",
  "\u58f9\u58f1\u5f0c\u8d30\u8cb3\u8cae\u5f10\u5f0d\u53c1\u53c4\u53c3\u53c2\u5f0e\u8086\u4f0d\u9646\u9678\u67d2\u634c\u7396\u62fe\u4f70\u4edf",
].join("");
/** Digits and numbers of any script: circled, raised and Roman ones are numbers, and one emoji is. */
const NUMERIC = String.raw`\p{N}\u{1F51F}${HAN}`;
const STARTS_WITH_DIGIT = new RegExp(`^[${NUMERIC}]`, "v");
/** Of the numerals that are letters one alone is a part of a word, as the first of "certainly" in Chinese is one. */
const IN_A_WORD = new RegExp(`^[${HAN}]$`, "v");
/** Of words and what lies between. A language may write both without spaces. */
const LETTER = String.raw`[\p{L}--[${HAN}]]`;
/** Numbers, words, and whatever lies between. */
const TOKENS = new RegExp(`[${NUMERIC}]+|${LETTER}+(?:'${LETTER}+)?|[^${NUMERIC}\\p{L}]+`, "gv");
/**
 * What may lie between the digits of one number: a pause, however it is written, or what is between texts of a list.
 * Space counts once: a list may have a line for each, indented as deep as somebody likes.
 */
const GAP = new RegExp(`^(?:\\s+(?!\\s)|[^\\s${NUMERIC}\\p{L}]){1,12}$`, "v");

/** How many digits these characters of numbers stand for: a circled ten is two. */
function digitsOf(characters: string): number {
  let digits = 0;
  for (const one of characters) digits += Math.max(1, one.normalize("NFKC").match(/\p{Nd}/gu)?.length ?? 1);
  return digits;
}

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
  if (STARTS_WITH_DIGIT.test(text)) return { text, written, digits: digitsOf(text), joins: true };
  const word = text.toLowerCase();
  const digits = wordDigits(word);
  return { text, written, digits, joins: digits > 0 || isFiller(word) || GAP.test(text) };
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

/** Whether a word for a number begins with `text` and goes on. */
function beginsNumberWord(text: string): boolean {
  const begun = text.toLowerCase();
  for (const word of NUMBER_WORDS.keys()) if (word.length > begun.length && word.startsWith(begun)) return true;
  return false;
}

/** The end of a text: its own, or where a longer one was cut, maybe in the middle of a number or of a word for one. */
type End = "whole" | "cut";

/** Runs of tokens that belong to one number, and what lies outside of any. The last run is the one at the end. */
function* runsOf(text: string, end: End): Generator<readonly Token[]> {
  let run: Token[] = [];
  const tokens = [...tokensOf(text)];
  const last = tokens.at(-1);
  if (end === "cut" && last && !last.joins && beginsNumberWord(last.text))
    tokens.splice(-1, 1, { ...last, digits: 1, joins: true });
  for (const next of tokens) {
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
function* judgedTokens(
  text: string,
  how: DigitRedaction,
  end: End = "whole",
): Generator<readonly [token: Token, isMasked: boolean]> {
  const runs = [...runsOf(text, end)];
  for (const run of runs) {
    const digits = run.reduce((sum, token) => sum + token.digits, 0);
    // Of a number that goes on behind a cut nobody knows how long it is.
    const isLong = digits >= MIN_LONG_DIGITS || (end === "cut" && run === runs.at(-1));
    // One word is no number of somebody's.
    const isDigit = ({ text: one }: Token) => STARTS_WITH_DIGIT.test(one) && (digits > 1 || !IN_A_WORD.test(one));
    for (const token of run) yield [token, isLong || (how === "all" && isDigit(token))];
  }
}

/** `text` with a `#` for each masked digit, and for each word that stands for some. */
export function redactDigits(text: string, how: DigitRedaction, end: End = "whole"): string {
  if (how === "off") return text;
  return [...judgedTokens(text, how, end)]
    .map(([token, isMasked]) => (isMasked ? masked(token) : token.written))
    .join("");
}

/** The first `length` units of `text`, with what is masked of it where it is read to its end. */
function redactBeginning(text: string, length: number, how: DigitRedaction, end: End): string {
  const parts: string[] = [];
  let left = length;
  for (const [token, isMasked] of judgedTokens(text, how, end)) {
    if (left <= 0) break;
    const written = token.written.slice(0, left);
    left -= token.written.length;
    if (!isMasked || token.digits === 0) parts.push(written);
    else if (written === token.written) parts.push(masked(token));
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
  fault: ["message"],
};
/** Fields of a name or a number of the provider's own, which may have a few digits. */
const NAMING_FIELDS: Readonly<Record<string, readonly string[]>> = {
  agentFailed: ["code", "param"],
  agentSwitched: ["reason"],
  fault: ["error", "param"],
};
const SPOKEN = /"type":"(transcript|line|toolCall|notSaid|agentFailed|agentSwitched|fault)"/;

/** An event as it is kept, and as it is shown while it happens. */
export interface RedactedEvent {
  readonly stored: string;
  readonly shown: string;
}

/**
 * Where the core cuts texts, between two characters: a provider's message at kMaxMessageBytes of session/secrets.h, what
 * a line holds at kMaxTextBytes of session/transcript_line.h.
 */
const CUT_AT_BYTES: Readonly<Record<string, number>> = { agentFailed: 300, fault: 300, line: 8 * 1024 };
const MAX_CHARACTER_BYTES = 4;

/** Of a text of an event. */
function endOf(text: string, type: string): End {
  const cutAtBytes = CUT_AT_BYTES[type];
  if (cutAtBytes === undefined) return "whole";
  return new TextEncoder().encode(text).length > cutAtBytes - MAX_CHARACTER_BYTES ? "cut" : "whole";
}

/**
 * Masks spoken digits in an event of a call, JSON, before it is kept, shown or told to anybody.
 *
 * Of what is still being said each piece comes alone, and a number in several: there every digit and every such word is
 * masked. Whoever answers a tool's call needs its arguments: it is shown as it is while it happens, and kept masked.
 */
export function redactEvent(json: string, how: DigitRedaction): RedactedEvent {
  return new DigitRedactor(how).redact(json);
}

/** Items of which pieces come at a time; of more the first are forgotten, and the beginning of a word with them. */
const MAX_ITEMS = 16;

/**
 * {@link redactEvent} for all events of a session, in order. A piece may end in the middle of a word for a number: the
 * beginning of such a word waits for the next piece of the same item.
 */
export class DigitRedactor {
  readonly #how: DigitRedaction;
  readonly #begun = new Map<string, string>();

  constructor(how: DigitRedaction) {
    this.#how = how;
  }

  redact(json: string): RedactedEvent {
    const how = this.#how;
    if (how === "off" || !SPOKEN.test(json)) return { stored: json, shown: json };
    const event = JSON.parse(json) as Record<string, unknown>;
    const type = String(event["type"]);
    // The beginning of a number is part of it, although no more of it was heard.
    const { said, heard } = event;
    const isBeginning = typeof said === "string" && typeof heard === "string" && said.startsWith(heard);
    if (isBeginning) event["heard"] = redactBeginning(said, heard.length, how, endOf(said, type));
    for (const field of SPOKEN_FIELDS[type] ?? []) {
      const value = event[field];
      if (typeof value !== "string" || (field === "heard" && isBeginning)) continue;
      if (type === "transcript") event[field] = this.#redactTranscript(event, value);
      else event[field] = redactDigits(value, how, endOf(value, type));
    }
    for (const field of NAMING_FIELDS[type] ?? []) {
      const value = event[field];
      if (typeof value === "string") event[field] = redactDigits(value, "long", endOf(value, type));
    }
    const stored = JSON.stringify(event);
    return { stored, shown: type === "toolCall" ? json : stored };
  }

  #redactTranscript(event: Readonly<Record<string, unknown>>, text: string): string {
    const item = JSON.stringify([event["role"], event["item"]]);
    const begun = this.#begun.get(item) ?? "";
    this.#begun.delete(item);
    if (event["final"] === true) return redactDigits(text, this.#how);
    const tokens = [...tokensOf(begun + text)];
    const last = tokens.at(-1);
    if (last && beginsNumberWord(last.text)) {
      tokens.pop();
      this.#begun.set(item, last.written);
    }
    const [oldest] = this.#begun.keys();
    if (this.#begun.size > MAX_ITEMS && oldest !== undefined) this.#begun.delete(oldest);
    return tokens.map(masked).join("");
  }
}
