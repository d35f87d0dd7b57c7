import type { Verdict } from "./boundary.ts";
import { judgeToken, mintToken, TOKEN_LIFETIME_MS, type TokenRing } from "./call-token.ts";
import type { StreamProof } from "./carriers/twilio/opening.ts";
import type { Log, SessionInputs, StreamCredentials } from "./ports.ts";
import type { CallRow, CallRows } from "./records/call-row.ts";
import { ConfigurationError } from "./settings.ts";

/** A token that has less time left is not given to anybody any more. */
export const MIN_TOKEN_LEFT_MS = 15_000;

export interface StreamAuthorizerOptions {
  readonly call: CallRows;
  readonly tokenRing: TokenRing | undefined;
  readonly log: Log;
  nowMs(): number;
  background(work: Promise<void>): void;
}

interface GivenToken {
  readonly serial: number;
  readonly expiresMs: number;
}

/** The first one was made with the call's row, so that it is known to every object of the call. */
function firstToken({ issuedSerial, createdMs }: CallRow): GivenToken | undefined {
  return issuedSerial === 1 ? { serial: 1, expiresMs: createdMs + TOKEN_LIFETIME_MS } : undefined;
}

/** Makes the tokens of a call's streams and judges what the streams bring. */
export class StreamAuthorizer {
  readonly #options: StreamAuthorizerOptions;
  /** Counts what makes a verdict stale: a later request, a later stream. */
  #requests = 0;
  /** The last token that was given. */
  #given: GivenToken | undefined;
  /** What the stream has shown that the call has now. */
  #proven: StreamProof | undefined;

  constructor(options: StreamAuthorizerOptions) {
    this.#options = options;
  }

  /**
   * The token that the call's next stream must bring; empty for a call whose streams need none. Who asks again gets the
   * same one until it is used or its time is short.
   */
  async token(row: CallRow): Promise<string> {
    const { callId, carrierCallId, authorization } = row;
    if (authorization === "none") return "";
    const ring = this.#ring();
    const nowMs = this.#options.nowMs();
    let token = this.#given ?? firstToken(row);
    if (!token || token.serial <= row.usedSerial || token.expiresMs - nowMs < MIN_TOKEN_LEFT_MS)
      token = { serial: this.#options.call.issueToken(), expiresMs: nowMs + TOKEN_LIFETIME_MS };
    this.#given = token;
    return mintToken(ring, { callId, carrierCallId, ...token });
  }

  /** Whatever is being judged came by a stream whose place another one has taken. */
  forgetRequest(): void {
    this.#requests++;
  }

  /** Judges what somebody brought, and uses the token up if it is good and he is still there. */
  async judge(row: CallRow, { token, carrierCallId }: StreamProof, isThere = () => true): Promise<Verdict> {
    if (row.authorization === "none") return "granted";
    const { call, nowMs } = this.#options;
    const use = (serial: number) => isThere() && call.useToken(serial);
    return judgeToken(this.#ring(), { token, carrierCallId }, row, nowMs, use);
  }

  /** The stream that comes next has shown this already: the core will ask for it. */
  prove(start: StreamProof): void {
    this.#proven = start;
  }

  /** Tells `inputs` the verdict, unless another stream comes first. */
  authorize(row: CallRow, credentials: StreamCredentials, inputs: SessionInputs): void {
    const request = ++this.#requests;
    const { background, log } = this.#options;
    const work = this.#judgeOnce(row, credentials).then(
      (verdict) => {
        if (verdict !== "granted") log.warn("a stream was not authorised", { verdict });
        if (request === this.#requests) inputs.onAuthorized(verdict);
      },
      (error) => inputs.onPortFault(error),
    );
    background(work);
  }

  async #judgeOnce(row: CallRow, credentials: StreamCredentials): Promise<Verdict> {
    const { token, carrierCallId } = credentials;
    if (this.#proven?.token === token && this.#proven.carrierCallId === carrierCallId) return "granted";
    return this.judge(row, credentials);
  }

  #ring(): TokenRing {
    const { tokenRing } = this.#options;
    if (!tokenRing) throw new ConfigurationError("TOKEN_SECRET is not set");
    return tokenRing;
  }
}
