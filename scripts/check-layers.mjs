#!/usr/bin/env node
// Checks who may depend on whom, as CONTRIBUTING.md draws it. Prints one line a
// fault and exits 1 when there is any.

import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");

/** Folder of wasm/ -> the folders that its files may include. */
const CORE_LAYERS = {
  base: ["base"],
  audio: ["base", "audio"],
  protocol: ["base", "protocol"],
  media: ["base", "audio", "protocol", "media"],
  session: ["base", "protocol", "media", "session"],
  abi: ["base", "session", "abi"],
};

/** Folder of speech/ -> the folders that its files may include, those of the core among them. */
const SPEECH_LAYERS = {
  text: ["base", "text"],
  synthesizer: ["base", "text", "synthesizer"],
  recognizer: ["base", "text", "recognizer"],
};

/** Words of carriers and vendors: in the core they stand in protocol/ and nowhere else, comments included. */
const VENDOR_WORDS =
  /twilio|plivo|vonage|telnyx|signalwire|freeswitch|asterisk|deepgram|openai|\brealtime\b|call_?sid|stream_?sid|\bgpt\b/i;

/** Headers and names that would give the core a clock, chance, threads or I/O. */
const BANNED_HEADERS =
  /^(atomic|chrono|condition_variable|filesystem|fstream|future|iostream|mutex|random|shared_mutex|thread|ctime|time\.h|pthread\.h|unistd\.h|sys\/.+)$/;
const BANNED_NAMES = /\b(getenv|std::rand|srand|arc4random|std::chrono|clock_gettime|gettimeofday|thread_local)\b/;

