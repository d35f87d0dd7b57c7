/** What the simulator answers to. */
export const ENDPOINTS = ["transcription", "chat", "speech"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** Where in an exchange: the request is there, nothing else; headers are out; half of the body is; all of it, but no end. */
export const POINTS = ["request", "headers", "middle", "end"] as const;
export type Point = (typeof POINTS)[number];

/** What becomes of one request. */
export type Fault =
  /** An answer that is an error. `code` null: none, as some servers have it. */
  | { readonly kind: "status"; readonly status: number; readonly code?: string | null; readonly retryAfterS?: number }
  /** The connection breaks. */
  | { readonly kind: "drop"; readonly at: Point }
  /** Nothing more comes, and nothing ends. */
  | { readonly kind: "stall"; readonly at: Point }
  /** A good status and a body that is none of the endpoint's. */
  | { readonly kind: "garbage" }
  /** The body ends in its middle, as if that were all. */
  | { readonly kind: "truncated" }
  /** A good status and an error for a body; disguised: by the type of what was asked for. */
  | { readonly kind: "errorBody"; readonly disguised?: boolean }
  /** The vendor's filter: in a model's answer after its first words, else in the place of the answer. */
  | { readonly kind: "filter" }
  /** The same answer in pieces of 1 to 7 bytes. */
  | { readonly kind: "crumbs" }
  /** The same answer with such a pause before each piece. */
  | { readonly kind: "slow"; readonly chunkMs: number };

/** Of the next requests, the first of a list of the next one; undefined = nothing. */
export type Faults = { [E in Endpoint]?: (Fault | undefined)[] };

/** What an error of the API says. */
export function errorBody(status: number, code: string | null, message: string): string {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  return JSON.stringify({ error: { message, type, param: null, code } }, null, 2);
}

/** What the API calls it by itself. */
export function codeOf(status: number): string | null {
  const codes: Readonly<Record<number, string>> = { 401: "invalid_api_key", 429: "rate_limit_exceeded" };
  return codes[status] ?? null;
}
