/** From the end of a reply, or of one that did not come, to the caller's next word. */
const MIN_PAUSE_MS = 300;
const MAX_PAUSE_MS = 700;
/** A reply that has not begun by then is missed. */
const REPLY_TIMEOUT_MS = 6_000;
/** A gap in what plays that is shorter is not the reply's end. */
const END_MS = 100;
/** How much of a reply is heard before it is interrupted. */
const INTERRUPT_AFTER_MS = 1_200;
/** One reply in so many is interrupted. */
const INTERRUPT_EVERY = 4;
/** No two calls begin together. */
const MAX_START_MS = 3_000;

/** What a caller can say: 20 ms each, base64 of mu-law. */
export interface Speech {
  readonly utterances: readonly (readonly string[])[];
  /** Between utterances, from the start again at its end. */
  readonly noise: readonly string[];
}

export interface Conversation {
  /** Frames with an utterance in them, and others. */
  spoken: number;
  silent: number;
  replies: number;
  missed: number;
  interrupted: number;
}

type State = "pausing" | "speaking" | "waiting" | "listening";

/**
 * A caller in conversation: speaks, waits for the reply, hears it out, or one in four for a while only, and speaks
 * again. Without utterances it is silent. Virtual time, one frame a call; the same seed, the same caller.
 */
export class Caller {
  readonly #speech: Speech;
  readonly #random: () => number;
  #state: State = "pausing";
  #sinceMs = 0;
  #pauseMs: number;
  #utterance: readonly string[] = [];
  #nextFrame = 0;
  #nextNoise: number;
  #nextUtterance: number;
  /** Which of the replies it interrupts. */
  readonly #impatience: number;
  readonly counts: Conversation = { spoken: 0, silent: 0, replies: 0, missed: 0, interrupted: 0 };

  constructor(speech: Speech, random: () => number) {
    this.#speech = speech;
    this.#random = random;
    this.#pauseMs = random() * MAX_START_MS;
    this.#nextNoise = Math.floor(random() * speech.noise.length);
    this.#nextUtterance = Math.floor(random() * speech.utterances.length);
    this.#impatience = Math.floor(random() * INTERRUPT_EVERY);
  }

  /** The next 20 ms, at `nowMs`; what the agent says plays until `playsUntilMs`. */
  frame(nowMs: number, playsUntilMs: number): string {
    this.#listen(nowMs, playsUntilMs);
    if (this.#state === "speaking") {
      const frame = this.#utterance[this.#nextFrame++];
      if (frame !== undefined) {
        this.counts.spoken++;
        return frame;
      }
      this.#enter("waiting", nowMs);
    }
    this.counts.silent++;
    this.#nextNoise = (this.#nextNoise + 1) % this.#speech.noise.length;
    return this.#speech.noise[this.#nextNoise] ?? "";
  }

  #listen(nowMs: number, playsUntilMs: number): void {
    const sinceMs = nowMs - this.#sinceMs;
    switch (this.#state) {
      case "pausing":
        if (this.#sinceMs === 0) this.#sinceMs = nowMs;
        else if (sinceMs >= this.#pauseMs) this.#speak(nowMs);
        return;
      case "speaking":
        return;
      case "waiting":
        if (playsUntilMs > nowMs) {
          this.counts.replies++;
          this.#enter("listening", nowMs);
        } else if (sinceMs > REPLY_TIMEOUT_MS) {
          this.counts.missed++;
          this.#pause(nowMs);
        }
        return;
      case "listening":
        if (nowMs >= playsUntilMs + END_MS) {
          this.#pause(nowMs);
        } else if (this.counts.replies % INTERRUPT_EVERY === this.#impatience && sinceMs >= INTERRUPT_AFTER_MS) {
          this.counts.interrupted++;
          this.#speak(nowMs);
        }
        return;
    }
  }

  #enter(state: State, nowMs: number): void {
    this.#state = state;
    this.#sinceMs = nowMs;
  }

  #pause(nowMs: number): void {
    this.#pauseMs = MIN_PAUSE_MS + this.#random() * (MAX_PAUSE_MS - MIN_PAUSE_MS);
    this.#enter("pausing", nowMs);
  }

  #speak(nowMs: number): void {
    const { utterances } = this.#speech;
    if (utterances.length === 0) return;
    this.#utterance = utterances[this.#nextUtterance % utterances.length] ?? [];
    this.#nextUtterance++;
    this.#nextFrame = 0;
    this.#enter("speaking", nowMs);
  }
}
