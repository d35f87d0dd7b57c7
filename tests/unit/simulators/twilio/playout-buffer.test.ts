import { beforeEach, describe, expect, it } from "vitest";
import { PlayoutBuffer } from "../../../simulators/twilio/playout-buffer.ts";

let echoes: [name: string, atMs: number][];
let playout: PlayoutBuffer;

beforeEach(() => {
  echoes = [];
  playout = new PlayoutBuffer(0, (name, atMs) => echoes.push([name, atMs]));
});

const audio = (ms: number, code = 1) => new Uint8Array(ms * PlayoutBuffer.BYTES_PER_MS).fill(code);

/** All that was heard, as [ms, code] of each run. */
function runs(): { atMs: number; ms: number; code: number | undefined }[] {
  return playout.heard.map(({ atMs, bytes }) => ({ atMs, ms: bytes.length / 8, code: bytes[0] }));
}

describe("PlayoutBuffer", () => {
  it("plays at real time, in the order of arrival", () => {
    playout.append(audio(40, 1), 100);
    playout.append(audio(20, 2), 105);
    playout.advance(150);
    expect(playout.waitingMs).toBe(10);
    playout.advance(1000);
    expect(playout.waitingMs).toBe(0);
    const heard = playout.heard.flatMap(({ bytes }) => [...bytes]);
    expect(heard).toEqual([...audio(40, 1), ...audio(20, 2)]);
    expect(runs()[0]?.atMs).toBe(100);
    const last = runs().at(-1);
    expect((last?.atMs ?? 0) + (last?.ms ?? 0)).toBe(160);
  });

  it("plays the same however often it is asked to go on", () => {
    const other = new PlayoutBuffer(0, () => {});
    playout.append(audio(50), 3);
    other.append(audio(50), 3);
    for (let nowMs = 3; nowMs < 80; nowMs += 0.7) playout.advance(nowMs);
    other.advance(80);
    const total = (buffer: PlayoutBuffer) => buffer.heard.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(total(playout)).toBe(400);
    expect(total(other)).toBe(400);
    expect(runs().at(-1)?.atMs).toBeLessThan(53);
  });

  it("plays a tail that is shorter than a frame", () => {
    playout.append(new Uint8Array(3).fill(9), 0);
    playout.advance(20);
    expect(playout.heard.flatMap(({ bytes }) => [...bytes])).toEqual([9, 9, 9]);
  });

  it("is silent while it is empty, and begins anew when audio comes", () => {
    playout.append(audio(20), 0);
    playout.append(audio(20), 500);
    playout.advance(1000);
    expect(runs().map(({ atMs }) => atMs)).toEqual([0, 500]);
  });

  it("echoes a mark when all before it has been played, and not earlier", () => {
    playout.append(audio(40), 0);
    playout.mark("a", 0);
    playout.append(audio(20), 0);
    playout.mark("b", 0);
    expect(playout.nextMarkMs()).toBe(40);
    playout.advance(39);
    expect(echoes).toEqual([]);
    playout.advance(40);
    expect(echoes).toEqual([["a", 40]]);
    playout.advance(90);
    expect(echoes).toEqual([
      ["a", 40],
      ["b", 60],
    ]);
    expect(playout.nextMarkMs()).toBeUndefined();
  });

  it("echoes a mark at once when nothing is buffered", () => {
    playout.mark("first", 7);
    playout.append(audio(20), 10);
    playout.mark("later", 400);
    expect(echoes).toEqual([
      ["first", 7],
      ["later", 400],
    ]);
  });

  it("drops what waits on clear, and echoes every mark that was pending, at once and in order", () => {
    playout.append(audio(100), 0);
    playout.mark("a", 0);
    playout.append(audio(100), 0);
    playout.mark("b", 0);
    expect(playout.clear(120)).toBe(80);
    expect(echoes).toEqual([
      ["a", 100],
      ["b", 120],
    ]);
    playout.advance(1000);
    expect(playout.heard.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(120 * 8);
    expect(echoes).toHaveLength(2);
  });

  it("has nothing to drop when it is empty", () => {
    expect(playout.clear(50)).toBe(0);
    expect(echoes).toEqual([]);
  });

  it("plays what comes after a clear from then on", () => {
    playout.append(audio(100, 1), 0);
    playout.clear(50);
    playout.append(audio(20, 2), 60);
    playout.advance(100);
    expect(runs().at(-1)).toEqual({ atMs: 60, ms: 20, code: 2 });
  });

  it("counts a short hole as an underrun, a pause or a clear not", () => {
    playout.append(audio(20), 0);
    playout.append(audio(20), 50);
    expect(playout.underruns).toBe(1);
    playout.append(audio(20), 200);
    expect(playout.underruns).toBe(1);
    playout.clear(210);
    playout.append(audio(20), 215);
    expect(playout.underruns).toBe(1);
  });

  it("refuses and counts what is more than it holds", () => {
    playout.append(new Uint8Array(PlayoutBuffer.MAX_BYTES), 0);
    playout.append(audio(1), 0);
    expect(playout.refusedBytes).toBe(8);
    expect(playout.waitingMs).toBe(PlayoutBuffer.MAX_BYTES / PlayoutBuffer.BYTES_PER_MS);
  });
});
