// Runs the flight records of calls through the native core; docs/replay.md says what it prints.
//
//   npm run replay -- [--key HEX] [--effects | --quiet] FILE...
//
// A FILE is what `GET /api/calls/ID/flight` answers. --key opens a sealed one; without it, FLIGHT_KEY of .dev.vars does.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { openFlight } from "../worker-shim/flight-file.ts";

const root = path.join(import.meta.dirname, "..");

function keyOfDevVars(): string | undefined {
  const file = path.join(root, ".dev.vars");
  if (!existsSync(file)) return undefined;
  return /^FLIGHT_KEY\s*=\s*"?([0-9A-Fa-f]+)"?\s*$/m.exec(readFileSync(file, "utf8"))?.[1];
}

const { values, positionals } = parseArgs({
  options: { key: { type: "string" }, effects: { type: "boolean" }, quiet: { type: "boolean" } },
  allowPositionals: true,
});
if (positionals.length === 0) {
  console.error("usage: npm run replay -- [--key HEX] [--effects | --quiet] FILE...");
  process.exit(2);
}
const build = spawnSync("bash", ["-c", ". scripts/lib/env.sh && cmake_build release replay"], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
});
if (build.status !== 0) process.exit(2);

const options = [...(values.effects ? ["--effects"] : []), ...(values.quiet ? ["--quiet"] : [])];
const scratch = mkdtempSync(path.join(tmpdir(), "replay-"));

/** The exit status of one file. */
async function replay(file: string): Promise<number> {
  try {
    const plain = path.join(scratch, "flight");
    writeFileSync(plain, await openFlight(readFileSync(file), values.key ?? keyOfDevVars()));
    return spawnSync(path.join(root, "build/release/replay"), [...options, plain], { stdio: "inherit" }).status ?? 2;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
}

try {
  let worst = 0;
  for (const file of positionals) {
    if (positionals.length > 1) console.log(`${file}:`);
    worst = Math.max(worst, await replay(file));
  }
  process.exitCode = worst;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
