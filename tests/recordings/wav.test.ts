// WAV files that the core and the simulators write, by several readers.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseWav, writeWav } from "../simulators/audio/wav.ts";

const root = path.join(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "wav-"));
afterAll(() => rmSync(folder, { recursive: true }));

const samplesOf = (bytes: Buffer) => Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i));

const PYTHON =
  "import sys,wave\nw=wave.open(sys.argv[1])\n" +
  "assert (w.getnchannels(),w.getsampwidth(),w.getframerate())==(1,2,8000)\n" +
  "sys.stdout.buffer.write(w.readframes(w.getnframes()))";

/** By each reader that is there: name to samples. */
function readers(file: string, encoding: string): Map<string, number[]> {
  const read = new Map<string, number[]>();
  const ffmpeg = ["-v", "error", "-xerror", "-i", file, "-f", "s16le", "pipe:1"];
  read.set("ffmpeg", samplesOf(execFileSync("ffmpeg", ffmpeg)));
  const own = parseWav(readFileSync(file));
  expect(own.sampleRateHz).toBe(8000);
  read.set("simulators", [...own.samples]);
  const others: [string, string[]][] = [["sox", [file, "-t", "raw", "-e", "signed", "-b", "16", "-"]]];
  if (encoding === "pcm16") others.push(["python3", ["-c", PYTHON, file]]);
  for (const [program, options] of others) {
    const { status, stdout, error } = spawnSync(program, options);
    if (error) continue;
    expect(status, program).toBe(0);
    read.set(program, samplesOf(stdout));
  }
  return read;
}

describe("WAV files", () => {
  // Lengths of G.711 that are odd have a byte of padding.
  it.each(["pcm16", "mulaw", "alaw"])("of %s that the core writes are the same to all readers", (encoding) => {
    execFileSync(path.join(root, "build/release/make_recordings"), [folder, "wav"]);
    const expected = samplesOf(readFileSync(path.join(folder, `${encoding}.raw`)));
    expect(expected).toHaveLength(8001);
    for (const [reader, samples] of readers(path.join(folder, `${encoding}.wav`), encoding))
      expect(samples, reader).toEqual(expected);
  });

  it("that the simulated caller writes are the same to all readers", () => {
    const samples = Int16Array.from({ length: 4001 }, (_, i) => ((i * 7919) % 65536) - 32768);
    const file = path.join(folder, "heard.wav");
    writeWav(file, samples, 8000);
    for (const [reader, read] of readers(file, "pcm16")) expect(read, reader).toEqual([...samples]);
  });
});
