/** Where in a listening session a fault may strike: right after what the server tells then. */
export type Point = "connected" | "started" | "update" | "eager" | "ended";

/** What becomes of sessions and requests to come; each strikes once per session. */
export interface Faults {
  /** The upgrade, or the request, is answered with this status. */
  refuseStatus?: number;
  /** The socket breaks without a close frame. */
  dropAt?: Point;
  /** The socket stays open and says nothing more. */
  stallAt?: Point;
  /** A message that is no JSON, and one of a type that nobody knows. */
  garbageAt?: Point;
  /** The server reports a fault, and closes. */
  errorAt?: { point: Point; code: string };
  /** Messages have no `type`, as the types of Workers AI have it. */
  omitType?: boolean;
  /** A voice: the body breaks off, or stays open, in its middle. */
  speech?: "truncated" | "stall" | "errorBody" | "mp3";
}
