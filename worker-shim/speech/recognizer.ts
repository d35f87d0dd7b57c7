import { guard, SpeechError } from "./errors.ts";
import {
  type RecognizerExports,
  TL_RECOGNIZER_ABI_VERSION,
  TL_RECOGNIZER_ERR_EMPTY,
  TL_RECOGNIZER_ERR_FULL,
  TL_RECOGNIZER_ERR_INPUT,
  TL_RECOGNIZER_ERR_MODEL,
  TL_RECOGNIZER_ERR_ORDER,
  TL_RECOGNIZER_FILES,
  TL_RECOGNIZER_LANGUAGE_SENTENCES,
  TL_RECOGNIZER_LANGUAGE_WORDS,
  TL_RECOGNIZER_MAX_FEED_SAMPLES,
  TL_RECOGNIZER_MAX_INBOX_BYTES,
} from "./recognizer.generated.ts";

export type RateHz = 8000 | 16000;

/** What a caller is expected to say. */
export interface Language {
  /** `words`: words of the sentences in any order, theirs the likeliest; `sentences`: one of them or its beginning. */
  readonly kind: "words" | "sentences";
  readonly sentences: readonly string[];
}

/** The acoustic model's files, by their numbers in tl_recognizer.h, and the pronouncing dictionary. */
export interface Model {
  readonly files: readonly Uint8Array[];
  readonly dictionary: Uint8Array;
}

/** A word that was heard: [begin, end) in the text's UTF-8, [fromMs, toMs) of the utterance. */
export interface HeardWord {
  readonly begin: number;
  readonly end: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Per mille; 0 in a partial result. */
  readonly confidence: number;
}

export interface Heard {
  readonly text: string;
  readonly words: readonly HeardWord[];
}

const KINDS = { words: TL_RECOGNIZER_LANGUAGE_WORDS, sentences: TL_RECOGNIZER_LANGUAGE_SENTENCES } as const;
const WORD_FIELDS = 5;
const BYTES_PER_SAMPLE = 2;
const MAX_REASON_BYTES = 200;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * One instance of the module that listens: one caller at a time.
 *
 * Every method throws a {@link SpeechError}; after one of code `trap` or `model` the instance is to be dropped. Each call
 * works as long as its input is; the longest is the end of an utterance, a thirtieth of it.
 */
export class Recognizer {
  readonly #exports: RecognizerExports;
  readonly #dictionary: Uint8Array;

