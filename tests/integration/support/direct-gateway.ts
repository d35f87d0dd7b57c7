import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";

const AUTH_TOKEN = "0123456789abcdef0123456789abcdef";

/**
 * The built Worker as an environment of wrangler.toml has it, on a socket of its own: as where it is deployed, nothing
 * stands between a client's WebSocket and the Worker. Elsewhere, proxies of the development server do, which agree to
 * extensions by themselves and hand on messages as they are without.
 */
export class DirectGateway {
  readonly #miniflare: Miniflare;
  readonly #folder: string;
  readonly url: string;
  readonly authToken = AUTH_TOKEN;

  private constructor(miniflare: Miniflare, folder: string, url: string) {
    this.#miniflare = miniflare;
    this.#folder = folder;
    this.url = url;
  }

  /** `bindings`: more variables and secrets than a call with the parrot needs. */
  static async start(
    environment: "production" | "staging",
    bindings: Readonly<Record<string, string>> = {},
  ): Promise<DirectGateway> {
    const folder = mkdtempSync(path.join(tmpdir(), "worker-"));
    execFileSync("wrangler", ["deploy", "--dry-run", `--env=${environment}`, "--outdir", folder], { stdio: "pipe" });
    const modules = ["index.js", ...globSync("*.wasm", { cwd: folder })].map((file) => ({
      type: file.endsWith(".wasm") ? ("CompiledWasm" as const) : ("ESModule" as const),
      path: path.join(folder, file),
    }));
    const { workerOptions } = unstable_getMiniflareWorkerOptions("wrangler.toml", environment);
    const worker = {
      ...workerOptions,
      name: "gateway",
      modules,
      modulesRoot: folder,
      bindings: {
        ...(workerOptions.bindings as object),
        DEFAULT_AGENT: "parrot",
        TWILIO_AUTH_TOKEN: AUTH_TOKEN,
        TOKEN_SECRET: "a-token-secret-for-tests-only-0123456789",
        ADMIN_TOKEN: "an-admin-token-for-tests-only",
        ...bindings,
      },
      // A call does without what they are for.
      serviceBindings: {},
      d1Databases: {},
      r2Buckets: {},
      kvNamespaces: {},
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    };
    const log = new Log(LogLevel.NONE);
    const options = { host: "127.0.0.1", port: 0, log, handleStructuredLogs: () => undefined, workers: [worker] };
    const miniflare = new Miniflare(convertV4MiniflareOptions(options));
    await miniflare.ready;
    const { href } = await miniflare.unsafeGetDirectURL("gateway");
    return new DirectGateway(miniflare, folder, href.replace(/\/$/, ""));
  }

  async close(): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.#folder, { recursive: true });
  }
}
