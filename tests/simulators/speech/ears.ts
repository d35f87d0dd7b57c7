import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { resample } from "../audio/resample.ts";
import { arpaModel, wordsOf } from "./language-model.ts";

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL("../../../build/simulators", import.meta.url));
const SOURCE = fileURLToPath(new URL("recognise.c", import.meta.url));
const MODEL = "/usr/share/pocketsphinx/model/en-us";

async function compile(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const program = join(FOLDER, "recognise");
  if (existsSync(program) && statSync(program).mtimeMs > statSync(SOURCE).mtimeMs) return program;
  const { stdout } = await run("pkg-config", ["--cflags", "--libs", "pocketsphinx", "sphinxbase"]);
  // Renamed into place: several processes may find it missing at once.
  const fresh = `${program}.${process.pid}`;
  await run("cc", ["-O2", "-o", fresh, SOURCE, ...stdout.trim().split(/\s+/)]);
  renameSync(fresh, program);
  return program;
}

/**
 * Understands utterances of a small domain: pocketsphinx with a language model of the domain's own sentences. Free
 * dictation over a telephone line is beyond it.
 */
export class Ears {
  readonly #child: ChildProcess;
  readonly #waiting: ((text: string) => void)[] = [];
  #ended = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(sentences: readonly string[]): Promise<Ears> {
    const program = await compile();
    const vocabulary = new Set(sentences.flatMap(wordsOf));
    const dictionary = readFileSync(join(MODEL, "cmudict-en-us.dict"), "utf8")
      .split("\n")
      .filter((line) => vocabulary.has(line.split(/[\s(]/, 1)[0] ?? ""));
    const known = new Set(dictionary.map((line) => line.split(/[\s(]/, 1)[0]));
    const missing = [...vocabulary].filter((word) => !known.has(word));
    if (missing.length > 0) throw new Error(`not in the dictionary: ${missing.join(" ")}`);
    const lm = join(FOLDER, `domain-${process.pid}.lm`);
    const dict = join(FOLDER, `domain-${process.pid}.dict`);
    writeFileSync(lm, arpaModel(sentences));
    writeFileSync(dict, `${dictionary.join("\n")}\n`);
    const child = spawn(program, [join(MODEL, "en-us"), lm, dict], { stdio: ["pipe", "pipe", "inherit"] });
    // It is the provider's machine that is busy, not the one of the gateway.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const ears = new Ears(child);
    const ready = new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the recogniser ended with status ${code}`)));
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
        if (line === "ready") resolve();
        else ears.#waiting.shift()?.(line);
      });
    });
    child.once("exit", () => {
      ears.#ended = true;
      for (const resolve of ears.#waiting.splice(0)) resolve("");
    });
    await ready;
    return ears;
  }

  /** What was said in `samples`; "" when nothing was understood. */
  hear(samples: Int16Array, rateHz: number): Promise<string> {
    if (this.#ended) return Promise.resolve("");
    const wide = rateHz === 8000 ? mirrored(samples) : resample(samples, rateHz, 16_000);
    const header = Buffer.alloc(4);
    header.writeUInt32LE(wide.length);
    this.#child.stdin?.write(header);
    this.#child.stdin?.write(Buffer.from(wide.buffer, wide.byteOffset, wide.byteLength));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#child.stdin?.end();
  }
}

/**
 * Telephone speech for a wideband model: doubled in rate with half of the mirror image above 4 kHz left in, which the
 * model takes better than an empty upper band.
 */
function mirrored(samples: Int16Array): Int16Array {
  const clean = resample(samples, 8000, 16_000);
  const out = new Int16Array(clean.length);
  for (let i = 0; i < out.length; i++) {
    const stuffed = i % 2 === 0 ? 2 * (samples[i / 2] ?? 0) : 0;
    const low = clean[i] ?? 0;
    out[i] = Math.max(-32768, Math.min(32767, Math.round(low + 0.5 * (stuffed - low))));
  }
  return out;
}
