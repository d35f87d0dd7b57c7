import { describe, expect, it } from "vitest";
import { median, percentile, type Report, ROWS, ratiosOf, rounded, table } from "../../load/figures.ts";

describe("percentile", () => {
  it("is the smallest value that the share does not exceed", () => {
    const values = [5, 1, 4, 2, 3];
    expect(percentile(values, 0.5)).toBe(3);
    expect(percentile(values, 0.99)).toBe(5);
    expect(percentile(values, 0)).toBe(1);
  });

  it("leaves what it was given in its order", () => {
    const values = [2, 1];
    percentile(values, 0.5);
    expect(values).toEqual([2, 1]);
  });

  it("is none of nothing", () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("median", () => {
  it("is the middle one of an odd number, the mean of the middle two of an even one", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
    expect(median([4])).toBe(4);
    expect(median([])).toBeNaN();
  });
});

describe("the report", () => {
  const row = (cpuPerFrameUs: number) => ({ cpuPerFrameUs, memoryPerCallKb: 1, delayP50Ms: 1, delayP99Ms: 1 });
  const rows = { bareInbound: row(20), bareBoth: row(30), silent: row(27), talking: row(51), recorded: row(72) };

  it("holds silence against the bare object that only receives, talk against the one that answers", () => {
    expect(ratiosOf(rows)).toEqual({ silent: 1.35, talking: 1.7, recorded: 2.4 });
  });

  it("has the names that others read", () => {
    const report: Report = rounded({ rows, ratios: ratiosOf(rows) });
    expect(JSON.parse(JSON.stringify(report))).toEqual({ rows, ratios: { silent: 1.35, talking: 1.7, recorded: 2.4 } });
    expect(Object.keys(report.rows).sort()).toEqual([...ROWS].sort());
  });

  it("rounds every figure, in lists and objects of any depth", () => {
    expect(rounded({ a: 1.2345, b: { c: [2.0051, 3] } })).toEqual({ a: 1.23, b: { c: [2.01, 3] } });
  });
});

describe("table", () => {
  it("puts the first column to the left, the others to the right", () => {
    expect(
      table([
        ["", "us"],
        ["silent", "7.5"],
        ["talking", "12.25"],
      ]),
    ).toBe(["            us", "silent     7.5", "talking  12.25"].join("\n"));
  });
});
