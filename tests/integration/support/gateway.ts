import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fetch as socketFetch } from "miniflare";
import { createTestHarness } from "wrangler";
import { Observer } from "../../simulators/observer.ts";
import { type DialOptions, PhoneCall } from "../../simulators/twilio/phone-call.ts";

/**
 * The harness serves a Worker's outbound requests with Node's fetch, which cannot open WebSockets; miniflare's can.
 */
const plainFetch = globalThis.fetch;
globalThis.fetch = ((input: string | URL | Request, init?: RequestInit) => {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  if (headers.get("upgrade") !== "websocket") return plainFetch(input, init);
  const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
  return socketFetch(url, { headers: Object.fromEntries(headers) });
}) as typeof fetch;

const AUTH_TOKEN = "0123456789abcdef0123456789abcdef";
const ADMIN_TOKEN = "an-admin-token-for-tests-only";
const FLIGHT_KEY = "0123456789abcdef".repeat(4);

/** What became of calls that were made again natively. */
export interface Replays {
  readonly same: string[];
  /** What the tool said, by call. */
  readonly different: Map<string, string>;
}

export interface Health {
  status: string;
  activeCalls: number;
  calls: { admitted: number; refused: number; ended: Record<string, number> };
}

function replay(files: readonly string[]): Replays {
  const replays: Replays = { same: [], different: new Map() };
  if (files.length === 0) return replays;
  const options = ["--quiet", "--key", FLIGHT_KEY, ...files];
  const { stdout, stderr, status } = spawnSync("node", ["scripts/replay.ts", ...options], { encoding: "utf8" });
  for (const file of files) {
    const callId = path.basename(file);
    // One file is not named.
    const said = files.length === 1 ? stdout : (stdout.split(`${file}:\n`)[1] ?? "");
    const [line = ""] = said.split("\n");
    if (line.endsWith("every effect the same")) replays.same.push(callId);
    else replays.different.set(callId, line + stderr);
  }
  if (status !== 0 && replays.different.size === 0) throw new Error(`replay: ${status} ${stderr}`);
  return replays;
}

/** The built Worker with its wrangler.toml in workerd, on a loopback port. */
export class Gateway {
  readonly #harness: ReturnType<typeof createTestHarness>;
  readonly url: string;
  readonly authToken = AUTH_TOKEN;

  private constructor(harness: ReturnType<typeof createTestHarness>, url: string) {
    this.#harness = harness;
    this.url = url;
  }

  /**
   * With `speech`, the speech Worker runs beside it and is bound; without, nothing is. With a port of its simulator,
   * Workers AI is as well, by a Worker in its place.
   */
  static async start(
    vars: Record<string, string> = {},
    secrets: Record<string, string> = {},
    speech: "bound" | "absent" = "absent",
    workersAiPort?: number,
  ): Promise<Gateway> {
    const harness = createTestHarness({
      workers: [
        {
          configPath: "./wrangler.toml",
          // A developer's own .dev.vars must not change what is tested.
          vars: {
            FAULT_INJECTION: "true",
            ALLOW_UNAUTHENTICATED: "false",
            PROFILE: '{"flightRecord":"on"}',
            // In the place of the binding: an empty text is none, and workerd does not start with one that leads nowhere.
            ...(speech === "absent" && { SPEECH: "" }),
            ...vars,
          },
          ...(workersAiPort !== undefined && { bindingOverrides: { WORKERS_AI: "workers-ai" } }),
          secrets: {
            TWILIO_AUTH_TOKEN: AUTH_TOKEN,
            TOKEN_SECRET: "a-token-secret-for-tests-only-0123456789",
            ADMIN_TOKEN,
            OPENAI_API_KEY: "simulated",
            FLIGHT_KEY,
            ...secrets,
          },
        },
        ...(speech === "bound" ? [{ configPath: "./worker-shim/speech/wrangler.toml" }] : []),
        ...(workersAiPort === undefined
          ? []
          : [
              {
                config: {
                  name: "workers-ai",
                  main: "tests/integration/support/workers-ai-worker.ts",
                  compatibility_date: "2026-10-01",
                  vars: { SIMULATOR_URL: `http://127.0.0.1:${workersAiPort}` },
                },
              },
            ]),
      ],
    });
    const { url } = await harness.listen();
    await harness.getWorker().applyD1Migrations("CALL_LOG");
    return new Gateway(harness, url.href.replace(/\/$/, ""));
  }

  close(): Promise<void> {
    return this.#harness.close();
  }

  dial(options: Partial<DialOptions> = {}): Promise<PhoneCall> {
    return PhoneCall.dial({ url: this.url, authToken: this.authToken, ...options });
  }

  observe(callId: string): Observer {
    return new Observer(this.url, callId, ADMIN_TOKEN);
  }

  /** Asks as an operator. */
  api(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, ...(init.headers as Record<string, string>) };
    return plainFetch(`${this.url}${path}`, { ...init, headers });
  }

  /** The JSON of an answer that is one of success. */
  async json<T>(path: string): Promise<T> {
    const response = await this.api(path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Makes a dependency fail, or work again. */
  async injectFault(dependency: "d1" | "r2" | "kv", fault: string): Promise<void> {
    const response = await this.api("/api/faults", { method: "POST", body: JSON.stringify({ dependency, fault }) });
    if (response.status !== 202) throw new Error(`a fault was not injected: ${response.status}`);
    await response.arrayBuffer();
  }

  /** Makes every call that is in the log again from its inputs. */
  async replayAll(): Promise<Replays> {
    const folder = mkdtempSync(path.join(tmpdir(), "flight-"));
    try {
      const files: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page: { calls: { callId: string; flightKey: string | null }[]; cursor: string | null } = await this.json(
          `/api/calls?limit=100${cursor && `&cursor=${cursor}`}`,
        );
        for (const { callId, flightKey } of page.calls)
          if (flightKey !== null) files.push(await this.#fetchFlight(callId, folder));
        cursor = page.cursor;
      }
      return replay(files);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async #fetchFlight(callId: string, folder: string): Promise<string> {
    const file = path.join(folder, callId);
    const response = await this.api(`/api/calls/${callId}/flight`);
    writeFileSync(file, new Uint8Array(await response.arrayBuffer()));
    return file;
  }

  /** Runs what the cron runs, as if it were `atMs`. */
  async scheduled(atMs: number): Promise<void> {
    await this.#harness.getWorker().scheduled({ cron: "17 3 * * *", scheduledTime: new Date(atMs) });
  }

  async health(): Promise<Health> {
    return (await (await plainFetch(`${this.url}/health`)).json()) as Health;
  }

  async fault(callId: string, body: unknown): Promise<number> {
    const response = await plainFetch(`${this.url}/api/faults/${callId}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Polls until no lease is held; throws when that takes longer. */
  async idle(timeoutMs = 5_000): Promise<Health> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const health = await this.health();
      if (health.activeCalls === 0) return health;
      if (Date.now() > deadline) throw new Error(`${health.activeCalls} calls still hold a lease`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The first event of a type on an observer; rejects in time. */
export async function waitForEvent(observer: Observer, type: string, count = 1, timeoutMs = 10_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = observer.events.filter((event) => event.type === type);
    const event = found[count - 1];
    if (event !== undefined) return event;
    if (Date.now() > deadline) throw new Error(`no event "${type}": ${observer.events.map((e) => e.type).join(" ")}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
