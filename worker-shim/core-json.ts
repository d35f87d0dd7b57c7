// Which messages the core reads as JSON, for those who act on a message before the core has it.

/** As the core has them: wasm/base/json.h, kMaxJsonDepth and kMaxJsonValues. */
export const CORE_JSON_LEVELS = 32;
export const CORE_JSON_VALUES = 16_384;

/** Whether `text` is within the core's bounds: brackets in brackets, and brackets and commas. Strings are skipped. */
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
    if (values > CORE_JSON_VALUES) return false;
  }
  return true;
}

/** Whether `value`, which is within the bounds, has a number beyond a double's range, such as 1e999. */
function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasInfinity);
}

/** `text` as JSON, where the core would take it for JSON too; undefined for anything else. Never throws. */
export function parseAsCore(text: string): unknown {
  if (!isWithinBounds(text)) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return hasInfinity(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
