// What a media stream says before it is known whose it is. The core reads the carrier's protocol; this reads its first
// messages alone, for the door. docs/decisions/0009-proof-before-the-core.md. A start that the core refuses must be
// refused here as well: it would use up its token, and take the place of a good stream, for nothing.

import { integerOf, parseAsCore } from "../../core-json.ts";

/** What a stream brings as proof; empty strings where it brings nothing. */
export interface StreamProof {
  readonly token: string;
  readonly carrierCallId: string;
}

export interface Start extends StreamProof {
  /** Of the audio that it brings; the core takes no other for the same session. */
  readonly encoding: string;
}

/** What a message of a stream that has not started is to the door. */
export type Opening =
  | ({ readonly type: "start" } & Start)
  /** Allowed before a start, and without effect. */
  | { readonly type: "nothing" }
  /** A start with audio of a format that no call can have. */
  | { readonly type: "unsupported" }
  /** Against the carrier's protocol. */
  | { readonly type: "fault" };

const NOTHING: Opening = { type: "nothing" };
const FAULT: Opening = { type: "fault" };
const UNSUPPORTED: Opening = { type: "unsupported" };

/** Events that only a stream that has started has. */
const LATER_EVENTS = new Set(["media", "mark", "dtmf", "stop"]);

/** As the core has them: wasm/protocol/legs/twilio.cc. */
const ENCODINGS = new Set(["audio/x-mulaw", "audio/x-alaw"]);
const SAMPLE_RATE_HZ = 8000;
const CHANNELS = 1;
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
  const parsed = objectOf(parseAsCore(message));
  const event = textOf(parsed?.["event"]);
  if (!parsed || event === "" || LATER_EVENTS.has(event)) return FAULT;
  return event === "start" ? readStart(parsed) : NOTHING;
}

/** Whether the audio is of a format that a call can have. */
function hasFormat(start: Readonly<Record<string, unknown>>): boolean {
  const format = objectOf(start["mediaFormat"]);
  if (!format || !ENCODINGS.has(textOf(format["encoding"]))) return false;
  return integerOf(format["sampleRate"]) === SAMPLE_RATE_HZ && (integerOf(format["channels"]) ?? CHANNELS) === CHANNELS;
}

function readStart(message: Readonly<Record<string, unknown>>): Opening {
  const start = objectOf(message["start"]);
  if (!start) return FAULT;
  const streamId = textOf(start["streamSid"]) || textOf(message["streamSid"]);
  const carrierCallId = textOf(start["callSid"]);
  if (!IDENTIFIER.test(streamId) || (carrierCallId !== "" && !IDENTIFIER.test(carrierCallId))) return FAULT;
  if (!hasFormat(start)) return UNSUPPORTED;
  const token = textOf(objectOf(start["customParameters"])?.["token"]);
  return { type: "start", token, carrierCallId, encoding: textOf(objectOf(start["mediaFormat"])?.["encoding"]) };
}
