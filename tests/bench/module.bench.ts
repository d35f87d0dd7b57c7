// The module's own figures: cost of a frame in each build beside a bare copy, size, instantiation, first call, memory.
// Prints a table; fails when a budget is exceeded. Absolute figures are the machine's, ratios within one run are not.

import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  tl_inbox(length: number): number;
  tl_session_create(nowUs: bigint, length: number): number;
  tl_session_destroy(session: number): void;
  tl_session_input(session: number, nowUs: bigint, tag: number, length: number): number;
  tl_effects_len(session: number): number;
  tl_effects_consume(session: number, length: number): void;
}

/** What a change must not exceed. Per-frame costs are several times what is measured: machines differ. */
const BUDGETS = { rawBytes: 512 * 1024, gzBytes: 200 * 1024, inboundUs: 15, bothWaysUs: 20, touchedPerCallKb: 512 };

// 12 s: when they come round, their timestamps jump back further than late audio does.
const FRAMES = 600;
const encoder = new TextEncoder();

class SteadyCall {
  readonly #core: Exports;
  #session: number;
  #nowUs = 1_000_000n;
  readonly #frames: string[] = [];
  #next = 0;
  #fed = 0;
  readonly #speaks: boolean;
  readonly #memory: Uint8Array;

  constructor(core: Exports, agent: string, speaks: boolean) {
    this.#core = core;
    this.#speaks = speaks;
    this.#memory = new Uint8Array(core.memory.buffer);
    const limits = { maxCallMs: 86_400_000, deadAirMs: 86_400_000, replyMs: 86_400_000 };
    this.#session = core.tl_session_create(
      this.#nowUs,
      this.#write(JSON.stringify({ callId: "steady", agent, limits })),
    );
    core.tl_effects_consume(this.#session, core.tl_effects_len(this.#session));
    this.#feed(1, "");
    this.#feed(
      2,
      '{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}}',
    );
    this.#feed(8, "\0");
    if (agent === "openai-realtime") {
      this.#feed(1 | (1 << 16), "");
      this.#feed(2 | (1 << 16), '{"type":"session.created"}');
      this.#feed(2 | (1 << 16), '{"type":"session.updated"}');
    }
    let random = 1;
    for (let i = 0; i < FRAMES; i++) {
      const audio = Buffer.alloc(160);
      for (let k = 0; k < 160; k++) {
        random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
        audio[k] = 0xfc | (random >>> 30);
      }
      this.#frames.push(
        `{"event":"media","sequenceNumber":"${i + 2}","streamSid":"MZ1","media":{"track":"inbound","chunk":"${i + 2}",` +
          `"timestamp":"${i * 20}","payload":"${audio.toString("base64")}"}}`,
      );
    }
  }

  get nextFrame(): string {
    return this.#frames[0] ?? "";
  }

  #write(text: string): number {
    const at = this.#core.tl_inbox(text.length * 3);
    return encoder.encodeInto(text, this.#memory.subarray(at)).written;
  }

  copyOnly(): void {
    this.#write(this.nextFrame);
  }

  #feed(tag: number, text: string): number {
    const length = this.#core.tl_session_input(this.#session, this.#nowUs, tag, this.#write(text));
    if (length < 0) throw new Error(`status ${length}`);
    if (length > 0) this.#core.tl_effects_consume(this.#session, length);
    return length;
  }

  frame(): number {
    if (this.#speaks && this.#fed++ % 1200 === 0) {
      const delta = "/".repeat(2132);
      for (let i = 0; i < 100; i++) {
        this.#feed(
          2 | (1 << 16),
          `{"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":"${delta}"}`,
        );
      }
      this.#feed(2 | (1 << 16), '{"type":"response.done","response":{"id":"r","status":"completed"}}');
    }
    this.#nowUs += 20_000n;
    const text = this.#frames[this.#next] ?? "";
    this.#next = (this.#next + 1) % FRAMES;
    return this.#feed(2, text);
  }
}

function instantiate(module: WebAssembly.Module): Exports {
  const core = new Instance(module, {}).exports as Exports;
  core._initialize();
  return core;
}

