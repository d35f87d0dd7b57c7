import { describe, expect, it } from "vitest";
import { CallHttp, type HttpFetch } from "../../../worker-shim/ports/http.ts";
import { platformTimers } from "../../../worker-shim/ports/timers.ts";
import { openUpstream, upstreamTable } from "../../../worker-shim/ports/upstreams.ts";
import { type AiBinding, type AiRunOptions, WorkersAi } from "../../../worker-shim/ports/workers-ai.ts";
import { FakeSocket } from "./support/fakes.ts";

const URL_OF_MODEL = "http://workers-ai.local/run/@cf/meta/llama-3.1-8b-instruct";

/** Nothing of this is asked for by the network. */
const network = () => Promise.reject(new Error("the network was asked"));

interface Run {
  readonly model: string;
  readonly inputs: unknown;
  readonly options: AiRunOptions;
}

/** A binding that keeps what it is asked for. */
function ai(answer: (run: Run) => unknown): AiBinding & { readonly runs: Run[] } {
  const runs: Run[] = [];
  return {
    runs,
    async run(model, inputs, options) {
      const run = { model, inputs, options };
      runs.push(run);
      return answer(run);
    },
  };
}

function post(binding: AiBinding, body: string, url = URL_OF_MODEL): Promise<Response> {
  return new WorkersAi(binding).fetch(url, {
    method: "POST",
    headers: new Headers({ "Content-Type": "application/json" }),
    body: new TextEncoder().encode(body),
  }) as Promise<Response>;
}

const throwing = (message: string, name = "Error") =>
  ai(() => {
    throw Object.assign(new Error(message), { name });
  });

