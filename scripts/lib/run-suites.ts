// Builds what the suites need and runs them, as many at a time as there are
// cores for. Suites that keep time (real calls, which mostly wait) begin as soon
// as they can, and all else is built and run beside them at the lowest priority.
// Every suite reports its tests one by one; a suite that crashes, or ran no
// test, counts as one failure, so that silence never passes.

import { spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Suite {
  readonly name: string;
  /** Presets of CMakePresets.json that it runs. */
  readonly presets: readonly string[];
  /** It uses all cores itself: of the suites that do not keep time, nothing runs beside it. */
  readonly alone?: boolean;
  /** It measures time: it has the usual priority, where all others have the lowest. */
  readonly keepsTime?: boolean;
  /** It takes too long to run unless it is named. */
  readonly byName?: boolean;
  run(): Promise<Counts>;
}

interface Exit {
  /** 0 for success; the name of a signal when that ended it. */
  readonly status: number | string;
  readonly output: string;
}

const root = path.join(import.meta.dirname, "../..");
const reports = path.join(root, "build/reports");

/** Seconds that all fuzz targets share, and the least that one gets. */
const FUZZ_TOTAL_S = 60;
const FUZZ_MIN_S = 10;

/** Suites, or fuzz targets, at a time. */
const JOBS = 2;

/** A suite that hangs is ended: the longest is far below this. */
const SUITE_TIMEOUT_MS = 30 * 60_000;

const LOWEST_PRIORITY = ["nice", "-n", "19"] as const;

interface RunOptions {
  /** Whether its output goes to ours as it comes, or is only wanted back. */
  readonly output?: "show" | "keep";
  readonly keepsTime?: boolean;
}

/** Runs a command from the root. */
function run(name: string, args: readonly string[], { output = "keep", keepsTime = false }: RunOptions = {}) {
  return new Promise<Exit>((resolve) => {
    const [command = "", ...rest] = [...(keepsTime ? [] : LOWEST_PRIORITY), name, ...args];
    const child = spawn(command, rest, { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: SUITE_TIMEOUT_MS });
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (output === "show") process.stdout.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => resolve({ status: "error", output: `${text}${error.message}\n` }));
    child.on("close", (status, signal) => resolve({ status: status ?? signal ?? "unknown", output: text }));
  });
}

function counts(passed = 0, failed = 0, skipped = 0): Counts {
  return { passed, failed, skipped };
}

/** A report that says all is well and a process that says otherwise: believe the process. */
function withStatus(result: Counts, status: Exit["status"]): Counts {
  return status !== 0 && result.failed === 0 ? { ...result, failed: 1 } : result;
}

/** Does `work` with every item in order, JOBS at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const pending = [...items];
  const worker = async () => {
    for (let item = pending.shift(); item !== undefined; item = pending.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

function failure(message: string): Counts {
  console.log(message);
  return counts(0, 1);
}

/** Reads a report and forgets it, so that it cannot stand in for the next run. */
function readReport(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  } finally {
    rmSync(file, { force: true });
  }
}

interface GoogleTestReport {
  testsuites: { testsuite: { status: string; result: string; failures?: unknown[] }[] }[];
}

