// Time of each audio stage for a frame of 20 ms: our module by both builders, natively, the libraries natively, and the
// npm packages that a Worker's developer takes today; all of one run, so that ratios hold where the machine does not.
// Fails when the wasi build takes more than three times a stage's target.
//
//   node tests/bench/audio-stages.ts [--no-npm] [NAME...]   NAME is how a stage's name begins

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { npmStages } from "./npm_stages.ts";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  bench_count(): number;
  bench_name(stage: number): number;
  bench_parts(stage: number): number;
  bench_state_bytes(stage: number): number;
  bench_target_us(stage: number): number;
  bench_run(stage: number, frames: number): void;
  bench_line(): number;
  bench_line_samples(): number;
}

/** What the module says of a stage. */
interface Stage {
  readonly name: string;
  readonly parts: readonly string[];
  readonly stateBytes: number;
  readonly targetUs: number;
  run(frames: number): void;
}

const root = path.join(import.meta.dirname, "../..");
const WARM_UP_US = 150_000;
const BATCH_US = 4_000;
const BATCHES = 25;
/** A run fails above so many times the target. */
const TOLERANCE = 3;

/** CPU time, microseconds. */
function timed(run: (frames: number) => void, frames: number): number {
  const before = process.cpuUsage();
  run(frames);
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

/** Median over batches of the time of one frame, microseconds. */
function frameUs(run: (frames: number) => void): number {
  let frames = 1;
  for (let warm = 0, us = 0; warm < WARM_UP_US || us < BATCH_US; warm += us) {
    us = timed(run, frames);
    if (us < BATCH_US) frames *= 2;
  }
  const batches = Array.from({ length: BATCHES }, () => timed(run, frames) / frames);
  return batches.sort((a, b) => a - b)[BATCHES >> 1] ?? 0;
}

function load(preset: string): Exports {
  const bytes = readFileSync(path.join(root, "build", preset, "stages.wasm"));
  const module = new Instance(new Module(bytes), {}).exports as Exports;
  module._initialize();
  return module;
}

function stagesOf(module: Exports): Stage[] {
  const text = (at: number) => {
    const memory = Buffer.from(module.memory.buffer);
    return memory.toString("latin1", at, memory.indexOf(0, at));
  };
  return Array.from({ length: module.bench_count() }, (_, stage) => ({
    name: text(module.bench_name(stage)),
    parts: text(module.bench_parts(stage)).split(" ").filter(Boolean),
    stateBytes: module.bench_state_bytes(stage),
    targetUs: module.bench_target_us(stage),
    run: (frames) => module.bench_run(stage, frames),
  }));
}

/** Code and data of an object file, without what only the linker reads. */
function contentOf(object: Uint8Array): Buffer {
  const content: Uint8Array[] = [];
  for (let at = 8; at < object.length; ) {
    const id = object[at++];
    let size = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = object[at++] ?? 0;
      size += (byte & 0x7f) * 2 ** shift;
    }
    if (id === 10 || id === 11) content.push(object.subarray(at, at + size));
    at += size;
  }
  return Buffer.concat(content);
}

/** The object files in an archive. */
function membersOf(archive: Buffer): Uint8Array[] {
  const members: Uint8Array[] = [];
  for (let at = 8; at < archive.length; ) {
    const size = Number(archive.toString("latin1", at + 48, at + 58));
    const member = archive.subarray(at + 60, at + 60 + size);
    if (member.toString("latin1", 0, 4) === "\0asm") members.push(member);
    at += 60 + size + (size % 2);
  }
  return members;
}

/**
 * Compressed size of what the parts compiled to, each on its own: in Emscripten's build, since what the module is linked
 * of is not code yet.
 */
function gzBytesOf(parts: readonly string[]): number {
  return parts.reduce((sum, part) => {
    const [folder = "", ...file] = part.split("/");
    const objects =
      file.length > 0
        ? [
            readFileSync(
              path.join(
                root,
                `build/wasm-emscripten/wasm/${folder}/CMakeFiles/trunkline_${folder}.dir`,
                `${file.join("/")}.cc.o`,
              ),
            ),
          ]
        : membersOf(readFileSync(path.join(root, `build/wasm-emscripten/lib${part}.a`)));
    return sum + gzipSync(Buffer.concat(objects.map(contentOf)), { level: 9 }).length;
  }, 0);
}

