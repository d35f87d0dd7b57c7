import { describe, expect, it } from "vitest";
import { parseStat, usageOf } from "../../load/process-usage.ts";

const STAT =
  "4711 (work (er) 1) S 4242 4711 4242 0 -1 4194304 9000 0 3 0 1234 66 0 0 20 0 9 0 500 900000000 2500 18446744073709551615";

describe("parseStat", () => {
  it("reads the parent, both times and the resident pages behind a name with anything in it", () => {
    expect(parseStat(STAT)).toEqual({ parent: 4242, cpuUs: 13_000_000, residentKb: 10_000 });
  });

  it("refuses what is cut short", () => {
    expect(() => parseStat("4711 (workerd) S 1")).toThrow("field 14");
    expect(() => parseStat("")).toThrow("without a name");
  });

  it("reads this process, whose time grows", () => {
    const before = usageOf(process.pid);
    // Ticks of 10 ms; beside other work this process may not have one for a while.
    const end = performance.now() + 5_000;
    while (usageOf(process.pid).cpuUs === before.cpuUs && performance.now() < end);
    expect(usageOf(process.pid).cpuUs).toBeGreaterThan(before.cpuUs);
    expect(before.residentKb).toBeGreaterThan(1000);
  });
});
