// Which memory the core touches in a frame: runs touched_calls under valgrind's lackey, which names every instruction
// and every access, and counts the lines of 64 bytes that a frame needs. Natively: the module's code is another, its
// data are nearly the same. scripts/bench-touched builds and runs it.

import { spawn } from "node:child_process";
import path from "node:path";
import { median, table } from "../load/figures.ts";

const root = path.join(import.meta.dirname, "../..");
const PROGRAM = path.join(root, "build/release/bench/touched_calls");
const SPEECH = "/usr/share/asterisk/sounds/en_US_f_Allison/auth-thankyou.wav";
const LINE_BYTES = 64;
/** Where the trace goes, apart from what the program prints and what valgrind says. */
const TRACE_FD = 3;

const KINDS = ["silent", "talking", "recorded"] as const;

interface Frame {
  readonly instructions: number;
  readonly accesses: number;
  readonly code: number;
  readonly data: number;
  readonly written: number;
}

interface Trace {
  readonly frames: readonly Frame[];
  /** Of all counted frames together, lines. */
  readonly allCode: number;
  readonly allData: number;
}

const NEWLINE = 10;
const SPACE = 32;
const COMMA = 44;
const CAPITAL_I = 73;
const CAPITAL_L = 76;
const CAPITAL_M = 77;
const CAPITAL_S = 83;

/** Reads lackey's trace as it comes. A store to a marker says when the core is at work, and when a frame is over. */
class TraceReader {
  readonly #markers: readonly [begins: number, stops: number, frameEnds: number];
  readonly #skip: number;
  readonly #frames: Frame[] = [];
  readonly #allCode = new Set<number>();
  readonly #allData = new Set<number>();
  #code = new Set<number>();
  #data = new Set<number>();
  #written = new Set<number>();
  #instructions = 0;
  #accesses = 0;
  #works = false;
  #seen = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(markers: readonly [number, number, number], skip: number) {
    this.#markers = markers;
    this.#skip = skip;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#line(bytes, start, end);
      start = end + 1;
    }
    this.#rest = bytes.subarray(start);
  }

  /** `I  ADDRESS,SIZE` or ` L ADDRESS,SIZE`, S for a store, M for both. */
  #line(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start] === SPACE ? bytes[start + 1] : bytes[start];
    if (kind !== CAPITAL_I && kind !== CAPITAL_L && kind !== CAPITAL_S && kind !== CAPITAL_M) return;
    if (!this.#works && kind !== CAPITAL_S) return;
    let address = 0;
    let at = start + 3;
    for (let byte = bytes[at] ?? COMMA; byte !== COMMA && at < end; byte = bytes[++at] ?? COMMA)
      address = address * 16 + (byte <= 57 ? byte - 48 : byte - 87);
    if (kind === CAPITAL_S && this.#mark(address)) return;
    if (!this.#works) return;
    const size = Number(bytes.toString("latin1", at + 1, end));
    const first = Math.floor(address / LINE_BYTES);
    const last = Math.floor((address + size - 1) / LINE_BYTES);
    for (let line = first; line <= last; line++) {
      if (kind === CAPITAL_I) this.#code.add(line);
      else this.#data.add(line);
      if (kind === CAPITAL_S || kind === CAPITAL_M) this.#written.add(line);
    }
    if (kind === CAPITAL_I) this.#instructions++;
    else this.#accesses++;
  }

  /** Returns whether it was one of the markers. */
  #mark(address: number): boolean {
    const [begins, stops, frameEnds] = this.#markers;
    if (address === begins) this.#works = true;
    else if (address === stops) this.#works = false;
    else if (address === frameEnds) this.#endFrame();
    else return false;
    return true;
  }

  #endFrame(): void {
    if (++this.#seen > this.#skip) {
      this.#frames.push({
        instructions: this.#instructions,
        accesses: this.#accesses,
        code: this.#code.size,
        data: this.#data.size,
        written: this.#written.size,
      });
      for (const line of this.#code) this.#allCode.add(line);
      for (const line of this.#data) this.#allData.add(line);
    }
    this.#code.clear();
    this.#data.clear();
    this.#written.clear();
    this.#instructions = 0;
    this.#accesses = 0;
  }

  get trace(): Trace {
    return { frames: this.#frames, allCode: this.#allCode.size, allData: this.#allData.size };
  }
}

/** Runs the program plainly or traced; returns the lines that it printed. */
function run(kind: string, reader: TraceReader | undefined): Promise<string[]> {
  const call = [PROGRAM, kind, SPEECH];
  // The same addresses in both runs.
  const lackey = ["valgrind", "-q", "--tool=lackey", "--basic-counts=no", "--trace-mem=yes", `--log-fd=${TRACE_FD}`];
  const [command = "", ...args] = reader ? [...lackey, ...call] : ["valgrind", "-q", "--tool=none", ...call];
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit", "pipe"] });
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk.toString("latin1");
  });
  child.stdio[TRACE_FD]?.on("data", (chunk: Buffer) => reader?.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(printed.trim().split("\n"));
      else reject(new Error(`${PROGRAM} ${kind} ended with ${status}`));
    });
  });
}

/** The addresses, and how many frames come before the first that counts. */
function parseHead(line: string): { markers: [number, number, number]; skip: number } {
  const [begins = "", stops = "", frameEnds = "", skip = ""] = line.split(" ");
  return { markers: [Number(begins), Number(stops), Number(frameEnds)], skip: Number(skip) };
}

const kilobytes = (lines: number) => ((lines * LINE_BYTES) / 1024).toFixed(1);

function rowOf(title: string, frames: readonly Frame[], trace?: Trace): string[] {
  const middle = (of: (frame: Frame) => number) => median(frames.map(of));
  const [code, data, written] = [middle((f) => f.code), middle((f) => f.data), middle((f) => f.written)];
  const most = Math.max(...frames.map((frame) => frame.code + frame.data));
  return [
    title,
    String(frames.length),
    middle((frame) => frame.instructions).toFixed(0),
    `${code.toFixed(0)} / ${kilobytes(code)}`,
    `${data.toFixed(0)} / ${kilobytes(data)}`,
    `${written.toFixed(0)} / ${kilobytes(written)}`,
    `${(code + data).toFixed(0)} / ${kilobytes(code + data)}`,
    `${most} / ${kilobytes(most)}`,
    trace ? `${kilobytes(trace.allCode)} + ${kilobytes(trace.allData)}` : "",
  ];
}

const wanted = process.argv.slice(2);
const lines = [
  [
    "lines of 64 B / KB, median frame",
    "frames",
    "instructions",
    "code",
    "data",
    "of it written",
    "both",
    "most",
    "all frames: code + data, KB",
  ],
];
for (const kind of KINDS) {
  if (wanted.length > 0 && !wanted.includes(kind)) continue;
  const [head = ""] = await run(kind, undefined);
  const { markers, skip } = parseHead(head);
  const reader = new TraceReader(markers, skip);
  const [again = "", ...labels] = await run(kind, reader);
  if (again !== head) throw new Error("the program lies at other addresses each time");
  const { trace } = reader;
  if (trace.frames.length !== labels.length)
    throw new Error(`${trace.frames.length} frames in the trace, ${labels.length} printed`);
  lines.push(rowOf(`a call, ${kind}`, trace.frames, trace));
  for (const label of new Set(labels)) {
    if (kind === "silent") continue;
    lines.push(
      rowOf(
        `  ${label} speaks`,
        trace.frames.filter((_, i) => labels[i] === label),
      ),
    );
  }
}
console.log(table(lines));
