// The upstream "workers-ai", by the shim's ports in one Worker and a service binding to one in the platform's place, in
// workerd. Whether an abort reaches a model is not to be seen here: the harness has a proxy in between.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { WorkersAiServer } from "../simulators/workers-ai/server.ts";
// What it makes of Node's fetch lets a Worker of the harness open sockets.
import "./support/gateway.ts";
import type { Asked, NotedInput } from "./support/ports-worker.ts";

const WAIT_MS = 20_000;
const LLAMA = "/run/@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const QUESTION = JSON.stringify({ stream: true, messages: [{ role: "user", content: "when do you open" }] });

const speech = {
  say: () => Promise.resolve(new Int16Array(16_000)),
  hear: () => Promise.resolve("when do you open"),
};

let server: WorkersAiServer;
let harness: ReturnType<typeof createTestHarness>;
let channel = 0;

beforeAll(async () => {
  server = await WorkersAiServer.start({ speech });
  harness = createTestHarness({
    workers: [
      {
        config: {
          name: "ports",
          main: "tests/integration/support/ports-worker.ts",
          compatibility_date: "2026-10-01",
          durable_objects: { bindings: [{ name: "RECORDERS", class_name: "Recorder" }] },
          migrations: [{ tag: "v1", new_sqlite_classes: ["Recorder"] }],
          services: [{ binding: "WORKERS_AI", service: "workers-ai" }],
        },
      },
      {
        config: {
          name: "workers-ai",
          main: "tests/integration/support/workers-ai-worker.ts",
          compatibility_date: "2026-10-01",
          vars: { SIMULATOR_URL: `http://127.0.0.1:${server.port}` },
        },
      },
    ],
  });
  await harness.listen();
}, 120_000);

afterEach(() => {
  server.faults = {};
  channel++;
});

afterAll(async () => {
  await harness.close();
  await server.close();
});

async function tell(what: string, body: string | Uint8Array = "", more = ""): Promise<NotedInput[]> {
  const url = `http://ports/${what}?object=0&channel=${channel + 1}${more}`;
  const response = await harness.getWorker("ports").fetch(url, { method: "POST", body });
  return (await response.json()) as NotedInput[];
}

async function run(path: string, body: string): Promise<void> {
  const asked: Asked = {
    upstream: "workers-ai",
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    wants: ["content-type"],
    timeoutMs: 10_000,
    idleMs: 10_000,
    maxBytes: 1024 * 1024,
    window: 0,
    body,
  };
  await tell("fetch", JSON.stringify(asked), "&texts=all");
}

async function until(holds: (noted: NotedInput) => boolean): Promise<NotedInput[]> {
  for (const deadline = Date.now() + WAIT_MS; ; ) {
    const noted = await tell("inputs");
    if (noted.some(holds)) return noted;
    if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(noted.slice(-5))}`);
    await sleep(5);
  }
}

const ended = () => until(({ input }) => input === "done" || input === "failed" || input === "closed");
const bodyOf = (noted: readonly NotedInput[]) => noted.map(({ text = "" }) => text).join("");

describe("a model of Workers AI, by the ports", () => {
  it("answers as a stream", { timeout: 60_000 }, async () => {
    await run(LLAMA, QUESTION);
    const noted = await ended();
    expect(noted[0]).toMatchObject({ input: "headers", status: 200, headers: { "content-type": "text/event-stream" } });
    expect(bodyOf(noted)).toContain('data: {"response":"We "');
    expect(bodyOf(noted)).toMatch(/data: \[DONE\]\n\n$/);
    expect(noted.filter(({ input }) => input === "chunk").length).toBeGreaterThan(1);
    expect(server.runs.at(-1)?.inputs).toEqual(JSON.parse(QUESTION));
  });

  it("refuses with the status and the code of its own", { timeout: 60_000 }, async () => {
    server.faults = { failWith: { code: 3040, status: 500, message: "No more data centers" } };
    await run(LLAMA, QUESTION);
    const noted = await ended();
    expect(noted[0]).toMatchObject({ input: "headers", status: 429 });
    expect(JSON.parse(bodyOf(noted))).toEqual({
      success: false,
      errors: [{ code: 3040, message: "No more data centers" }],
    });
  });

  it("hears over a socket", { timeout: 60_000 }, async () => {
    const path = "/run/@cf/deepgram/flux?encoding=linear16&sample_rate=16000&eager_eot_threshold=0.4";
    await tell("connect", JSON.stringify({ upstream: "workers-ai", path, protocols: [] }));
    await until(({ input }) => input === "opened");
    const second = new Uint8Array(32_000);
    for (let i = 0; i < 16_000; i++) {
      const sample = Math.round(8000 * Math.sin((i * i) / 900));
      second[2 * i] = sample & 0xff;
      second[2 * i + 1] = (sample >> 8) & 0xff;
    }
    await tell("binary", second, "&step=2560");
    await tell("binary", new Uint8Array(32_000), "&step=2560");
    const noted = await until(({ text = "" }) => text.includes("EndOfTurn") && !text.includes("Eager"));
    const events = noted.flatMap(({ input, text = "" }) => (input === "text" ? [JSON.parse(text)["event"]] : []));
    expect(events.filter((event) => event !== undefined && event !== "Update")).toEqual([
      "StartOfTurn",
      "EagerEndOfTurn",
      "EndOfTurn",
    ]);
    await tell("close");
    await expect.poll(() => server.flux.at(-1)?.closed?.code, { timeout: WAIT_MS }).toBe(1000);
  });

  it("refuses a socket", { timeout: 60_000 }, async () => {
    server.faults = { failWith: { code: 3036, status: 429, message: "used up" } };
    await tell("connect", JSON.stringify({ upstream: "workers-ai", path: "/run/@cf/deepgram/flux", protocols: [] }));
    const noted = await ended();
    expect(noted.at(-1)).toMatchObject({ input: "closed", status: 429 });
  });
});
