import type { GatewayEvent } from "./observer.ts";

/** From and to, on the call's clock. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** What became of what the caller said; null is what did not happen. Times are the call's. */
export interface FirstReply {
  readonly endOfTurnMs: number | null;
  readonly sentMs: number | null;
  readonly heardMs: number | null;
}

/**
 * The first reply to `utterance`, by the gateway's events. What is heard before the gateway has sent a reply is none: a
 * caller hears that he waits. `offsetMs` leads from the events' clock to the call's.
 */
export function firstReply(
  events: readonly GatewayEvent[],
  offsetMs: number,
  audible: readonly Span[],
  utterance: Span,
): FirstReply {
  const find = (type: string) => {
    const times = events.filter((event) => event.type === type).map(({ atMs }) => Math.round(atMs + offsetMs));
    // A pause in the words may end a turn before them.
    return times.find((ms) => ms >= utterance.endMs) ?? times.find((ms) => ms >= utterance.startMs) ?? null;
  };
  const sentMs = find("replyStarted");
  const heard = sentMs === null ? undefined : audible.find(({ endMs }) => endMs > sentMs);
  const heardMs = heard === undefined ? null : Math.round(Math.max(heard.startMs, sentMs ?? 0));
  return { endOfTurnMs: find("turnEnded"), sentMs, heardMs };
}

/** Why nothing was said, as far as the events tell; undefined if they tell nothing. */
export function whyNoReply(events: readonly GatewayEvent[]): string | undefined {
  const failures = events.filter(({ type }) => type === "agentFailed").map((event) => String(event["code"]));
  const codes = failures.length > 0 ? ` (${[...new Set(failures)].join(", ")})` : "";
  if (!events.some(({ type }) => type === "agentReady")) return `the agent was not reached${codes}`;
  return codes === "" ? undefined : `the agent failed${codes}`;
}

/** When the reply was heard, in words. */
export function heardWhen(heardMs: number, speechEndMs: number): string {
  const ms = heardMs - speechEndMs;
  return ms < 0 ? `${-ms} ms before the speech ended` : `${ms} ms after the speech ended`;
}
