import type { Clock, TimerPort } from "../ports.ts";

/** The part of the platform's timers that is used; the return value is only handed back. */
export interface Timers {
  set(callback: () => void, delayMs: number): unknown;
  clear(timer: unknown): void;
}

export const platformTimers: Timers = {
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** The longest that a timer can wait; it is armed again then. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * One timer towards one absolute deadline.
 *
 * Most deadlines move later before they are due: the timer is armed again only towards an earlier one, and when it
 * fires early it goes on to the deadline of then.
 */
export class DeadlineTimer implements TimerPort {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onDue: () => void;
  #deadlineUs = Number.POSITIVE_INFINITY;
  #armedUs = Number.POSITIVE_INFINITY;
  #timer: unknown;

  constructor(clock: Clock, timers: Timers, onDue: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onDue = onDue;
  }

  setDeadline(atUs: number): void {
    this.#deadlineUs = atUs;
    if (atUs < this.#armedUs) this.#arm();
  }

  stop(): void {
    this.#deadlineUs = Number.POSITIVE_INFINITY;
    this.#disarm();
  }

  #arm(): void {
    this.#disarm();
    if (this.#deadlineUs === Number.POSITIVE_INFINITY) return;
    // Rounded up: a timer before its deadline would be armed twice.
    const delayMs = Math.ceil((this.#deadlineUs - this.#clock.nowUs()) / 1000);
    this.#armedUs = this.#deadlineUs;
    this.#timer = this.#timers.set(() => this.#onFired(), Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
  }

  #disarm(): void {
    if (this.#armedUs !== Number.POSITIVE_INFINITY) this.#timers.clear(this.#timer);
    this.#armedUs = Number.POSITIVE_INFINITY;
  }

  #onFired(): void {
    this.#armedUs = Number.POSITIVE_INFINITY;
    if (this.#clock.nowUs() < this.#deadlineUs) {
      this.#arm();
      return;
    }
    // The core answers with the next deadline; it must not be this one again.
    this.#deadlineUs = Number.POSITIVE_INFINITY;
    this.#onDue();
  }
}
