import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { childrenOf } from "./process-usage.ts";

const root = path.join(import.meta.dirname, "../..");
/** Where scripts/load leaves the Worker as `wrangler deploy` would upload it. */
const BUNDLE = path.join(root, "build/load/worker");

export const AUTH_TOKEN = "0123456789abcdef0123456789abcdef";
const SECRETS = {
  TWILIO_AUTH_TOKEN: AUTH_TOKEN,
  TOKEN_SECRET: "a-token-secret-for-load-only-0123456789",
  ADMIN_TOKEN: "an-admin-token-for-load-only",
};
/** Nothing but the end of a measurement ends a call. */
const LIMITS = '{"maxCallMs":86400000,"deadAirMs":86400000}';

type D1 = Awaited<ReturnType<Miniflare["getD1Database"]>>;
export type Host = "plain" | "recording" | "bare";

/** What is logged at these levels is a call that broke. */
const BAD_LEVELS = new Set(["error"]);

function ours(host: Host, profile: object) {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(path.join(root, "wrangler.toml"));
  const modules = ["index.js", ...globSync("*.wasm", { cwd: BUNDLE })].map((file) => ({
    type: file.endsWith(".wasm") ? ("CompiledWasm" as const) : ("ESModule" as const),
    path: path.join(BUNDLE, file),
  }));
  if (modules.length < 2) throw new Error(`${BUNDLE} does not hold the built Worker; scripts/load puts it there`);
  return {
    ...workerOptions,
    name: host,
    modules,
    modulesRoot: BUNDLE,
    bindings: {
      ...(workerOptions.bindings as object),
      ...SECRETS,
      ALLOW_UNAUTHENTICATED: "false",
      PROFILE: JSON.stringify(profile),
      LIMITS,
    },
    // No call of these speaks by it.
    serviceBindings: {},
    d1Databases: { CALL_LOG: { id: `${host}-calls` } },
    r2Buckets: { RECORDINGS: { id: `${host}-recordings` } },
    kvNamespaces: { REQUESTS: { id: `${host}-requests` } },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

async function migrate(database: D1): Promise<void> {
  for (const file of globSync("worker-shim/migrations/*.sql", { cwd: root }).sort()) {
    const text = readFileSync(path.join(root, file), "utf8").replace(/^\s*--.*$/gm, "");
    const statements = text.split(";").flatMap((each) => each.trim() || []);
    await database.batch(statements.map((each) => database.prepare(each)));
  }
}

/**
 * One workerd with three Workers, each on a loopback port of its own: the built one, the same with recording on, and
 * the bare object.
 */
export class Gateways {
  readonly #miniflare: Miniflare;
  readonly #urls: Readonly<Record<Host, string>>;
  /** Of workerd. */
  readonly pid: number;
  /** Lines that no healthy call logs. */
  readonly complaints: string[];

  private constructor(miniflare: Miniflare, urls: Readonly<Record<Host, string>>, pid: number, complaints: string[]) {
    this.#miniflare = miniflare;
    this.#urls = urls;
    this.pid = pid;
    this.complaints = complaints;
  }

  /** One at a time: the new child is the one that was not there before. */
  static start(): Promise<Gateways> {
    const started = Gateways.#starting.then(() => Gateways.#start());
    Gateways.#starting = started.then(
      () => {},
      () => {},
    );
    return started;
  }

  static #starting: Promise<void> = Promise.resolve();

  static async #start(): Promise<Gateways> {
    const complaints: string[] = [];
    const bare = {
      name: "bare",
      modules: [{ type: "ESModule" as const, path: path.join(import.meta.dirname, "bare-object.mjs") }],
      modulesRoot: import.meta.dirname,
      compatibilityDate: "2026-10-01",
      durableObjects: { OBJECTS: { className: "BareObject", useSQLite: true } },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    };
    const before = new Set(childrenOf(process.pid));
    const workers = [ours("plain", {}), ours("recording", { recording: "on" })];
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        host: "127.0.0.1",
        port: 0,
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ level, message }) => {
          if (BAD_LEVELS.has(level)) complaints.push(message);
        },
        workers: [...workers, bare],
      }),
    );
    await miniflare.ready;
    const pids = childrenOf(process.pid).filter((pid) => !before.has(pid));
    const [pid] = pids;
    if (pid === undefined || pids.length > 1)
      throw new Error(`${pids.length} processes where one workerd was expected`);
    for (const { name } of workers) await migrate(await miniflare.getD1Database("CALL_LOG", name));
    const url = async (host: Host) => (await miniflare.unsafeGetDirectURL(host)).href.replace(/\/$/, "");
    const urls = { plain: await url("plain"), recording: await url("recording"), bare: await url("bare") };
    return new Gateways(miniflare, urls, pid, complaints);
  }

  url(host: Host): string {
    return this.#urls[host];
  }

  /** Ends workerd and forgets what it kept. */
  close(): Promise<void> {
    return this.#miniflare.dispose();
  }
}
