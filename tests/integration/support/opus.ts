import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** One page of a file and where its sound ends. */
export interface Page {
  readonly granule: number;
  readonly bytes: Buffer;
}

/** The pages of what opusenc makes of `seconds` of a tone, stereo, a page at most a second; the first has the headers. */
export function encodedPages(seconds: number): Page[] {
  const folder = mkdtempSync(path.join(tmpdir(), "opus-"));
  try {
    const wav = path.join(folder, "x.wav");
    const opus = path.join(folder, "x.opus");
    writeFileSync(wav, tone(seconds));
    const options = ["--quiet", "--bitrate", "24", "--max-delay", "1000", "--serial", "77"];
    execFileSync("opusenc", [...options, wav, opus], { stdio: "pipe" });
    return cut(readFileSync(opus));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function tone(seconds: number): Buffer {
  const frames = Math.round(seconds * 8000);
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + frames * 4, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(32000, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i++) {
    wav.writeInt16LE(Math.round(8000 * Math.sin(i * 0.35)), 44 + i * 4);
    wav.writeInt16LE(Math.round(8000 * Math.sin(i * 0.2)), 46 + i * 4);
  }
  return wav;
}

/** Pages, the two of the headers together with the first that has sound. */
function cut(file: Buffer): Page[] {
  const pages: Page[] = [];
  let begin = 0;
  let offset = 0;
  while (offset < file.length) {
    const segments = file[offset + 26] ?? 0;
    let length = 27 + segments;
    for (let i = 0; i < segments; i++) length += file[offset + 27 + i] ?? 0;
    const granule = Number(file.readBigInt64LE(offset + 6));
    offset += length;
    if (granule <= 0) continue;
    pages.push({ granule, bytes: file.subarray(begin, offset) });
    begin = offset;
  }
  return pages;
}

/** What others' programs find wrong with a recording; empty if nothing. Its length, seconds, as they measure it. */
export function judge(recording: Uint8Array): { readonly faults: string; readonly seconds: number } {
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
    ].join("");
    const lengths = [...opusinfo.stdout.matchAll(/Playback length: (?:(\d+)h:)?(\d+)m:([\d.]+)s/g)];
    const seconds = lengths.reduce((sum, [, h, m, s]) => sum + Number(h ?? 0) * 3600 + Number(m) * 60 + Number(s), 0);
    return { faults, seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
