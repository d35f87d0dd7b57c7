// What a Worker's developer takes from npm, for the table of audio-stages.ts. scripts/bench-audio installs the packages
// of tests/bench/npm into build/bench/npm.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

/** Somebody else's way to do what the stage of that name does. */
export interface OtherStage {
  readonly name: string;
  readonly who: string;
  /** Bytes to ship, compressed; 0 for what the runtime has. */
  readonly gzBytes: number;
  run(frames: number): void;
}

interface Law {
  decode(codes: Uint8Array): Int16Array;
  encode(samples: Int16Array): Uint8Array;
}

interface Alawmulaw {
  readonly mulaw: Law;
  readonly alaw: Law;
}

interface WaveResampler {
  resample(samples: Int16Array, inHz: number, outHz: number, details?: object): Float64Array;
}

/** Both are Emscripten's. */
interface Heap {
  _malloc(bytes: number): number;
  readonly HEAP16?: Int16Array;
  readonly HEAPF32?: Float32Array;
}

interface Fvad extends Heap {
  _fvad_new(): number;
  _fvad_set_mode(vad: number, mode: number): number;
  _fvad_set_sample_rate(vad: number, hz: number): number;
  _fvad_process(vad: number, samples: number, count: number): number;
}

interface Rnnoise extends Heap {
  _rnnoise_create(): number;
  _rnnoise_process_frame(state: number, out: number, samples: number): number;
}

type Opusscript = new (
  hz: number,
  channels: number,
  application: number,
) => { encode(samples: Buffer, count: number): Buffer; encoderCTL(request: number, value: number): void };

const FRAME = 160;
const OPUS_VOIP = 2048;
const OPUS_SET_COMPLEXITY = 4010;
const OPUS_SET_BITRATE = 4002;

/** Frames of a signal, one after the other, without an end. */
function framesOf<T extends Int16Array | Uint8Array>(all: T, size: number): () => T {
  let at = 0;
  return () => {
    if (at + size > all.length) at = 0;
    at += size;
    return all.subarray(at - size, at) as T;
  };
}

