import * as v from "valibot";
import { type Limits, limits, type Profile, profile } from "../profile.ts";
import { checked, oneOf, table, text } from "../schemas.ts";
import { AGENTS, type Agent } from "../settings.ts";
import { type Hours, hours } from "./hours.ts";
import { isProfileName } from "./name.ts";
import { MAX_NUMBERS, number } from "./numbers.ts";

// A profile as an operator names and changes it: docs/profiles.md.

const MAX_DESCRIPTION_BYTES = 1024;

/** The longest document, JSON. Twice the longest instructions, which JSON may have to escape. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;

export const document = table({
  /** For whoever reads the list. */
  description: v.optional(text(MAX_DESCRIPTION_BYTES)),
  agent: v.optional(oneOf(AGENTS)),
  profile,
  limits: v.optional(limits),
  hours: v.optional(hours),
  numbers: v.optional(
    v.pipe(
      v.array(number, "must be a list of numbers"),
      v.maxLength(MAX_NUMBERS, `must be at most ${MAX_NUMBERS} numbers`),
      v.check((all) => new Set(all).size === all.length, "must have each number once"),
    ),
  ),
});

export interface ProfileDocument {
  readonly description?: string | undefined;
  /** Of the deployment's, if it says none. */
  readonly agent?: Agent | undefined;
  readonly profile: Profile;
  /** Those of the deployment, if it says none. */
  readonly limits?: Limits | undefined;
  /** When it answers; always, if it does not say. */
  readonly hours?: Hours | undefined;
  readonly numbers?: readonly string[] | undefined;
}

/** One version of a profile, as it is kept and published: JSON. */
export interface StoredProfile {
  readonly name: string;
  /** From 1; goes on when the profile is deleted and saved again. */
  readonly version: number;
  /** Epoch ms. */
  readonly savedMs: number;
  readonly document: ProfileDocument;
}

export type ReadProfile =
  | { readonly type: "good"; readonly profile: StoredProfile }
  /** Damaged, or made under rules that are not those of today. */
  | { readonly type: "bad"; readonly reason: string };

const stored = v.object({
  name: v.pipe(v.string("must be a text"), v.check(isProfileName, "must be a profile's name")),
  version: v.pipe(
    v.number("must be a number"),
    v.safeInteger("must be an integer"),
    v.minValue(1, "must be 1 or more"),
  ),
  savedMs: v.pipe(v.number("must be a number"), v.safeInteger("must be an integer")),
  document,
});

/** What `text` says, which was written by {@link storedText} of this version of the code or another one. Never throws. */
export function readStored(text: string, name: string): ReadProfile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: "bad", reason: "it is no JSON" };
  }
  const result = checked(stored, value, "");
  if (result.type === "wrong") return { type: "bad", reason: result.reason };
  if (result.value.name !== name) return { type: "bad", reason: "it is another profile's" };
  return { type: "good", profile: result.value };
}

export function storedText({ name, version, savedMs, document }: StoredProfile): string {
  return JSON.stringify({ name, version, savedMs, document });
}
