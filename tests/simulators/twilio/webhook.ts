import { sign } from "./signature.ts";

/** A webhook as the carrier signs it; `path` is behind the gateway's `url`. */
export function sendWebhook(
  url: string,
  authToken: string,
  path: string,
  fields: Record<string, string>,
): Promise<Response> {
  const target = `${url}${path}`;
  return fetch(target, {
    method: "POST",
    headers: { "X-Twilio-Signature": sign(authToken, target, fields) },
    body: new URLSearchParams(fields),
  });
}
