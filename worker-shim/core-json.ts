// Which messages the core reads as JSON, for those who act on a message before the core has it.

/** As the core has them: wasm/base/json.h, kMaxJsonDepth and kMaxJsonValues. */
export const CORE_JSON_LEVELS = 32;
export const CORE_JSON_VALUES = 16_384;

/** A number of JSON, from where it begins. */
const NUMBER = /-?\d[\d.eE+-]*/y;

/**
 * Whether `text` is within the core's bounds: brackets in brackets, brackets and commas, and each number within a double's
 * range, as 1e999 is not, also one that another of the same name replaces. Strings are skipped.
 */
function isWithinBounds(text: string): boolean {
  let [depth, values, inString] = [0, 1, false];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (inString) {
      if (sign === "\\") at++;
      else if (sign === '"') inString = false;
    } else if (sign === '"') inString = true;
    else if (sign === "{" || sign === "[") {
      if (++depth > CORE_JSON_LEVELS) return false;
      values++;
    } else if (sign === "}" || sign === "]") depth = Math.max(0, depth - 1);
    else if (sign === ",") values++;
    else {
      NUMBER.lastIndex = at;
      const [number] = NUMBER.exec(text) ?? [];
      if (number !== undefined) {
        // What is no number is no JSON, and found later.
        if (Math.abs(Number(number)) === Number.POSITIVE_INFINITY) return false;
        at += number.length - 1;
      }
    }
    if (values > CORE_JSON_VALUES) return false;
  }
  return true;
}

/** What is told of a number beside its value: how it is written. */
type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;

const INTEGER = /^-?\d+$/;

/** The core takes no number with a point or an exponent for a whole one, 8000.0 neither; other numbers nobody reads. */
const wholeNumbers: Reviver = (_, value, { source }) =>
  typeof value === "number" && !INTEGER.test(source ?? "") ? null : value;

/**
 * `text` as JSON, where the core would take it for JSON too; undefined for anything else. Numbers that are not written as
 * whole ones are null. Never throws.
 */
export function parseAsCore(text: string): unknown {
  if (!isWithinBounds(text)) return undefined;
  try {
    // The types know the reviver as it was before it was told the source.
    return JSON.parse(text, wholeNumbers as Parameters<typeof JSON.parse>[1]) as unknown;
  } catch {
    return undefined;
  }
}

/** The digits in `text` as the core reads them; undefined if there is anything else, nothing, or too much. */
function decimalOf(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** As the core's IntegerMember has it: a whole number, or digits, since carriers differ in which of the two they send. */
export function integerOf(value: unknown): number | undefined {
  const number = typeof value === "string" ? decimalOf(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
