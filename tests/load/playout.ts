/** mu-law at 8 kHz. */
const BYTES_PER_MS = 8;

/**
 * What is left of a carrier's playback buffer when nobody listens: when each mark is reached. Ten times cheaper than the
 * simulators' PlayoutBuffer, and the same marks at the same times. Virtual time: the owner says what time it is.
 */
export class Playout {
  #endMs = Number.NEGATIVE_INFINITY;
  #marks: { readonly name: string; readonly atMs: number }[] = [];

  /** When the first pending mark will have been reached; Infinity without one. */
  get nextMarkMs(): number {
    return this.#marks[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Until when something plays if nothing is added. */
  get endMs(): number {
    return this.#endMs;
  }

  append(bytes: number, nowMs: number): void {
    this.#endMs = Math.max(this.#endMs, nowMs) + bytes / BYTES_PER_MS;
  }

  mark(name: string, nowMs: number): void {
    this.#marks.push({ name, atMs: Math.max(this.#endMs, nowMs) });
  }

  /** Drops what waits; every pending mark is due. */
  clear(nowMs: number): void {
    this.#endMs = Math.min(this.#endMs, nowMs);
    this.#marks = this.#marks.map(({ name, atMs }) => ({ name, atMs: Math.min(atMs, nowMs) }));
  }

  /** The marks that have been reached, in order; each is returned once. */
  takeDue(nowMs: number): string[] {
    const due: string[] = [];
    while (this.nextMarkMs <= nowMs) due.push(this.#marks.shift()?.name ?? "");
    return due;
  }
}
