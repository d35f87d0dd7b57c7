// RNNoise's own decision about speech, for the table of detectors:
//
//   node tests/quality/rnnoise.ts SAMPLES PERCENTS
//
// SAMPLES is mono S16 at 48 kHz; PERCENTS gets a byte for each 10 ms, 0 to 100. The package is that of tests/bench/npm.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

interface Rnnoise {
  HEAPF32: Float32Array;
  _malloc(bytes: number): number;
  _rnnoise_create(): number;
  _rnnoise_process_frame(state: number, out: number, samples: number): number;
}

const FRAME = 480;

const [samplesFile, percentsFile] = process.argv.slice(2);
if (samplesFile === undefined || percentsFile === undefined) throw new Error("usage: rnnoise.ts SAMPLES PERCENTS");

const dist = path.join(import.meta.dirname, "../../build/bench/npm/node_modules/@jitsi/rnnoise-wasm/dist");
const factory = (await import(pathToFileURL(path.join(dist, "rnnoise.js")).href)) as {
  default(options: object): Promise<Rnnoise>;
};
const rnnoise = await factory.default({ wasmBinary: readFileSync(path.join(dist, "rnnoise.wasm")) });
const state = rnnoise._rnnoise_create();
const frame = rnnoise._malloc(FRAME * 4);

const bytes = readFileSync(samplesFile);
const count = Math.floor(bytes.length / 2 / FRAME);
const percents = new Uint8Array(count);
for (let i = 0; i < count; i++) {
  for (let n = 0; n < FRAME; n++) rnnoise.HEAPF32[frame / 4 + n] = bytes.readInt16LE(2 * (i * FRAME + n));
  percents[i] = Math.round(100 * rnnoise._rnnoise_process_frame(state, frame, frame));
}
writeFileSync(percentsFile, percents);
