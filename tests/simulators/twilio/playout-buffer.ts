/**
 * What Twilio does with audio it is sent: appends it to a buffer, plays the buffer at real time, echoes a mark when
 * everything before it has been played (at once when the buffer is empty), and on `clear` drops the buffer and echoes
 * every pending mark at once. Virtual time: the owner says what time it is.
 *
 * Source: twilio.com/docs/voice/media-streams/websocket-messages.
 */
export class PlayoutBuffer {
  /** Samples a millisecond: mu-law at 8 kHz. */
  static readonly BYTES_PER_MS = 8;
  /** What may wait, bytes: ten minutes. Overflow: the newest is refused and counted. */
  static readonly MAX_BYTES = 600_000 * PlayoutBuffer.BYTES_PER_MS;

  #queue: ({ bytes: Uint8Array; at: number } | { mark: string })[] = [];
  #waiting = 0;
  #playedUntilMs: number;
  readonly #heard: { atMs: number; bytes: Uint8Array }[] = [];
  readonly #echo: (mark: string, atMs: number) => void;
  refusedBytes = 0;
  /** Times that the buffer ran empty and was filled again within `UNDERRUN_MS`. */
  underruns = 0;
  static readonly UNDERRUN_MS = 60;
  #emptySinceMs: number | undefined;

  constructor(nowMs: number, echo: (mark: string, atMs: number) => void) {
    this.#playedUntilMs = nowMs;
    this.#echo = echo;
  }

  /** Audio that waits, ms. */
  get waitingMs(): number {
    return this.#waiting / PlayoutBuffer.BYTES_PER_MS;
  }

  /** Everything played so far, in order, with the instant at which its first byte was heard. */
  get heard(): readonly { atMs: number; bytes: Uint8Array }[] {
    return this.#heard;
  }

  /** When the next mark will have been reached if nothing is cleared; undefined without one. */
  nextMarkMs(): number | undefined {
    let at = this.#playedUntilMs;
    for (const entry of this.#queue) {
      if ("mark" in entry) return at;
      at += (entry.bytes.length - entry.at) / PlayoutBuffer.BYTES_PER_MS;
    }
    return undefined;
  }

  append(bytes: Uint8Array, nowMs: number): void {
    this.advance(nowMs);
    if (this.#waiting + bytes.length > PlayoutBuffer.MAX_BYTES) {
      this.refusedBytes += bytes.length;
      return;
    }
    if (this.#waiting === 0) {
      this.#playedUntilMs = nowMs;
      if (this.#emptySinceMs !== undefined && nowMs - this.#emptySinceMs < PlayoutBuffer.UNDERRUN_MS) this.underruns++;
    }
    this.#queue.push({ bytes, at: 0 });
    this.#waiting += bytes.length;
  }

  mark(name: string, nowMs: number): void {
    this.advance(nowMs);
    if (this.#queue.length === 0) this.#echo(name, nowMs);
    else this.#queue.push({ mark: name });
  }

  /** Returns the audio that was dropped, ms. */
  clear(nowMs: number): number {
    this.advance(nowMs);
    const dropped = this.waitingMs;
    const marks = this.#queue.flatMap((entry) => ("mark" in entry ? [entry.mark] : []));
    this.#queue = [];
    this.#waiting = 0;
    this.#emptySinceMs = undefined;
    for (const name of marks) this.#echo(name, nowMs);
    return dropped;
  }

  /** Plays up to `nowMs`. */
  advance(nowMs: number): void {
    while (this.#queue.length > 0) {
      const head = this.#queue[0];
      if (head === undefined) return;
      if ("mark" in head) {
        this.#queue.shift();
        this.#echo(head.mark, this.#playedUntilMs);
        continue;
      }
      const due = Math.floor((nowMs - this.#playedUntilMs) * PlayoutBuffer.BYTES_PER_MS);
      const count = Math.min(due, head.bytes.length - head.at);
      if (count <= 0) return;
      this.#heard.push({ atMs: this.#playedUntilMs, bytes: head.bytes.subarray(head.at, head.at + count) });
      head.at += count;
      this.#waiting -= count;
      this.#playedUntilMs += count / PlayoutBuffer.BYTES_PER_MS;
      if (head.at < head.bytes.length) return;
      this.#queue.shift();
      if (this.#waiting === 0) this.#emptySinceMs = this.#playedUntilMs;
    }
  }
}