/** A variable of a function or class that outlives it and may change. Those of a namespace are clang-tidy's. */
const MUTABLE_STATIC = /^\s+(?:inline\s+)?static\s+(?!const\b|constexpr\b|inline constexpr\b)[^();]*[=;{]/;

/** Third-party header -> the only files that may include it. */
const WRAPPED_HEADERS = [
  { header: /^nlohmann\//, wrapper: /^wasm\/base\/json(_[a-z]+)?\.(h|cc)$/ },
  { header: /webrtc_vad\.h$/, wrapper: /^tests\// },
  { header: /^opus\.h$/, wrapper: /^wasm\/audio\/opus_decoder\.cc$/ },
  { header: /^(API|entenc)\.h$/, wrapper: /^wasm\/audio\/opus_encoder\.cc$/ },
  { header: /^flite\.h$/, wrapper: /^speech\/synthesizer\/flite_voice\.cc$/ },
  { header: /^(pocketsphinx\.h$|sphinxbase\/)/, wrapper: /^speech\/recognizer\/decoder\.cc$/ },
  { header: /^sphinx_host\.h$/, wrapper: /^speech\/recognizer\/tl_recognizer\.cc$/ },
  { header: /^(wasi\/|__)/, wrapper: /^wasm\/abi\/wasm_stubs\.cc$/ },
];

/** Files of worker-shim/ that Node runs in tests -> which of the shim's other layers they may import. */
const SHIM_LAYERS = {
  "worker-shim/core.ts": [],
  "worker-shim/ports.ts": [],
  "worker-shim/effects.ts": ["worker-shim/core.ts", "worker-shim/ports.ts"],
};

/** The rest of the shim's layers, which none of the files above may reach. */
const SHIM_OUTER = /^worker-shim\/(ports\/|api\/|index\.ts$|call-session\.ts$|switchboard\.ts$)/;

/** A carrier's words, which only its folder may use. */
const CARRIER_FOLDER = /^worker-shim\/carriers\//;
const CARRIER_WORDS = /twilio|twiml/i;

const TEST_FRAMEWORK = /^(vitest|node:test|chai|jest|@jest\/.*|@vitest\/.*)(\/|$)/;

const faults = [];

function report(file, line, message) {
  faults.push(`${file}:${line}: ${message}`);
}

function files(...patterns) {
  const found = globSync(patterns, { cwd: root }).sort();
  if (found.length === 0) throw new Error(`no file matches ${patterns.join(", ")}`);
  return found;
}

function read(file) {
  return readFileSync(path.join(root, file), "utf8");
}

/** The text with comments blanked and lines kept. */
function withoutComments(text) {
  return text.replace(
    /("(?:\\.|[^"\\\n])*")|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match, string) => string ?? match.replace(/[^\n]/g, " "),
  );
}

function checkWords(file) {
  read(file)
    .split("\n")
    .forEach((content, index) => {
      const found = VENDOR_WORDS.exec(content);
      if (found) report(file, index + 1, `says "${found[0]}", a word of protocol/`);
    });
}

/**
 * What holds of every C++ file: no word of a vendor's, no clock, chance, threads or I/O, third-party headers by their
 * wrappers alone. `judge` takes the line and the name of every other header that is included.
 */
function checkSource(file, { words = true, state = false }, judge) {
  if (words) checkWords(file);
  const text = withoutComments(read(file));
  text.split("\n").forEach((content, index) => {
    const line = index + 1;
    const include = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(content);
    if (!include) {
      const banned = BANNED_NAMES.exec(content);
      if (banned) report(file, line, `uses ${banned[1]}`);
      if (!state && MUTABLE_STATIC.test(content)) report(file, line, "a static variable that may change");
      return;
    }
    const [, quote, header] = include;
    if (BANNED_HEADERS.test(header)) report(file, line, `includes <${header}>`);
    const wrapped = WRAPPED_HEADERS.find((entry) => entry.header.test(header));
    if (wrapped && !wrapped.wrapper.test(file)) report(file, line, `includes ${header}, which another file wraps`);
    if (quote === '"' && !wrapped) judge(line, header);
  });
  if (file.endsWith(".h") && !/^#pragma once$/m.test(text)) report(file, 1, "has no #pragma once");
}

function checkCore() {
  for (const file of files("wasm/*/**/*.{h,cc}")) {
    const folder = file.split("/")[1];
    const allowed = CORE_LAYERS[folder];
    if (!allowed) {
      report(file, 1, "a folder without a layer");
      continue;
    }
    checkSource(file, { words: folder !== "protocol" }, (line, header) => {
      const target = header.split("/")[0];
      if (!existsSync(path.join(root, "wasm", header)))
        report(file, line, `includes "${header}", which is not under wasm/`);
      else if (!allowed.includes(target)) report(file, line, `${folder} may not include ${target}`);
    });
    const own = file.replace(/^wasm\//, "").replace(/\.cc$/, ".h");
    const first = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/m.exec(withoutComments(read(file)))?.[1];
    if (file.endsWith(".cc") && existsSync(path.join(root, "wasm", own)) && first !== own)
      report(file, 1, `includes ${first} before its own ${own}`);
  }
}

/** What speaks and listens is apart from the core: it shares `base` with it, and nothing else. */
function checkSpeech() {
  for (const file of files("speech/**/*.{h,cc}")) {
    const folder = file.split("/").length > 2 ? file.split("/")[1] : undefined;
    const allowed = folder === undefined ? ["base"] : SPEECH_LAYERS[folder];
    if (!allowed) {
      report(file, 1, "a folder without a layer");
      continue;
    }
    checkSource(file, { state: true }, (line, header) => {
      const parts = header.split("/");
      // A boundary is a header beside the folders.
      const target = parts[0] !== "speech" ? parts[0] : parts.length > 2 ? parts[1] : undefined;
      if (target !== undefined && !allowed.includes(target)) report(file, line, `may not include ${header}`);
    });
  }
}

/** The text with the names of the modules that it imports blanked. */
function withoutImports(text) {
  return text.replace(/(\bfrom\s*|\bimport\s*\(?\s*)(["'])[^"'\n]+\2/g, "$1$2$2");
}

/** The modules that a TypeScript or JavaScript file imports, with their lines. */
function importsOf(file) {
  const text = withoutComments(read(file));
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)(["'])([^"'\n]+)\1/g;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[2];
    const line = text.slice(0, match.index).split("\n").length;
    const target = specifier.startsWith(".")
      ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
      : undefined;
    return { specifier, target, line };
  });
}

/** What the inner files import, directly or not, must run in Node and keep to the layers. */
function checkInnerFile(layer) {
  const seen = new Set([layer]);
  const pending = [layer];
  while (pending.length > 0) {
    const file = pending.pop();
    if (!existsSync(path.join(root, file))) {
      report(file, 1, "is missing");
      continue;
    }
    for (const { specifier, target, line } of importsOf(file)) {
      const outer = specifier.startsWith("cloudflare:") || SHIM_OUTER.test(target);
      const sideways = target in SHIM_LAYERS && target !== layer && !SHIM_LAYERS[layer].includes(target);
      if (outer || sideways) report(file, line, `${layer} may not reach ${target ?? specifier}`);
      else if (
        target?.startsWith("worker-shim/") &&
        target.endsWith(".ts") &&
        !(target in SHIM_LAYERS) &&
        !seen.has(target)
      ) {
        seen.add(target);
        pending.push(target);
      }
    }
  }
}

function checkShim() {
  for (const layer of Object.keys(SHIM_LAYERS)) checkInnerFile(layer);
  for (const file of files("worker-shim/**/*.ts")) {
    if (!CARRIER_FOLDER.test(file)) {
      const plain = withoutImports(withoutComments(read(file)));
      plain.split("\n").forEach((content, index) => {
        if (CARRIER_WORDS.test(content)) report(file, index + 1, "a carrier's word outside of its folder");
      });
    }
    for (const { target, line } of importsOf(file)) {
      if (file.startsWith("worker-shim/ports/") && target === "worker-shim/core.ts")
        report(file, line, "a port may not import core.ts");
      if (target?.startsWith("tests/")) report(file, line, `the shim may not import ${target}`);
      // A Worker starts with all modules that it is deployed with, used or not.
      if (target?.startsWith("worker-shim/speech/") && !file.startsWith("worker-shim/speech/"))
        report(file, line, "the gateway may not import the speech Worker");
    }
  }
}

function checkSimulators() {
  for (const file of files("tests/simulators/**/*.{ts,mjs}")) {
    for (const { specifier, target, line } of importsOf(file)) {
      if (TEST_FRAMEWORK.test(specifier)) report(file, line, `a simulator may not import ${specifier}`);
      // A judge that shares code with what it judges repeats its mistakes.
      if (target && !target.startsWith("tests/simulators/")) report(file, line, `a simulator may not import ${target}`);
    }
  }
}

checkCore();
checkSpeech();
checkShim();
checkSimulators();
for (const fault of faults) console.error(fault);
if (faults.length === 0) console.log("layers hold");
process.exitCode = faults.length === 0 ? 0 : 1;
