import { errorFields } from "../ports/log.ts";
import type { Log } from "../ports.ts";
import type { Ear, Ears } from "./ears.ts";
import { SpeechError } from "./errors.ts";
import type { Heard, Language, RateHz } from "./recognizer.ts";

/** The socket of whoever wants to know what is said. */
export interface ListenerPeer {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** One message of audio: a second at 16 kHz. */
export const MAX_AUDIO_BYTES = 32_000;
/** What may wait while the ears are opened, or a long utterance ends: 8 s at 16 kHz. */
export const MAX_WAITING_BYTES = 256_000;
/** All sentences of a language together, as JSON. */
export const MAX_TEXT_CHARACTERS = 200_000;
/** Audio between two partial results. */
const PARTIAL_MS = 100;

const BYTES_PER_SAMPLE = 2;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_BIG = 1009;
const CLOSE_FAULT = 1011;
const CLOSE_BUSY = 1013;

type Message =
  | { readonly type: "listen"; readonly rateHz: RateHz; readonly language: Language }
  | { readonly type: "finish" | "drop" };

function parse(text: string): Message {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new SpeechError("request", "a message that is no JSON");
  }
  const message = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  const { type, rateHz, kind = "words", sentences } = message;
  if (type === "finish" || type === "drop") return { type };
  if (type !== "listen") throw new SpeechError("request", "a message of no known type");
  if (rateHz !== 8000 && rateHz !== 16000) throw new SpeechError("request", "rateHz is 8000 or 16000");
  if (kind !== "words" && kind !== "sentences") throw new SpeechError("request", "kind is words or sentences");
  if (!Array.isArray(sentences) || !sentences.every((sentence) => typeof sentence === "string"))
    throw new SpeechError("request", "sentences is a list of texts");
  return { type, rateHz, language: { kind, sentences } };
}

/**
 * Listens to one caller over a socket; docs/speech.md has the messages.
 *
 * Messages are dealt with in their order, one after the other. A fault costs the answer: it is told, and the socket is
 * closed.
 */
export class Listener {
  readonly #peer: ListenerPeer;
  readonly #ears: Ears;
  readonly #log: Log;
  #ear: Ear | undefined;
  #rateHz: RateHz = 8000;
  /** Samples of the utterance that has begun; undefined when none has. */
  #heard: number | undefined;
  #fresh = true;
  #partialAt = 0;
  #partialText = "";
  #waitingBytes = 0;
  #closed = false;
  #work: Promise<void> = Promise.resolve();

  constructor(peer: ListenerPeer, ears: Ears, log: Log) {
    this.#peer = peer;
    this.#ears = ears;
    this.#log = log;
  }

  /** Resolves when all that came has been dealt with. */
  get settled(): Promise<void> {
    return this.#work;
  }

  onText(text: string): void {
    if (text.length > MAX_TEXT_CHARACTERS) this.#close(CLOSE_TOO_BIG, "a message that is too long");
    else this.#enqueue(() => this.#onMessage(parse(text)));
  }

  /** 16-bit samples, little-endian. */
  onAudio(bytes: ArrayBuffer): void {
    if (bytes.byteLength > MAX_AUDIO_BYTES || this.#waitingBytes + bytes.byteLength > MAX_WAITING_BYTES) {
      this.#close(CLOSE_TOO_BIG, "more audio than can wait");
      return;
    }
    this.#waitingBytes += bytes.byteLength;
    this.#enqueue(() => {
      this.#waitingBytes -= bytes.byteLength;
      this.#hear(new Int16Array(bytes, 0, Math.floor(bytes.byteLength / BYTES_PER_SAMPLE)));
    });
  }

  /** The socket is gone. */
  onClosed(): void {
    this.#closed = true;
    this.#enqueue(() => {});
    void this.#work.then(() => this.#letGo("usable"));
  }

  #enqueue(job: () => void | Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#closed) return;
      try {
        await job();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  async #onMessage(message: Message): Promise<void> {
    if (message.type === "listen") return await this.#listen(message.rateHz, message.language);
    if (!this.#ear) throw new SpeechError("request", `${message.type} before listen`);
    if (message.type === "finish") this.#finish("asked");
    else this.#heard = undefined;
  }

  async #listen(rateHz: RateHz, language: Language): Promise<void> {
    this.#letGo("usable");
    const ear = await this.#ears.take(language);
    // Gone meanwhile.
    if (this.#closed) return this.#ears.giveBack(ear, "usable");
    this.#ear = ear;
    this.#rateHz = rateHz;
    this.#heard = undefined;
    this.#fresh = true;
    this.#send({ type: "ready", unknown: ear.unknown });
  }

  #hear(samples: Int16Array): void {
    const recognizer = this.#ear?.recognizer;
    if (!recognizer) throw new SpeechError("request", "audio before listen");
    let left = samples;
    while (left.length > 0) {
      if (this.#heard === undefined) {
        recognizer.start(this.#rateHz, this.#fresh ? "fresh" : "same");
        this.#fresh = false;
        this.#heard = 0;
        this.#partialAt = 0;
        this.#partialText = "";
      }
      const heard = recognizer.feed(left);
      this.#heard += heard;
      left = left.subarray(heard);
      if (left.length > 0) this.#finish("full");
    }
    const step = (PARTIAL_MS * this.#rateHz) / 1000;
    if (this.#heard === undefined || this.#heard < this.#partialAt + step) return;
    this.#partialAt = this.#heard;
    const partial = recognizer.partial();
    if (partial.text === this.#partialText) return;
    this.#partialText = partial.text;
    this.#sendHeard("partial", partial);
  }

  /** An utterance of which nothing was heard is over as well: whoever asked waits for an answer. */
  #finish(why: "asked" | "full"): void {
    const samples = this.#heard ?? 0;
    const heard = this.#heard === undefined ? { text: "", words: [] } : this.#ear?.recognizer.finish();
    this.#heard = undefined;
    if (heard) this.#sendHeard("final", heard, { ms: Math.round((samples * 1000) / this.#rateHz), why });
  }

  #sendHeard(type: "partial" | "final", { text, words }: Heard, rest: object = {}): void {
    const rows = words.map(({ begin, end, fromMs, toMs, confidence }) => [begin, end, fromMs, toMs, confidence]);
    this.#send({ type, text, words: rows, ...rest });
  }

  #send(message: object): void {
    if (!this.#closed) this.#peer.send(JSON.stringify(message));
  }

  #fail(error: unknown): void {
    const code = error instanceof SpeechError ? error.code : "trap";
    const ours = code === "trap" || code === "model";
    if (ours) this.#log.error("listening failed", errorFields(error));
    this.#letGo(ours ? "broken" : "usable");
    const message = ours ? "listening failed" : (error as SpeechError).message;
    this.#send({ type: "error", code, message });
    this.#close(ours ? CLOSE_FAULT : code === "busy" ? CLOSE_BUSY : CLOSE_POLICY, code);
  }

  #close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#peer.close(code, reason);
    this.onClosed();
  }

  #letGo(state: "usable" | "broken"): void {
    const ear = this.#ear;
    this.#ear = undefined;
    if (ear) this.#ears.giveBack(ear, state);
  }
}
