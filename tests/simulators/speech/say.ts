import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { resample } from "../audio/resample.ts";
import { parseWav } from "../audio/wav.ts";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../../build/simulators/speech", import.meta.url));

export type Voice = "slt" | "rms" | "awb" | "kal";

/** Files that were made, so that two at a time have names of their own. */
let made = 0;

/** Speaks with flite; what was said once is kept in build/. */
export async function say(text: string, options: { voice?: Voice; rateHz?: number } = {}): Promise<Int16Array> {
  const voice = options.voice ?? "slt";
  const name = createHash("sha256").update(`${voice}\n${text}`).digest("hex").slice(0, 32);
  const file = join(CACHE, `${name}.wav`);
  if (!existsSync(file)) {
    mkdirSync(CACHE, { recursive: true });
    const fresh = `${file}.${process.pid}.${++made}`;
    await run("flite", ["-voice", voice, "-t", text, "-o", fresh]);
    renameSync(fresh, file);
  }
  const wav = parseWav(readFileSync(file));
  return resample(wav.samples, wav.sampleRateHz, options.rateHz ?? 8000);
}
