import { type AudioFormat, decode, PCM } from "./audio-format.ts";
import { asObject, freshId } from "./items.ts";

const FRAME_MS = 20;
/** Louder is speech, root mean square of S16: -36 dBFS. */
const SPEECH_RMS = 520;
const ONSET_FRAMES = 3;

/** What `session.audio.input.turn_detection` says. */
export interface TurnDetection {
  readonly silenceMs: number;
  readonly createResponse: boolean;
  readonly interruptResponse: boolean;
  readonly prefixMs: number;
}

/** As the client sends it; nobody's turns are detected for null. */
export function readTurnDetection(value: unknown): TurnDetection | undefined {
  if (value === null) return undefined;
  const vad = asObject(value);
  const semantic = vad["type"] === "semantic_vad";
  return {
    silenceMs: semantic ? 800 : Number(vad["silence_duration_ms"] ?? 500),
    prefixMs: Number(vad["prefix_padding_ms"] ?? 300),
    createResponse: vad["create_response"] !== false,
    interruptResponse: vad["interrupt_response"] !== false,
  };
}

/** Speech began or ended; `atMs` counts the audio that was listened to. */
export interface SpeechEdge {
  readonly kind: "started" | "stopped";
  /** The item that the speech becomes. */
  readonly item: string;
  readonly atMs: number;
}

/** The ears of a session: its input buffer, and whether somebody speaks. */
export class Hearing {
  format: AudioFormat = PCM;
  turnDetection: TurnDetection | undefined = readTurnDetection({});
  #buffer: Int16Array[] = [];
  #pending: number[] = [];
  #audioMs = 0;
  #loud = 0;
  #quietMs = 0;
  #speaking: string | undefined;

  get isEmpty(): boolean {
    return this.#buffer.length === 0;
  }

  /** What is in the buffer, which is empty then. */
  take(): Int16Array {
    const samples = Int16Array.from(this.#buffer.flatMap((part) => [...part]));
    this.#buffer = [];
    return samples;
  }

  clear(): void {
    this.#buffer = [];
  }

  /** Takes audio in `format`. Each edge is told when it is reached: the buffer may be taken at once. */
  *listen(audio: Buffer): Generator<SpeechEdge, void, undefined> {
    const samples = decode(this.format, audio);
    this.#buffer.push(samples);
    this.#trim();
    for (const sample of samples) this.#pending.push(sample);
    const size = (this.format.rateHz / 1000) * FRAME_MS;
    while (this.#pending.length >= size) {
      const edge = this.#frame(this.#pending.splice(0, size));
      if (edge) yield edge;
    }
  }

  /** Without speech only the padding is kept. */
  #trim(): void {
    if (this.#speaking !== undefined || this.turnDetection === undefined) return;
    const keep = (this.turnDetection.prefixMs + 200) * (this.format.rateHz / 1000);
    let size = this.#buffer.reduce((sum, part) => sum + part.length, 0);
    while (this.#buffer[0] && size - this.#buffer[0].length > keep) size -= this.#buffer.shift()?.length ?? 0;
  }

  #frame(frame: number[]): SpeechEdge | undefined {
    this.#audioMs += FRAME_MS;
    const vad = this.turnDetection;
    if (!vad) return undefined;
    const loud = Math.sqrt(frame.reduce((sum, s) => sum + s * s, 0) / frame.length) > SPEECH_RMS;
    this.#loud = loud ? this.#loud + 1 : 0;
    this.#quietMs = loud ? 0 : this.#quietMs + FRAME_MS;
    if (this.#speaking === undefined && this.#loud >= ONSET_FRAMES) {
      this.#speaking = freshId("item");
      const atMs = Math.max(0, this.#audioMs - ONSET_FRAMES * FRAME_MS - vad.prefixMs);
      return { kind: "started", item: this.#speaking, atMs };
    }
    if (this.#speaking !== undefined && this.#quietMs >= vad.silenceMs) {
      const item = this.#speaking;
      this.#speaking = undefined;
      return { kind: "stopped", item, atMs: this.#audioMs - this.#quietMs };
    }
    return undefined;
  }
}