/** Median over batches of the CPU time of one `step`, microseconds. */
function cost(step: () => void): number {
  for (let i = 0; i < 20_000; i++) step();
  const batches: number[] = [];
  for (let b = 0; b < 25; b++) {
    const before = process.cpuUsage();
    for (let i = 0; i < 4_000; i++) step();
    const used = process.cpuUsage(before);
    batches.push((used.user + used.system) / 4_000);
  }
  return batches.sort((a, b) => a - b)[12] ?? 0;
}

function touchedKb(core: Exports): number {
  // Pages of 4 KiB with anything in them: the others cost nothing.
  const bytes = new Uint32Array(core.memory.buffer);
  let pages = 0;
  for (let page = 0; page < bytes.length; page += 1024) {
    if (bytes.subarray(page, page + 1024).some((word) => word !== 0)) pages++;
  }
  return pages * 4;
}

const rows: Record<string, string | number>[] = [];
const exceeded: string[] = [];
for (const build of ["wasm-wasi", "wasm-emscripten"]) {
  const path = new URL(`../../build/${build}/trunkline.wasm`, import.meta.url);
  if (!existsSync(path)) throw new Error(`build/${build}/trunkline.wasm is missing: scripts/bench builds it`);
  const bytes = readFileSync(path);
  const compileStart = performance.now();
  const module = new Module(bytes);
  const compileMs = performance.now() - compileStart;
  const instantiateStart = performance.now();
  const first = instantiate(module);
  const instantiateMs = performance.now() - instantiateStart;
  const firstStart = performance.now();
  new SteadyCall(first, "openai-realtime", true).frame();
  const firstCallMs = performance.now() - firstStart;
  const again = performance.now();
  for (let i = 0; i < 20; i++) instantiate(module);
  const againMs = (performance.now() - again) / 20;
  const idleKb = touchedKb(instantiate(module));
  const used = instantiate(module);
  const call = new SteadyCall(used, "openai-realtime", true);
  // Within the first reply: 20 s of audio that came at once.
  for (let i = 0; i < 1000; i++) call.frame();
  const parrot = new SteadyCall(instantiate(module), "parrot", false);
  const realtime = new SteadyCall(instantiate(module), "openai-realtime", false);
  const both = new SteadyCall(instantiate(module), "openai-realtime", true);
  const row = {
    build,
    "raw bytes": bytes.length,
    "gz bytes": gzipSync(bytes, { level: 9 }).length,
    "compile ms": compileMs.toFixed(2),
    "instantiate ms": `${instantiateMs.toFixed(2)} / ${againMs.toFixed(3)}`,
    "first call ms": firstCallMs.toFixed(2),
    "copy us": cost(() => parrot.copyOnly()).toFixed(3),
    "inbound us": cost(() => parrot.frame()).toFixed(2),
    "to Realtime us": cost(() => realtime.frame()).toFixed(2),
    "both ways us": cost(() => both.frame()).toFixed(2),
    "touched KB new / in a call": `${idleKb} / ${touchedKb(used)}`,
  };
  rows.push(row);
  if (build === "wasm-wasi") {
    if (row["raw bytes"] > BUDGETS.rawBytes) exceeded.push("raw bytes");
    if (row["gz bytes"] > BUDGETS.gzBytes) exceeded.push("gz bytes");
    if (Number(row["inbound us"]) > BUDGETS.inboundUs) exceeded.push("inbound us");
    if (Number(row["both ways us"]) > BUDGETS.bothWaysUs) exceeded.push("both ways us");
    if (touchedKb(used) - idleKb > BUDGETS.touchedPerCallKb) exceeded.push("touched KB");
  }
}
for (const name of Object.keys(rows[0] ?? {})) {
  process.stdout.write(`${name.padEnd(28)}${rows.map((row) => String(row[name]).padStart(18)).join("")}\n`);
}
if (exceeded.length > 0) {
  process.stderr.write(`over budget: ${exceeded.join(", ")}\n`);
  process.exitCode = 1;
}
