import { readFileSync } from "node:fs";
import path from "node:path";
import { type Model, Recognizer } from "../../worker-shim/speech/recognizer.ts";
import { Synthesizer } from "../../worker-shim/speech/synthesizer.ts";
import { decodeMulaw, encodeMulaw } from "../simulators/audio/mulaw.ts";

const root = path.join(import.meta.dirname, "../..");

/** The build of the modules that is tested: a folder of build/. */
export const BUILD = process.env.TRUNKLINE_SPEECH_BUILD ?? "wasm-wasi";

// What workerd's types have is abstract: there modules come from imports alone.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

function moduleOf(name: string): WebAssembly.Module {
  return new Module(readFileSync(path.join(root, "build", BUILD, `${name}.wasm`)));
}

export const synthesizerModule = moduleOf("synthesizer");
export const recognizerModule = moduleOf("recognizer");

const FOLDER = path.join(root, "build/speech/assets/speech/en-us");
const FILES = ["mdef", "means", "variances", "transition_matrices", "sendump", "feat.params", "noisedict"];

export const model: Model = {
  files: FILES.map((name) => readFileSync(path.join(FOLDER, name))),
  dictionary: readFileSync(path.join(FOLDER, "dictionary.txt")),
};

const voice = Synthesizer.instantiate(synthesizerModule);

export function openRecognizer(): Recognizer {
  return Recognizer.instantiate(recognizerModule, model);
}

/** All of a text, in the module's own voice. */
export function speak(text: string, pace = 100) {
  voice.begin(text, pace);
  const stretches = [];
  for (let stretch = voice.next(); stretch; stretch = voice.next()) stretches.push(stretch);
  const samples = new Int16Array(stretches.reduce((sum, stretch) => sum + stretch.samples.length, 0));
  let at = 0;
  for (const stretch of stretches) {
    samples.set(stretch.samples, at);
    at += stretch.samples.length;
  }
  return { samples, words: stretches.flatMap(({ words }) => words), stretches: stretches.length };
}

/** As it comes out of a telephone line. */
export function overTheLine(samples: Int16Array): Int16Array {
  return decodeMulaw(encodeMulaw(samples));
}

/** Feeds it as a call does, 20 ms at a time. */
export function hear(recognizer: Recognizer, samples: Int16Array, caller: "fresh" | "same" = "fresh") {
  recognizer.start(8000, caller);
  for (let at = 0; at < samples.length; at += 160) recognizer.feed(samples.subarray(at, at + 160));
  return recognizer.finish();
}

/** Words that were put in, left out or taken for others (Levenshtein). */
export function wordErrors(said: readonly string[], heard: readonly string[]): number {
  let row = Array.from({ length: heard.length + 1 }, (_, i) => i);
  said.forEach((word, i) => {
    const next = [i + 1];
    heard.forEach((other, j) => {
      next.push(Math.min((row[j] ?? 0) + (word === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    });
    row = next;
  });
  return row[heard.length] ?? 0;
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z']+/g) ?? [];
}

/** FNV-1a over 16-bit samples, as tests/golden/speech.json has it. */
export function hashOf(samples: Int16Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const sample of samples) hash = ((hash ^ BigInt(sample & 0xffff)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}
