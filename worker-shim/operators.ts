import * as v from "valibot";
import { oneOf, table } from "./schemas.ts";

// Who may do what, and by which token he is known. docs/protocol.md, Operators.

/** Each may do what the ones before it may. */
export const ROLES = ["read", "operate", "admin"] as const;
/** `read`: sees all; `operate`: gives commands to calls; `admin`: changes profiles and deletes. */
export type Role = (typeof ROLES)[number];

/** Who asks. */
export interface Operator {
  readonly name: string;
  readonly role: Role;
}

export function mayAs(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** What the holder of ADMIN_TOKEN is called, and who needs no token. */
export const ADMIN: Operator = { name: "admin", role: "admin" };
export const ANYONE: Operator = { name: "anyone", role: "admin" };

/** An operator as the deployment names him; not his tokens, but what they are known by. */
export interface KnownOperator extends Operator {
  /** SHA-256 of his token, lower-case hex; two while it is being exchanged. */
  readonly digests: readonly string[];
}

const MAX_OPERATORS = 100;
/** While a token is being exchanged both count. */
const MAX_DIGESTS = 2;

const IS_NAME = "must be 1 to 64 letters, digits, - and _, and neither admin nor anyone";
const IS_OPERATORS = "must be an object: an operator by each name";
const IS_DIGEST = "must be the SHA-256 of a token, 64 hex digits";

/** OPERATOR_TOKENS: by name. */
export const operatorTokens = v.pipe(
  v.custom<object>((value) => !Array.isArray(value), IS_OPERATORS),
  v.record(
    v.pipe(v.string(IS_NAME), v.regex(/^(?!(?:admin|anyone)$)[A-Za-z0-9_-]{1,64}$/, IS_NAME)),
    table({
      role: oneOf(ROLES),
      sha256: v.pipe(
        v.array(v.pipe(v.string(IS_DIGEST), v.regex(/^[0-9a-f]{64}$/i, IS_DIGEST)), "must be a list of digests"),
        v.minLength(1, "must have a digest"),
        v.maxLength(MAX_DIGESTS, `must be at most ${MAX_DIGESTS} digests`),
      ),
    }),
    IS_OPERATORS,
  ),
  v.check((all) => Object.keys(all).length <= MAX_OPERATORS, `must be at most ${MAX_OPERATORS} operators`),
  v.transform((all) =>
    Object.entries(all).map(
      ([name, { role, sha256 }]): KnownOperator => ({ name, role, digests: sha256.map((one) => one.toLowerCase()) }),
    ),
  ),
  v.check((all) => {
    const digests = all.flatMap((one) => one.digests);
    return new Set(digests).size === digests.length;
  }, "must have each digest once: a token is one operator's"),
);

async function digestOf(token: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** In a time that tells nothing: all of both, whatever is in them. */
function equalTexts(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ (b.charCodeAt(i) | 0);
  return difference === 0;
}

export interface OperatorRing {
  /** Newest first; whoever shows one is ADMIN. */
  readonly adminTokens: readonly string[];
  readonly operators: readonly KnownOperator[];
}

/** Whose token it is; undefined: nobody's. Every token of the ring is compared, by its digest. */
export async function operatorOf(
  { adminTokens, operators }: OperatorRing,
  token: string,
): Promise<Operator | undefined> {
  const shown = await digestOf(token);
  const admins = await Promise.all(adminTokens.map(digestOf));
  let found: Operator | undefined;
  for (const { name, role, digests } of [{ ...ADMIN, digests: admins }, ...operators])
    for (const digest of digests) if (equalTexts(shown, digest)) found ??= { name, role };
  return found;
}