/** `name` is that of the binary as well, with underscores. */
function googleTest(name: string, preset: string): Suite {
  return {
    name,
    presets: [preset],
    async run() {
      const binary = path.join(root, "build", preset, "tests", `${name.replaceAll("-", "_")}_test`);
      if (!existsSync(binary)) return failure(`${name}: no tests`);
      const report = path.join(reports, `${name}.json`);
      const { status, output } = await run(binary, ["--gtest_brief=1", `--gtest_output=json:${report}`]);
      if (status !== 0) console.log(output);
      const json = readReport(report) as GoogleTestReport | undefined;
      if (!json) return failure(`${name}: ended with status ${status} and no report`);
      const result = counts();
      for (const test of json.testsuites.flatMap((suite) => suite.testsuite)) {
        if (test.failures) result.failed += 1;
        else if (test.status === "NOTRUN" || test.result === "SKIPPED") result.skipped += 1;
        else result.passed += 1;
      }
      return withStatus(result, status);
    },
  };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

function vitest(project: string, presets: readonly string[], keepsTime = false): Suite {
  return {
    name: project,
    presets,
    keepsTime,
    async run() {
      const report = path.join(reports, `${project}.json`);
      const { status, output } = await run(
        "vitest",
        ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
        { keepsTime },
      );
      if (status !== 0) console.log(output);
      else for (const line of output.split("\n")) if (line.startsWith("measured: ")) console.log(line);
      const json = readReport(report) as VitestReport | undefined;
      if (!json) return failure(`${project}: ended with status ${status} and no report`);
      const result = counts(json.numPassedTests, json.numFailedTests, json.numPendingTests + json.numTodoTests);
      return withStatus(result, status);
    },
  };
}

/** A minute of every fuzz target together, from its seeds: one test each. */
const fuzz: Suite = {
  name: "fuzz",
  presets: ["asan"],
  alone: true,
  async run() {
    const targets = globSync("tests/fuzz/*_fuzz.cc", { cwd: root }).map((file) => path.basename(file, ".cc"));
    const seconds = Math.max(FUZZ_MIN_S, Math.floor(FUZZ_TOTAL_S / Math.max(1, targets.length)));
    const result = counts();
    await inParallel(targets.sort(), async (target) => {
      const seeds = path.join("tests/fuzz/corpus", target);
      const found = path.join("build/fuzz/corpus", target);
      const crashes = path.join("build/fuzz/crashes", target, "/");
      if (!existsSync(path.join(root, seeds))) {
        console.log(`${target}: no seeds at ${seeds}`);
        result.failed += 1;
        return;
      }
      const dictionary = path.join("tests/fuzz", `${target}.dict`);
      for (const directory of [found, crashes]) mkdirSync(path.join(root, directory), { recursive: true });
      const { status, output } = await run(path.join(root, "build/asan/fuzz", target), [
        `-max_total_time=${seconds}`,
        "-timeout=10",
        "-print_final_stats=1",
        `-artifact_prefix=${crashes}`,
        ...(existsSync(path.join(root, dictionary)) ? [`-dict=${dictionary}`] : []),
        found,
        seeds,
      ]);
      const runs = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(output)?.[1] ?? 0);
      if (status === 0 && runs > 0) {
        console.log(`${target}: ${runs} runs`);
        result.passed += 1;
      } else {
        console.log(output);
        result.failed += 1;
      }
    });
    return result;
  },
};

/** Each check of scripts/check is one test. */
const checks: Suite = {
  name: "checks",
  presets: [],
  alone: true,
  async run() {
    const { status, output } = await run("scripts/check", [], { output: "show" });
    const last = /(\d+) passed, (\d+) failed\s*$/.exec(output);
    return withStatus(last ? counts(Number(last[1]), Number(last[2])) : counts(), status);
  },
};

/** A command whose last line is `N passed, N failed`. */
async function counted(command: string, args: readonly string[]): Promise<Counts> {
  const { status, output } = await run(command, args);
  const last = /(\d+) passed, (\d+) failed\s*$/.exec(output);
  if (status !== 0 || !last) console.log(output);
  else for (const line of output.split("\n")) if (line.startsWith("measured: ")) console.log(line);
  return withStatus(last ? counts(Number(last[1]), Number(last[2])) : counts(), status);
}

/** What the audio stages compute, in both builds of the module: each golden hash is one test. */
const vectors: Suite = {
  name: "audio-wasm",
  presets: ["wasm-wasi", "wasm-emscripten"],
  async run() {
    for (const preset of this.presets) {
      const { status, output } = await run("bash", [
        "-c",
        `. scripts/lib/env.sh && cmake_build ${preset} stages`,
        "run-suites",
      ]);
      if (status !== 0) return failure(output);
    }
    return counted("node", ["scripts/lib/audio-vectors.ts", ...this.presets]);
  },
};

/** The modules that speak and listen, in both builds of theirs. */
const speechModules: Suite = {
  name: "speech-modules",
  presets: ["speech"],
  async run() {
    const total = counts();
    for (const preset of ["wasm-wasi", "wasm-emscripten"]) {
      const command = `. scripts/lib/env.sh && cmake_build ${preset} speech`;
      const { status, output } = await run("bash", ["-c", command, "run-suites"]);
      if (status !== 0) return failure(output);
      const result = await vitest(`speech-${preset}`, []).run();
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped += result.skipped;
    }
    return total;
  },
};

