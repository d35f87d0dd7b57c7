/** What a text of JSON is: a value, or an object in it has a key twice, of which a parser would drop one silently. */
export type ParsedJson =
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "doubledKey"; readonly key: string };

/** A string, or what opens, parts or closes; the rest of JSON does not matter here. */
const MARKS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs;

/** The first key that an object of `text`, JSON, has twice, as it is without escapes. Not recursive. */
function doubledKey(text: string): string | undefined {
  // The keys so far of each object that is open; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [mark] of text.matchAll(MARKS)) {
    if (mark === "{") open.push(new Set());
    else if (mark === "[") open.push(undefined);
    else if (mark === "}" || mark === "]") open.pop();
    else if (mark === ":") {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
    last = mark;
  }
  return undefined;
}

/** @throws {SyntaxError} for what is no JSON */
export function parseJson(text: string): ParsedJson {
  const value = JSON.parse(text) as unknown;
  const key = doubledKey(text);
  return key === undefined ? { type: "value", value } : { type: "doubledKey", key };
}
