import * as v from "valibot";
import { secret } from "../../schemas.ts";

/** Tokens of the account, which sign its webhooks. The account knows what they are like. */
export const carrierVariables = {
  TWILIO_AUTH_TOKEN: v.optional(secret(1)),
  TWILIO_AUTH_TOKEN_PREVIOUS: v.optional(secret(1)),
};

/** Without it no webhook is known to be the carrier's. */
export const CARRIER_SECRET = "TWILIO_AUTH_TOKEN";

export interface CarrierVariables {
  readonly TWILIO_AUTH_TOKEN?: string | undefined;
  readonly TWILIO_AUTH_TOKEN_PREVIOUS?: string | undefined;
}

/** Whether it is the name of a token of the account. */
export function isCarrierToken(name: string): boolean {
  return Object.hasOwn(carrierVariables, name);
}

/** Newest first; empty = none is configured. */
export function carrierAuthTokens(variables: CarrierVariables): readonly string[] {
  return [variables.TWILIO_AUTH_TOKEN, variables.TWILIO_AUTH_TOKEN_PREVIOUS].flatMap((token) => token ?? []);
}
