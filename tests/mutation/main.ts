// Changes one condition, constant or call of the core at a time, and tells
// which changes no test notices. The frozen hashes are left out: they notice
// every change of behaviour, and know of none whether it is wrong.
//
//   scripts/mutate [--minutes N] [--seed N] [FILE...]
//
// Without files, those that decide what happens in a call. The order is
// random, the same for the same seed; what there is no time for is not tried.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { seededRandom } from "../simulators/twilio/phone-call.ts";
import { type Mutant, mutantsOf, mutate } from "./mutants.ts";

const run = promisify(execFile);
const root = path.join(import.meta.dirname, "../..");
const DEFAULT_FILES = [
  "wasm/session/conversation.cc",
  "wasm/session/conversation_agent.cc",
  "wasm/session/conversation_owed.cc",
  "wasm/session/conversation_turns.cc",
  "wasm/session/caller_turns.cc",
  "wasm/session/owed_texts.cc",
  "wasm/session/replies.cc",
  "wasm/session/reply_playback.cc",
  "wasm/session/farewell.cc",
  "wasm/session/briefing.cc",
  "wasm/session/command_desk.cc",
  "wasm/session/state.cc",
  "wasm/session/leg_link.cc",
  "wasm/session/agent_link.cc",
  "wasm/session/transcript.cc",
  "wasm/session/transcript_agent.cc",
  "wasm/session/transcript_caller.cc",
  "wasm/session/transcript_line.cc",
  "wasm/session/line_book.cc",
  "wasm/session/told_line.cc",
  "wasm/media/line_out.cc",
  "wasm/protocol/agents/openai_responses.cc",
  "wasm/protocol/agents/openai_items.cc",
];
/** In the order in which they are run; the first that fails ends the mutant. */
const TESTS = ["session_test", "media_test", "protocol_test", "long_calls_test"];
const JOBS = 2;
/** A mutant that takes so many times as long as the unchanged code hangs. */
const MAX_SLOWDOWN = 4;
/** Of the first build, which is the whole one. */
const BUILD_TIMEOUT_MS = 60 * 60_000;

type Verdict = "killed" | "SURVIVED" | "does not build";

/** A copy of the tree that mutants are built in. */
class Tree {
  readonly #path: string;
  #testTimeoutMs = BUILD_TIMEOUT_MS;

  constructor(index: number) {
    this.#path = path.join(root, "build/mutation", String(index));
  }

  /** Copies, builds and runs the unchanged code. */
  async prepare(files: readonly string[]): Promise<void> {
    mkdirSync(this.#path, { recursive: true });
    // What a former copy has and the tree has no more would be built. With its times a file is not built again.
    for (const folder of new Set(files.map((file) => file.split("/")[0] ?? "")))
      rmSync(path.join(this.#path, folder), { recursive: true, force: true });
    for (const file of files) cpSync(path.join(root, file), path.join(this.#path, file), { preserveTimestamps: true });
    await this.#run("cmake", ["--preset", "mutation"]);
    if (!(await this.#builds())) throw new Error("the unchanged code does not build");
    const started = Date.now();
    if (!(await this.#passes())) throw new Error("the unchanged code fails its tests");
    this.#testTimeoutMs = (Date.now() - started) * MAX_SLOWDOWN;
  }

  async judge(mutant: Mutant): Promise<Verdict> {
    const file = path.join(this.#path, mutant.file);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, mutate(text, mutant));
    try {
      if (!(await this.#builds())) return "does not build";
      return (await this.#passes()) ? "SURVIVED" : "killed";
    } finally {
      writeFileSync(file, text);
    }
  }

  async #builds(): Promise<boolean> {
    return this.#run("cmake", ["--build", "--preset", "mutation", "--target", ...TESTS]).then(
      () => true,
      () => false,
    );
  }

  async #passes(): Promise<boolean> {
    for (const test of TESTS) {
      try {
        await this.#run(path.join(this.#path, "build/mutation/tests", test), ["--gtest_brief=1", "--gtest_fail_fast"]);
      } catch {
        return false;
      }
    }
    return true;
  }

  async #run(command: string, args: readonly string[]): Promise<void> {
    const timeout = command === "cmake" ? BUILD_TIMEOUT_MS : this.#testTimeoutMs;
    await run(command, args, { cwd: this.#path, timeout, killSignal: "SIGKILL", maxBuffer: 2 ** 26 });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { minutes: { type: "string", default: "30" }, seed: { type: "string", default: "1" } },
    allowPositionals: true,
  });
  const files = positionals.length > 0 ? positionals : DEFAULT_FILES;
  const random = seededRandom(Number(values.seed));
  const mutants = files
    .flatMap((file) => mutantsOf(file, readFileSync(path.join(root, file), "utf8")))
    .map((mutant) => ({ mutant, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ mutant }) => mutant);
  const total = mutants.length;

  const { stdout } = await run(
    "git",
    ["ls-files", "wasm", "speech", "tests", "cmake", "docs", "CMakeLists.txt", "CMakePresets.json"],
    {
      cwd: root,
      maxBuffer: 2 ** 26,
    },
  );
  const tracked = stdout.trim().split("\n");
  const trees = Array.from({ length: JOBS }, (_, i) => new Tree(i));
  // One after the other: the second build finds the machine as the mutants will.
  for (const tree of trees) await tree.prepare(tracked);

  const until = Date.now() + Number(values.minutes) * 60_000;
  const verdicts = new Map<string, Record<Verdict, number>>();
  await Promise.all(
    trees.map(async (tree) => {
      while (Date.now() < until) {
        const mutant = mutants.shift();
        if (!mutant) return;
        const verdict = await tree.judge(mutant);
        const counts = verdicts.get(mutant.file) ?? { killed: 0, SURVIVED: 0, "does not build": 0 };
        counts[verdict]++;
        verdicts.set(mutant.file, counts);
        console.log(`${verdict}  ${mutant.file}:${mutant.line}`);
        if (verdict === "SURVIVED") console.log(`  - ${mutant.before.trim()}\n  + ${mutant.after.trim()}`);
      }
    }),
  );
  const sum = { killed: 0, tried: 0 };
  for (const [file, { killed, SURVIVED }] of [...verdicts].sort()) {
    console.log(`${file}: ${killed} of ${killed + SURVIVED} killed`);
    sum.killed += killed;
    sum.tried += killed + SURVIVED;
  }
  console.log(`${sum.killed} of ${sum.tried} killed; ${total} mutants in all, ${mutants.length} not tried`);
}

await main();
