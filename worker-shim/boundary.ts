/** The leg's socket. Every other channel is numbered by the core. */
export const LEG_CHANNEL = 0;

/** What becomes of a stream that has shown its token. */
export type Verdict = "granted" | "foreign" | "expired" | "used" | "missing";

/** Why an HTTP exchange has no, or no whole, answer. */
export type HttpFailure = "upstream" | "network" | "timeout" | "tooLarge" | "refused";

/** Who gives a command. */
export interface CommandSource {
  readonly kind: "operator" | "observer" | "client" | "harness";
  readonly role?: string;
  readonly name?: string;
}

/**
 * `unknown`: it names something that there is not; `conflict`: not now; `unsupported`: never in this call; `forbidden`: not by
 * this role, which the shim says, and not the core.
 */
export type RefusalCode = "unknown" | "invalid" | "conflict" | "unsupported" | "forbidden";

export interface Refusal {
  readonly status: "refused";
  readonly code: RefusalCode;
  /** For people. */
  readonly why: string;
  /** Of the command, what is at fault. */
  readonly field?: string;
}

/** What became of a command. Done: it is as the command wants, or under way. */
export type CommandResult = { readonly status: "done" } | Refusal;
