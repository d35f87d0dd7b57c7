// Starts the gateway in workerd, the speech Worker in the same one, which only
// the gateway reaches, and, when .dev.vars names no other one, the simulated
// Realtime upstream on the port behind it. Prints `Ready on <url>` on
// standard output once the gateway answers; everything else goes to standard
// error. Ends what it started when it ends.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Child, Children } from "./lib/children.ts";
import { devVariables, needsSimulator, parseVariables } from "./lib/dev-variables.ts";

const root = path.join(import.meta.dirname, "..");
const HOST = "127.0.0.1";
/** The first one's Worker, the gateway, has the port, and the variables and .dev.vars; state is kept in one place. */
const CONFIGS = ["--config", "wrangler.toml", "--config", "worker-shim/speech/wrangler.toml"];

/** Longest wait for a child to be ready; the simulator compiles its speech programs on first use. */
const READY_TIMEOUT_MS = 120_000;
const HEALTH_INTERVAL_MS = 100;
const HEALTH_TIMEOUT_MS = 2_000;

/** What `--agent` says -> what the Worker calls it. */
const AGENTS = new Map([
  ["house", "house"],
  ["parrot", "parrot"],
  ["realtime", "openai-realtime"],
  ["cascade", "cascade"],
]);

class UsageError extends Error {
  readonly code = "usage";
}

interface Options {
  readonly port: number;
  /** Undefined unless it was asked for. */
  readonly agent: string | undefined;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { port: { type: "string", default: "8787" }, agent: { type: "string" } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseOptions(args: string[]): Options {
  const { values } = parse(args);
  const port = Number(values.port);
  // The simulator takes the next one.
  if (!Number.isInteger(port) || port < 1 || port > 65_534) throw new UsageError("--port must be 1..65534");
  const agent = values.agent === undefined ? undefined : AGENTS.get(values.agent);
  if (values.agent !== undefined && !agent)
    throw new UsageError(`--agent must be one of ${[...AGENTS.keys()].join(", ")}`);
  return { port, agent };
}

/** Writes .dev.vars with fresh secrets unless it is there; returns its names and values. */
function devVars(): Map<string, string> {
  const file = path.join(root, ".dev.vars");
  const secret = (bytes: number) => randomBytes(bytes).toString("hex");
  const fresh = {
    TWILIO_AUTH_TOKEN: secret(16),
    TOKEN_SECRET: secret(32),
    ADMIN_TOKEN: secret(16),
    ALLOW_UNAUTHENTICATED: "true",
  };
  const lines = Object.entries(fresh).map(([name, value]) => `${name}="${value}"\n`);
  try {
    writeFileSync(file, lines.join(""), { mode: 0o600, flag: "wx" });
    console.error("wrote .dev.vars with fresh secrets");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return parseVariables(readFileSync(file, "utf8"));
}

/** Rejects unless nothing listens on the port. */
function claim(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", () => reject(new Error(`port ${port} is taken`)));
    server.listen(port, HOST, () => server.close(() => resolve()));
  });
}

/** Resolves when the gateway is there and takes calls; says why it does not, once for each reason. */
async function healthy(url: string): Promise<void> {
  let said = "";
  for (;;) {
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
      const text = await response.text();
      if (response.status === 200) return;
      const report = JSON.parse(text) as { error?: unknown; configuration?: unknown };
      const reason = JSON.stringify(report.error ?? report.configuration);
      if (reason !== said) console.error(`the gateway takes no calls: ${reason}`);
      said = reason;
    } catch {
      // Nobody listens yet.
    }
    await delay(HEALTH_INTERVAL_MS);
  }
}

/** Waits until the child is ready; rejects when it ends first or takes too long. */
async function ready(child: Child, what: string, condition: Promise<void>): Promise<void> {
  const timeout = AbortSignal.timeout(READY_TIMEOUT_MS);
  const expired = new Promise<string>((resolve) => {
    timeout.addEventListener("abort", () => resolve(`${what} is not ready after ${READY_TIMEOUT_MS / 1000} s`));
  });
  const failure = await Promise.race([condition, child.ended, expired]);
  if (failure !== undefined) throw new Error(failure);
}

async function serve({ port, agent }: Options, children: Children): Promise<string> {
  const url = `http://${HOST}:${port}`;
  const file = devVars();
  const vars = devVariables(file, { url, agent, simulatorUrl: `http://${HOST}:${port + 1}` });
  await claim(port);
  const servers: Child[] = [];
  if (needsSimulator(file)) {
    await claim(port + 1);
    const simulator = children.start("simulator", "node", [
      "tests/simulators/openai-realtime/main.ts",
      "--port",
      `${port + 1}`,
    ]);
    servers.push(simulator);
    await ready(simulator, "the simulator", simulator.printed(`Ready on ws://${HOST}:${port + 1}`));
  }
  const state = ["--local", "--persist-to", `.wrangler/dev-${port}`];
  const migrations = children.start("migrations", "wrangler", ["d1", "migrations", "apply", "CALL_LOG", ...state]);
  const migrated = await migrations.ended;
  if (migrated !== "migrations ended with status 0") throw new Error(migrated);
  const wrangler = children.start("wrangler", "wrangler", [
    ...["dev", ...CONFIGS, ...state, "--ip", HOST, "--port", `${port}`, "--inspector-port", "0"],
    "--show-interactive-dev-session=false",
    ...[...vars].flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ]);
  servers.push(wrangler);
  await ready(wrangler, "the gateway", healthy(url));
  console.log(`Ready on ${url}`);
  return Promise.race(servers.map((server) => server.ended));
}

async function main(): Promise<number> {
  const children = new Children(root);
  const interrupted = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve(undefined));
  });
  try {
    const ended = await Promise.race([serve(parseOptions(process.argv.slice(2)), children), interrupted]);
    if (ended !== undefined) console.error(ended);
    return ended === undefined ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await children.stop();
  }
}

// Polls and streams may still be open; there is nothing left to wait for.
process.exit(await main());
