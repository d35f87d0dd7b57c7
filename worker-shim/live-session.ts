import type { Port, Verdict } from "./boundary.ts";
import { type Core, CoreTrapError, type Effect } from "./core.ts";
import { applyEffect } from "./effects.ts";
import { errorFields } from "./ports/log.ts";
import type { Clock, Log, SessionInputs, SessionPorts } from "./ports.ts";

const CLOSE_NORMAL = 1000;
const CLOSE_INTERNAL_ERROR = 1011;

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
  readonly #apply: (effect: Effect) => void;
  #ended = false;
  #over = false;

  constructor(options: LiveSessionOptions) {
    this.#callId = options.callId;
    this.#core = options.core;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onOver = options.onOver;
    this.#ports = options.ports(this);
    this.#apply = (effect) => {
      if (effect.type === "ended") this.#ended = true;
      applyEffect(effect, this.#ports);
    };
  }

  get over(): boolean {
    return this.#over;
  }

  /** Opens the call; before any input. */
  open(config: string): void {
    this.#input((nowUs) => this.#core.create(nowUs, config));
  }

  onSocketOpened(port: Port, subprotocol: string): void {
    this.#input((nowUs) => this.#core.socketOpened(nowUs, port, subprotocol));
  }

  onSocketText(port: Port, text: string): void {
    this.#input((nowUs) => this.#core.socketText(nowUs, port, text));
  }

  onSocketBinary(port: Port, bytes: ArrayBuffer): void {
    this.#input((nowUs) => this.#core.socketBinary(nowUs, port, bytes));
  }

  onSocketClosed(port: Port, code: number, httpStatus: number, reason: string): void {
    this.#input((nowUs) => this.#core.socketClosed(nowUs, port, code, httpStatus, reason));
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

  /** Returns false if the core does not know the command, or the session is over. */
  command(json: string): boolean {
    let accepted = !this.#over;
    this.#input((nowUs) => {
      accepted = this.#core.command(nowUs, json);
    });
    return accepted;
  }

  #input(feed: (nowUs: number) => void): void {
    if (this.#over) return;
    try {
      feed(this.#clock.nowUs());
      this.#core.drain(this.#apply);
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
    this.#onOver();
  }
}
