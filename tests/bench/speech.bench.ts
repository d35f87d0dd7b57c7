// The speech modules' own figures, of both builds: what a text costs until it is heard, and what an utterance costs to
// be understood. CPU time of this process, so that a busy machine does not lengthen it; the wall's time where it is what
// somebody waits. Measures and does not judge: scripts/check holds the sizes.

import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { type Language, Recognizer } from "../../worker-shim/speech/recognizer.ts";
import { Synthesizer } from "../../worker-shim/speech/synthesizer.ts";
import { decodeMulaw, encodeMulaw } from "../simulators/audio/mulaw.ts";
import { SENTENCES } from "../simulators/openai-realtime/domain.ts";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

const root = path.join(import.meta.dirname, "../..");
const ASSETS = path.join(root, "build/speech/assets/speech/en-us");
const FILES = ["mdef", "means", "variances", "transition_matrices", "sendump", "feat.params", "noisedict"];
const ROUNDS = 9;
/** 8 s in two stretches. */
const TEXT =
  "We are open every day from eleven in the morning until ten at night. " +
  "You find us at twelve harbour street, next to the old station.";

const model = {
  files: FILES.map((name) => readFileSync(path.join(ASSETS, name))),
  dictionary: readFileSync(path.join(ASSETS, "dictionary.txt")),
};

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU time of one run, ms. */
function timed<T>(work: () => T): [T, number] {
  const before = cpuMs();
  const result = work();
  return [result, cpuMs() - before];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function row(build: string, what: string, figure: string): void {
  console.log(`${build.padEnd(16)} ${what.padEnd(44)} ${figure}`);
}

function benchVoice(build: string, module: WebAssembly.Module): (text: string) => Int16Array {
  const [cold, coldMs] = timed(() => {
    const voice = Synthesizer.instantiate(module);
    voice.begin(TEXT);
    voice.next();
    return voice;
  });
  row(build, "first audio, a fresh instance's first text", `${coldMs.toFixed(1)} ms`);
  const first: number[] = [];
  const whole: number[] = [];
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round++) {
    cold.begin(TEXT);
    const [stretch, firstMs] = timed(() => cold.next());
    let samples = stretch?.samples.length ?? 0;
    const [, restMs] = timed(() => {
      for (let next = cold.next(); next; next = cold.next()) samples += next.samples.length;
    });
    first.push(firstMs);
    whole.push(firstMs + restMs);
    seconds = samples / cold.rateHz;
  }
  row(build, "first audio, warm (a sentence of 4 s)", `${median(first).toFixed(1)} ms`);
  row(build, `all of ${seconds.toFixed(1)} s`, `${median(whole).toFixed(1)} ms`);
  row(build, "of the audio's time", (median(whole) / 1000 / seconds).toFixed(4));
  const instances = Array.from({ length: ROUNDS }, () => timed(() => Synthesizer.instantiate(module))[1]);
  row(build, "another instance", `${median(instances).toFixed(1)} ms`);
  return (text) => {
    cold.begin(text);
    const parts: number[] = [];
    for (let next = cold.next(); next; next = cold.next()) for (const sample of next.samples) parts.push(sample);
    return decodeMulaw(encodeMulaw(Int16Array.from(parts)));
  };
}

function benchEars(build: string, module: WebAssembly.Module, say: (text: string) => Int16Array): void {
  const [recognizer, openMs] = timed(() => Recognizer.instantiate(module, model));
  row(build, "opening the ears", `${openMs.toFixed(0)} ms`);
  const heard = SENTENCES.map(say);
  for (const kind of ["words", "sentences"] as const) {
    const language: Language = { kind, sentences: SENTENCES };
    const [, expectMs] = timed(() => recognizer.expect(language));
    row(build, `a language of ${kind}, 32 sentences`, `${expectMs.toFixed(0)} ms`);
    const finishes: number[] = [];
    let total = 0;
    let seconds = 0;
    let longest = 0;
    for (const samples of heard) {
      recognizer.start(8000, "fresh");
      for (let at = 0; at < samples.length; at += 160) {
        const [, ms] = timed(() => recognizer.feed(samples.subarray(at, at + 160)));
        total += ms;
        longest = Math.max(longest, ms);
      }
      const [, ms] = timed(() => recognizer.finish());
      finishes.push(ms);
      total += ms;
      seconds += samples.length / 8000;
    }
    row(build, `${kind}: of the audio's time`, (total / 1000 / seconds).toFixed(3));
    row(
      build,
      `${kind}: final text after the end, median, most`,
      `${median(finishes).toFixed(0)}, ${Math.max(...finishes).toFixed(0)} ms`,
    );
    row(build, `${kind}: longest slice of 20 ms`, `${longest.toFixed(1)} ms`);
  }
}

for (const build of ["wasm-wasi", "wasm-emscripten"]) {
  const [voice, ears] = ["synthesizer", "recognizer"].map((name) => {
    const bytes = readFileSync(path.join(root, "build", build, `${name}.wasm`));
    const [module, ms] = timed(() => new Module(bytes));
    row(
      build,
      `${name}.wasm`,
      `${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed, ${ms.toFixed(0)} ms to compile`,
    );
    return module;
  }) as [WebAssembly.Module, WebAssembly.Module];
  benchEars(build, ears, benchVoice(build, voice));
}
