const FRAME_MS = 20;
/** Louder is speech, root mean square of S16: -36 dBFS. */
const SPEECH_RMS = 520;
const ONSET_FRAMES = 3;
/** What is kept before the speech. */
const PREFIX_MS = 300;

export type Edge =
  | { readonly kind: "started" }
  /** So much silence since the last speech, each frame. */
  | { readonly kind: "silence"; readonly ms: number }
  | { readonly kind: "speech" };

/** Whether somebody speaks, and the audio since shortly before he did. */
export class VoiceActivity {
  readonly rateHz: number;
  #pending = new Int16Array(0);
  #kept: Int16Array[] = [];
  #loud = 0;
  #quietMs = 0;
  #speaking = false;
  /** Of all audio. */
  heardMs = 0;

  constructor(rateHz: number) {
    this.rateHz = rateHz;
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** S16, little-endian; each frame's edge when it is reached. */
  *listen(audio: Buffer): Generator<Edge, void, undefined> {
    const samples = new Int16Array(audio.length >> 1);
    for (let i = 0; i < samples.length; i++) samples[i] = audio.readInt16LE(i * 2);
    const all = new Int16Array(this.#pending.length + samples.length);
    all.set(this.#pending);
    all.set(samples, this.#pending.length);
    const size = (this.rateHz / 1000) * FRAME_MS;
    let at = 0;
    for (; at + size <= all.length; at += size) {
      const edge = this.#frame(all.slice(at, at + size));
      if (edge) yield edge;
    }
    this.#pending = all.slice(at);
  }

  /** All that was heard since the beginning of the speech, or that is kept; the next begins behind it. */
  take(): Int16Array {
    const taken = this.peek();
    this.#kept = [];
    this.#speaking = false;
    return taken;
  }

  /** The same, without an end. */
  peek(): Int16Array {
    const all = new Int16Array(this.#kept.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#kept) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #frame(frame: Int16Array): Edge | undefined {
    this.heardMs += FRAME_MS;
    this.#kept.push(frame);
    if (!this.#speaking && this.#kept.length > PREFIX_MS / FRAME_MS) this.#kept.shift();
    const loud = Math.sqrt(frame.reduce((sum, s) => sum + s * s, 0) / frame.length) > SPEECH_RMS;
    this.#loud = loud ? this.#loud + 1 : 0;
    this.#quietMs = loud ? 0 : this.#quietMs + FRAME_MS;
    if (!this.#speaking) {
      if (this.#loud < ONSET_FRAMES) return undefined;
      this.#speaking = true;
      return { kind: "started" };
    }
    return loud ? { kind: "speech" } : { kind: "silence", ms: this.#quietMs };
  }
}
