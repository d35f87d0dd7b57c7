#!/usr/bin/env node
// Holds builds of the modules to their contract: no imports; exactly the exports
// of their header besides `memory` and `_initialize`; memory that is as large as
// CMake says, and grows no further than it says; a bounded size.
//
//   scripts/check-wasm.mjs [FILE...]   default: both builds of each

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/**
 * Of each module: its header, what its exports begin with there, where CMake sets its memory, and its sizes in bytes. The
 * Worker's start-up pays for the raw size, its upload for the compressed one. The second builder's modules are never
 * shipped, and its older compiler finds less to share. Of the synthesiser 2.1 MB are the lexicon and the voice kal.
 */
const MODULES = {
  trunkline: {
    header: "wasm/abi/trunkline.h",
    exported: /^TL_EXPORT\((tl_\w+)\)/gm,
    memory: "CMakeLists.txt",
    bounds: {
      "wasm-wasi": { raw: 704 * 1024, gzip: 296 * 1024 },
      "wasm-emscripten": { raw: 1088 * 1024, gzip: 400 * 1024 },
    },
  },
  synthesizer: {
    header: "speech/tl_synthesizer.h",
    exported: /^TL_SYNTHESIZER_EXPORT\((tl_\w+)\)/gm,
    memory: "speech/synthesizer/CMakeLists.txt",
    bounds: {
      "wasm-wasi": { raw: 2200 * 1024, gzip: 1600 * 1024 },
      "wasm-emscripten": { raw: 2200 * 1024, gzip: 1600 * 1024 },
    },
  },
  recognizer: {
    header: "speech/tl_recognizer.h",
    exported: /^TL_RECOGNIZER_EXPORT\((tl_\w+)\)/gm,
    memory: "speech/recognizer/CMakeLists.txt",
    bounds: {
      "wasm-wasi": { raw: 480 * 1024, gzip: 200 * 1024 },
      "wasm-emscripten": { raw: 480 * 1024, gzip: 200 * 1024 },
    },
  },
};
const PRESETS = ["wasm-wasi", "wasm-emscripten"];

const PAGE_BYTES = 65536;
const MEMORY_SECTION = 5;

const root = path.join(import.meta.dirname, "..");
const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : Object.keys(MODULES).flatMap((name) => PRESETS.map((preset) => path.join(root, "build", preset, `${name}.wasm`)));

function readText(name) {
  return readFileSync(path.join(root, name), "utf8");
}

/** The functions that the header exports, and the two that a reactor has. */
function expectedExports({ header, exported }) {
  const names = [...readText(header).matchAll(exported)].map((match) => match[1]);
  if (names.length === 0) throw new Error(`${header} exports nothing`);
  return [...names, "_initialize", "memory"].sort();
}

/** Bytes that it has, and that it may have. */
function expectedMemory({ memory }) {
  const read = (variable) => new RegExp(`^set\\(${variable} (\\d+)`, "m").exec(readText(memory))?.[1];
  const bytes = read("TRUNKLINE_WASM_MEMORY_BYTES");
  if (!bytes) throw new Error(`${memory} does not set TRUNKLINE_WASM_MEMORY_BYTES`);
  return { min: Number(bytes), max: Number(read("TRUNKLINE_WASM_MAX_MEMORY_BYTES") ?? bytes) };
}

/** Reads an unsigned LEB128 at `offset`; returns the value and the offset behind it. */
function readUnsigned(bytes, offset) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[offset++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, offset];
  }
}

/** The limits of the module's one memory, in pages; `max` is undefined where it has none. */
function memoryLimits(bytes) {
  let offset = 8; // magic and version
  while (offset < bytes.length) {
    const id = bytes[offset++];
    let size;
    [size, offset] = readUnsigned(bytes, offset);
    if (id === MEMORY_SECTION) {
      let count, min, max;
      [count, offset] = readUnsigned(bytes, offset);
      if (count !== 1) throw new Error(`${count} memories`);
      const flags = bytes[offset++];
      [min, offset] = readUnsigned(bytes, offset);
      if (flags & 1) [max] = readUnsigned(bytes, offset);
      return { min, max };
    }
    offset += size;
  }
  throw new Error("no memory of its own");
}

function check(file) {
  if (!existsSync(file)) {
    console.error(`${file} is missing`);
    return false;
  }
  const rules = MODULES[path.basename(file, ".wasm")];
  if (!rules) throw new Error(`${file} is none of our modules`);
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  const faults = [];

  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  if (imports.length > 0) faults.push(`imports ${imports.join(", ")}`);

  const expected = expectedExports(rules);
  const actual = WebAssembly.Module.exports(module)
    .map((entry) => entry.name)
    .sort();
  const missing = expected.filter((name) => !actual.includes(name));
  const extra = actual.filter((name) => !expected.includes(name));
  if (missing.length > 0) faults.push(`does not export ${missing.join(", ")}`);
  if (extra.length > 0) faults.push(`exports ${extra.join(", ")}`);

  const wanted = expectedMemory(rules);
  const { min, max } = memoryLimits(bytes);
  if (min !== wanted.min / PAGE_BYTES || max !== wanted.max / PAGE_BYTES)
    faults.push(`has ${min} to ${max ?? "any"} pages of memory, not ${wanted.min} to ${wanted.max} bytes`);

  const gzipBytes = gzipSync(bytes, { level: 9 }).length;
  const bounds = rules.bounds[path.basename(path.dirname(file))];
  if (bytes.length > bounds.raw) faults.push(`is ${bytes.length} bytes, more than ${bounds.raw}`);
  if (gzipBytes > bounds.gzip) faults.push(`is ${gzipBytes} bytes compressed, more than ${bounds.gzip}`);

  const name = path.relative(process.cwd(), file);
  for (const fault of faults) console.error(`${name} ${fault}`);
  console.log(
    `${name}: ${bytes.length} bytes, ${gzipBytes} compressed, ${actual.length} exports, ${imports.length} imports`,
  );
  return faults.length === 0;
}

const results = files.map(check);
process.exitCode = results.every(Boolean) ? 0 : 1;
