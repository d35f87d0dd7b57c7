// Processes that a script has started end with it.

import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { Children } from "../../../scripts/lib/children.ts";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Starts a shell that starts a process of its own, and returns the pid of that. */
async function startPair(children: Children, ends: boolean): Promise<number> {
  const printed: string[] = [];
  const log = console.error;
  console.error = (line: string) => printed.push(line);
  try {
    const child = children.start("pair", "sh", ["-c", `sleep 60 & echo $!; ${ends ? "" : "wait"}`]);
    while (printed.length === 0) await delay(5);
    if (ends) expect(await child.ended).toBe("pair ended with status 0");
  } finally {
    console.error = log;
  }
  return Number(/^pair: (\d+)$/.exec(printed[0] ?? "")?.[1]);
}

it.each([
  ["runs", false],
  ["has ended", true],
])("what a child has started ends as well when the child %s", async (_, ends) => {
  const children = new Children("/");
  const pid = await startPair(children, ends);
  expect(isAlive(pid)).toBe(true);
  await children.stop();
  expect(isAlive(pid)).toBe(false);
});

it("starts nothing once they are stopped", async () => {
  const children = new Children("/");
  await children.stop();
  expect(() => children.start("late", "true", [])).toThrow("late is not started");
});
