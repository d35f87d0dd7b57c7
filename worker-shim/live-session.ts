import type { CommandResult, CommandSource, HttpFailure, Refusal, Verdict } from "./boundary.ts";
import { type Core, CoreTrapError } from "./core.ts";
import { EffectPerformer } from "./effects.ts";
import { errorFields } from "./ports/log.ts";
import type { Clock, Log, SessionInputs, SessionPorts } from "./ports.ts";

const CLOSE_NORMAL = 1000;
const CLOSE_INTERNAL_ERROR = 1011;

const OVER: Refusal = { status: "refused", code: "conflict", why: "the call is over" };

/** Microseconds of `Date`, from 0, never back: the platform's clock may be set while a call goes on. */
export class MonotonicClock implements Clock {
  readonly #wallMs: () => number;
  readonly #baseMs: number;
  #latestUs = 0;

  constructor(wallMs: () => number = Date.now) {
    this.#wallMs = wallMs;
    this.#baseMs = wallMs();
  }

  nowUs(): number {
    this.#latestUs = Math.max(this.#latestUs, Math.round((this.#wallMs() - this.#baseMs) * 1000));
    return this.#latestUs;
  }
}

export interface LiveSessionOptions {
  readonly callId: string;
  readonly core: Core;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes the ports that feed `inputs`. */
  readonly ports: (inputs: SessionInputs) => SessionPorts;
  /** Called once, when nothing can happen any more; what was recorded is complete then. */
  readonly onOver: () => void;
}

/**
 * One core at work: platform event -> input -> drain.
 *
 * Whatever is thrown on the way, by the core or by a port, ends the session: its sockets close with 1011 and its
 * outcome is `coreFault`. After the end every input is ignored.
 */
export class LiveSession implements SessionInputs {
  readonly #ports: SessionPorts;
  readonly #callId: string;
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onOver: () => void;
  readonly #effects: EffectPerformer;
  /** By their ids, who waits for the result of a command. */
  readonly #commands = new Map<number, (result: CommandResult) => void>();
  #lastCommand = 0;
  #ended = false;
  #over = false;

  constructor(options: LiveSessionOptions) {
    this.#callId = options.callId;
    this.#core = options.core;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onOver = options.onOver;
    this.#ports = options.ports(this);
    this.#effects = new EffectPerformer(this.#ports, {
      ended: () => {
        this.#ended = true;
      },
      commandResult: (result) => this.#onCommandResult(result),
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** Opens the call; before any input. */
  open(config: string): void {
    this.#input((nowUs) => this.#core.create(nowUs, config));
  }

  onSocketOpened(channel: number, subprotocol: string): void {
    this.#input((nowUs) => this.#core.socketOpened(nowUs, channel, subprotocol));
  }

  /** Fifty times a second: nothing is made for it, no closure either. */
  onSocketText(channel: number, text: string): void {
    if (this.#over) return;
    try {
      this.#core.socketText(this.#clock.nowUs(), channel, text);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#perform();
  }

  onSocketBinary(channel: number, bytes: ArrayBuffer): void {
    this.#input((nowUs) => this.#core.socketBinary(nowUs, channel, bytes));
  }

  onSocketClosed(channel: number, code: number, httpStatus: number, reason: string): void {
    this.#input((nowUs) => this.#core.socketClosed(nowUs, channel, code, httpStatus, reason));
  }

  onHttpHeaders(channel: number, status: number, headers: Readonly<Record<string, string>>): void {
    this.#input((nowUs) => this.#core.httpHeaders(nowUs, channel, status, headers));
  }

  onHttpChunk(channel: number, bytes: Uint8Array): void {
    this.#input((nowUs) => this.#core.httpChunk(nowUs, channel, bytes));
  }

  onHttpDone(channel: number): void {
    this.#input((nowUs) => this.#core.httpDone(nowUs, channel));
  }

  onHttpFailed(channel: number, failure: HttpFailure, reason: string): void {
    this.#input((nowUs) => this.#core.httpFailed(nowUs, channel, failure, reason));
  }

  onResource(name: string, bytes: Uint8Array | undefined): void {
    this.#input((nowUs) => this.#core.resource(nowUs, name, bytes));
  }

  onTimer(): void {
    this.#input((nowUs) => this.#core.timer(nowUs));
  }

  onAuthorized(verdict: Verdict): void {
    this.#input((nowUs) => this.#core.authorized(nowUs, verdict));
  }

  onPortFault(error: unknown): void {
    if (!this.#over) this.#fail(error);
  }

  /** Gives the core a command. Resolves with what became of it; a session that ends before refuses it. */
  command(source: CommandSource, command: object): Promise<CommandResult> {
    if (this.#over) return Promise.resolve(OVER);
    return new Promise((resolve) => {
      const id = ++this.#lastCommand;
      this.#commands.set(id, resolve);
      this.#input((nowUs) => {
        const fits = this.#core.command(nowUs, JSON.stringify({ id, source, command }));
        if (!fits) this.#answer(id, { status: "refused", code: "invalid", why: "the command is too long" });
      });
    });
  }

  #onCommandResult(json: string): void {
    const { id, ...result } = JSON.parse(json) as CommandResult & { readonly id: number };
    this.#answer(id, result);
  }

  #answer(id: number, result: CommandResult): void {
    this.#commands.get(id)?.(result);
    this.#commands.delete(id);
  }

  #input(feed: (nowUs: number) => void): void {
    if (this.#over) return;
    try {
      feed(this.#clock.nowUs());
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#perform();
  }

  /** Performs what the core made of the last input. */
  #perform(): void {
    try {
      this.#core.drain(this.#effects);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#ended) this.#finish(CLOSE_NORMAL, "the call is over");
  }

  #fail(error: unknown): void {
    const message = error instanceof CoreTrapError ? "the core has trapped" : "the session broke";
    this.#log.error(message, errorFields(error));
    const durationMs = Math.floor(this.#clock.nowUs() / 1000);
    try {
      // A call that broke while it was ending has its outcome.
      if (!this.#ended) {
        this.#ports.events.ended(JSON.stringify({ callId: this.#callId, reason: "coreFault", durationMs }));
      }
    } catch (recordError) {
      this.#log.error("an outcome was not written", errorFields(recordError));
    }
    this.#finish(CLOSE_INTERNAL_ERROR, "internal error");
  }

  #finish(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#ports.timer.stop();
    this.#ports.sockets.shutDown(code, reason);
    this.#ports.http.shutDown();
    for (const id of [...this.#commands.keys()]) this.#answer(id, OVER);
    this.#onOver();
  }
}
