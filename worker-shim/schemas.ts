import * as v from "valibot";
import { parseJson } from "./json-text.ts";

// What every schema is made of. A message begins with "must" or "is": it goes on from the place that it is about.

const utf8 = new TextEncoder();

/** Half a character of two UTF-16 units: UTF-8 has none, and something else would be read. */
const HALF_CHARACTER = /\p{Cs}/u;
/** All but what parts words and lines. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;
/** What somebody can say or see. Fillers of Hangul and the empty cell of Braille are a letter and a symbol by name alone. */
const VISIBLE = /(?![\u115F\u1160\u2800\u3164\uFFA0])[\p{L}\p{N}\p{P}\p{S}]/u;

const IS_HALF = "must not have half a character (a lone surrogate)";
const IS_BLANK = "must not be blank";

/** What is wrong about a text that somebody is to read or to say; undefined if nothing is. An empty one is not. */
export function textFault(value: string): string | undefined {
  if (HALF_CHARACTER.test(value)) return IS_HALF;
  if (value !== "" && !VISIBLE.test(value)) return IS_BLANK;
  return CONTROL.test(value) ? "must not have control characters" : undefined;
}

/** Of a tool's output, UTF-8: kMaxOutputBytes of session/tool_desk.h. */
export const MAX_OUTPUT_BYTES = 16 * 1024;

/** The same of a tool's output, which may have any characters, but not too many. */
export function outputFault(value: string): string | undefined {
  if (utf8.encode(value).length > MAX_OUTPUT_BYTES) return `must have at most ${MAX_OUTPUT_BYTES} bytes`;
  if (HALF_CHARACTER.test(value)) return IS_HALF;
  return value !== "" && !VISIBLE.test(value) ? IS_BLANK : undefined;
}

/** At most `maxBytes` of UTF-8, and nothing that {@link textFault} finds. */
export function text(maxBytes: number) {
  const message = `must be a text of at most ${maxBytes} bytes`;
  return v.pipe(
    v.string(message),
    v.check((value) => utf8.encode(value).length <= maxBytes, message),
    v.rawCheck(({ dataset: { value }, addIssue }) => {
      const fault = typeof value === "string" ? textFault(value) : undefined;
      if (fault !== undefined) addIssue({ message: fault });
    }),
  );
}

export function oneOf<const T extends readonly string[]>(names: T) {
  return v.picklist(names, `must be one of ${names.join(", ")}`);
}

/** From `min` to `max`, both included. */
export function integer(min: number, max: number) {
  const message = `must be an integer from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

/** What .dev.vars.example has in place of secrets begins so. */
const PLACEHOLDER = /^\s*replace-me/i;

/** Whoever set it had quotes where they are no syntax: they would be part of it. */
const IN_QUOTES = /^(["'`]).*\1$/s;

/** Nobody guesses it, it is not the example's, and nothing came with it when it was copied. */
export function secret(minCharacters: number) {
  return v.pipe(
    v.string("must be a text"),
    v.minLength(minCharacters, `must have ${minCharacters} characters or more`),
    v.check((value) => !PLACEHOLDER.test(value), "must be a secret of your own: it is the example's placeholder"),
    v.check((value) => value.trim() !== "", "must not be blank"),
    v.check((value) => value.trim() === value, "must have no spaces or line ends around it"),
    v.check((value) => !IN_QUOTES.test(value), "must not stand in quotes"),
    v.check((value) => !/\p{Cc}|\p{Cs}/u.test(value), "must have no control characters in it"),
  );
}

const VISIBLE_ASCII = /^[!-~]+$/;
const MAX_PROVIDER_NAME = 256;

/** What goes into a header: a platform that is given anything else sends nothing. */
export function headerValue<S extends v.GenericSchema<string>>(schema: S) {
  return v.pipe(schema, v.regex(VISIBLE_ASCII, "must be of visible ASCII characters, without spaces"));
}

/** What a provider calls a model or a voice; empty = what it has by itself. */
export function providerName(what: string) {
  const message = `must be ${what} of at most ${MAX_PROVIDER_NAME} letters, digits and . _ - : / @ +`;
  return v.pipe(v.string(message), v.maxLength(MAX_PROVIDER_NAME, message), v.regex(/^[\w.:/@+-]*$/, message));
}

/** As URL writes it: labels of a name, of whatever language, or an address. */
const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$|^\[[0-9a-f:.]+\]$/;

