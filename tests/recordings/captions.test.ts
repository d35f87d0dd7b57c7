// Captions by a strict parser and by FFmpeg's.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { captions } from "../../worker-shim/captions.ts";
import { parseWebVtt } from "../support/webvtt.ts";

const TEXTS = [
  "Hello.",
  "a <b> & c --> d",
  "two\n\nlines\r\nand more",
  "  ",
  "Gr\u00fc\u00dfe, \u4f60\u597d \u{1f3a7}",
  "<v Agent>no</v>",
  "&lt;",
  "1\n2",
];

/** Turns of a call, out of order, some that overlap, and some that end behind the file. */
function turnsOf(call: number) {
  return Array.from({ length: 1 + ((call * 7) % 40) }, (_, i) => {
    const startMs = ((i * 7_919 + call * 104_729) % 4_000_000) + 100;
    const recordingMs = i % 9 === 8 ? null : startMs - 100;
    const text = TEXTS[(i + call) % TEXTS.length] ?? "";
    return { role: i % 2 ? "agent" : "caller", startMs, endMs: startMs + ((i * 613) % 5_000), text, recordingMs };
  });
}

const secondsOf = (document: string) => {
  const options = ["-v", "error", "-f", "webvtt", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"];
  const lines = execFileSync("ffprobe", [...options, "pipe:0"], { input: document, encoding: "utf8" });
  return lines
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(",").map(Number));
};

describe("captions", () => {
  it("are read alike by a strict parser and by FFmpeg, in order, within the file, word for word", () => {
    for (let call = 0; call < 15; call++) {
      const turns = turnsOf(call);
      const fileMs = 1_000_000 + call * 50_000;
      const document = captions(turns, fileMs);
      const cues = parseWebVtt(document);
      const told = turns
        .filter(({ recordingMs, text }) => recordingMs !== null && recordingMs < fileMs && text.trim() !== "")
        .sort((a, b) => (a.recordingMs ?? 0) - (b.recordingMs ?? 0));
      expect(cues.map(({ voice, text, fromMs }) => [voice, text, fromMs])).toEqual(
        told.map(({ role, text, recordingMs }) => [
          role === "caller" ? "Caller" : "Agent",
          text.replace(/\s+/g, " ").trim(),
          recordingMs,
        ]),
      );
      for (const { toMs } of cues) expect(toMs).toBeLessThanOrEqual(fileMs);
      const read = secondsOf(document);
      expect(read).toHaveLength(cues.length);
      for (const [i, { fromMs, toMs }] of cues.entries()) {
        expect(read[i]?.[0]).toBeCloseTo(fromMs / 1000, 3);
        expect(read[i]?.[1]).toBeCloseTo((toMs - fromMs) / 1000, 3);
      }
    }
  });
});
