import { signatureOf, type TokenRing } from "./call-token.ts";
import type { Operator } from "./operators.ts";
import type { Timers } from "./ports/timers.ts";

// A ticket lets somebody who cannot send a header, a page's WebSocket, watch one call: once, and within seconds. What it
// says is signed, so that a stranger's reaches no object; who has it and whether it was used the call's object knows.

/** From the ticket to the socket that brings it. */
export const TICKET_LIFETIME_MS = 30_000;
/** Tickets of a call that are out. Overflow: the oldest is void. */
export const MAX_TICKETS = 32;
/** What a page offers beside its ticket, and is answered with. */
export const OBSERVER_PROTOCOL = "trunkline.logs";
/** What the protocol begins with that is the ticket. */
const TICKET_PREFIX = "ticket.";
const PURPOSE = "trunkline observer ticket";
const NONCE = /^[0-9a-f]{32}$/;

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function newNonce(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

async function macOf(secret: string, callId: string, nonce: string, expiresMs: number): Promise<string> {
  return hexOf(await signatureOf(secret, [PURPOSE, callId, nonce, expiresMs].join("|")));
}

/** Of characters that a subprotocol may have. */
export async function mintTicket(ring: TokenRing, callId: string, nonce: string, expiresMs: number): Promise<string> {
  return [callId, nonce, expiresMs, await macOf(ring.current, callId, nonce, expiresMs)].join(".");
}

/** The nonce of a ticket of this call that was made here and has time left; undefined for anything else. */
export async function nonceOf(
  ring: TokenRing,
  callId: string,
  ticket: string,
  nowMs: number,
): Promise<string | undefined> {
  const [ofCall, nonce = "", expiry = "", mac = "", ...rest] = ticket.split(".");
  const expiresMs = Number(expiry);
  if (ofCall !== callId || !NONCE.test(nonce) || !/^\d{1,15}$/.test(expiry) || rest.length > 0) return undefined;
  if (nowMs >= expiresMs) return undefined;
  for (const secret of [ring.current, ring.previous]) {
    if (!secret) continue;
    const expected = await macOf(secret, callId, nonce, expiresMs);
    let difference = mac.length ^ expected.length;
    for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ (mac.charCodeAt(i) | 0);
    if (difference === 0) return nonce;
  }
  return undefined;
}

/** The ticket that an upgrade offers among its subprotocols; undefined if it offers none, or not as it must. */
export function offeredTicket(header: string | undefined): string | undefined {
  const offered = (header ?? "").split(",").map((one) => one.trim());
  const ticket = offered.find((one) => one.startsWith(TICKET_PREFIX));
  return ticket !== undefined && offered.includes(OBSERVER_PROTOCOL) ? ticket.slice(TICKET_PREFIX.length) : undefined;
}

/** The tickets of one call that are out. In memory: those of a lost object are void. */
export class Tickets {
  readonly #timers: Timers;
  readonly #out = new Map<string, { readonly operator: Operator; readonly timer: unknown }>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get count(): number {
    return this.#out.size;
  }

  expect(nonce: string, operator: Operator): void {
    const timer = this.#timers.set(() => this.#out.delete(nonce), TICKET_LIFETIME_MS);
    this.#out.set(nonce, { operator, timer });
    if (this.#out.size <= MAX_TICKETS) return;
    const [oldest] = this.#out.keys();
    if (oldest !== undefined) this.take(oldest);
  }

  /** Whose the ticket is: the first time, and in time. */
  take(nonce: string): Operator | undefined {
    const found = this.#out.get(nonce);
    if (!found) return undefined;
    this.#timers.clear(found.timer);
    this.#out.delete(nonce);
    return found.operator;
  }
}
