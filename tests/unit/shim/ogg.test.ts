import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endStream, OggError, oggCrc, oggPages, preSkipOf } from "../../../worker-shim/ogg.ts";
import { opusBatches } from "./support/opus-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "ogg-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What two programs of others say about a file; throws if they find it wrong. */
function judge(bytes: Uint8Array): { opusinfo: string; durationS: number } {
  const file = path.join(folder, "x.opus");
  writeFileSync(file, bytes);
  const opusinfo = execFileSync("opusinfo", [file], { encoding: "utf8", stdio: "pipe" });
  const ffprobe = execFileSync(
    "ffprobe",
    ["-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", file],
    {
      encoding: "utf8",
      stdio: "pipe",
    },
  );
  return { opusinfo, durationS: Number(ffprobe) };
}

function bytesOf(batches: readonly { readonly pages: Uint8Array }[]): Uint8Array {
  return new Uint8Array(Buffer.concat(batches.map(({ pages }) => pages)));
}

describe("oggCrc", () => {
  it("is the checksum of RFC 3533", () => {
    expect(oggCrc(new TextEncoder().encode("123456789"))).toBe(0x89a1897f);
  });
});

describe("endStream", () => {
  it("makes a whole file of one that was cut after any second", () => {
    for (let seconds = 1; seconds <= 4; seconds++) {
      const cut = opusBatches(seconds, false);
      const last = cut.at(-1);
      const ended = last && endStream(last.pages);
      if (!ended) throw new Error("nothing to end");
      const { opusinfo, durationS } = judge(bytesOf([...cut.slice(0, -1), { pages: ended }]));
      expect(opusinfo).not.toMatch(/WARNING|EOS/);
      expect(Math.abs(durationS - seconds)).toBeLessThan(0.02);
    }
  });

  it("is told by opusinfo: without it something is missing", () => {
    expect(() => judge(bytesOf(opusBatches(2, false)))).toThrow(/opusinfo/);
  });

  it("leaves alone what has its end", () => {
    expect(endStream(opusBatches(1, true)[0]?.pages ?? new Uint8Array())).toBeUndefined();
    expect(endStream(new Uint8Array())).toBeUndefined();
  });

  it("closes a link so that the next session's may follow", () => {
    const first = opusBatches(2, false, 1);
    const ended = endStream(first.at(-1)?.pages ?? new Uint8Array()) ?? new Uint8Array();
    const second = opusBatches(3, true, 2);
    const { opusinfo } = judge(bytesOf([...first.slice(0, -1), { pages: ended }, ...second]));
    expect(opusinfo).not.toMatch(/WARNING/);
    expect(opusinfo.match(/Logical stream \d+ ended/g)).toHaveLength(2);
  });
});

describe("oggPages", () => {
  it("finds every page and what it says", () => {
    const bytes = bytesOf(opusBatches(2, true, 9));
    const pages = [...oggPages(bytes)];
    expect(pages.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    expect(pages.map(({ granule }) => granule)).toEqual([0, 0, 48_000, 96_000]);
    expect(pages[0]).toMatchObject({ begins: true, ends: false, serial: 9 });
    expect(pages[3]).toMatchObject({ begins: false, ends: true });
    expect(pages.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
    expect(preSkipOf(bytes)).toBe(312);
  });

  it("refuses what is not whole pages, wherever it is cut", () => {
    const bytes = opusBatches(1, true)[0]?.pages ?? new Uint8Array();
    const starts = new Set([...oggPages(bytes)].map(({ offset }) => offset));
    for (let length = 1; length < bytes.length; length++) {
      if (starts.has(length)) continue;
      expect(() => [...oggPages(bytes.subarray(0, length))]).toThrow(OggError);
    }
    expect(preSkipOf(new Uint8Array(10))).toBeUndefined();
  });
});
