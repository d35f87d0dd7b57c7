import { guard, SpeechError } from "./errors.ts";
import {
  type SynthesizerExports,
  TL_SYNTHESIZER_ABI_VERSION,
  TL_SYNTHESIZER_MAX_PACE,
  TL_SYNTHESIZER_MAX_TEXT_BYTES,
  TL_SYNTHESIZER_MIN_PACE,
} from "./synthesizer.generated.ts";

export const MAX_TEXT_BYTES = TL_SYNTHESIZER_MAX_TEXT_BYTES;
export const MIN_PACE = TL_SYNTHESIZER_MIN_PACE;
export const MAX_PACE = TL_SYNTHESIZER_MAX_PACE;

/** A word that is spoken: which one of the text, [begin, end) in its UTF-8, [from, to) in samples since its beginning. */
export interface SpokenWord {
  readonly index: number;
  readonly begin: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

export interface Stretch {
  /** A copy. */
  readonly samples: Int16Array<ArrayBuffer>;
  readonly words: readonly SpokenWord[];
}

const WORD_FIELDS = 5;
const encoder = new TextEncoder();

/**
 * One instance of the module that speaks: one text at a time.
 *
 * Every method throws a {@link SpeechError}; after one of code `trap` the instance is to be dropped.
 */
export class Synthesizer {
  readonly #exports: SynthesizerExports;
  readonly rateHz: number;

  /** Takes the exports of a fresh instance and initialises it. */
  constructor(exports: SynthesizerExports) {
    this.#exports = exports;
    const version = guard(() => {
      exports._initialize();
      return exports.tl_synthesizer_abi_version();
    });
    if (version !== TL_SYNTHESIZER_ABI_VERSION) throw new SpeechError("model", `the voice has boundary ${version}`);
    this.rateHz = guard(() => exports.tl_synthesizer_rate_hz());
  }

  static instantiate(module: WebAssembly.Module): Synthesizer {
    return new Synthesizer(new WebAssembly.Instance(module, {}).exports as unknown as SynthesizerExports);
  }

  /** Takes a text; what is left of the one before will not be spoken. Speaks nothing yet. `pace` in percent. */
  begin(text: string, pace = 100): void {
    const bytes = encoder.encode(text);
    const exports = this.#exports;
    const pointer = guard(() => exports.tl_synthesizer_inbox(bytes.length));
    if (pointer === 0) throw new SpeechError("request", `a text of ${bytes.length} bytes is too long`);
    new Uint8Array(exports.memory.buffer).set(bytes, pointer);
    const words = guard(() => exports.tl_synthesizer_begin(bytes.length, pace));
    if (words < 0) throw new SpeechError("request", `the voice does not speak at ${pace} percent`);
  }

  /** Speaks the next stretch of the text, which takes some milliseconds; undefined after the last. */
  next(): Stretch | undefined {
    const exports = this.#exports;
    const count = guard(() => exports.tl_synthesizer_next());
    if (count <= 0) return undefined;
    const [samples, words, wordCount] = guard(() => [
      exports.tl_synthesizer_samples(),
      exports.tl_synthesizer_words(),
      exports.tl_synthesizer_word_count(),
    ]);
    return guard(() => {
      const fields = new Uint32Array(exports.memory.buffer, words, wordCount * WORD_FIELDS);
      return {
        samples: new Int16Array(exports.memory.buffer, samples, count).slice(),
        words: Array.from({ length: wordCount }, (_, i) => {
          const [index = 0, begin = 0, end = 0, from = 0, to = 0] = fields.subarray(i * WORD_FIELDS);
          return { index, begin, end, from, to };
        }),
      };
    });
  }
}