  /** Takes the exports of a fresh instance, initialises it, and makes its model; some 60 ms. */
  constructor(exports: RecognizerExports, model: Model) {
    this.#exports = exports;
    this.#dictionary = model.dictionary;
    const version = this.#call(() => {
      exports._initialize();
      return exports.tl_recognizer_abi_version();
    });
    if (version !== TL_RECOGNIZER_ABI_VERSION) throw new SpeechError("model", `the ears have boundary ${version}`);
    if (model.files.length !== TL_RECOGNIZER_FILES) throw new SpeechError("model", `${model.files.length} files`);
    model.files.forEach((bytes, file) => {
      const pointer = this.#call(() => exports.tl_recognizer_file(file, bytes.length));
      if (pointer === 0) throw new SpeechError("model", `no room for file ${file} of ${bytes.length} bytes`);
      new Uint8Array(exports.memory.buffer).set(bytes, pointer);
    });
    this.#check(this.#call(() => exports.tl_recognizer_open()));
  }

  static instantiate(module: WebAssembly.Module, model: Model): Recognizer {
    return new Recognizer(new WebAssembly.Instance(module, {}).exports as unknown as RecognizerExports, model);
  }

  /** Expects a language from now on; some 30 ms. Returns the words that it has no pronunciation of, and cannot hear. */
  expect({ kind, sentences }: Language): readonly string[] {
    const exports = this.#exports;
    let first = 1;
    for (const lines of inboxfuls(sentences)) {
      const length = this.#write(lines);
      this.#check(this.#call(() => exports.tl_recognizer_language(KINDS[kind], first, length)));
      first = 0;
    }
    if (first === 1) throw new SpeechError("language", "there is nothing to expect");
    for (let at = 0; at < this.#dictionary.length; at += TL_RECOGNIZER_MAX_INBOX_BYTES) {
      const length = this.#write(this.#dictionary.subarray(at, at + TL_RECOGNIZER_MAX_INBOX_BYTES));
      this.#check(this.#call(() => exports.tl_recognizer_dictionary(length)));
    }
    this.#check(this.#call(() => exports.tl_recognizer_use()));
    return this.#text()
      .split(" ")
      .filter((word) => word !== "");
  }

  /** Begins an utterance; one that was not finished is dropped. A `fresh` caller's line is not the one before. */
  start(rateHz: RateHz, caller: "fresh" | "same"): void {
    this.#check(this.#call(() => this.#exports.tl_recognizer_start(rateHz, caller === "fresh" ? 1 : 0)));
  }

  /**
   * Hears samples, of any number. Returns how many of them: fewer than there are when the utterance is as long as may be,
   * and has to be finished.
   */
  feed(samples: Int16Array): number {
    let heard = 0;
    while (heard < samples.length) {
      const slice = samples.subarray(heard, heard + TL_RECOGNIZER_MAX_FEED_SAMPLES);
      this.#write(new Uint8Array(slice.buffer, slice.byteOffset, slice.length * BYTES_PER_SAMPLE));
      const result = this.#call(() => this.#exports.tl_recognizer_feed(slice.length));
      if (result === TL_RECOGNIZER_ERR_FULL) return heard;
      this.#check(result);
      heard += slice.length;
    }
    return heard;
  }

  /** What was understood so far; may change. */
  partial(): Heard {
    return this.#heard(this.#call(() => this.#exports.tl_recognizer_partial()));
  }

  /** Ends the utterance. */
  finish(): Heard {
    return this.#heard(this.#call(() => this.#exports.tl_recognizer_finish()));
  }

  #heard(count: number): Heard {
    this.#check(count);
    const pointer = this.#call(() => this.#exports.tl_recognizer_words());
    return guard(() => {
      const fields = new Uint32Array(this.#exports.memory.buffer, pointer, count * WORD_FIELDS);
      const words = Array.from({ length: count }, (_, i) => {
        const [begin = 0, end = 0, fromMs = 0, toMs = 0, confidence = 0] = fields.subarray(i * WORD_FIELDS);
        return { begin, end, fromMs, toMs, confidence };
      });
      return { text: this.#text(), words };
    });
  }

  #text(): string {
    const exports = this.#exports;
    const [pointer, length] = this.#call(
      () => [exports.tl_recognizer_text(), exports.tl_recognizer_text_len()] as const,
    );
    return guard(() => decoder.decode(new Uint8Array(exports.memory.buffer, pointer, length)));
  }

  /** Writes to the inbox; returns how many bytes. */
  #write(bytes: Uint8Array): number {
    const pointer = this.#call(() => this.#exports.tl_recognizer_inbox(bytes.length));
    if (pointer === 0) throw new SpeechError("request", `${bytes.length} bytes at once`);
    new Uint8Array(this.#exports.memory.buffer).set(bytes, pointer);
    return bytes.length;
  }

  #call<T>(call: () => T): T {
    return guard(call, () => this.#reason());
  }

  /** What the library said last, of an instance that trapped as well. */
  #reason(): string {
    try {
      const pointer = this.#exports.tl_recognizer_error();
      const bytes = new Uint8Array(this.#exports.memory.buffer, pointer, MAX_REASON_BYTES);
      return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
    } catch {
      return "";
    }
  }

  #check(result: number): void {
    if (result >= 0) return;
    switch (result) {
      case TL_RECOGNIZER_ERR_EMPTY:
        throw new SpeechError("language", `no word of it can be heard: ${this.#text()}`);
      case TL_RECOGNIZER_ERR_INPUT:
        throw new SpeechError("request", "too much of it, or out of range");
      case TL_RECOGNIZER_ERR_ORDER:
        throw new SpeechError("request", "it is not the turn of this");
      case TL_RECOGNIZER_ERR_MODEL:
        throw new SpeechError("model", this.#reason() || "a file is missing");
      default:
        throw new SpeechError("trap", this.#reason() || `status ${result}`);
    }
  }
}

/** The lines of all sentences, in as few parts as fit the inbox. */
function* inboxfuls(sentences: readonly string[]): Generator<Uint8Array> {
  let part: string[] = [];
  let size = 0;
  for (const sentence of sentences) {
    // A line of its own, whatever is in it.
    const line = `${sentence.replaceAll(/\s+/g, " ")}\n`;
    const bytes = encoder.encode(line).length;
    if (bytes > TL_RECOGNIZER_MAX_INBOX_BYTES) throw new SpeechError("request", `a sentence of ${bytes} bytes`);
    if (size + bytes > TL_RECOGNIZER_MAX_INBOX_BYTES) {
      yield encoder.encode(part.join(""));
      part = [];
      size = 0;
    }
    part.push(line);
    size += bytes;
  }
  if (part.length > 0) yield encoder.encode(part.join(""));
}
