import { describe, expect, it } from "vitest";
import {
  Circuits,
  MAX_CIRCUITS,
  MAX_OPEN_MS,
  OPEN_MS,
  OPENS_AFTER,
  TRIAL_MS,
  WINDOW_MS,
} from "../../../worker-shim/circuits.ts";

function world() {
  const time = { nowMs: 1_795_000_000_000 };
  const circuits = new Circuits(() => time.nowMs);
  const fail = (agent: string, times = OPENS_AFTER) => {
    for (let i = 0; i < times; i++) circuits.failed(agent);
  };
  return { time, circuits, fail };
}

describe("Circuits", () => {
  it("skips nobody before an agent has failed several calls in a row", () => {
    const { circuits, fail } = world();
    fail("a", OPENS_AFTER - 1);
    expect(circuits.isSkipped("a")).toBe(false);
    circuits.succeeded("a");
    fail("a", OPENS_AFTER - 1);
    expect(circuits.isSkipped("a")).toBe(false);
    circuits.failed("a");
    expect(circuits.isSkipped("a")).toBe(true);
    expect(circuits.isSkipped("b")).toBe(false);
    expect(circuits.counters).toEqual({ opened: 1, skipped: 1, trials: 0, closed: 0, forgotten: 0 });
  });

  it("does not hold against an agent what is long ago", () => {
    const { time, circuits, fail } = world();
    fail("a", OPENS_AFTER - 1);
    time.nowMs += WINDOW_MS + 1;
    circuits.failed("a");
    expect(circuits.isSkipped("a")).toBe(false);
    time.nowMs += WINDOW_MS;
    fail("a", OPENS_AFTER - 1);
    expect(circuits.isSkipped("a")).toBe(true);
  });

  it("lets one call try when the time is over, and closes when that was answered", () => {
    const { time, circuits, fail } = world();
    fail("a");
    time.nowMs += OPEN_MS - 1;
    expect(circuits.isSkipped("a")).toBe(true);
    time.nowMs += 1;
    expect(circuits.isSkipped("a")).toBe(false);
    expect(circuits.isSkipped("a")).toBe(true);
    expect(circuits.counters.trials).toBe(1);
    circuits.succeeded("a");
    expect(circuits.isSkipped("a")).toBe(false);
    expect(circuits.open()).toEqual([]);
    expect(circuits.counters.closed).toBe(1);
  });

  it("doubles the time with each trial that fails, to its bound", () => {
    const { time, circuits, fail } = world();
    fail("a");
    let openMs = OPEN_MS;
    for (let i = 0; i < 8; i++) {
      time.nowMs += openMs;
      expect(circuits.isSkipped("a")).toBe(false);
      circuits.failed("a");
      openMs = Math.min(openMs * 2, MAX_OPEN_MS);
      time.nowMs += openMs - 1;
      expect(circuits.isSkipped("a")).toBe(true);
      time.nowMs += 1 - openMs;
    }
    expect(openMs).toBe(MAX_OPEN_MS);
  });

  it("lets another call try when the one that does says nothing", () => {
    const { time, circuits, fail } = world();
    fail("a");
    time.nowMs += OPEN_MS;
    expect(circuits.isSkipped("a")).toBe(false);
    time.nowMs += TRIAL_MS - 1;
    expect(circuits.isSkipped("a")).toBe(true);
    time.nowMs += 1;
    expect(circuits.isSkipped("a")).toBe(false);
  });

  // Many calls that had begun before it opened fail one after the other.
  it("stays open no longer for calls that had begun before", () => {
    const { time, circuits, fail } = world();
    fail("a");
    time.nowMs += OPEN_MS - 1;
    fail("a", 10);
    time.nowMs += 1;
    expect(circuits.isSkipped("a")).toBe(false);
    expect(circuits.counters.opened).toBe(1);
  });

  it("says which are skipped, and until when", () => {
    const { time, circuits, fail } = world();
    fail("a");
    fail("b", 1);
    expect(circuits.open()).toEqual([
      { agent: "a", failures: OPENS_AFTER, until: new Date(time.nowMs + OPEN_MS).toISOString() },
    ]);
  });

  it("forgets the one that was heard of longest ago, and counts it", () => {
    const { circuits, fail } = world();
    for (let i = 0; i <= MAX_CIRCUITS; i++) fail(`agent ${i}`);
    expect(circuits.isSkipped("agent 0")).toBe(false);
    expect(circuits.isSkipped("agent 1")).toBe(true);
    expect(circuits.open()).toHaveLength(MAX_CIRCUITS);
    expect(circuits.counters.forgotten).toBe(1);
  });
});