/** How well the audio stages do, on a part of the material: each demand is one test. */
const quality: Suite = {
  name: "quality",
  presets: ["release"],
  run: () => counted(path.join(root, "build/release/quality"), []),
};

/** What the core makes of 10,000 scripts of inputs: each block of them is one test. */
const freeze: Suite = {
  name: "freeze",
  presets: ["release"],
  run: () => counted(path.join(root, "build/release/freeze"), []),
};

/** Calls of a session with hostile peers, for so many seconds and so many at least: each is one test. */
function storm(
  name: string,
  [calls, seconds, least]: readonly [number, number, number],
  rest: Pick<Suite, "alone" | "byName"> = {},
): Suite {
  return {
    name,
    presets: ["release"],
    ...rest,
    run: () =>
      counted(path.join(root, "build/release/storm"), [
        ...["--calls", String(calls), "--jobs", String(rest.alone ? JOBS : 1)],
        ...["--seconds", String(seconds), "--at-least", String(least)],
      ]),
  };
}

const suites: readonly Suite[] = [
  checks,
  // The longest first.
  ...["session", "base", "audio", "protocol", "media", "abi", "golden", "speech"].map((name) =>
    googleTest(name, "asan"),
  ),
  googleTest("long-calls", "release"),
  vitest("simulators", []),
  vitest("shim", []),
  vitest("golden-wasm-wasi", ["wasm-wasi"]),
  vitest("golden-wasm-emscripten", ["wasm-emscripten"]),
  vitest("replay", ["wasm-wasi", "release"]),
  vitest("recordings", ["release"]),
  vectors,
  speechModules,
  quality,
  freeze,
  storm("storm", [20_000, 55, 2_000]),
  storm("storm-long", [1_000_000, 600, 100_000], { alone: true, byName: true }),
  vitest("integration", ["wasm-wasi", "release", "speech"], true),
  vitest("integration-faults", ["wasm-wasi", "release"], true),
  fuzz,
];

/** Returns whether it was built. */
async function build(preset: string): Promise<boolean> {
  const started = Date.now();
  const { status } = await run("scripts/build", [preset], { output: "show" });
  console.log(`${status === 0 ? "built" : "BROKEN"} ${preset} (${seconds(started)} s)`);
  return status === 0;
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}

async function main(names: readonly string[]): Promise<number> {
  if (names[0] === "--list") {
    console.log(suites.map((suite) => suite.name).join("\n"));
    return 0;
  }
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.error(`no suite ${unknown.join(", ")}`);
    return 2;
  }
  const wanted = suites.filter((suite) => (names.length === 0 ? !suite.byName : names.includes(suite.name)));
  mkdirSync(reports, { recursive: true });
  // A module that was missing in one run stays unresolved in vitest's cache.
  rmSync(path.join(root, "node_modules/.vitest-cache"), { recursive: true, force: true });

  const keepTime = wanted.filter((suite) => suite.keepsTime);
  const others = wanted.filter((suite) => !suite.keepsTime);
  const broken = new Set<string>();
  const built = new Set<string>();
  const buildFor = async (some: readonly Suite[]) => {
    for (const preset of new Set(some.flatMap((suite) => suite.presets))) {
      if (built.has(preset)) continue;
      built.add(preset);
      if (!(await build(preset))) broken.add(preset);
    }
  };
  const total = counts();
  const runSuite = async (suite: Suite) => {
    const started = Date.now();
    const missing = suite.presets.filter((preset) => broken.has(preset));
    let result = missing.length > 0 ? failure(`${suite.name}: ${missing.join(", ")} did not build`) : await suite.run();
    if (result.passed + result.failed === 0) result = failure(`${suite.name}: ran no test`);
    const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
    const word = result.failed === 0 ? "ok  " : "FAIL";
    console.log(
      `${word} ${suite.name}: ${result.passed} passed, ${result.failed} failed${skipped} (${seconds(started)} s)`,
    );
    total.passed += result.passed;
    total.failed += result.failed;
  };
  await buildFor(keepTime);
  const runAll = async (some: readonly Suite[]) => {
    for (const suite of some) await runSuite(suite);
  };
  const runOthers = async () => {
    await buildFor(others);
    await inParallel(
      others.filter((suite) => !suite.alone),
      runSuite,
    );
    await runAll(others.filter((suite) => suite.alone));
  };
  await Promise.all([runAll(keepTime), runOthers()]);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
