/** Who is at the other end of a socket. */
export type Port = "leg" | "agent";

/** What becomes of a stream that has shown its token. */
export type Verdict = "granted" | "foreign" | "expired" | "used" | "missing";
