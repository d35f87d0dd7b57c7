import * as v from "valibot";
import { checked } from "../schemas.ts";

// Which profile has which dialled number.

/** Numbers of one profile. */
export const MAX_NUMBERS = 100;

const IS_NUMBER =
  'must be a number or a SIP address in lower case and without parameters, such as "+15551234567" or "sip:desk@example.com", or its beginning with * behind it';

/** A number or an address, or what it begins with and `*`. */
export const number = v.pipe(
  v.string(IS_NUMBER),
  v.regex(/^(?:\+?[0-9]{1,20}|sips?:[^\s*;?\p{Lu}\p{Cc}\p{Cs}]{1,250})\*?$/u, IS_NUMBER),
);

/** What was dialled, as patterns have it: a plus that came as a space is one, an address is in lower case and bare. */
export function dialledNumber(to: string): string {
  const trimmed = to.replace(/^ (?=\d)/, "+").trim();
  return /^sips?:/i.test(trimmed) ? (trimmed.toLowerCase().split(/[;?]/, 1)[0] ?? "") : trimmed;
}

/** Who has which number, and whether there is a profile for what nobody has. */
export interface NumberIndex {
  readonly names: ReadonlyMap<string, string>;
  readonly hasDefault: boolean;
}

export const EMPTY_INDEX: NumberIndex = { names: new Map(), hasDefault: false };

/** The name of the profile for `to`: that of the number itself, else of the longest beginning. */
export function nameFor({ names }: NumberIndex, to: string): string | undefined {
  const dialled = dialledNumber(to);
  if (dialled === "" || names.size === 0) return undefined;
  const exact = names.get(dialled);
  if (exact !== undefined) return exact;
  for (let length = dialled.length; length > 0; length--) {
    const name = names.get(`${dialled.slice(0, length)}*`);
    if (name !== undefined) return name;
  }
  return undefined;
}

const index = v.object({
  hasDefault: v.boolean("must be true or false"),
  numbers: v.array(
    v.tuple([v.string("must be a text"), v.string("must be a text")], "must be a number and a name"),
    "must be a list",
  ),
});

/** What {@link indexText} wrote; undefined for anything else. */
export function readIndex(text: string): NumberIndex | undefined {
  try {
    const result = checked(index, JSON.parse(text), "");
    if (result.type === "wrong") return undefined;
    return { names: new Map(result.value.numbers), hasDefault: result.value.hasDefault };
  } catch {
    return undefined;
  }
}

export function indexText({ names, hasDefault }: NumberIndex): string {
  return JSON.stringify({ hasDefault, numbers: [...names] });
}