interface NativeFigure {
  readonly name: string;
  /** Empty for ours. */
  readonly library: string;
  readonly us: number;
  readonly state: number;
}

interface Row {
  readonly name: string;
  readonly who: string;
  readonly us: number;
  readonly ratio?: number;
}

function digits(us: number): string {
  return us < 1 ? us.toFixed(3) : us.toFixed(2);
}

async function main(args: readonly string[]): Promise<void> {
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const asked = (name: string) => wanted.length === 0 || wanted.some((beginning) => name.startsWith(beginning));
  const module = load("wasm-wasi");
  const wasi = stagesOf(module);
  const emscripten = stagesOf(load("wasm-emscripten"));
  const native = JSON.parse(
    execFileSync(path.join(root, "build/release/bench/stages_native"), wanted, { encoding: "utf8" }),
  ) as NativeFigure[];
  const line = new Int16Array(module.memory.buffer, module.bench_line(), module.bench_line_samples()).slice();
  const npm = args.includes("--no-npm") ? [] : await npmStages(line);

  const header = ["stage", "target", "wasi", "emscripten", "native", "state B", "gz B"];
  const lines: string[][] = [];
  const others: Row[] = [];
  const exceeded: string[] = [];
  for (const [index, stage] of wasi.entries()) {
    if (!asked(stage.name)) continue;
    const twin = emscripten[index];
    if (twin?.name !== stage.name) throw new Error("the two builds have different stages");
    const wasiUs = frameUs(stage.run);
    const nativeUs = native.find(({ name, library }) => name === stage.name && library === "")?.us ?? Number.NaN;
    lines.push([
      stage.name,
      stage.targetUs > 0 ? `${stage.targetUs}` : "",
      digits(wasiUs),
      digits(frameUs(twin.run)),
      digits(nativeUs),
      `${stage.stateBytes}`,
      stage.parts.length > 0 ? `${gzBytesOf(stage.parts)}` : "",
    ]);
    if (stage.targetUs > 0 && wasiUs > TOLERANCE * stage.targetUs)
      exceeded.push(`${stage.name}: ${digits(wasiUs)} us, target ${stage.targetUs} us`);
    for (const { library, us } of native.filter(({ name, library }) => name === stage.name && library !== ""))
      others.push({ name: stage.name, who: `${library} (native)`, us, ratio: us / nativeUs });
    for (const other of npm.filter(({ name }) => name === stage.name)) {
      const us = frameUs(other.run);
      const size = other.gzBytes > 0 ? `, ${other.gzBytes} gz B` : "";
      others.push({ name: stage.name, who: `${other.who} (npm${size})`, us, ratio: us / wasiUs });
    }
  }
  // What others have and we have not yet.
  for (const { name, library, us } of native.filter(({ name }) => !wasi.some((stage) => stage.name === name)))
    others.push({ name, who: `${library} (native)`, us });
  for (const other of npm.filter(({ name }) => asked(name) && !wasi.some((stage) => stage.name === name)))
    others.push({ name: other.name, who: `${other.who} (npm, ${other.gzBytes} gz B)`, us: frameUs(other.run) });

  const report = [
    "us for a frame of 20 ms, CPU time, medians",
    ...table([header, ...lines]),
    "",
    "others, and how many times as long they take: a library against ours natively, npm against our wasi build",
    ...table([
      ["stage", "who", "us", "times"],
      ...others.map(({ name, who, us, ratio }) => [name, who, digits(us), ratio ? ratio.toFixed(1) : ""]),
    ]),
    "",
  ].join("\n");
  mkdirSync(path.join(root, "build/bench"), { recursive: true });
  writeFileSync(path.join(root, "build/bench/audio-stages.txt"), report);
  process.stdout.write(report);
  for (const line of exceeded) process.stderr.write(`over ${TOLERANCE} times the target: ${line}\n`);
  if (exceeded.length > 0 || lines.length === 0) process.exitCode = 1;
}

/** Columns as wide as they must be: texts to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const isText = widths.map((_, column) => rows.slice(1).some((row) => /[A-Za-z]/.test(row[column] ?? "")));
  return rows.map((row) =>
    row
      .map((cell, column) => (isText[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

await main(process.argv.slice(2));