/** `line` is what our stages are fed with: 2 s at 8 kHz. */
export async function npmStages(line: Int16Array): Promise<OtherStage[]> {
  const packages = path.join(import.meta.dirname, "../../build/bench/npm");
  const require = createRequire(path.join(packages, "package.json"));
  const fileOf = (file: string) => path.join(packages, "node_modules", file);
  const gzBytesOf = (...files: string[]) =>
    files.reduce((sum, file) => sum + gzipSync(readFileSync(fileOf(file)), { level: 9 }).length, 0);
  const stages: OtherStage[] = [];
  const add = (name: string, who: string, gzBytes: number, frame: () => unknown) => {
    stages.push({
      name,
      who,
      gzBytes,
      run: (frames) => {
        for (let i = 0; i < frames; i++) frame();
      },
    });
  };

  const { mulaw, alaw } = require("alawmulaw") as Alawmulaw;
  const lawBytes = gzBytesOf("alawmulaw/dist/alawmulaw.js");
  const codes = mulaw.encode(line);
  const linear = framesOf(line, FRAME);
  const encoded = framesOf(codes, FRAME);
  for (const [name, law] of [
    ["mu-law", mulaw],
    ["A-law", alaw],
  ] as const) {
    add(`${name} decode`, "alawmulaw", lawBytes, () => law.decode(encoded()));
    add(`${name} encode`, "alawmulaw", lawBytes, () => law.encode(linear()));
  }

  const { resample } = require("wave-resampler") as WaveResampler;
  const resamplerBytes = gzBytesOf("wave-resampler/dist/wave-resampler.js");
  for (const [inHz, outHz] of [
    [8000, 16000],
    [8000, 24000],
    [16000, 8000],
    [24000, 8000],
  ] as const) {
    const frame = framesOf(line, inHz / 50);
    const name = `resample ${inHz / 1000} to ${outHz / 1000} kHz`;
    add(name, "wave-resampler cubic", resamplerBytes, () => resample(frame(), inHz, outHz));
    add(name, "wave-resampler linear", resamplerBytes, () => resample(frame(), inHz, outHz, { method: "linear" }));
  }

  const payload = Buffer.from(encoded()).toString("base64");
  const message = JSON.stringify({
    event: "media",
    sequenceNumber: "2",
    media: { track: "inbound", chunk: "2", timestamp: "20", payload },
    streamSid: `MZ${"0".repeat(32)}`,
  });
  add("base64 encode", "Buffer", 0, () => Buffer.from(encoded()).toString("base64"));
  add("base64 decode", "Buffer", 0, () => Buffer.from(payload, "base64"));
  add("base64 decode", "atob", 0, () => Uint8Array.from(atob(payload), (c) => c.charCodeAt(0)));
  add("media message", "JSON.parse, Buffer", 0, () =>
    Buffer.from((JSON.parse(message) as { media: { payload: string } }).media.payload, "base64"),
  );

  const load = async <T>(file: string, wasm: string): Promise<T> => {
    const make = (await import(pathToFileURL(fileOf(file)).href)) as { default(options: object): Promise<T> };
    return make.default({ wasmBinary: readFileSync(fileOf(wasm)) });
  };
  const fvad = await load<Fvad>("@echogarden/fvad-wasm/fvad.js", "@echogarden/fvad-wasm/fvad.wasm");
  const vad = fvad._fvad_new();
  fvad._fvad_set_mode(vad, 2);
  fvad._fvad_set_sample_rate(vad, 8000);
  const vadIn = fvad._malloc(FRAME * 2);
  const detect = (samples: Int16Array) => {
    fvad.HEAP16?.set(samples, vadIn / 2);
    return fvad._fvad_process(vad, vadIn, FRAME);
  };
  const vadBytes = gzBytesOf("@echogarden/fvad-wasm/fvad.js", "@echogarden/fvad-wasm/fvad.wasm");
  add("speech detection", "fvad-wasm", vadBytes, () => detect(linear()));

  const rnnoise = await load<Rnnoise>("@jitsi/rnnoise-wasm/dist/rnnoise.js", "@jitsi/rnnoise-wasm/dist/rnnoise.wasm");
  const denoiser = rnnoise._rnnoise_create();
  const denoiserIn = rnnoise._malloc(480 * 4);
  const wide = framesOf(line, 480);
  add(
    "noise suppression",
    "rnnoise-wasm, 48 kHz",
    gzBytesOf("@jitsi/rnnoise-wasm/dist/rnnoise.js", "@jitsi/rnnoise-wasm/dist/rnnoise.wasm"),
    () => {
      for (let half = 0; half < 2; half++) {
        rnnoise.HEAPF32?.set(wide(), denoiserIn / 4);
        rnnoise._rnnoise_process_frame(denoiser, denoiserIn, denoiserIn);
      }
    },
  );

  const Encoder = require("opusscript") as Opusscript;
  const opusBytes = gzBytesOf(
    "opusscript/index.js",
    "opusscript/build/opusscript_native_wasm.js",
    "opusscript/build/opusscript_native_wasm.wasm",
  );
  for (const [name, channels, complexity] of [
    ["Opus encode, mono", 1, 0],
    ["Opus encode, mono", 1, 5],
    ["Opus encode, stereo", 2, 0],
  ] as const) {
    const encoder = new Encoder(8000, channels, OPUS_VOIP);
    encoder.encoderCTL(OPUS_SET_COMPLEXITY, complexity);
    encoder.encoderCTL(OPUS_SET_BITRATE, channels === 1 ? 16000 : 24000);
    const frame = framesOf(line, FRAME * channels);
    add(name, `opusscript c${complexity}`, opusBytes, () => {
      const samples = frame();
      return encoder.encode(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength), FRAME);
    });
  }

  const agent = framesOf(line, 3 * FRAME);
  add("call path", "alawmulaw, fvad-wasm, wave-resampler", lawBytes + vadBytes + resamplerBytes, () => {
    const samples = mulaw.decode(encoded());
    detect(samples);
    resample(samples, 8000, 24000);
    return mulaw.encode(Int16Array.from(resample(agent(), 24000, 8000)));
  });
  return stages;
}
