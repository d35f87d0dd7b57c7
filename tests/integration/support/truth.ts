// Whether what the system says of a call is what its caller heard.

import type { GatewayEvent, Observer } from "../../simulators/observer.ts";
import type { PhoneCall } from "../../simulators/twilio/phone-call.ts";

/** How far the system may be off: the network, and the step of the carrier's clock. */
const TOLERANCE_MS = 120;
/** What is shorter than this is not asked about. */
const MIN_MS = 150;

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where the gateway itself was heard, by what it tells: that the caller waits, or that this was all. */
function ownSounds(events: readonly GatewayEvent[], offsetMs: number): Span[] {
  return events.flatMap((event, i) => {
    if (event.type !== "waiting" && event["to"] !== "farewell") return [];
    const over = events.slice(i + 1).find(({ type }) => ["replyStarted", "state", "ended"].includes(type));
    return [{ startMs: event.atMs + offsetMs, endMs: (over?.atMs ?? Number.POSITIVE_INFINITY) + offsetMs }];
  });
}

function within(ms: number, spans: readonly Span[]): boolean {
  return spans.some(({ startMs, endMs }) => ms >= startMs - TOLERANCE_MS && ms <= endMs + TOLERANCE_MS);
}

/** What is not true of a call that is over: of its lines, what the phone did not hear, and the other way round. */
export function untruths(call: PhoneCall, observer: Observer): string[] {
  const offsetMs = observer.offsetMs(call.epochMs);
  if (offsetMs === undefined) return ["there is no event `opened`"];
  const { events } = observer;
  const found: string[] = [];
  const lines = events
    .filter((event) => event.type === "line" && event["role"] === "agent")
    .map((event) => ({
      startMs: Number(event["startMs"]) + offsetMs,
      endMs: Number(event["endMs"]) + offsetMs,
      name: `line ${String(event["line"])}`,
    }));
  for (const { startMs, endMs, name } of lines) {
    if (endMs - startMs < MIN_MS) continue;
    for (const ms of [startMs + TOLERANCE_MS / 2, (startMs + endMs) / 2, endMs - TOLERANCE_MS / 2])
      if (!within(ms, call.audible)) found.push(`${name} was not heard at ${ms.toFixed(0)} ms`);
  }
  const explained = [...lines, ...ownSounds(events, offsetMs)];
  for (const { startMs, endMs } of call.audible) {
    if (endMs - startMs < MIN_MS) continue;
    for (let ms = startMs; ms < endMs; ms += 20) {
      if (within(ms, explained)) continue;
      found.push(`what was heard at ${ms.toFixed(0)} ms is no line`);
      break;
    }
  }
  if (events.filter(({ type }) => type === "ended").length !== 1) found.push("there is not one event `ended`");
  return found;
}
