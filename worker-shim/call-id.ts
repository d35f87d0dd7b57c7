import { signatureOf, type TokenRing } from "./call-token.ts";
import { ConfigurationError } from "./settings.ts";

/** Of 16 bytes: as many as a random one has. */
const ID_CHARACTERS = 32;
/** No token begins like this: one secret signs both. */
const PREFIX = "trunkline call id|";

/** 128 random bits; the call's object has this name. */
export function newCallId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

export function isCallId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(id);
}

/** By each of the secrets. */
export interface CallIds {
  readonly current: string;
  readonly previous: string | undefined;
}

/**
 * What a carrier's call is called here: the same each time, so that one that is announced twice is one call, and known to
 * nobody without the secret.
 *
 * @throws {ConfigurationError} without a secret
 */
export async function callIds(ring: TokenRing | undefined, carrierCallId: string): Promise<CallIds> {
  if (!ring) throw new ConfigurationError("TOKEN_SECRET is not set");
  const idBy = async (secret: string) => {
    const signature = await signatureOf(secret, PREFIX + carrierCallId);
    return [...signature]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("")
      .slice(0, ID_CHARACTERS);
  };
  return {
    current: await idBy(ring.current),
    previous: ring.previous === undefined ? undefined : await idBy(ring.previous),
  };
}
