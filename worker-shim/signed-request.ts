// How a server of the deployment's own knows that a request is ours.

/** A browser's name would have some servers refuse a request. */
export const USER_AGENT = "trunkline";

/**
 * What goes with a JSON body to a listener or a tool.
 *
 * `X-Trunkline-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY` under the secret, tells that it is us and
 * when; `X-Trunkline-Delivery`, the same for each attempt at one thing, tells what was heard before.
 */
export async function signedHeaders(
  secret: string,
  deliveryId: string,
  body: string,
  nowMs: number,
): Promise<Record<string, string>> {
  const seconds = Math.floor(nowMs / 1000);
  return {
    "Content-Type": "application/json",
    "User-Agent": USER_AGENT,
    "X-Trunkline-Delivery": deliveryId,
    "X-Trunkline-Signature": `t=${seconds},v1=${await hmacHex(secret, `${seconds}.${body}`)}`,
  };
}

async function hmacHex(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  return [...signature].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
