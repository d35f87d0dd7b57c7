import { describe, expect, it } from "vitest";
import { parseOptions, UsageError } from "../../load/options.ts";
import { rhythmOf } from "../../load/rhythm.ts";
import { nextDue } from "../../load/wheel.ts";

describe("nextDue", () => {
  it("spreads the calls evenly over 20 ms", () => {
    const due = Array.from({ length: 60 }, (_, i) => nextDue(i, 60, 1000));
    const phases = due.map((each) => each % 20).sort((a, b) => a - b);
    phases.forEach((phase, i) => {
      expect(phase).toBeCloseTo(i / 3, 6);
    });
  });

  it("is after now, and not by more than 20 ms", () => {
    for (let nowMs = 990; nowMs < 1010; nowMs += 0.37) {
      const due = nextDue(7, 60, nowMs);
      expect(due).toBeGreaterThan(nowMs);
      expect(due - nowMs).toBeLessThanOrEqual(20);
    }
  });
});

describe("rhythmOf", () => {
  it("counts through a table of what follows a message", () => {
    expect(
      rhythmOf([
        [],
        [["media", 304]],
        [],
        [
          ["media", 305],
          ["mark", 91],
        ],
        [["media", 304]],
      ]),
    ).toEqual({
      table: [
        [],
        [["media", 304]],
        [
          ["media", 304],
          ["mark", 92],
        ],
      ],
      frames: "01021",
    });
  });

  it("keeps the number of messages when the table is full", () => {
    const many = Array.from({ length: 100 }, (_, i) => [["media", 4 * i] as const]);
    const { table, frames } = rhythmOf([[], ...many]);
    expect(table).toHaveLength(64);
    expect(frames).toHaveLength(101);
    expect(frames.slice(70)).toBe("1".repeat(31));
  });
});

describe("parseOptions", () => {
  it("measures sixty calls unless told otherwise", () => {
    expect(parseOptions([])).toEqual({ calls: 60, seconds: 15, rounds: 3, beatMs: 1, minutes: undefined, json: false });
    expect(parseOptions(["--calls", "5", "--minutes", "15", "--json"])).toMatchObject({
      calls: 5,
      minutes: 15,
      json: true,
    });
  });

  it.each([["--calls", "0"], ["--calls", "201"], ["--seconds", "1.5"], ["--minutes", "61"], ["--beat", "30"], ["--x"]])(
    "refuses %s %s",
    (...args) => {
      expect(() => parseOptions(args.filter((each) => each !== undefined))).toThrow(UsageError);
    },
  );
});
