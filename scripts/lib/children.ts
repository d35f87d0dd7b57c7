// The processes that a script starts and ends.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** What a child gets between the request to end and the end. */
const STOP_TIMEOUT_MS = 5_000;

/** A child and its own children: they share a process group, which ends together. */
export class Child {
  /** Resolves with a description when the process has ended. */
  readonly ended: Promise<string>;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: ((line: string) => void)[] = [];

  constructor(name: string, command: string, args: readonly string[], cwd: string) {
    this.#name = name;
    this.#process = spawn(command, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(`${name} did not start: ${error.message}`));
      this.#process.once("exit", (status, signal) => resolve(`${name} ended with ${signal ?? `status ${status}`}`));
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        console.error(`${name}: ${line}`);
        for (const listener of this.#lines) listener(line);
      });
    }
  }

  /** Resolves when the child has printed exactly this line. */
  printed(expected: string): Promise<void> {
    return new Promise((resolve) => {
      this.#lines.push((line) => {
        if (line === expected) resolve();
      });
    });
  }

  /** Ends the whole group, first by asking; resolves when no process of it is left. */
  async stop(): Promise<void> {
    if (!this.#signal("SIGTERM")) return;
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (this.#signal(0)) {
      if (Date.now() > deadline) {
        console.error(`${this.#name} does not end; killing it`);
        this.#signal("SIGKILL");
        return;
      }
      await delay(20);
    }
  }

  /** Returns whether any process of the group was there to take the signal. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#process.pid === undefined) return false;
    try {
      process.kill(-this.#process.pid, signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** All that a script has started: once they are stopped, none is started any more. */
export class Children {
  readonly #cwd: string;
  readonly #all: Child[] = [];
  #stopped = false;

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** Throws when they were stopped. */
  start(name: string, command: string, args: readonly string[]): Child {
    if (this.#stopped) throw new Error(`${name} is not started: all are stopped`);
    const child = new Child(name, command, args, this.#cwd);
    this.#all.push(child);
    return child;
  }

  /** Ends them all, and what those that have ended have left behind. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#all.map((child) => child.stop()));
  }
}
