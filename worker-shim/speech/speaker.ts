import { errorFields } from "../ports/log.ts";
import type { Log } from "../ports.ts";
import { SpeechError } from "./errors.ts";
import { MAX_PACE, MAX_TEXT_BYTES, MIN_PACE, type Stretch, Synthesizer } from "./synthesizer.ts";

/** Texts that are spoken at a time; each takes 4 MB of the 128 that an isolate has. */
export const MAX_SPEAKERS = 8;
/** Voices that are kept for the next text. */
const MAX_IDLE = 2;
/** Words, a number and a sign. */
const WARM_UP = "Good day. You have 3 messages, 50% of them new.";
/** Audio of one line, ms: its base64 takes 21 KB at 8 kHz. */
const LINE_MS = 1000;

export interface SpeakRequest {
  readonly text: string;
  /** Percent. */
  readonly pace: number;
}

/** What was asked for, or a SpeechError of code `request`. */
export function speakRequest(json: unknown): SpeakRequest {
  const { text, pace = 100 } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  if (typeof text !== "string") throw new SpeechError("request", "text is a text");
  if (new TextEncoder().encode(text).length > MAX_TEXT_BYTES)
    throw new SpeechError("request", `text is at most ${MAX_TEXT_BYTES} bytes`);
  if (typeof pace !== "number" || !Number.isInteger(pace) || pace < MIN_PACE || pace > MAX_PACE)
    throw new SpeechError("request", `pace is a whole number from ${MIN_PACE} to ${MAX_PACE}`);
  return { text, pace };
}

function base64(samples: Int16Array<ArrayBuffer>): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const parts: string[] = [];
  // As many arguments as any engine takes; a multiple of 3, so that no part but the last has padding.
  for (let at = 0; at < bytes.length; at += 12_288) parts.push(String.fromCharCode(...bytes.subarray(at, at + 12_288)));
  return btoa(parts.join(""));
}

/** A stretch as lines of JSON, a second of audio each; the first has the words. */
function linesOf({ samples, words }: Stretch, rateHz: number): string {
  const step = (rateHz * LINE_MS) / 1000;
  const lines: string[] = [];
  for (let at = 0; at < samples.length; at += step) {
    const audio = base64(samples.slice(at, at + step));
    const rows = words.map(({ index, begin, end, from, to }) => [index, begin, end, from, to]);
    lines.push(`${JSON.stringify({ type: "audio", rateHz, words: at === 0 ? rows : [], audio })}\n`);
  }
  return lines.join("");
}

/** The voices of one isolate. */
export class Speakers {
  readonly #make: () => Synthesizer;
  readonly #log: Log;
  readonly #idle: Synthesizer[] = [];
  #speakers = 0;

  constructor(make: () => Synthesizer, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  static of(module: () => WebAssembly.Module, log: Log): Speakers {
    return new Speakers(() => Synthesizer.instantiate(module()), log);
  }

  get speakers(): number {
    return this.#speakers;
  }

  /** Speaks for nobody, so that the code is compiled before somebody waits for it: some 40 ms. Never throws. */
  warmUp(): void {
    try {
      const voice = this.#make();
      voice.begin(WARM_UP);
      while (voice.next());
      this.#idle.push(voice);
    } catch (error) {
      this.#log.error("the voice does not speak", errorFields(error));
    }
  }

  /**
   * Speaks a text as lines of JSON; docs/speech.md has them. A stretch is made when it is asked for: nobody who stops
   * reading has more of it spoken. A fault is the last line, and costs no more than this text.
   *
   * Throws a SpeechError of code `busy` where all voices are taken.
   */
  speak({ text, pace }: SpeakRequest): ReadableStream<Uint8Array> {
    if (this.#speakers >= MAX_SPEAKERS) throw new SpeechError("busy", `${this.#speakers} texts are spoken`);
    this.#speakers++;
    const encoder = new TextEncoder();
    let voice: Synthesizer | undefined;
    let samples = 0;
    let over = false;
    const end = (state: "usable" | "broken") => {
      if (over) return;
      over = true;
      this.#speakers--;
      if (voice && state === "usable" && this.#idle.length < MAX_IDLE) this.#idle.push(voice);
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          const write = (line: string) => controller.enqueue(encoder.encode(line));
          try {
            if (!voice) {
              voice = this.#idle.pop() ?? this.#make();
              voice.begin(text, pace);
            }
            const stretch = voice.next();
            if (stretch) {
              samples += stretch.samples.length;
              write(linesOf(stretch, voice.rateHz));
              return;
            }
            write(`${JSON.stringify({ type: "done", rateHz: voice.rateHz, samples })}\n`);
            end("usable");
          } catch (error) {
            this.#log.error("speaking failed", errorFields(error));
            const code = error instanceof SpeechError ? error.code : "trap";
            write(`${JSON.stringify({ type: "error", code, message: "speaking failed" })}\n`);
            end("broken");
          }
          controller.close();
        },
        cancel: () => end("usable"),
      },
      // Nothing is spoken before somebody reads.
      { highWaterMark: 0 },
    );
  }
}
