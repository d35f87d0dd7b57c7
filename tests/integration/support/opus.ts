import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { decodeByAll } from "../../support/decoders.ts";

/** Samples a second of what is decoded. */
export const HZ = 8000;

/** Caller and agent at HZ, by a decoder that is not ours. */
export function decode(file: Uint8Array): [Int16Array, Int16Array] {
  const options = ["-v", "error", "-i", "pipe:0", "-f", "s16le", "-ac", "2", "-ar", String(HZ), "pipe:1"];
  const pcm = execFileSync("ffmpeg", options, { input: file, maxBuffer: 1 << 28 });
  const frames = Math.floor(pcm.length / 4);
  const sides: [Int16Array, Int16Array] = [new Int16Array(frames), new Int16Array(frames)];
  for (let i = 0; i < frames; i++) {
    sides[0][i] = pcm.readInt16LE(i * 4);
    sides[1][i] = pcm.readInt16LE(i * 4 + 2);
  }
  return sides;
}

function disagreement(recording: Uint8Array): string {
  try {
    decodeByAll(recording);
    return "";
  } catch (error) {
    return String(error);
  }
}

/** What others' programs find wrong with a recording; empty if nothing, and if decoders agree. Its length, seconds, as they measure it. */
export function judge(recording: Uint8Array): {
  readonly faults: string;
  readonly seconds: number;
  /** Ogg streams in the file. */
  readonly streams: number;
} {
  const folder = mkdtempSync(path.join(tmpdir(), "opus-"));
  try {
    const file = path.join(folder, "x.opus");
    writeFileSync(file, recording);
    const opusinfo = spawnSync("opusinfo", [file], { encoding: "utf8" });
    const ffprobe = spawnSync("ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file], {
      encoding: "utf8",
    });
    const faults = [
      ...(opusinfo.status === 0 ? [] : [opusinfo.stdout + opusinfo.stderr]),
      ...(opusinfo.stdout.match(/WARNING.*/g) ?? []),
      ...(ffprobe.status === 0 ? [] : [`ffprobe: ${ffprobe.status}`]),
      ffprobe.stderr,
      disagreement(recording),
    ].join("");
    const lengths = [...opusinfo.stdout.matchAll(/Playback length: (?:(\d+)h:)?(\d+)m:([\d.]+)s/g)];
    const seconds = lengths.reduce((sum, [, h, m, s]) => sum + Number(h ?? 0) * 3600 + Number(m) * 60 + Number(s), 0);
    return { faults, seconds, streams: lengths.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
