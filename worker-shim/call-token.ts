import type { Verdict } from "./boundary.ts";

/** From the webhook's answer to the stream's start. */
export const TOKEN_LIFETIME_MS = 60_000;

const VERSION = "1";
const SEPARATOR = "|";
const MAC_BYTES = 32;
/** Enough to tell two secrets apart; the MAC decides. */
const KEY_ID_BYTES = 4;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** What a token says. No field contains a `|`. */
export interface TokenClaims {
  readonly callId: string;
  readonly carrierCallId: string;
  /** Counts the tokens of a call, from 1. */
  readonly serial: number;
  readonly expiresMs: number;
}

export interface TokenRing {
  /** Makes the token; tokens of `previous` still count while secrets are being exchanged. */
  readonly current: string;
  readonly previous?: string | undefined;
}

interface TokenKey {
  readonly id: string;
  readonly key: CryptoKey;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** By secret. Overflow: begins anew; a deployment has two secrets. */
const MAX_KEYS = 4;
const keys = new Map<string, Promise<TokenKey>>();

function keyOf(secret: string): Promise<TokenKey> {
  const known = keys.get(secret);
  if (known) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const made = importKey(secret);
  keys.set(secret, made);
  return made;
}

async function importKey(secret: string): Promise<TokenKey> {
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), ALGORITHM, false, ["sign", "verify"]);
  const mark = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode("trunkline token key")));
  const id = [...mark.subarray(0, KEY_ID_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { id, key };
}

/** HMAC-SHA256. */
export async function signatureOf(secret: string, text: string): Promise<Uint8Array> {
  const { key } = await keyOf(secret);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** base64url(version | key id | call id | carrier's call id | serial | expiry | HMAC-SHA256 of what stands before it). */
export async function mintToken(ring: TokenRing, claims: TokenClaims): Promise<string> {
  const { id, key } = await keyOf(ring.current);
  const { callId, carrierCallId, serial, expiresMs } = claims;
  const payload = encoder.encode([VERSION, id, callId, carrierCallId, serial, expiresMs, ""].join(SEPARATOR));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, payload));
  return toBase64Url(Uint8Array.of(...payload, ...mac));
}

/** What a token of ours says, expired or not; undefined if it is none. */
export async function readToken(ring: TokenRing, token: string): Promise<TokenClaims | undefined> {
  const bytes = fromBase64Url(token);
  if (!bytes || bytes.length <= MAC_BYTES) return undefined;
  const payload = bytes.subarray(0, -MAC_BYTES);
  const fields = decoder.decode(payload).split(SEPARATOR);
  const [version, keyId, callId, carrierCallId, serial, expiresMs, tail] = fields;
  if (fields.length !== 7 || version !== VERSION || tail !== "") return undefined;
  if (callId === undefined || carrierCallId === undefined) return undefined;
  for (const secret of [ring.current, ring.previous]) {
    if (!secret) continue;
    const { id, key } = await keyOf(secret);
    if (id !== keyId) continue;
    // Compares in constant time.
    if (!(await crypto.subtle.verify("HMAC", key, bytes.subarray(-MAC_BYTES), payload))) continue;
    return { callId, carrierCallId, serial: Number(serial), expiresMs: Number(expiresMs) };
  }
  return undefined;
}

/** What the stream must match. */
export interface ExpectedStream {
  readonly callId: string;
  /** Empty = any, for a webhook that brought none. */
  readonly carrierCallId: string;
}

/**
 * Judges a stream's token. `use` takes the serial number, once: it returns false if the token was used before, and is
 * asked last, for a token that is good otherwise.
 */
export async function judgeToken(
  ring: TokenRing,
  stream: { readonly token: string; readonly carrierCallId: string },
  expected: ExpectedStream,
  nowMs: () => number,
  use: (serial: number) => boolean,
): Promise<Verdict> {
  if (stream.token === "") return "missing";
  const claims = await readToken(ring, stream.token);
  if (!claims || claims.callId !== expected.callId || claims.carrierCallId !== expected.carrierCallId) return "foreign";
  if (expected.carrierCallId !== "" && stream.carrierCallId !== expected.carrierCallId) return "foreign";
  if (nowMs() >= claims.expiresMs) return "expired";
  return use(claims.serial) ? "granted" : "used";
}
