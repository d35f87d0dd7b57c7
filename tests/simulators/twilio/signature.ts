import { createHmac } from "node:crypto";

/**
 * X-Twilio-Signature of a request: base64 of HMAC-SHA1 over the exact URL, followed by every POST parameter's name and
 * value in order of the names; the values of a repeated name are made unique and sorted.
 *
 * Source: twilio.com/docs/usage/webhooks/webhooks-security.
 */
export function sign(authToken: string, url: string, parameters: Record<string, string | string[]> = {}): string {
  let text = url;
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name] ?? "";
    const values = Array.isArray(value) ? [...new Set(value)].sort() : [value];
    for (const one of values) text += name + one;
  }
  return createHmac("sha1", authToken).update(text, "utf8").digest("base64");
}
