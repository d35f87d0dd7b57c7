/** What a request wants of a file: all of it, a part, or what there is not. */
export type Wanted =
  | { readonly type: "whole" }
  | { readonly type: "part"; readonly offset: number; readonly length: number }
  | { readonly type: "unsatisfiable" };

const WHOLE: Wanted = { type: "whole" };
const UNSATISFIABLE: Wanted = { type: "unsatisfiable" };

/**
 * RFC 9110, section 14: one range of bytes. Anything else - another unit, several ranges, one that ends before it begins,
 * what is no range - asks for the whole, as if there were no header.
 */
export function wantedOf(header: string | null, size: number): Wanted {
  const [, first = "", last = ""] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return WHOLE;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? UNSATISFIABLE : { type: "part", offset: size - length, length };
  }
  const offset = Number(first);
  if (last !== "" && Number(last) < offset) return WHOLE;
  if (offset >= size) return UNSATISFIABLE;
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return { type: "part", offset, length: end - offset };
}
