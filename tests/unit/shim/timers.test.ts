import { beforeEach, describe, expect, it } from "vitest";
import { DeadlineTimer } from "../../../worker-shim/ports/timers.ts";
import { VirtualTime } from "./support/fakes.ts";

let time: VirtualTime;
let dueMs: number[];
let timer: DeadlineTimer;

beforeEach(() => {
  time = new VirtualTime();
  dueMs = [];
  timer = new DeadlineTimer(time, time, () => dueMs.push(time.nowMs));
});

describe("DeadlineTimer", () => {
  it("is due once at its deadline", () => {
    timer.setDeadline(20_000);
    time.advance(19);
    expect(dueMs).toEqual([]);
    time.advance(100);
    expect(dueMs).toEqual([20]);
    expect(time.armed.size).toBe(0);
  });

  it("is never due before a deadline between two milliseconds", () => {
    timer.setDeadline(20_001);
    time.advance(50);
    expect(dueMs).toEqual([21]);
  });

  it("is due at once for a deadline that has passed", () => {
    time.advance(50);
    timer.setDeadline(10_000);
    time.advance(0);
    expect(dueMs).toEqual([50]);
  });

  it("is armed again for an earlier deadline", () => {
    timer.setDeadline(50_000);
    timer.setDeadline(20_000);
    expect(time.armed.size).toBe(1);
    time.advance(100);
    expect(dueMs).toEqual([20]);
  });

  it("stays armed while the deadline only moves later, and then goes on to it", () => {
    timer.setDeadline(20_000);
    for (let ms = 30; ms <= 1000; ms += 10) timer.setDeadline(ms * 1000);
    expect(time.count).toBe(1);
    time.advance(999);
    expect(dueMs).toEqual([]);
    time.advance(1);
    expect(dueMs).toEqual([1000]);
    expect(time.count).toBe(2);
  });

  it("is not due when the deadline was taken back", () => {
    timer.setDeadline(20_000);
    timer.setDeadline(Number.POSITIVE_INFINITY);
    time.advance(1000);
    expect(dueMs).toEqual([]);
    expect(time.armed.size).toBe(0);
  });

  it("takes the next deadline from within", () => {
    timer = new DeadlineTimer(time, time, () => {
      dueMs.push(time.nowMs);
      if (dueMs.length < 3) timer.setDeadline(time.nowUs() + 20_000);
    });
    timer.setDeadline(20_000);
    time.advance(1000);
    expect(dueMs).toEqual([20, 40, 60]);
  });

  it("reaches a deadline beyond the longest timer", () => {
    const dayMs = 24 * 3600 * 1000;
    timer.setDeadline(30 * dayMs * 1000);
    time.advance(30 * dayMs - 1);
    expect(dueMs).toEqual([]);
    time.advance(1);
    expect(dueMs).toEqual([30 * dayMs]);
  });

  it("stops", () => {
    timer.setDeadline(20_000);
    timer.stop();
    expect(time.armed.size).toBe(0);
    time.advance(1000);
    expect(dueMs).toEqual([]);
  });
});
