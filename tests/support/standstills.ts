const BEAT_MS = 5;

/**
 * Counts how often this process stood still for longer than `limitMs`. The simulators run in it: what the gateway was
 * sent late, it plays late.
 */
export class Standstills {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  count = 0;
  longestMs = 0;

  constructor(limitMs: number) {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      const gapMs = nowMs - this.#lastMs;
      this.#lastMs = nowMs;
      this.longestMs = Math.max(this.longestMs, gapMs);
      if (gapMs > limitMs) this.count++;
    }, BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
