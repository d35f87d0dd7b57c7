import { judgeToken, mintToken, TOKEN_LIFETIME_MS, type TokenRing } from "./call-token.ts";
import type { Log, SessionInputs, StreamCredentials } from "./ports.ts";
import type { CallRow, CallRows, ExpectedCall } from "./records/call-row.ts";
import { ConfigurationError } from "./settings.ts";

export interface StreamAuthorizerOptions {
  readonly call: CallRows;
  readonly tokenRing: TokenRing | undefined;
  readonly log: Log;
  nowMs(): number;
  background(work: Promise<void>): void;
}

/** Makes the tokens of a call's streams and judges what the streams bring. */
export class StreamAuthorizer {
  readonly #options: StreamAuthorizerOptions;
  /** Counts what makes a verdict stale: a later request, a later stream. */
  #requests = 0;

  constructor(options: StreamAuthorizerOptions) {
    this.#options = options;
  }

  /** A new token; empty for a call whose streams need none. */
  async mint({ callId, carrierCallId, authorization }: ExpectedCall): Promise<string> {
    if (authorization === "none") return "";
    const serial = this.#options.call.issueToken();
    const expiresMs = this.#options.nowMs() + TOKEN_LIFETIME_MS;
    return mintToken(this.#ring(), { callId, carrierCallId, serial, expiresMs });
  }

  /** Whatever is being judged came by a stream whose place another one has taken. */
  forgetRequest(): void {
    this.#requests++;
  }

  /** Tells `inputs` the verdict, unless another stream comes first. */
  authorize(row: CallRow, credentials: StreamCredentials, inputs: SessionInputs): void {
    const request = ++this.#requests;
    const { background, log } = this.#options;
    const work = this.#judge(row, credentials).then(
      (verdict) => {
        if (verdict !== "granted") log.warn("a stream was not authorised", { verdict });
        if (request === this.#requests) inputs.onAuthorized(verdict);
      },
      (error) => inputs.onPortFault(error),
    );
    background(work);
  }

  async #judge(row: CallRow, { token, carrierCallId }: StreamCredentials) {
    if (row.authorization === "none") return "granted";
    const { call, nowMs } = this.#options;
    return judgeToken(this.#ring(), { token, carrierCallId }, row, nowMs, (serial) => call.useToken(serial));
  }

  #ring(): TokenRing {
    const { tokenRing } = this.#options;
    if (!tokenRing) throw new ConfigurationError("TOKEN_SECRET is not set");
    return tokenRing;
  }
}