/** Without what no URL of a server has: user, password, spaces, a fragment. `pattern` says what may stand behind the host. */
export function url(pattern: RegExp, what: string) {
  const message = `must be ${what}`;
  return v.pipe(
    v.string(message),
    v.check((text) => URL.canParse(text) && new URL(text).username + new URL(text).password === "", message),
    v.regex(/^[^#\s\\\p{Cc}]+$/u, message),
    v.regex(/^[a-z]+:\/\/[^/?@]+([/?]|$)/i, message),
    v.check((text) => HOST.test(new URL(text).hostname), message),
    v.regex(pattern, message),
  );
}

/** An integer as a variable has it: decimal digits, or a number of a table. */
export function decimal(min: number, max: number) {
  return v.pipe(v.unknown(), v.transform(numberOf(/^-?\d+$/)), integer(min, max));
}

/** A number from 0 to 1 as a variable has it. */
export function fraction() {
  const message = "must be a number from 0 to 1";
  const number = numberOf(/^\d*\.?\d+$/);
  return v.pipe(v.unknown(), v.transform(number), v.number(message), v.minValue(0, message), v.maxValue(1, message));
}

/** Of texts only those that `written` takes: others mean something in some languages, and nothing in others. */
function numberOf(written: RegExp) {
  return (value: unknown) => (typeof value === "string" && written.test(value) ? Number(value) : value);
}

/** What `schema` takes: as it is, or as JSON text. */
export function orJson<S extends v.GenericSchema>(schema: S) {
  const parsed = v.rawTransform<unknown, unknown>(({ dataset: { value }, addIssue, NEVER }) => {
    if (typeof value !== "string") return value;
    try {
      const parsed = parseJson(value);
      if (parsed.type === "value") return parsed.value;
      addIssue({ message: `must have each name once: ${shownName(parsed.key)} is given twice` });
      return NEVER;
    } catch {
      addIssue({ message: "must be an object, or one as JSON: it is no JSON" });
      return NEVER;
    }
  });
  return v.pipe(v.unknown(), parsed, schema);
}

/** What is said of a name that is none of `names`. */
export function unknownName(names: readonly string[]): string {
  if (names.length === 0) return "is not known; nothing is taken here";
  return `is not known; ${names.length === 1 ? "there is only" : "there are"} ${names.join(", ")}`;
}

/** An object that has no other keys than these; a key that is misspelt is refused by name. For variants. */
export function shape<const T extends v.ObjectEntries>(entries: T) {
  const isUnknown = unknownName(Object.keys(entries));
  return v.strictObject(entries, (issue) => {
    if (issue.expected === "never") return isUnknown;
    return issue.path ? "is missing" : "must be an object";
  });
}

/** The same, and no list either. */
export function table<const T extends v.ObjectEntries>(entries: T) {
  return v.pipe(
    v.custom<object>((value) => !Array.isArray(value), "must be an object"),
    shape(entries),
  );
}

/** An object with any keys. */
export const anyObject = v.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

/**
 * How deep and how wide a value is that the core is to read. The core's own bounds, 32 levels and 16,384 brackets and
 * commas (wasm/base/json.h), are those of all that is around it as well.
 */
export const MAX_JSON_LEVELS = 24;
export const MAX_JSON_VALUES = 8000;

/**
 * What the core cannot take of the values `of`, JSON: too much, each by itself in depth and together in width, a number
 * beyond a double's range, or a text or a name with half a character; undefined if nothing is. Not recursive: they may be nested beyond any stack.
 */
export function jsonFault(...of: readonly unknown[]): string | undefined {
  const waiting = of.map((value): [value: unknown, level: number] => [value, 0]);
  let values = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (++values > MAX_JSON_VALUES) return `must not have more than ${MAX_JSON_VALUES} values in it`;
    const [each, level] = next;
    // Such as 1e999, of which JSON makes null.
    if (typeof each === "number" && !Number.isFinite(each)) return "must not have a number beyond all bounds";
    if (typeof each === "string" && HALF_CHARACTER.test(each)) return IS_HALF;
    if (typeof each !== "object" || each === null) continue;
    if (level === MAX_JSON_LEVELS) return `must not be nested deeper than ${MAX_JSON_LEVELS} levels`;
    for (const [name, inner] of Object.entries(each)) {
      if (HALF_CHARACTER.test(name)) return IS_HALF;
      waiting.push([inner, level + 1]);
    }
  }
  return undefined;
}

const MAX_NAME_CHARACTERS = 64;
const PLAIN_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A name that somebody gave, as a message has it: in quotes where it would not be seen as one, and not too long. */
export function shownName(name: string): string {
  return PLAIN_NAME.test(name) ? name : JSON.stringify(name.slice(0, MAX_NAME_CHARACTERS));
}

/** Where a value is: `PROFILE.tools[1].name`. */
function placeOf(root: string, issue: v.BaseIssue<unknown>): string {
  let place = root;
  for (const { key } of issue.path ?? []) {
    const name = shownName(String(key));
    if (place === "") place = name;
    else place += typeof key === "number" || name !== key ? `[${name}]` : `.${name}`;
  }
  return place;
}

export type Checked<T> =
  | { readonly type: "good"; readonly value: T }
  /** What is wrong first: where, and what it must be. */
  | { readonly type: "wrong"; readonly reason: string };

/** Something that is wrong, and where. */
export interface Fault {
  readonly place: string;
  readonly message: string;
}

/** Everything that is wrong about a value, `max` at most. */
export function faultsOf(schema: v.GenericSchema, value: unknown, max: number): readonly Fault[] {
  const { issues = [] } = v.safeParse(schema, value);
  return issues.slice(0, max).map((issue) => ({ place: placeOf("", issue), message: issue.message }));
}

/** Checks a value from outside. `root` is what the place of a fault begins with; empty for a table of variables. */
export function checked<S extends v.GenericSchema>(schema: S, value: unknown, root: string): Checked<v.InferOutput<S>> {
  const result = v.safeParse(schema, value, { abortPipeEarly: true });
  if (result.success) return { type: "good", value: result.output };
  const [issue] = result.issues;
  return { type: "wrong", reason: `${placeOf(root, issue)} ${issue.message}` };
}
