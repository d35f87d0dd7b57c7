// Runs clang-tidy over the sources of the core and the C++ tests with the
// compile commands of the preset lint, two at a time: of a file, or of several
// that are compiled together. What passed is remembered by a hash of the
// preprocessed text, so that only what changed is looked at again; in continuous
// integration, which looks at each once, nothing is.

import { exec, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const runShell = promisify(exec);
const root = path.join(import.meta.dirname, "../..");
const build = path.join(root, "build/lint");
const cache = path.join(root, "build/clang-tidy");
const remembers = !process.env.CI;
const JOBS = 2;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const config = readFileSync(path.join(root, ".clang-tidy"));
const folders = ["wasm", "speech", "tests"];
const commands = JSON.parse(readFileSync(path.join(build, "compile_commands.json"), "utf8")).filter(({ file }) =>
  [root, build].some((base) => folders.some((folder) => file.startsWith(path.join(base, folder) + path.sep))),
);
// Rules are looked for above the file: those that include others lie in the build.
for (const rules of [".clang-tidy", ...folders.map((folder) => `${folder}/.clang-tidy`)])
  if (existsSync(path.join(root, rules))) copyFileSync(path.join(root, rules), path.join(build, rules));
/** Those are made to include sources. */
const checksOf = (file) => (file.startsWith(build) ? ["--checks=-bugprone-suspicious-include"] : []);
if (commands.length === 0) throw new Error("no file of ours in compile_commands.json");
mkdirSync(cache, { recursive: true });

/** Hash of all that decides the outcome: the rules, the flags and the text after inclusion, comments kept. */
async function keyOf({ command, directory }) {
  const preprocess = command.replace(/ -o \S+ -c /, " -E -C ");
  const { stdout } = await runShell(preprocess, { cwd: directory, maxBuffer: MAX_OUTPUT_BYTES });
  return createHash("sha256").update(config).update(command).update(stdout).digest("hex");
}

/** Says whether the file is clean, and prints what is not. */
async function check(entry) {
  const name = path.relative(root, entry.file);
  let stamp;
  if (remembers) {
    try {
      stamp = path.join(cache, await keyOf(entry));
    } catch (error) {
      console.log(`${name} does not compile:\n${error.stderr}`);
      return false;
    }
    if (existsSync(stamp)) return true;
  }
  try {
    await run("clang-tidy-22", ["--quiet", "-p", build, ...checksOf(entry.file), entry.file], {
      cwd: root,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
  } catch (error) {
    console.log(`${name}:\n${error.stdout || error.stderr}`);
    return false;
  }
  if (stamp) writeFileSync(stamp, name);
  return true;
}

const pending = [...commands];
let clean = true;
await Promise.all(
  Array.from({ length: JOBS }, async () => {
    for (let entry = pending.shift(); entry; entry = pending.shift()) {
      if (!(await check(entry))) clean = false;
    }
  }),
);
console.log(`${commands.length} compile commands`);
process.exitCode = clean ? 0 : 1;
