// Runs the golden hashes of tests/support/audio_vectors.cc in the benchmarks' module of each build that is named, so
// that what is written twice, for wasm and natively, agrees to the bit. The last line is `N passed, N failed`.
//
//   node scripts/lib/audio-vectors.ts PRESET...

import { readFileSync } from "node:fs";
import path from "node:path";

interface Exports {
  memory: { buffer: ArrayBuffer };
  _initialize(): void;
  bench_vector_count(): number;
  bench_vector_name(vector: number): number;
  bench_vector_holds(vector: number): number;
}

interface WebAssemblyOfNode {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyOfNode }).WebAssembly;

let passed = 0;
let failed = 0;
for (const preset of process.argv.slice(2)) {
  const file = path.join(import.meta.dirname, "../../build", preset, "stages.wasm");
  const module = new Instance(new Module(readFileSync(file)), {}).exports as Exports;
  module._initialize();
  for (let vector = 0; vector < module.bench_vector_count(); vector++) {
    if (module.bench_vector_holds(vector)) {
      passed += 1;
      continue;
    }
    failed += 1;
    const memory = Buffer.from(module.memory.buffer);
    const at = module.bench_vector_name(vector);
    console.log(`${preset}: ${memory.toString("latin1", at, memory.indexOf(0, at))} differs`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
