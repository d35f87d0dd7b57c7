import type { Hostility } from "./hostility.ts";

/** Where in a session a fault may strike. */
export type Point =
  | "open"
  | "sessionCreated"
  | "committed"
  | "responseCreated"
  | "firstDelta"
  | "midAudio"
  | "responseDone";

/** What goes wrong. Each strikes once per session, but for the delays; undefined = nothing. */
export interface Faults {
  /** The upgrade is answered with this status. */
  refuseStatus?: number;
  /** The socket breaks without a close frame. */
  dropAt?: Point;
  /** The socket stays open and says nothing more. */
  stallAt?: Point;
  /** An error event with this code. */
  errorAt?: { point: Point; code: string };
  /** A frame that is no JSON, and an event of a type that nobody knows. */
  nonsenseAt?: Point;
  /** session_expired and a close, this long after the session was created. */
  expireAfterMs?: number;
  /** Deltas of a cancelled response that still come. */
  lateDeltas?: number;
  /** session.created comes so late, and what a response says. */
  helloMs?: number;
  thinkMs?: number;
  /** The model answers whatever the caller says by a call of this function. */
  call?: { name: string; arguments: string };
  /** response.done comes without usage. */
  omitUsage?: boolean;
  /** What the server makes of the whole session. */
  hostile?: Hostility;
}
