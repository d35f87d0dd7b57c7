// What a media stream says before it is known whose it is. The core reads the carrier's protocol; this reads its first
// messages alone, for the door. docs/decisions/0009-proof-before-the-core.md.

/** What a stream brings as proof; empty strings where it brings nothing. */
export interface Start {
  readonly token: string;
  readonly carrierCallId: string;
}

/** What a message of a stream that has not started is to the door. */
export type Opening =
  | ({ readonly type: "start" } & Start)
  /** Allowed before a start, and without effect. */
  | { readonly type: "nothing" }
  /** Against the carrier's protocol. */
  | { readonly type: "fault" };

const NOTHING: Opening = { type: "nothing" };
const FAULT: Opening = { type: "fault" };

/** Events that only a stream that has started has. */
const LATER_EVENTS = new Set(["media", "mark", "dtmf", "stop"]);

/** As the core has it: wasm/protocol/legs/twilio.cc. */
const IDENTIFIER = /^[A-Za-z0-9_-]{1,64}$/;

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Never throws. A half of a surrogate pair in one text costs no other field. */
export function readOpening(message: string): Opening {
  let parsed: Readonly<Record<string, unknown>> | undefined;
  try {
    parsed = objectOf(JSON.parse(message));
  } catch {
    return FAULT;
  }
  const event = textOf(parsed?.["event"]);
  if (!parsed || event === "" || LATER_EVENTS.has(event)) return FAULT;
  return event === "start" ? readStart(parsed) : NOTHING;
}

function readStart(message: Readonly<Record<string, unknown>>): Opening {
  const start = objectOf(message["start"]);
  if (!start) return FAULT;
  const streamId = textOf(start["streamSid"]) || textOf(message["streamSid"]);
  const carrierCallId = textOf(start["callSid"]);
  if (!IDENTIFIER.test(streamId) || (carrierCallId !== "" && !IDENTIFIER.test(carrierCallId))) return FAULT;
  return { type: "start", token: textOf(objectOf(start["customParameters"])?.["token"]), carrierCallId };
}