describe("a run of a model", () => {
  it("has the model of the path and the inputs of the body, and its answer is as it comes", async () => {
    const answer = new Response("data: [DONE]\n\n", { headers: { "Content-Type": "text/event-stream" } });
    const binding = ai(() => answer);
    expect(await post(binding, '{"stream":true,"messages":[]}')).toBe(answer);
    expect(binding.runs).toEqual([
      {
        model: "@cf/meta/llama-3.1-8b-instruct",
        inputs: { stream: true, messages: [] },
        options: { returnRawResponse: true },
      },
    ]);
  });

  it("may be answered with less than a response", async () => {
    const body = await post(
      ai(() => ({ text: "hello" })),
      "{}",
    );
    expect(body.headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(await body.json()).toEqual({ text: "hello" });
    const stream = await post(
      ai(() => new Blob(["abc"]).stream()),
      "{}",
    );
    expect(await stream.text()).toBe("abc");
  });

  it("is refused without a model, or without inputs", async () => {
    const binding = ai(() => new Response());
    expect((await post(binding, "{}", "http://workers-ai.local/")).status).toBe(404);
    expect((await post(binding, "{}", "http://workers-ai.local/run/")).status).toBe(404);
    expect((await post(binding, "{")).status).toBe(400);
    expect(binding.runs).toEqual([]);
  });

  it("passes the abort on, and says nothing of one that was given up", async () => {
    const given = new AbortController();
    const binding = ai(
      ({ options }) =>
        new Promise((_, reject) => {
          options.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    );
    const answer = new WorkersAi(binding).fetch(URL_OF_MODEL, {
      body: new TextEncoder().encode("{}"),
      signal: given.signal,
    });
    await Promise.resolve();
    expect(binding.runs[0]?.options.signal).toBe(given.signal);
    given.abort();
    await expect(answer).rejects.toThrow("aborted");
  });
});

describe("an error of the binding", () => {
  it.each([
    ["3040: Capacity temporarily exceeded, please try again.", 429, 3040],
    ["InferenceUpstreamError: 3036: You have used up your daily free allocation", 429, 3036],
    ["5007: No such model @cf/x or task", 400, 5007],
    ["AiError: 5004: Invalid data", 400, 5004],
    ["3007: Request timeout", 408, 3007],
    ["5016: agree first", 403, 5016],
    ["3042: The model name is invalid", 404, 3042],
    ["3006: Request is too large", 413, 3006],
    ["9999: something else", 500, 9999],
  ])("%s has the status %i", async (message, status, code) => {
    const answer = await post(throwing(message), "{}");
    expect(answer.status).toBe(status);
    const { errors } = (await answer.json()) as { errors: [{ code: number; message: string }] };
    expect(errors[0].code).toBe(code);
    expect(message.endsWith(errors[0].message)).toBe(true);
    expect(errors[0].message).not.toContain(String(code));
  });

  it.each([
    ["Binding AI needs to be run remotely", 401],
    ["Authentication error", 401],
    ["internal error", 500],
  ])("%s has the status %i and no code", async (message, status) => {
    const answer = await post(throwing(message), "{}");
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ success: false, errors: [{ message }] });
  });

  it("may be no error", async () => {
    const answer = await post(
      ai(() => {
        throw "no";
      }),
      "{}",
    );
    expect(answer.status).toBe(500);
  });
});

describe("a socket to a model", () => {
  const request = {
    upstream: "workers-ai",
    path: "/run/@cf/deepgram/flux?encoding=linear16&sample_rate=16000&keyterm=a%20b&keyterm=c",
    protocols: [],
  };
  const { signal } = new AbortController();

  it("has its inputs as texts", async () => {
    const socket = new FakeSocket();
    const binding = ai(() => ({ status: 200, webSocket: socket }));
    const answer = await openUpstream(upstreamTable({}, { AI: binding }), request, network, signal);
    expect(answer).toEqual({ type: "opened", socket, subprotocol: "" });
    expect(binding.runs).toMatchObject([
      {
        model: "@cf/deepgram/flux",
        inputs: { encoding: "linear16", sample_rate: "16000", keyterm: ["a b", "c"] },
        options: { websocket: true },
      },
    ]);
  });

  it.each([
    ["an answer without one", () => new Response("{}", { status: 429 }), 429],
    ["a good answer without one", () => new Response("{}"), 500],
    ["nothing", () => undefined, 500],
    [
      "an error",
      () => {
        throw new Error("3040: no more data centers");
      },
      429,
    ],
  ])("is refused by %s", async (_, answer, httpStatus) => {
    expect(await openUpstream(upstreamTable({}, { AI: ai(answer) }), request, network, signal)).toMatchObject({
      type: "refused",
      httpStatus,
    });
  });

  it("that comes too late is closed", async () => {
    const socket = new FakeSocket();
    const given = new AbortController();
    let come: (answer: object) => void = () => undefined;
    const binding = ai(
      () =>
        new Promise((resolve) => {
          come = resolve;
        }),
    );
    const answer = openUpstream(upstreamTable({}, { AI: binding }), request, network, given.signal);
    given.abort();
    expect(await answer).toMatchObject({ type: "refused", httpStatus: 0 });
    come({ webSocket: socket });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(socket.closed).toBeDefined();
  });
});

describe("the upstream workers-ai", () => {
  it("is the binding AI, or a Worker in its place", () => {
    const worker = { fetch: () => Promise.reject(new Error()) };
    expect(upstreamTable({}, { AI: ai(() => 0) })["workers-ai"]?.binding).toBeInstanceOf(WorkersAi);
    expect(upstreamTable({}, { AI: ai(() => 0), WORKERS_AI: worker })["workers-ai"]?.binding).toBe(worker);
    expect(upstreamTable({}, {})).not.toHaveProperty("workers-ai");
  });

  it("is asked by the HTTP port as a server is", async () => {
    const told: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const inputs = new Proxy(
        {},
        {
          get:
            (_, name: string) =>
            (...values: unknown[]) => {
              told.push(
                `${name} ${values
                  .slice(1)
                  .map((value) =>
                    value instanceof Uint8Array ? new TextDecoder().decode(value) : JSON.stringify(value),
                  )
                  .join(" ")}`.trim(),
              );
              if (name === "onHttpDone" || name === "onHttpFailed") resolve();
            },
        },
      ) as ConstructorParameters<typeof CallHttp>[0];
      const silent = { info() {}, warn() {}, error() {} };
      const table = upstreamTable({}, { AI: throwing("3040: Out of capacity") });
      const http = new CallHttp(inputs, table, network as unknown as HttpFetch, platformTimers, silent);
      http.fetch(1, {
        upstream: "workers-ai",
        method: "POST",
        path: "/run/@cf/x",
        headers: {},
        wants: ["content-type"],
        timeoutMs: 1000,
        idleMs: 1000,
        maxBytes: 1000,
        window: 0,
        body: new Uint8Array(Buffer.from("{}")),
      });
    });
    await ended;
    expect(told).toEqual([
      'onHttpHeaders 429 {"content-type":"application/json"}',
      'onHttpChunk {"success":false,"errors":[{"code":3040,"message":"Out of capacity"}]}',
      "onHttpDone",
    ]);
  });
});
