import { afterEach, describe, expect, it, vi } from "vitest";
import { CoreTrapError } from "../../../worker-shim/core.ts";
import { ConsoleLog, errorFields } from "../../../worker-shim/ports/log.ts";
import { Redacted } from "../../../worker-shim/ports.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("ConsoleLog", () => {
  it.each([
    ["info", "log"],
    ["warn", "warn"],
    ["error", "error"],
  ] as const)("writes one JSON object for %s", (level, method) => {
    const lines: unknown[] = [];
    vi.spyOn(console, method).mockImplementation((line) => lines.push(line));
    new ConsoleLog({ callId: "c" })[level]("a call is over", { reason: "hangUp" });
    expect(lines.map((line) => JSON.parse(String(line)))).toEqual([
      { level, message: "a call is over", callId: "c", reason: "hangUp" },
    ]);
  });

  it("never writes what is personal", () => {
    const write = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const from = new Redacted("+15550001111");
    new ConsoleLog().info("a call came in", { from });
    expect(JSON.parse(String(write.mock.calls[0]?.[0]))).toMatchObject({ from: "[redacted]" });
    expect(`${from}`).not.toContain("1555");
    expect(from.value).toBe("+15550001111");
  });
});

describe("errorFields", () => {
  it("names an error by its code and cuts its text", () => {
    expect(errorFields(new CoreTrapError("x".repeat(1000)))).toEqual({
      errorName: "CoreTrapError",
      errorCode: "core_trap",
      errorMessage: "x".repeat(300),
    });
  });

  it("tells only the type of what is no error: it may hold anything", () => {
    expect(errorFields("+15550001111")).toEqual({ errorName: "string" });
  });
});
