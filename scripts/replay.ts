// Runs the flight record of a call through the native core; docs/replay.md says what it prints.
//
//   npm run replay -- [--key HEX] [--effects | --quiet] FILE
//
// FILE is what `GET /api/calls/ID/flight` answers. --key opens a sealed one; without it, FLIGHT_KEY of .dev.vars does.

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
const [file] = positionals;
if (file === undefined || positionals.length > 1) {
  console.error("usage: npm run replay -- [--key HEX] [--effects | --quiet] FILE");
  process.exit(2);
}
const build = spawnSync("bash", ["-c", ". scripts/lib/env.sh && cmake_build release replay"], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
});
if (build.status !== 0) process.exit(2);

const scratch = mkdtempSync(path.join(tmpdir(), "replay-"));
try {
  const plain = path.join(scratch, "flight");
  writeFileSync(plain, await openFlight(readFileSync(file), values.key ?? keyOfDevVars()));
  const options = [...(values.effects ? ["--effects"] : []), ...(values.quiet ? ["--quiet"] : [])];
  const run = spawnSync(path.join(root, "build/release/replay"), [...options, plain], { stdio: "inherit" });
  process.exitCode = run.status ?? 2;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
