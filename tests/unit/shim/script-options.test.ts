// What the two scripts that a newcomer runs say of themselves, before they install or build anything.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** From another folder, and without the programs that a fresh machine lacks. */
function run(script: string, ...args: string[]) {
  const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };
  return spawnSync("bash", [`${ROOT}scripts/${script}`, ...args], { cwd: "/", env, encoding: "utf8", timeout: 10_000 });
}

describe.each([
  ["dev", ["--port", "--agent", "--help", "8787", ".dev.vars", "WASI_SDK_PATH", "TRUNKLINE_CACHE"]],
  ["test", ["--list", "--help", "SUITE", "LOST_CALLS", "SECOND_LIVES", "RECORDED_CALLS", "CHROMIUM", "EMSDK"]],
])("scripts/%s", (script, words) => {
  it.each(["--help", "-h"])("%s says what it does, its options and variables", (option) => {
    const { status, stdout, stderr } = run(script, option);
    expect([status, stderr]).toEqual([0, ""]);
    for (const word of words) expect(stdout).toContain(word);
    expect(stdout).not.toMatch(/^#/m);
    // Whatever stands beside it.
    expect(run(script, ...(script === "dev" ? ["--port", "9000"] : ["shim"]), option).stdout).toBe(stdout);
  });

  it.each(["--prot", "-p", "--prot=9000"])("names an option that it does not have: %s", (option) => {
    const { status, stdout, stderr } = run(script, option, "9000");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`${script}: unknown option ${option.replace(/=.*/, "")}; see scripts/${script} --help\n`);
  });
});

// They were found after minutes of building.
it.each(["99999", "65535", "0", "-1", "abc", "8787x", "1e3", "0x10", "80 80", "", " 8787"])(
  "scripts/dev takes no port %j, before it builds anything",
  (port) => {
    const refused = { status: 2, stdout: "", stderr: "dev: --port must be 1 to 65534; see scripts/dev --help\n" };
    expect(run("dev", "--port", port)).toMatchObject(refused);
    expect(run("dev", `--port=${port}`)).toMatchObject(refused);
  },
);

it.each(["robot", "Parrot", "openai-realtime", ""])("scripts/dev takes no agent %j", (agent) => {
  const refused = {
    status: 2,
    stderr: "dev: --agent must be house, parrot, realtime or cascade; see scripts/dev --help\n",
  };
  expect(run("dev", "--agent", agent)).toMatchObject(refused);
  expect(run("dev", `--agent=${agent}`)).toMatchObject(refused);
});

it("scripts/dev takes no port on which somebody listens", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    expect(run("dev", "--port", String(port))).toMatchObject({
      status: 1,
      stdout: "",
      stderr: `dev: port ${port} is taken\n`,
    });
  } finally {
    server.close();
  }
});

it("scripts/dev names what is missing, and what is too much", () => {
  expect(run("dev", "--port")).toMatchObject({
    status: 2,
    stderr: "dev: --port has no value; see scripts/dev --help\n",
  });
  expect(run("dev", "8000")).toMatchObject({
    status: 2,
    stderr: "dev: unexpected argument 8000; see scripts/dev --help\n",
  });
});

it("scripts/test tells of every variable that a test reads", () => {
  const { stdout } = run("test", "--help");
  for (const file of ["integration/lost-objects.test.ts", "integration/second-life.test.ts", "recordings/calls.ts"]) {
    const text = readFileSync(`${ROOT}tests/${file}`, "utf8");
    const names = [...text.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(stdout).toContain(name);
  }
});
